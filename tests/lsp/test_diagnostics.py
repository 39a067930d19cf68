"""Is what an editor shows what the command line says, where it says it?"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from clusters import CONFIG, DROP_IN, DROPPED, PINNED, UNPINNED, WRONG
from conftest import Open
from editor import UTF8, UTF16, UTF32, Editor, rules_of
from lsprotocol import types

EXAMPLES = Path(__file__).parents[2] / "examples"
SEVERITIES = {
    types.DiagnosticSeverity.Error: "error",
    types.DiagnosticSeverity.Warning: "warning",
    types.DiagnosticSeverity.Information: "note",
}


@cache
def said_of_examples() -> list[dict[str, Any]]:
    return said_by_command_line(EXAMPLES, ".")


def said_by_command_line(folder: Path, *paths: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "rke2_lint", "--output-format", "json", *paths],
        cwd=folder, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    return list(json.loads(done.stdout)["findings"])


def as_told(editor: Editor, name: str, found: list[types.Diagnostic]) -> list[tuple[object, ...]]:
    """Return diagnostics as the command line has them: severity, rule, message, from where to where."""
    text = editor.texts[name]

    def place(at: types.Position) -> tuple[int, int]:
        offset = editor.offset(text, at)
        before = text[:offset].removeprefix("\ufeff").split("\n")
        return len(before), len(before[-1]) + 1

    return sorted(
        (SEVERITIES[one.severity], one.code, one.message, *place(one.range.start), *place(one.range.end))
        for one in found
        if one.severity is not None
    )  # fmt: skip


def as_said(findings: list[dict[str, Any]], path: str) -> list[tuple[object, ...]]:
    keys = ("severity", "rule", "message", "line", "column", "end_line", "end_column")
    return sorted(tuple(one[key] for key in keys) for one in findings if one["path"] == path)


def test_a_pinned_cluster_is_silent(editor: Editor) -> None:
    editor.open("prod.yaml", PINNED)
    assert editor.published("prod.yaml") == []


@pytest.mark.parametrize("encoding", [UTF8, UTF16, UTF32])
@pytest.mark.parametrize("text", [UNPINNED, WRONG, DROPPED], ids=["unpinned", "wrong", "dropped"])
def test_a_cluster_has_the_findings_of_the_command_line(
    editor_in: Callable[[str], Editor], tmp_path: Path, encoding: str, text: str
) -> None:
    """Emoji, and letters of other scripts, stand before the places on their lines."""
    text = text.replace("[IPTABLES", '["😀é=中", IPTABLES').replace(
        "cni: calico", '"cni": "cálico😀"'
    )
    (tmp_path / "prod.yaml").write_text(text, "utf-8")
    editor = editor_in(encoding)
    assert editor.encoding == encoding
    editor.open("prod.yaml")
    found = as_told(editor, "prod.yaml", editor.published("prod.yaml"))
    assert found
    assert found == as_said(said_by_command_line(tmp_path, "prod.yaml"), "prod.yaml")


@pytest.mark.parametrize(
    "path",
    sorted(str(one.relative_to(EXAMPLES)) for one in EXAMPLES.rglob("*.yaml")),
)
def test_the_examples_have_the_findings_of_the_command_line(editor: Editor, path: str) -> None:
    editor.folder = EXAMPLES
    editor.open(path)
    said = as_said(said_of_examples(), path)
    assert as_told(editor, path, editor.published(path)) == said


@pytest.mark.parametrize("encoding", [UTF8, UTF16])
def test_a_byte_order_mark_that_an_editor_shows_moves_the_first_line_only(
    editor_in: Callable[[str], Editor], tmp_path: Path, encoding: str
) -> None:
    text = "\ufeffkube-proxy-extra-env: [IPTABLES_MODE=NFT]\n"
    (tmp_path / CONFIG).parent.mkdir(parents=True)
    (tmp_path / CONFIG).write_text(text, "utf-8")
    editor = editor_in(encoding)
    editor.open(CONFIG)
    found = as_told(editor, CONFIG, editor.published(CONFIG))
    assert found == as_said(said_by_command_line(tmp_path, CONFIG), CONFIG)
    [fix, _] = editor.fixes(CONFIG)
    [after] = editor.apply(fix.edit).values()
    assert after == text.replace("NFT", "nft")


def test_a_diagnostic_leads_to_the_page_of_its_rule(editor: Editor) -> None:
    editor.open("prod.yaml", WRONG)
    [one] = editor.published("prod.yaml")
    assert (one.code, one.source) == ("invalid-backend", "rke2-lint")
    assert one.code_description is not None
    page = Path(one.code_description.href.removeprefix("file://")).read_text("utf-8")
    assert "IPTABLES_MODE" in page.split('"""')[1]


