"""Do git and patch apply what `--diff` prints, and does it show no secret?"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rke2_lint.patch import NoPatchError, pictured, unified
from rke2_lint.source_view import SourceView
from rke2_policies.edits.as_text import Splice
from rke2_policies.yaml_source import Source

MARK = b"\xef\xbb\xbf"


def splice(old: str, new: str) -> Splice:
    """Return the stretch in which two texts differ."""
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return Splice(start, len(old) - end, new[start : len(new) - end])


def patch(old: bytes, new: str, path: str = "a.yaml") -> bytes:
    """Return the patch that makes one text of another."""
    source = Source.read(path, old)
    return unified(path, SourceView(source), [splice(source.text, new)])


def applied(folder: Path, old: bytes, text: bytes, *command: str, path: str = "a.yaml") -> bytes:
    """Return what becomes of a file when a patch is applied to it."""
    (folder / path).write_bytes(old)
    done = subprocess.run(command, cwd=folder, input=text, capture_output=True)
    assert done.returncode == 0, (done.stdout + done.stderr, text)
    return (folder / path).read_bytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init"], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(b"a\nb\nc\n", "a\nx\nb\nc\n", id="put in"),
        pytest.param(b"a\nb\nc\n", "a\nx\nc\n", id="replaced"),
        pytest.param(b"a\nb\nc\n", "x\na\nb\nc\n", id="at the top"),
        pytest.param(b"a\nb\nc\n", "a\nb\nc\nx\n", id="at the end"),
        pytest.param(b"a\nb", "a\nb\nx", id="at an end without a line break"),
        pytest.param(b"a", "ax", id="the only line"),
        pytest.param(b"a\r\nb\r\n", "a\r\nx\r\nb\r\n", id="CRLF"),
        pytest.param(MARK + b"a\nb\n", "a\nb\nx\n", id="a byte order mark in the context"),
        pytest.param(MARK + b"a\nb\n", "x\na\nb\n", id="a byte order mark in front"),
        pytest.param(MARK + b"a\n", "x\n", id="a byte order mark in what is replaced"),
        pytest.param("ü\nö\n".encode(), "ü\nx\nö\n", id="letters of several bytes"),
        pytest.param(b"token: t\n", "token: t\nx\n", id="behind a secret that is all"),
        pytest.param(b"a\ntoken: t\n", "a\ntoken: t\nx\n", id="behind a secret at the end"),
        pytest.param(b"a\ntoken: t\nb\nc\nd\n", "a\ntoken: t\nx\nb\nc\nd\n", id="behind a secret"),
        pytest.param(b"a\nb\ntoken: t\n", "x\na\nb\ntoken: t\n", id="two lines before a secret"),
        pytest.param(
            b"a\nb\nc\nd\ntoken: t\ne\n",
            "a\nb\nc\nx\nd\ntoken: t\ne\n",
            id="one line before a secret",
        ),
    ],
)
def test_git_and_patch_apply_it(folder: Path, old: bytes, new: str) -> None:
    text = patch(old, new)
    wanted = (MARK if old.startswith(MARK) else b"") + new.encode()
    assert b"token" not in text
    assert applied(folder, old, text, "git", "apply", "-") == wanted
    if shutil.which("patch"):
        assert applied(folder, old, text, "patch", "-p1", "-F0", "--binary") == wanted


@pytest.mark.parametrize(
    "path",
    [
        "sub/a b.yaml",
        "grüße.yaml",
        'quote".yaml',
        "back\\slash.yaml",
        "./a.yaml",
        "by\udcffte ü.yaml",
    ],
    ids=ascii,
)
def test_names_that_need_care(folder: Path, path: str) -> None:
    (folder / path).parent.mkdir(exist_ok=True)
    text = patch(b"a\nb\n", "a\nx\nb\n", path)
    assert applied(folder, b"a\nb\n", text, "git", "apply", "-", path=path) == b"a\nx\nb\n"
    if shutil.which("patch"):
        assert applied(folder, b"a\nb\n", text, "patch", "-p1", path=path) == b"a\nx\nb\n"


def test_paths_are_relative_to_where_git_is_called(folder: Path) -> None:
    below = folder / "below"
    below.mkdir()
    text = patch(b"a\nb\n", "a\nx\nb\n")
    assert applied(below, b"a\nb\n", text, "git", "apply", "-") == b"a\nx\nb\n"


LINES = st.lists(st.sampled_from(["a: 1", "b: x", "token: sekret", "- y", ""]), max_size=12)


@given(
    above=LINES,
    put_in=LINES,
    below=LINES,
    end=st.sampled_from(["\n", "\r\n"]),
    ended=st.booleans(),
    marked=st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_whatever_is_patched_comes_out_right_and_shows_no_secret(
    *,
    folder: Path,
    above: list[str],
    put_in: list[str],
    below: list[str],
    end: str,
    ended: bool,
    marked: bool,
) -> None:
    lines = [line for line in put_in if "token" not in line] or ["x: 1"]
    old = end.join([*above, *below]) + (end if ended and above + below else "")
    new = end.join([*above, *lines, *below]) + (end if ended else "")
    data = (MARK if marked else b"") + old.encode()
    try:
        text = patch(data, new)
    except NoPatchError:
        return
    assert b"sekret" not in text
    if old == new:
        assert text == b""  # git takes no empty patch
        return
    wanted = (MARK if marked else b"") + new.encode()
    assert applied(folder, data, text, "git", "apply", "--whitespace=nowarn", "-") == wanted


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"a: 1\ntoken: t\nb: 2\n", "a: 1\nx: 1\ntoken: t\nb: 2\n", "the line below the change"),
        (b"{token: t, a: 1}\n", "{token: t, a: 2}\n", "a line of the change"),
        (b"a: http://u:p@h\n", "a:\n- http://u:p@h\n", "a line of the change"),
        (b"\xff\xfea\x00\n\x00", "x\n", "UTF-16"),
        (MARK, "a\n", "byte order mark"),
    ],
)
def test_where_there_is_no_patch_that_shows_nothing(old: bytes, new: str, reason: str) -> None:
    with pytest.raises(NoPatchError, match=reason):
        patch(old, new)


def picture(old: str, *splices: Splice) -> list[tuple[int, str, str]]:
    view = SourceView(Source.read("a.yaml", old.encode()))
    return [(line.number, line.sign, line.text) for line in pictured(view, splices)]


def test_a_picture_has_the_numbers_of_the_new_text() -> None:
    assert picture("a\nb\nc\nd\n", Splice(2, 2, "x\n"), Splice(6, 7, "y")) == [
        (1, " ", "a"),
        (2, "+", "x"),
        (3, " ", "b"),
        (4, " ", "c"),
        (4, "-", "d"),
        (5, "+", "y"),
    ]


def test_a_line_that_only_ends_differently_is_no_change() -> None:
    """A splice that begins at the end of a line puts in the line below."""
    assert picture("a\nb\n", Splice(1, 1, "\nx")) == [(1, " ", "a"), (2, "+", "x"), (3, " ", "b")]


def test_a_picture_masks_secrets_in_what_was_there_and_in_what_comes() -> None:
    old = "a: P=http://u:pw@h\n"
    assert picture(old, Splice(3, 3, "\n- ")) == [
        (1, "-", "a: P=http://u:**@h"),
        (1, "+", "a: "),
        (2, "+", "- P=http://u:**@h"),
    ]
