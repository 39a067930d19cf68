"""Do the fixes in reports make the same bytes as `--fix`?

Each format that tells fixes for others to make is read as its readers read it, its fixes are put
into the files as they put them there, and what comes out is compared with what `--fix` writes.
"""

from __future__ import annotations

import codecs
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rke2_lint.cli import main
from rke2_lint.outcome import Outcome
from rke2_lint.remarks import Change, Region, Remark, Suggestion
from rke2_lint.reporters import github_suggestions
from rke2_lint.source_view import SourceView
from rke2_lint.suggesting import suggestion
from rke2_policies.edits.as_text import Splice
from rke2_policies.yaml_source import Source

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
EXAMPLES = HERE.parent / "examples"
MARKS = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip


class Replacement(NamedTuple):
    """Put `text` in place of what is between two offsets."""

    start: int
    end: int
    text: str


class Text:
    """A file as an editor has it: without its mark, and with the same bytes when it is written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        data = path.read_bytes()
        self.mark, self.encoding = next(
            ((mark, code) for mark, code in MARKS if data.startswith(mark)), (b"", "utf-8")
        )
        self.text = data[len(self.mark) :].decode(self.encoding)

    def write(self, text: str) -> None:
        self.path.write_bytes(self.mark + text.encode(self.encoding))

    def starts(self, end: str) -> list[int]:
        return [0, *(found.end() for found in re.finditer(end, self.text))]


Fixes = Iterator[tuple[str, list[Replacement]]]
"""Paths, each with what one fix replaces there."""


def of_sarif(report: str, safeties: tuple[str, ...]) -> Fixes:
    """Read SARIF: columns in code points, lines ended by CR, LF or both, as 3.30 has it."""
    [run] = json.loads(report)["runs"]
    assert run["columnKind"] == "unicodeCodePoints"
    for result in run["results"]:
        for fix in result.get("fixes", []):
            if fix["properties"]["safety"] not in safeties:
                continue
            [change] = fix["artifactChanges"]
            path = unquote(change["artifactLocation"]["uri"])
            starts = Text(Path(path)).starts(r"\r\n|\n|\r")
            replaced = []
            for one in change["replacements"]:
                region = one["deletedRegion"]
                begin, end = (
                    starts[region[f"{at}Line"] - 1] + region[f"{at}Column"] - 1
                    for at in ("start", "end")
                )
                replaced.append(Replacement(begin, end, one["insertedContent"]["text"]))
            yield path, replaced


def of_rdjsonl(report: str, _: tuple[str, ...]) -> Fixes:
    """Read rdjsonl: columns in bytes of UTF-8; without columns, lines without the last one's end."""
    for line in report.splitlines():
        diagnostic = json.loads(line)
        path = diagnostic["location"]["path"]
        replaced = []
        for one in diagnostic.get("suggestions", []):
            file = Text(Path(path))
            start, end = one["range"]["start"], one["range"]["end"]
            if "column" in start:
                begin, stop = (offset_in_bytes(file, at) for at in (start, end))
            else:
                begin, stop = whole_lines(file, start["line"], end["line"])
                stop -= file.text[begin:stop].endswith("\r")
            replaced.append(Replacement(begin, stop, one["text"]))
        if replaced:
            yield path, replaced


def offset_in_bytes(file: Text, at: dict[str, int]) -> int:
    start = file.starts(r"\r\n|\n|\r")[at["line"] - 1]
    before = file.text[start:].encode()[: at["column"] - 1]
    return start + len(before.decode())


def of_review(report: str, _: tuple[str, ...]) -> Fixes:
    """Read a review: the lines of a suggestion take the place of those that the comment hangs on."""
    for comment in json.loads(report)["comments"]:
        found = re.search(
            r"^(`{3,})suggestion\n(.*)^\1$", comment["body"], re.DOTALL | re.MULTILINE
        )
        if not found:
            continue
        path, text = comment["path"], found[2]
        first = comment.get("start_line", comment["line"])
        begin, stop = whole_lines(Text(Path(path)), first, comment["line"])
        if text:
            # What ends the last line is the file's, and stays.
            text, ended = text[:-1], text[-1:]
            assert ended == "\n"
            yield path, [Replacement(begin, stop, text)]
        else:
            yield path, [Replacement(begin, stop + 1, "")]


