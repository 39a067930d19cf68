"""Code lenses: is the verdict to be seen where one reads, and does it lead to who decides?"""

from __future__ import annotations

from pathlib import Path

import pytest
from clusters import CONFIG, DROP_IN, DROPPED, PINNED
from editor import Editor
from lsprotocol import types


def seen(editor: Editor, name: str) -> list[tuple[int, str]]:
    """Return the lenses of a document: line, from 1, and text."""
    lenses = editor.lenses(name)
    return [(one.range.start.line + 1, one.command.title) for one in lenses if one.command]


def test_a_cluster_and_each_pool_have_their_verdicts(editor: Editor) -> None:
    editor.open("prod.yaml", DROPPED)
    assert seen(editor, "prod.yaml") == [
        (2, "nft pin: pinned: servers · unpinned: workers"),
        (18, "nft pin: pinned (machineGlobalConfig says so)"),
        (22, "nft pin: unpinned (machineSelectorConfig[0] replaces the kube-proxy-extra-env of machineGlobalConfig)"),
    ]  # fmt: skip


def test_many_pools_are_counted(editor: Editor) -> None:
    pools = "".join(f"      - {{name: p{i}, workerRole: true}}\n" for i in range(9))
    editor.open("prod.yaml", PINNED[: PINNED.index("      - name: servers")] + pools)
    assert seen(editor, "prod.yaml")[0] == (2, "nft pin: pinned: p0, p1, p2 and 6 more")


def test_a_custom_cluster_has_one_lens(editor: Editor) -> None:
    editor.open("prod.yaml", PINNED[: PINNED.index("    machinePools:")])
    [(line, title)] = seen(editor, "prod.yaml")
    assert (line, title[:24]) == (2, "nft pin: pinned: control")


@pytest.mark.parametrize("name", [CONFIG, DROP_IN])
def test_the_files_of_a_node_have_its_verdict(editor: Editor, tmp_path: Path, name: str) -> None:
    (tmp_path / DROP_IN).parent.mkdir(parents=True)
    (tmp_path / CONFIG).write_text("cni: canal\n")
    (tmp_path / DROP_IN).write_text("kube-proxy-extra-env: [IPTABLES_MODE=nft]\n")
    editor.open(name)
    assert seen(editor, name) == [(1, "nft pin: pinned (config.yaml.d/20-proxy.yaml says so)")]


@pytest.mark.parametrize(
    "text", ["kind: Deployment\n", PINNED.replace("v1.33.4+rke2r1", "v1.33.4+k3s1"), "{{ x", ""]
)
def test_what_runs_no_rke2_has_none(editor: Editor, text: str) -> None:
    editor.open("prod.yaml", text)
    assert seen(editor, "prod.yaml") == []


def test_a_lens_leads_to_the_place_that_decides(editor: Editor) -> None:
    editor.open("prod.yaml", DROPPED)
    [_, _, lens] = editor.lenses("prod.yaml")
    assert lens.command is not None
    command = types.ExecuteCommandParams(lens.command.command, lens.command.arguments)
    assert lens.command.command in editor.initialized.capabilities.execute_command_provider.commands
    editor.ask(types.WORKSPACE_EXECUTE_COMMAND, command)
    editor.pull("prod.yaml")  # what comes before it has arrived then
    [shown] = editor.shown
    assert shown.uri == editor.uri("prod.yaml")
    assert shown.selection is not None
    assert DROPPED[editor.offset(DROPPED, shown.selection.start) :].startswith("kube-proxy-extra-env: [TZ")  # fmt: skip
