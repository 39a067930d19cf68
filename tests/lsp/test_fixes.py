"""Do the actions of an editor make of a text what the command line makes of the file?"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from clusters import CONFIG, DROPPED, PINNED, UNPINNED, WRONG
from editor import UTF8, UTF16, UTF32, Editor

FIX_ALL = "source.fixAll.rke2-lint"
EXAMPLES = Path(__file__).parents[2] / "examples"
MISSPELT = PINNED.replace("kube-proxy-extra-env", "kube-proxy-extra-envs")
ALIASED = """\
x: &env [TZ=UTC]
kube-apiserver-extra-env: *env
kube-proxy-extra-env: *env
cni: canal
"""
SEVERAL = "\n---\n".join((WRONG, DROPPED, UNPINNED))
SECRET = (
    "token: abc123456\nkube-proxy-extra-env: {IPTABLES_MODE: nft, PASSWORD: hunter22}\ncni: canal\n"
)
SHAPES = {
    "unpinned": UNPINNED,
    "wrong": WRONG,
    "dropped": DROPPED,
    "several documents": SEVERAL,
    "CR LF": SEVERAL.replace("\n", "\r\n"),
    "emoji before": WRONG.replace("[IPTABLES", '["A=😀é", IPTABLES').replace(
        "calico", "calico # 😀"
    ),
    "no last line break": UNPINNED.rstrip("\n"),
    "in a line": DROPPED.replace("IPTABLES_MODE=nft", "TZ=😀, IPTABLES_MODE=NFT"),
}


def fixed_by_command_line(folder: Path, name: str, text: str, *options: str) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    command = [sys.executable, "-m", "rke2_lint", "--fix", *options, name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    return path.read_bytes().decode()


@pytest.mark.parametrize("encoding", [UTF8, UTF16, UTF32])
@pytest.mark.parametrize("shape", SHAPES)
def test_all_safe_fixes_make_the_bytes_that_fix_makes(
    editor_in: Callable[[str], Editor], tmp_path: Path, encoding: str, shape: str
) -> None:
    text = SHAPES[shape]
    editor = editor_in(encoding)
    editor.open("prod.yaml", text)
    [action] = editor.fixes("prod.yaml", only=[FIX_ALL])
    assert action.kind == FIX_ALL
    [after] = editor.apply(action.edit).values()
    assert after == fixed_by_command_line(tmp_path, "prod.yaml", text)
    assert after != text
    editor.set("prod.yaml", after)
    assert editor.fixes("prod.yaml", only=[FIX_ALL]) == []


@pytest.mark.parametrize("path", sorted(str(p.relative_to(EXAMPLES)) for p in EXAMPLES.rglob("*.yaml")))  # fmt: skip
def test_the_examples_are_fixed_as_by_the_command_line(
    editor: Editor, tmp_path: Path, path: str
) -> None:
    text = (EXAMPLES / path).read_bytes().decode()
    editor.open(path, text)
    actions = editor.fixes(path, only=["source.fixAll"])
    after = next(iter(editor.apply(actions[0].edit).values())) if actions else text
    assert after == fixed_by_command_line(tmp_path, path, text)


def test_a_quick_fix_makes_one_fix_and_is_preferred(editor: Editor) -> None:
    editor.open("prod.yaml", WRONG)
    [found] = editor.published("prod.yaml")
    [fix] = editor.fixes("prod.yaml", WRONG.index("NFT"), only=["quickfix"])
    assert fix.title == "invalid-backend: write IPTABLES_MODE=nft"
    assert fix.is_preferred
    assert list(fix.diagnostics or ()) == [found]
    [after] = editor.apply(fix.edit).values()
    assert after == WRONG.replace("NFT", "nft")
    editor.set("prod.yaml", after)
    assert editor.published("prod.yaml") == []


def test_a_fix_is_offered_where_its_finding_is(editor: Editor) -> None:
    editor.open("prod.yaml", WRONG)
    assert editor.fixes("prod.yaml", WRONG.index("metadata"), only=["quickfix"]) == []


def test_an_unsafe_fix_says_so_and_is_not_preferred(editor: Editor, tmp_path: Path) -> None:
    editor.open("prod.yaml", MISSPELT)
    [fix] = editor.fixes("prod.yaml", only=["quickfix"])
    assert fix.title.endswith("(unsafe: it may not be what was meant)")
    assert not fix.is_preferred
    [after] = editor.apply(fix.edit).values()
    assert after == fixed_by_command_line(tmp_path, "prod.yaml", MISSPELT, "--unsafe-fixes")


def test_no_unsafe_fix_is_among_all_fixes(editor: Editor) -> None:
    editor.open("prod.yaml", MISSPELT)
    assert editor.fixes("prod.yaml", only=[FIX_ALL]) == []


@pytest.mark.parametrize(
    ("only", "kinds"),
    [
        (None, ["quickfix", FIX_ALL]),
        (["quickfix"], ["quickfix"]),
        (["source"], [FIX_ALL]),
        (["source.fixAll"], [FIX_ALL]),
        ([FIX_ALL], [FIX_ALL]),
        (["source.fixAll.rke2"], []),
        (["refactor"], []),
        (["quickfix", "source"], ["quickfix", FIX_ALL]),
    ],
)
def test_actions_are_of_the_kinds_that_were_asked_for(
    editor: Editor, only: list[str] | None, kinds: list[str]
) -> None:
    editor.open("prod.yaml", WRONG)
    assert [one.kind for one in editor.fixes("prod.yaml", only=only)] == kinds


def test_a_fix_that_cannot_be_made_says_why(editor: Editor) -> None:
    editor.open(CONFIG, ALIASED)
    [action] = editor.fixes(CONFIG, only=["quickfix"])
    assert action.edit is None
    assert action.disabled is not None
    assert "*env" in action.disabled.reason


def test_a_template_has_no_fixes(editor: Editor) -> None:
    editor.open("prod.yaml", WRONG.replace("name: prod", "name: {{ .Values.name }}"))
    assert editor.published("prod.yaml")
    assert [one for one in editor.fixes("prod.yaml") if one.edit is not None] == []


def test_what_a_fix_repeats_of_a_secret_is_in_no_quick_fix(editor: Editor) -> None:
    editor.open(CONFIG, SECRET)
    for action in editor.fixes(CONFIG, only=["quickfix"]):
        assert "hunter22" not in repr(action)


@pytest.mark.parametrize(
    ("base", "drop_in"),
    [
        ("kube-proxy-extra-env: [IPTABLES_MODE=NFT]\n", "kube-proxy-extra-env: [IPTABLES_MODE=NFT]\n"),
        ("kube-proxy-extra-env: [IPTABLES_MODE=NFT]\n", "kube-proxy-extra-env+: [IPTABLES_MODE=NFT]\n"),
        ("cni: canal\n", "kube-proxy-extra-env+: [TZ=UTC]\n"),
        ("cni: canal\n", "profile: cis\n"),
    ],
)  # fmt: skip
def test_a_fix_of_one_file_changes_it_as_the_command_line_does_and_no_other(
    editor: Editor, tmp_path: Path, base: str, drop_in: str
) -> None:
    name = f"{CONFIG}.d/20.yaml"
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text(drop_in)
    editor.open(CONFIG, base)
    actions = editor.fixes(CONFIG, only=[FIX_ALL])
    after = editor.apply(actions[0].edit) if actions else {editor.uri(CONFIG): base}
    assert after == {editor.uri(CONFIG): fixed_by_command_line(tmp_path, CONFIG, base)}
    assert (tmp_path / name).read_text() == drop_in
