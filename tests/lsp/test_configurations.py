"""Do configurations and ignores count in an editor as they do on the command line?"""

from __future__ import annotations

from pathlib import Path

import pytest
from clusters import CONFIG, DROP_IN, PINNED, UNPINNED, WRONG
from conftest import Open
from editor import Editor, capabilities, rules_of
from lsprotocol import types

LEGACY = PINNED.replace("=nft", "=legacy")


def test_a_configuration_near_the_file_counts(editor: Editor, tmp_path: Path) -> None:
    (tmp_path / ".rke2-lint.yaml").write_text("levels: {legacy-backend: off}\n")
    editor.open("prod.yaml", LEGACY)
    assert editor.published("prod.yaml") == []


def test_a_configuration_that_changes_counts_at_once(editor: Editor, tmp_path: Path) -> None:
    editor.open("prod.yaml", LEGACY)
    assert rules_of(editor.published("prod.yaml")) == ["legacy-backend"]
    (tmp_path / ".rke2-lint.yaml").write_text("levels: {legacy-backend: off}\n")
    editor.changed_on_disk(".rke2-lint.yaml")
    editor.published_soon("prod.yaml", [])
    (tmp_path / ".rke2-lint.yaml").write_text("levels: {legacy-backend: note}\n")
    editor.changed_on_disk(".rke2-lint.yaml")
    [found] = editor.published_soon("prod.yaml", ["legacy-backend"])
    assert found.severity == types.DiagnosticSeverity.Information


def test_an_editor_that_asks_is_told_to_ask_again_when_a_configuration_changes(
    start: Open, tmp_path: Path
) -> None:
    editor = start(pulls=True)
    editor.open("prod.yaml", LEGACY)
    assert rules_of(editor.pull("prod.yaml").items) == ["legacy-backend"]
    before = editor.refreshed["diagnostics"]
    (tmp_path / ".rke2-lint.yaml").write_text("levels: {legacy-backend: off}\n")
    editor.changed_on_disk(".rke2-lint.yaml")
    editor.refreshed_soon("diagnostics", before)
    assert not editor.pull("prod.yaml").items


def test_an_editor_that_watches_nothing_finds_it_when_something_is_saved(tmp_path: Path) -> None:
    blind = capabilities()
    assert blind.workspace is not None
    blind.workspace.did_change_watched_files = None
    editor = Editor(tmp_path, blind)
    editor.open("prod.yaml", LEGACY)
    assert rules_of(editor.published("prod.yaml")) == ["legacy-backend"]
    (tmp_path / ".rke2-lint.yaml").write_text("levels: {legacy-backend: off}\n")
    editor._say(
        types.TEXT_DOCUMENT_DID_SAVE,
        types.DidSaveTextDocumentParams(
            types.TextDocumentIdentifier(editor.uri(".rke2-lint.yaml"))
        ),
    )
    editor.published_soon("prod.yaml", [])
    assert editor.watched == []
    assert editor.stop() == 0


def test_what_a_configuration_excludes_has_no_findings(editor: Editor, tmp_path: Path) -> None:
    (tmp_path / ".rke2-lint.yaml").write_text("exclude: [vendor/]\n")
    editor.open("vendor/prod.yaml", UNPINNED)
    assert editor.published("vendor/prod.yaml") == []
    assert editor.lenses("vendor/prod.yaml") == []
    editor.open("prod.yaml", UNPINNED)
    assert rules_of(editor.published("prod.yaml")) == ["missing-nft-pin"]


def test_what_is_excluded_still_decides(editor: Editor, tmp_path: Path) -> None:
    (tmp_path / ".rke2-lint.yaml").write_text("exclude: ['*.d/']\n")
    (tmp_path / DROP_IN).parent.mkdir(parents=True)
    (tmp_path / DROP_IN).write_text("kube-proxy-extra-env: [IPTABLES_MODE=nft]\n")
    editor.open(CONFIG, "cni: canal\n")
    assert editor.published(CONFIG) == []


def test_a_fix_that_the_configuration_leaves_to_people_is_not_made(
    editor: Editor, tmp_path: Path
) -> None:
    (tmp_path / ".rke2-lint.yaml").write_text("unfixable: [invalid-backend]\n")
    editor.open("prod.yaml", WRONG)
    assert rules_of(editor.published("prod.yaml")) == ["invalid-backend"]
    assert editor.actions("prod.yaml", only=["source.fixAll"]) == []


BROKEN = "levels: {}\nexclud: [vendor/]\n"


