"""Whatever the bytes are: does a run end with an answer, do fixes converge, and is a diff the fix?"""

from __future__ import annotations

import contextlib
import io
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rke2_lint.cli import main
from rke2_lint.reporters import FORMATS

GOLDEN = Path(__file__).parent / "golden"
SEEDS = sorted(path.read_bytes() for path in GOLDEN.glob("*/input/**/*") if path.is_file())
PATHS = ("cluster.yaml", "etc/rancher/rke2/config.yaml", "etc/default/rke2-server")
SCRAPS = (
    b"\0", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\r", b"\t", b"\n", b"---\n", b"...\n", b"{{ x }}", b"{% if a %}",
    b"${X}", b"<required>", b"*a", b"&a ", b"<<: ", b"!!binary ", b"? ", b"- ", b": ", b"[", b"}", b"|\n", b">-\n",
    b"'", b'"', b"#", b"kube-proxy-extra-env: ", b"kube-proxy-extra-env+: ", b"IPTABLES_MODE=nft", b"null", b"~",
    b"machineSelectorConfig: ", b"machineSelectorFiles: ", b"token: ", b"kind: Secret\n", "ü😀".encode(),
)  # fmt: skip


@st.composite
def inputs(draw: st.DrawFn) -> bytes:
    """Return a real file with some stretches cut out, doubled, or replaced by scraps."""
    data = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 40)))
        put_in = draw(st.one_of(st.sampled_from(SCRAPS), st.just(data[start:end] * 2)))
        data = data[:start] + put_in + data[end:]
    return data


@contextlib.contextmanager
def folder_with(path: str, data: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        file = Path(name, path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        with contextlib.chdir(name):
            yield file


def run(*arguments: str) -> tuple[int, bytes]:
    """Run the command line; return its exit code and the bytes that it printed."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    err = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main([*arguments, "."])
    assert status in (0, 1), err.getvalue()
    out.flush()
    buffer = out.buffer
    assert isinstance(buffer, io.BytesIO)
    return status, buffer.getvalue()


@given(path=st.sampled_from(PATHS), data=st.one_of(inputs(), st.binary(max_size=200)))
@example(path=PATHS[1], data=b"")
@example(path=PATHS[1], data=b"\xef\xbb\xbf")
@settings(max_examples=120, deadline=None)
def test_every_run_ends_with_an_answer(path: str, data: bytes) -> None:
    with folder_with(path, data):
        for form in (one.name for one in FORMATS):
            run("--output-format", form)
        run("effective")
        run("--diff", "--unsafe-fixes")


@pytest.mark.parametrize("options", [["--fix"], ["--fix", "--unsafe-fixes"]], ids=" ".join)
@given(path=st.sampled_from(PATHS), data=inputs())
@settings(max_examples=60, deadline=None)
def test_fixing_twice_changes_nothing_more(options: list[str], path: str, data: bytes) -> None:
    with folder_with(path, data) as file:
        run(*options)
        once = file.read_bytes()
        run(*options)
        assert file.read_bytes() == once


@given(path=st.sampled_from(PATHS), data=inputs())
@settings(max_examples=40, deadline=None)
def test_a_patch_makes_what_the_fix_makes(path: str, data: bytes) -> None:
    with folder_with(path, data) as file:
        _, patch = run("--diff")
        run("--fix")
        fixed = file.read_bytes()
        if not patch:
            return
        file.write_bytes(data)
        subprocess.run(["git", "init"], check=True, capture_output=True)
        subprocess.run(["git", "apply", "-"], input=patch, check=True, capture_output=True)
        assert file.read_bytes() == fixed
