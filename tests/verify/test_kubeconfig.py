"""Which contexts are meant, and what is said where a kubeconfig is wrong."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from rke2_lint.files import UsageError
from rke2_lint.verify.kubeconfig import contexts

TWO = """\
apiVersion: v1
kind: Config
current-context: prod
clusters:
- {name: prod, cluster: {server: "https://prod:6443"}}
- {name: stage, cluster: {server: "https://stage:6443"}}
contexts:
- {name: prod, context: {cluster: prod, user: jane}}
- {name: stage, context: {cluster: stage, user: jane}}
users:
- {name: jane, user: {token: sesame}}
"""


def named(folder: Path, text: str = TWO, name: str = "config") -> str:
    path = folder / name
    path.write_text(textwrap.dedent(text))
    return str(path)


def names(files: list[str], *wanted: str, every: bool = False) -> list[str]:
    return [one.name for one in contexts(files, wanted, every=every)]


@pytest.mark.parametrize(
    ("wanted", "every", "found"),
    [
        pytest.param([], False, ["prod"], id="the current one"),
        pytest.param(["stage"], False, ["stage"], id="by name"),
        pytest.param(["s*", "prod"], False, ["prod", "stage"], id="globs, in the file's order"),
        pytest.param([], True, ["prod", "stage"], id="all"),
    ],
)
def test_contexts_are_chosen(
    wanted: list[str],
    every: bool,  # noqa: FBT001
    found: list[str],
    tmp_path: Path,
) -> None:
    assert names([named(tmp_path)], *wanted, every=every) == found


def test_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    files = [named(tmp_path, name=name) for name in ("a.yaml", "b.yaml")]
    assert names(files) == [f"prod ({file})" for file in files]


def test_the_first_file_of_the_variable_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = TWO.replace("https://prod", "https://other").replace("current-context: prod", "x: y")
    files = [named(tmp_path, other, "one"), str(tmp_path / "gone"), named(tmp_path, name="two")]
    monkeypatch.setenv("KUBECONFIG", ":".join(files))
    [context] = contexts([], [], every=False)
    assert (context.name, context.server) == ("prod", "https://other:6443")


def test_paths_begin_where_the_file_lies(tmp_path: Path) -> None:
    text = TWO.replace("token: sesame", "tokenFile: secrets/token")
    [context] = contexts([named(tmp_path, text)], [], every=False)
    assert context.user.path("tokenFile") == str(tmp_path / "secrets/token")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("a: [b", ":2:1: it is no YAML", id="no YAML"),
        pytest.param("- a\n- b\n", "it is no kubeconfig", id="a list"),
        pytest.param("kind: Pod\n", "it is no kubeconfig", id="another object"),
        pytest.param("contexts: {}\n", "contexts is no list", id="no list"),
        pytest.param("contexts: [{}]\n", "contexts[0] has no name", id="no name"),
        pytest.param("contexts: [{name: a, context: b}]\n", "contexts[0].context of a is no map", id="no map"),
        pytest.param("contexts: []\n", "there is no current-context: choose with --context", id="none"),
        pytest.param(TWO.replace("text: prod", "text: prdo"), "no context prdo; did you mean prod?", id="current"),
        pytest.param(TWO.replace("{cluster: prod,", "{cluster: pord,"), "names the cluster pord, which is not there; did you mean prod?", id="cluster"),
        pytest.param(TWO.replace("{cluster: prod,", "{"), "names no cluster", id="no cluster"),
        pytest.param(TWO.replace("https://prod:6443", "prod"), "has no server: https://", id="no server"),
        pytest.param(TWO.replace("https://prod:6443", "https://prod:port"), "has no server: https://", id="a port that is no number"),
        pytest.param(TWO.replace("https://prod:6443", "https://[fd00::1"), "has no server: https://", id="half an address"),
        pytest.param(TWO.replace("user: jane}", "user: june}"), "names the user june, which is not there", id="user"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_file(text: str, said: str, tmp_path: Path) -> None:
    file = named(tmp_path, text)
    with pytest.raises(UsageError) as error:
        contexts([file], [], every=False)
    assert str(error.value).startswith(file)
    assert said in str(error.value)


def test_no_line_of_a_broken_file_is_shown(tmp_path: Path) -> None:
    file = named(tmp_path, "users:\n- name: jane\n  user: {token: sesame\n")
    with pytest.raises(UsageError) as error:
        contexts([file], [], every=False)
    assert "sesame" not in str(error.value)


def test_an_unknown_context_is_told_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no context stag; did you mean stage"):
        names([named(tmp_path)], "stag")
    with pytest.raises(UsageError, match=r"there is no context qa-\*; there are prod, stage"):
        names([named(tmp_path)], "qa-*")


def test_one_of_several_that_is_wrong_keeps_nobody_from_the_others(tmp_path: Path) -> None:
    file = named(tmp_path, TWO.replace("{cluster: stage,", "{cluster: gone,"))
    prod, stage = contexts([file], [], every=True)
    assert (prod.server, prod.fault) == ("https://prod:6443", "")
    assert stage.fault == (
        f"{file}: the context stage names the cluster gone, which is not there; there are prod, stage"
    )
    assert [one.fault for one in contexts([file], ["*"], every=False)] == ["", stage.fault]
    # Whoever names it is told at once.
    with pytest.raises(UsageError, match="the context stage names the cluster gone"):
        contexts([file], ["prod", "stage"], every=False)


def test_without_a_current_context_all_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="take --all-contexts; there are prod, stage"):
        names([named(tmp_path, TWO.replace("current-context: prod", "a: b"))])


def test_no_kubeconfig_at_all() -> None:
    with pytest.raises(UsageError, match="there is no kubeconfig: name one with --kubeconfig"):
        names([])
    with pytest.raises(UsageError, match="/nowhere: "):
        names(["/nowhere"])