def whole_lines(file: Text, first: int, last: int) -> tuple[int, int]:
    """Return where the lines begin, and where the last one's LF is."""
    starts = file.starts("\n")
    assert first <= last <= len(starts)
    end = file.text.find("\n", starts[last - 1])
    return starts[first - 1], len(file.text) if end < 0 else end


READERS: dict[str, Callable[[str, tuple[str, ...]], Fixes]] = {
    "sarif": of_sarif,
    "rdjsonl": of_rdjsonl,
    "github-suggestions": of_review,
}


def apply(fixes: Fixes) -> bool:
    """Make the fixes that do not touch each other, each once. Return whether there was one."""
    made: dict[str, list[Replacement]] = {}
    seen: set[Any] = set()
    for path, replaced in fixes:
        key = (path, tuple(replaced))
        taken = made.setdefault(path, [])
        if key not in seen and not any(touch(one, other) for one in replaced for other in taken):
            taken += replaced
        seen.add(key)
    for path, replaced in made.items():
        file = Text(Path(path))
        text = file.text
        for one in sorted(replaced, reverse=True):
            text = text[: one.start] + one.text + text[one.end :]
        file.write(text)
    return bool(seen)


def touch(one: Replacement, other: Replacement) -> bool:
    return one.start <= other.end and other.start <= one.end