class TestABrokenConfiguration:
    def test_is_told_at_the_top_of_what_it_is_for(self, editor: Editor, tmp_path: Path) -> None:
        (tmp_path / ".rke2-lint.yaml").write_text(BROKEN)
        editor.open("prod.yaml", UNPINNED)
        [found] = editor.published("prod.yaml")
        assert (found.code, found.range.start.line) == ("configuration", 0)
        assert found.message.startswith("nothing is looked for here: ")
        assert ".rke2-lint.yaml:2: " in found.message

    def test_is_told_on_its_line(self, editor: Editor, tmp_path: Path) -> None:
        (tmp_path / ".rke2-lint.yaml").write_text(BROKEN)
        editor.open(".rke2-lint.yaml")
        [found] = editor.published(".rke2-lint.yaml")
        assert found.range.start.line == 1
        assert "exclude" in found.message
        assert ".rke2-lint.yaml" not in found.message

    def test_says_nothing_where_there_is_nothing_of_ours(
        self, editor: Editor, tmp_path: Path
    ) -> None:
        (tmp_path / ".rke2-lint.yaml").write_text(BROKEN)
        editor.open("other.yaml", "kind: Deployment\n")
        assert editor.published("other.yaml") == []

    def test_is_forgotten_when_it_is_mended(self, editor: Editor, tmp_path: Path) -> None:
        (tmp_path / ".rke2-lint.yaml").write_text(BROKEN)
        editor.open("prod.yaml", UNPINNED)
        editor.published_soon("prod.yaml", ["configuration"])
        (tmp_path / ".rke2-lint.yaml").write_text("levels: {}\n")
        editor.changed_on_disk(".rke2-lint.yaml")
        editor.published_soon("prod.yaml", ["missing-nft-pin"])


class TestIgnores:
    def test_what_a_comment_ignores_is_not_shown(self, editor: Editor) -> None:
        text = LEGACY.replace("=legacy]", "=legacy]  # rke2-lint: ignore[legacy-backend] old hosts")
        editor.open("prod.yaml", text)
        assert editor.published("prod.yaml") == []

    def test_an_action_writes_the_comment_and_asks_for_the_reason(self, editor: Editor) -> None:
        editor.open("prod.yaml", LEGACY)
        [found] = editor.published("prod.yaml")
        at = LEGACY.index("IPTABLES_MODE")
        [action] = [one for one in editor.actions("prod.yaml", at) if "ignore it here" in one.title]
        assert list(action.diagnostics or ()) == [found]
        assert not action.is_preferred
        [after] = editor.apply(action.edit).values()
        assert after == LEGACY.replace(
            "      kube-proxy-extra",
            "      # rke2-lint: ignore[legacy-backend]\n      kube-proxy-extra",
        )
        editor.set("prod.yaml", after)
        assert rules_of(editor.published("prod.yaml")) == ["invalid-ignore"]
        editor.replace("prod.yaml", "ignore[legacy-backend]", "ignore[legacy-backend] old hosts")
        assert editor.published("prod.yaml") == []

    def test_only_what_was_pointed_at_is_ignored(self, editor: Editor) -> None:
        text = f"{LEGACY}---\n{LEGACY.replace('name: prod', 'name: other')}"
        editor.open("prod.yaml", text)
        assert len(editor.published("prod.yaml")) == 2
        at = text.rindex("IPTABLES_MODE")
        [action] = [one for one in editor.actions("prod.yaml", at) if "ignore it here" in one.title]
        editor.set("prod.yaml", next(iter(editor.apply(action.edit).values())))
        [left, _] = sorted(editor.published("prod.yaml"), key=lambda one: one.range.start.line)
        assert left.code == "legacy-backend"
        assert rules_of(editor.published("prod.yaml")) == ["invalid-ignore", "legacy-backend"]

    def test_an_unused_ignore_is_shown_as_unnecessary_and_can_be_taken_away(
        self, editor: Editor
    ) -> None:
        text = PINNED.replace("=nft]", "=nft]  # rke2-lint: ignore[legacy-backend] old hosts")
        editor.open("prod.yaml", text)
        [found] = editor.published("prod.yaml")
        assert (found.code, list(found.tags or ())) == (
            "unused-ignore", [types.DiagnosticTag.Unnecessary],
        )  # fmt: skip
        [fix] = [one for one in editor.actions("prod.yaml") if one.kind == "quickfix"]
        assert list(editor.apply(fix.edit).values()) == [PINNED]

    @pytest.mark.parametrize("rule", ["unused-ignore", "invalid-ignore"])
    def test_a_rule_about_ignores_cannot_be_ignored(self, editor: Editor, rule: str) -> None:
        wrong = {"unused-ignore": "legacy-backend] x", "invalid-ignore": "legacy-backends] x"}[rule]
        editor.open("prod.yaml", PINNED.replace("=nft]", f"=nft]  # rke2-lint: ignore[{wrong}"))
        assert rule in rules_of(editor.published("prod.yaml"))
        titles = [one.title for one in editor.actions("prod.yaml")]
        assert not [one for one in titles if "ignore it here" in one]
