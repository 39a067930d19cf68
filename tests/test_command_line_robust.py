"""Does the command line hold, whatever it is given: hostile bytes, odd folders, many files?"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rke2_lint import cli, files, work

BASE = "etc/rancher/rke2/config.yaml"
PIN = "kube-proxy-extra-env:\n  - IPTABLES_MODE=nft\n"
CLUSTER = """\
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig: {cni: calico}
    machinePools:
      - {name: all, quantity: 3, controlPlaneRole: true, etcdRole: true, workerRole: true}
"""

posix = pytest.mark.skipif(os.name == "nt", reason="there is no such thing on Windows")


def lint(*arguments: str) -> tuple[int, str, str]:
    """Run the command line in this process; return its exit code and what it says."""
    out, err = io.BytesIO(), io.BytesIO()
    with (
        contextlib.redirect_stdout(io.TextIOWrapper(out, "utf-8", newline="")),
        contextlib.redirect_stderr(io.TextIOWrapper(err, "utf-8", newline="")),
    ):
        try:
            status = cli.main(arguments)
        finally:
            gc.enable()  # which the command line turns off for its own short life
        sys.stderr.flush()
        return status, out.getvalue().decode(), err.getvalue().decode()


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(path: str, text: str | bytes) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(text.encode() if isinstance(text, str) else text)


# --- hostile bytes

ALIASES = "\n".join(
    ["a0: &a0 x", *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10))]
)
HOSTILE: dict[str, tuple[bytes, bool]] = {
    # bytes, and whether `syntax` is what there is to say of them
    "200 KB of [": (b"[" * 200_000, True),
    "200 KB of {": (b"{" * 200_000, True),
    "400 KB of dashes": (b"- " * 200_000, True),
    "nine levels of nine aliases": (ALIASES.encode(), True),
    "50 MB": (b"a: 1\n" * 10_000_000, True),
    "NULs": (b"\0" * 1_000, True),
    "a NUL in a value": (b"token: a\0b\n", True),
    "invalid UTF-8": (b"token: \xff\xfe\n", True),
    "half a character of UTF-16": (b"\xff\xfea\0:\0 \0b", True),
    "UTF-16": ("cni: calico\n".encode("utf-16"), False),
    "UTF-16, big endian": (b"\xfe\xff" + "cni: calico\n".encode("utf-16-be"), False),
    "an alias of itself": (b"a: &a [*a]\n", True),
    "an alias of nothing": (b"a: *a\n", True),
    "a tab as indentation": (b"a:\n\tb: c\n", True),
    "an open quote": (b"a: '", True),
    "nothing": (b"", False),
    "a byte order mark": (b"\xef\xbb\xbf", False),
    "blank lines": (b"\n" * 100_000, False),
}


@pytest.mark.parametrize(
    ("data", "is_broken"), [pytest.param(*row, id=name) for name, row in HOSTILE.items()]
)
def test_hostile_bytes_are_a_finding_in_seconds(data: bytes, *, is_broken: bool) -> None:
    write(BASE, data)
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "rke2_lint", "--output-format", "json"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert time.monotonic() - start < 10, "a second on a quiet machine"
    assert "Traceback" not in done.stderr
    assert done.returncode == 1
    found = [one["rule"] for one in json.loads(done.stdout)["findings"]]
    assert ("syntax" in found) == is_broken, found
    assert found


@pytest.mark.parametrize("arguments", ["--fix", "--diff", "effective .", "--output-format sarif"])
def test_hostile_bytes_are_left_as_they_are(arguments: str) -> None:
    for number, (data, is_broken) in enumerate(HOSTILE.values()):
        if is_broken and len(data) < 1_000_000:
            write(f"{number}/{BASE}", data)
    before = {path: path.read_bytes() for path in Path().rglob("*.yaml")}
    assert lint(*arguments.split())[0] == 1
    assert {path: path.read_bytes() for path in Path().rglob("*.yaml")} == before


WORDS = st.sampled_from(
    [
        *"-:?,[]{}#&*!|>'\"%@`~\n\t ",
        *("a", "é", "😀", "\x85", "\r\n", "\0", "<<", "---", "...", "&a ", "*a", "!!binary ", "0x"),
        *("{{ x }}", "${x}", "kube-proxy-extra-env", "kube-proxy-extra-env+", "IPTABLES_MODE=nft"),
        *(
            "cni: calico\n",
            "kind: Cluster\n",
            "apiVersion: provisioning.cattle.io/v1\n",
            "spec:\n ",
        ),
        *(" rkeConfig:\n  ", "machineGlobalConfig", "machineSelectorConfig", "config", "\n    "),
        *("disable-kube-proxy: true\n", "token: secret\n", PIN, CLUSTER, "kind: Secret\n"),
    ]
)
BYTES = st.one_of(
    st.binary(max_size=200),
    st.lists(WORDS, max_size=30).map("".join).map(str.encode),
    st.lists(WORDS, max_size=30).map("".join).map(lambda text: text.encode("utf-16")),
    st.tuples(st.integers(0, len(CLUSTER)), st.lists(WORDS, min_size=1, max_size=4)).map(
        lambda cut: (CLUSTER[: cut[0]] + "".join(cut[1]) + CLUSTER[cut[0] :]).encode()
    ),
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=BYTES, way=st.sampled_from(["full", "json", "sarif", "diff", "fix", "effective"]))
def test_no_bytes_whatever_are_a_bug(data: bytes, way: str) -> None:
    write(BASE, data)
    write("cluster.yaml", data)
    write("etc/default/rke2-server", data)
    command = {"diff": ["--diff"], "fix": ["--fix", "--unsafe-fixes"], "effective": ["effective"]}
    status, _, err = lint(*command.get(way, ["--output-format", way]))
    assert status in (0, 1), err


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=BYTES)
def test_fixing_any_bytes_comes_to_an_end(data: bytes) -> None:
    """A second run has nothing to fix, and no fix breaks what could be read."""
    write(BASE, data)
    told = lint()[1]
    broken = "[syntax]" in told
    lint("--fix", "--unsafe-fixes")
    once = Path(BASE).read_bytes()
    # A first document that can be read is mended, whatever stands behind it.
    assert once == data or not broken or "[missing-nft-pin]" in told
    _, out, err = lint("--fix", "--unsafe-fixes")
    assert Path(BASE).read_bytes() == once, err
    assert broken or "[syntax]" not in out


# --- odd folders


def found(*arguments: str) -> list[str]:
    status, out, err = lint(*arguments, "--output-format", "concise")
    assert status in (0, 1), err
    return sorted({line.partition(":")[0] for line in out.splitlines()})


@posix
def test_what_only_looks_like_a_file_is_passed_by() -> None:
    write("a.yaml", CLUSTER)
    write("b.yaml/C.YAML", CLUSTER)
    write("d.JSON", json.dumps({"kind": "Cluster", "apiVersion": "provisioning.cattle.io/v1"}))
    write(".hidden/e.yml", CLUSTER)
    os.mkfifo("pipe.yaml")
    Path("nowhere.yaml").symlink_to("gone.yaml")
    Path("loop.yaml").symlink_to("loop.yaml")
    Path("circle").symlink_to(".")
    assert found() == [".hidden/e.yml", "a.yaml", "b.yaml/C.YAML"]


def test_what_git_ignores_is_passed_by_in_each_repository() -> None:
    for folder in (".", "inner"):
        write(f"{folder}/.gitignore", "build/\n*.tmp.yaml\n")
        write(f"{folder}/a.yaml", CLUSTER)
        write(f"{folder}/b.tmp.yaml", CLUSTER)
        write(f"{folder}/build/c.yaml", CLUSTER)
        subprocess.run(["git", "init", "-q", folder], check=True, capture_output=True)
        write(f"{folder}/.git/d.yaml", CLUSTER)
    assert found() == ["a.yaml", "inner/a.yaml"]
    assert found("b.tmp.yaml") == ["b.tmp.yaml"], "who names it means it"


IGNORED_NAMES = {
    "no suffix": (f"{BASE}.d/10-pin", "error"),
    "another suffix": (f"{BASE}.d/10-pin.yaml.bak", "error"),
    "a folder below": (f"{BASE}.d/sub/10-pin.yaml", "error"),
    "config.d": ("etc/rancher/rke2/config.d/10-pin.yaml", "error"),
}


@pytest.mark.parametrize(
    ("path", "severity"), [pytest.param(*row, id=name) for name, row in IGNORED_NAMES.items()]
)
def test_a_pin_in_a_file_that_rke2_does_not_read_is_found_there(path: str, severity: str) -> None:
    write(BASE, "cni: calico\n")
    write(path, PIN)
    _, out, _ = lint("--output-format", "json")
    there = [(one["path"], one["severity"]) for one in json.loads(out)["findings"]]
    assert (path, severity) in there


@pytest.mark.parametrize(
    "path", [pytest.param(path, id=name) for name, (path, _) in IGNORED_NAMES.items()]
)
def test_what_rke2_does_not_read_need_not_parse(path: str) -> None:
    write(BASE, f"cni: calico\n{PIN}")
    write(path, "kube-proxy-extra-env: [\n")
    assert found() == []


def test_a_drop_in_has_to_parse() -> None:
    write(BASE, f"cni: calico\n{PIN}")
    write(f"{BASE}.d/10.yaml", "a: [\n")
    assert found() == [f"{BASE}.d/10.yaml"]


def test_a_dot_file_among_the_drop_ins_counts() -> None:
    write(BASE, "cni: calico\n")
    write(f"{BASE}.d/.10-pin.yaml", PIN)
    assert found() == []


@pytest.mark.parametrize("name", ["etc/default/rke2-server", "etc/sysconfig/rke2-agent"])
def test_environment_files_count(name: str) -> None:
    write(name, "RKE2_KUBE_PROXY_EXTRA_ENV=IPTABLES_MODE=legacy\n")
    assert found() == [name]


# --- context, and what is written


def test_a_given_drop_in_brings_its_node_and_nothing_else_is_written() -> None:
    files = {
        BASE: "cni: calico\n",
        f"{BASE}.d/10.yaml": "profile: cis\n",
        f"{BASE}.d/20.yaml": "kube-proxy-extra-env:\n  - IPTABLES_MODE=NFT\n",
        f"{BASE}.d/30.yaml": "kube-proxy-extra-env+:\n  - A=b\n",
    }
    for path, text in files.items():
        write(path, text)
    lint("--fix", "--unsafe-fixes", f"{BASE}.d/30.yaml")
    assert {path: Path(path).read_text() for path in files} == files
    lint("--fix", f"{BASE}.d/20.yaml")
    assert Path(f"{BASE}.d/20.yaml").read_text() == files[f"{BASE}.d/20.yaml"].replace("NFT", "nft")
    for path in (BASE, f"{BASE}.d/10.yaml", f"{BASE}.d/30.yaml"):
        assert Path(path).read_text() == files[path]


REFUSED = {
    "an alias that others use": "x: &x [A=b]\nkube-proxy-extra-env: *x\netcd-extra-env: *x\n",
    "a template": "kube-proxy-extra-env: {{ .Values.env }}\n",
    "legacy": PIN.replace("=nft", "=legacy"),
    "broken YAML": "kube-proxy-extra-env: [A=b\n",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_fixed_keeps_its_bytes(text: str) -> None:
    data = text.replace("\n", "\r\n").encode()
    write(BASE, data)
    before = Path(BASE).stat()
    lint("--fix", "--unsafe-fixes")
    assert Path(BASE).read_bytes() == data
    after = Path(BASE).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


@posix
def test_a_folder_that_cannot_be_written_is_told_and_the_rest_is_fixed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import tempfile

    real = tempfile.mkstemp

    def mkstemp(*, dir: str, **others: str) -> tuple[int, str]:
        if dir == "locked":  # which root could write to all the same
            raise PermissionError(13, "Permission denied")
        return real(dir=dir, **others)

    monkeypatch.setattr(tempfile, "mkstemp", mkstemp)
    write("locked/a.yaml", CLUSTER)
    write("open/a.yaml", CLUSTER)
    status, _, err = lint("--fix")
    assert status == 1
    assert "locked/a.yaml: not fixed: Permission denied" in err
    assert Path("locked/a.yaml").read_text() == CLUSTER
    assert "IPTABLES_MODE=nft" in Path("open/a.yaml").read_text()
    assert not [path for path in Path().rglob("*") if ".rke2-lint" in path.name]


def test_a_file_that_somebody_changes_while_it_is_looked_at_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def read(file: files.File) -> bytes:
        data = files.read(file)
        Path(file.path).write_bytes(data + b"# later\n")
        return data

    monkeypatch.setattr("rke2_lint.work.read", read)
    write("a.yaml", CLUSTER)
    status, _, err = lint("--fix", "a.yaml")
    assert status == 1
    assert "has changed since it was read" in err
    assert Path("a.yaml").read_text() == f"{CLUSTER}# later\n"


# --- many files

MANY = {
    **{f"{i % 7}/c{i:03}.yaml": CLUSTER.replace("shop", f"shop-{i}") for i in range(100)},
    **{f"{i % 5}/d{i:03}.yaml": "kind: Deployment\n" for i in range(100)},
    **{f"n{i}/{BASE}": "cni: calico\n" for i in range(20)},
    **{f"n{i}/{BASE}.d/1.yaml": "kube-proxy-extra-env: [A b]\n" for i in range(20)},
    "broken.yaml": CLUSTER + " [",
}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="one process is all there is here")
@pytest.mark.parametrize(
    "arguments",
    [
        "--output-format full",
        "--output-format json",
        "--output-format sarif",
        "--output-format github",
        "--diff",
        "effective .",
        "--fix",
    ],
)
def test_several_processes_say_and_do_what_one_does(
    arguments: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    for processes in (1, 3):
        for path, text in MANY.items():
            write(path, text)
        monkeypatch.setattr(cli, "available", lambda count=processes: count)
        monkeypatch.setattr(work, "_WORTH_A_PROCESS", 0)
        done = lint(*arguments.split())
        told.append((done, {path: Path(path).read_bytes() for path in MANY}))
    assert told[0] == told[1]
    assert told[0][0][0] == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk")
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        pytest.param(["fine.yaml"], 0, id="nothing found"),
        pytest.param(["cluster.yaml"], 1, id="found"),
        pytest.param(["gone.yaml"], 2, id="unreadable"),
        pytest.param(["--no-such-option"], 2, id="wrong use"),
        pytest.param(["node", "gone"], 2, id="no node"),
    ],
)
def test_standard_error_that_takes_nothing_costs_no_exit_code(
    arguments: list[str], status: int
) -> None:
    write("fine.yaml", "a: b\n")
    write("cluster.yaml", CLUSTER)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "rke2_lint", *arguments],
            stdout=subprocess.PIPE, stderr=full, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == status
    assert ("missing-nft-pin" in done.stdout) == (status == 1)