def test_a_diagnostic_names_the_other_places(editor: Editor) -> None:
    editor.open("prod.yaml", DROPPED)
    [one] = editor.published("prod.yaml")
    [related] = one.related_information or ()
    assert related.location.uri == editor.uri("prod.yaml")
    assert editor.offset(DROPPED, related.location.range.start) == DROPPED.index(
        "IPTABLES_MODE=nft"
    )
    assert one.data["machines"] == ["fleet-default/prod/workers"]


SUPERFLUOUS = "cni: cilium\ndisable-kube-proxy: true\nkube-proxy-extra-env: [IPTABLES_MODE=nft]\n"
TWICE = "kube-proxy-extra-env:\n- IPTABLES_MODE=legacy\n- IPTABLES_MODE=nft\n"


@pytest.mark.parametrize(
    ("text", "rule"), [(SUPERFLUOUS, "superfluous-pin"), (TWICE, "duplicate-variable")]
)
def test_what_does_nothing_is_shown_as_unnecessary(editor: Editor, text: str, rule: str) -> None:
    editor.open(CONFIG, text)
    tags = {one.code: one.tags for one in editor.published(CONFIG)}
    assert tags[rule] == (types.DiagnosticTag.Unnecessary,) or tags[rule] == [
        types.DiagnosticTag.Unnecessary
    ]


def test_what_is_missing_is_not_unnecessary(editor: Editor) -> None:
    editor.open("prod.yaml", UNPINNED)
    assert [one.tags for one in editor.published("prod.yaml")] == [None]


def test_typing_changes_what_is_found(editor: Editor) -> None:
    editor.open("prod.yaml", PINNED)
    assert editor.published("prod.yaml") == []
    editor.replace("prod.yaml", "=nft", "=legacy")
    assert rules_of(editor.published("prod.yaml")) == ["legacy-backend"]
    editor.replace("prod.yaml", "=legacy", "=nft")
    assert editor.published("prod.yaml") == []


def test_what_is_closed_has_no_diagnostics(editor: Editor) -> None:
    editor.open("prod.yaml", UNPINNED)
    assert editor.published("prod.yaml")
    editor.close("prod.yaml")
    assert editor.published("prod.yaml", version=None) == []


class TestPulling:
    """An editor that asks for diagnostics is sent none by itself."""

    def test_it_gets_what_the_others_are_sent(self, start: Open) -> None:
        editor, other = start(pulls=True), start()
        for one in (editor, other):
            one.open("prod.yaml", DROPPED)
        report = editor.pull("prod.yaml")
        assert report.kind == "full"
        assert list(report.items) == other.published("prod.yaml")
        assert editor._published == {}

    def test_it_is_told_when_nothing_has_changed(self, start: Open) -> None:
        editor = start(pulls=True)
        editor.open("prod.yaml", DROPPED)
        first = editor.pull("prod.yaml")
        again = editor.pull("prod.yaml", first.result_id)
        assert (again.kind, again.result_id) == ("unchanged", first.result_id)
        editor.replace("prod.yaml", "TZ=UTC", "IPTABLES_MODE=nft")
        assert not editor.pull("prod.yaml", first.result_id).items

    def test_an_answer_is_never_about_an_earlier_text(self, start: Open) -> None:
        editor = start(pulls=True)
        editor.open("prod.yaml", PINNED)
        for _ in range(20):
            editor.replace("prod.yaml", "=nft", "=legacy")
            assert rules_of(editor.pull("prod.yaml").items) == ["legacy-backend"]
            editor.replace("prod.yaml", "=legacy", "=nft")
            assert not editor.pull("prod.yaml").items

    def test_it_gets_the_findings_in_neighbours_that_are_not_open(
        self, start: Open, tmp_path: Path
    ) -> None:
        (tmp_path / DROP_IN).parent.mkdir(parents=True)
        (tmp_path / CONFIG).write_text("kube-proxy-extra-env: [IPTABLES_MODE=nft]\n")
        (tmp_path / DROP_IN).write_text("kube-proxy-extra-env: [TZ=UTC]\n")
        editor = start(pulls=True)
        editor.open(CONFIG)
        report = editor.pull(CONFIG)
        assert not report.items
        others = report.related_documents
        assert {uri: rules_of(one.items) for uri, one in others.items()} == {
            editor.uri(DROP_IN): ["drop-in-drops-pin"]
        }