def bytes_below(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# --- the files

CLUSTER = """\
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: prod, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      cni: calico  # ``` `é` 𐐀
    machinePools:
      - {name: all, controlPlaneRole: true, etcdRole: true, workerRole: true, quantity: 1}
"""
SECRET = "correct-horse-battery"
NODE = "kube-proxy-extra-env:\n  - IPTABLES_MODE=NFT  # `é` 𐐀 ````"
HARD = {
    "crlf.yaml": CLUSTER.replace("\n", "\r\n").encode(),
    "cr.yaml": CLUSTER.replace("\n", "\r").encode(),
    "bom.yaml": codecs.BOM_UTF8 + CLUSTER.encode(),
    "utf16.yaml": codecs.BOM_UTF16_LE + CLUSTER.encode("utf-16-le"),
    "no-end.yaml": CLUSTER.rstrip("\n").encode(),
    "wide.yaml": CLUSTER.replace("{name: prod,", '{name: "é𐐀", annotations: {a: "𐐀é"},').encode(),
    "1/etc/rancher/rke2/config.yaml": NODE.encode(),
    "2/etc/rancher/rke2/config.yaml": NODE.replace("\n", "\r\n").encode(),
    "3/etc/rancher/rke2/config.yaml": codecs.BOM_UTF8
    + 'kube-proxy-extra-env: ["é=𐐀", IPTABLES_MODE=NFT]'.encode(),
    "4/etc/rancher/rke2/config.yaml": b"write-kubeconfig-mode: '0600'",
    "5/etc/rancher/rke2/config.yaml": (
        'node-label: ["é𐐀"]\nkube-proxy-extra-env: ["é=𐐀", IPTABLES_MODE=NFT]\n'
    ).encode(),
    "6/etc/rancher/rke2/config.yaml": b"kube-proxy-extra-env:\n  IPTABLES_MODE: nft\n  A: b\n",
    "7/etc/rancher/rke2/config.yaml": b"kube-proxy-extra-env:\n- A=b,IPTABLES_MODE=nft\n- C=d\n",
    "9/etc/rancher/rke2/config.yaml": f"write-kubeconfig-mode: '0600'\ntoken: {SECRET}\n".encode(),
    "8/etc/rancher/rke2/config.yaml": b"kube-proxy-extra-envs:\n- IPTABLES_MODE=nft\n",
}


def write_hard(folder: Path) -> None:
    for name, data in HARD.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def copied(origin: Path) -> Callable[[Path], None]:
    def copy(folder: Path) -> None:
        shutil.copytree(origin, folder, dirs_exist_ok=True)

    return copy


INPUTS: dict[str, Callable[[Path], None]] = {
    "examples": copied(EXAMPLES),
    "hard": write_hard,
    **{
        f"golden {one.name}": copied(one / "input")
        for one in sorted(GOLDEN.iterdir())
        if (one / "input").is_dir()
    },
}


@pytest.fixture(params=INPUTS)
def folders(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    """Two folders with the same files."""
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        INPUTS[request.param](tmp_path / name)
    return tmp_path / "one", tmp_path / "other"


def follow(form: str, safeties: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """Do what a report says until it has no more fixes, as a review goes on round by round."""
    capsys.readouterr()
    for _ in range(10):
        main(["--output-format", form, "."])
        if not apply(READERS[form](capsys.readouterr().out, safeties)):
            return
    pytest.fail("the fixes never end")


@pytest.mark.parametrize("form", READERS)
def test_the_fixes_of_a_report_lead_where_fix_leads(
    form: str,
    folders: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What a report cannot say, because of a secret or of lines that reviews do not know, is left."""
    ours, theirs = folders
    monkeypatch.chdir(ours)
    main(["--fix", "--unsafe-fixes", "."])
    monkeypatch.chdir(theirs)
    follow(form, ("safe", "unsafe"), capsys)
    main(["--fix", "--unsafe-fixes", "."])
    assert bytes_below(theirs) == bytes_below(ours)


@pytest.mark.parametrize("folders", ["examples"], indirect=True)
@pytest.mark.parametrize("form", READERS)
def test_the_fixes_for_the_examples_are_all_that_fix_makes(
    form: str,
    folders: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ours, theirs = folders
    monkeypatch.chdir(ours)
    main(["--fix", "."])
    assert bytes_below(ours) != bytes_below(theirs)
    monkeypatch.chdir(theirs)
    follow(form, ("safe",), capsys)
    assert bytes_below(theirs) == bytes_below(ours)


@pytest.mark.parametrize("folders", ["hard"], indirect=True)
def test_sarif_tells_every_fix_and_which_are_safe(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, theirs = folders
    monkeypatch.chdir(ours)
    main(["--fix", "."])
    monkeypatch.chdir(theirs)
    follow("sarif", ("safe",), capsys)
    assert bytes_below(theirs) == bytes_below(ours)
    monkeypatch.chdir(ours)
    main(["--fix", "--unsafe-fixes", "."])
    monkeypatch.chdir(theirs)
    follow("sarif", ("safe", "unsafe"), capsys)
    assert bytes_below(theirs) == bytes_below(ours)


@pytest.mark.parametrize(
    ("name", "offered"),
    [
        ("crlf.yaml", True), ("no-end.yaml", True), ("wide.yaml", True), ("bom.yaml", True),
        ("utf16.yaml", False), ("cr.yaml", False), ("1/etc/rancher/rke2/config.yaml", True),
        ("2/etc/rancher/rke2/config.yaml", True), ("3/etc/rancher/rke2/config.yaml", False),
    ],
)  # fmt: skip
def test_what_a_review_can_be_offered(
    name: str,
    offered: bool,  # noqa: FBT001 - of the table
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What fits no suggestion is a plain comment that says what to do."""
    write_hard(tmp_path)
    monkeypatch.chdir(tmp_path)
    main(["--output-format", "github-suggestions", name])
    [comment] = json.loads(capsys.readouterr().out)["comments"]
    assert ("suggestion\n" in comment["body"]) == offered
    assert offered or "Fix: " in comment["body"]
    if name.startswith("1/"):
        assert "`````suggestion\n" in comment["body"]
    if name == "crlf.yaml":
        assert "\r\n" in comment["body"]


@pytest.mark.parametrize("form", READERS)
def test_no_suggestion_shows_a_secret_beside_it(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_hard(tmp_path)
    monkeypatch.chdir(tmp_path)
    main(["--output-format", form, "9"])
    report = capsys.readouterr().out
    assert "missing-nft-pin" in report
    assert SECRET not in report


def test_reviewdog_counts_columns_in_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_hard(tmp_path)
    monkeypatch.chdir(tmp_path)
    main(["--output-format", "rdjsonl", "5"])
    found = json.loads(capsys.readouterr().out)["location"]["range"]
    line = HARD["5/etc/rancher/rke2/config.yaml"].split(b"\n")[found["start"]["line"] - 1]
    assert line[found["start"]["column"] - 1 : found["end"]["column"] - 1] == b"IPTABLES_MODE=NFT"


def test_findings_with_one_fix_share_a_comment() -> None:
    offered = Change("add it", "unsafe", (), (), Suggestion(3, 4, "a\nb\n"))
    outcome = Outcome()
    for rule, line in (("one", 1), ("two", 9)):
        region = Region(line, 1, line, 2)
        remark = Remark(
            rule, "error", rule, "a.yaml", 1, region, (), (), offered, "", fixable=False, lines=(), pointer="",
        )  # fmt: skip
        outcome.remarks.append(remark)
    [shared] = json.loads(github_suggestions.render(outcome))["comments"]
    assert (shared["start_line"], shared["line"]) == (3, 4)
    assert shared["body"].count("```suggestion\na\nb\n```") == 1
    assert all(word in shared["body"] for word in ("`one`", "`two`", "what was meant"))


# --- whole lines say what splices do

LINES = st.lists(
    st.tuples(st.text("ab# `é𐐀", max_size=4), st.sampled_from(("\n", "\r\n", "\r", "\n\n"))),
    max_size=8,
)


@st.composite
def spliced(draw: st.DrawFn) -> tuple[str, list[Splice]]:
    text = "".join(map("".join, draw(LINES))) + draw(st.text("ab", max_size=2))
    offsets = st.integers(0, len(text))
    places = sorted(draw(st.lists(st.tuples(offsets, offsets), min_size=1, max_size=3)))
    splices, last = [], -1
    for one, other in places:
        start, end = min(one, other), max(one, other)
        if start > last:
            new = draw(st.text("xy\n", max_size=4)) + draw(st.sampled_from(("", "\n", "\r\n")))
            splices.append(Splice(start, end, new))
            last = end
    return text, splices


@settings(max_examples=400)
@given(spliced())
def test_whole_lines_make_what_splices_make(case: tuple[str, list[Splice]]) -> None:
    text, splices = case
    meant = text
    for one in reversed(splices):
        meant = meant[: one.start] + one.text + meant[one.end :]
    said = suggestion(SourceView(Source.read("a.yaml", text.encode())), splices)
    if said is not None:
        lines = text.splitlines(keepends=True) if "\r" not in text else text.split("\n")
        if "\r" in text:
            lines = [f"{line}\n" for line in lines[:-1]] + [lines[-1]]
        made = "".join(lines[: said.first - 1]) + said.text + "".join(lines[said.last :])
        assert made == meant
        assert 1 <= said.first <= said.last <= max(len(lines), 1)
        assert not said.text or said.text.endswith("\n") == lines[said.last - 1].endswith("\n")


@settings(max_examples=200)
@given(spliced())
def test_plain_lines_are_always_said(case: tuple[str, list[Splice]]) -> None:
    """Nothing is left out that could be said: a text of lines in which whole lines are put."""
    text, splices = case
    text = text.replace("\r", "") + "end\n"
    start = text.find("\n") + 1
    new = splices[0].text.replace("\r", "").strip("\n") + "\n"
    view = SourceView(Source.read("a.yaml", text.encode()))
    assert suggestion(view, [Splice(start, start, new)]) is not None
