"""What is told on hovering: what is in force, on which machines, and which line decides it?"""

from __future__ import annotations

from pathlib import Path

import pytest
from clusters import CONFIG, DROP_IN, DROPPED, PINNED, UNPINNED
from conftest import Open
from editor import Editor, capabilities
from lsprotocol import types


def test_a_setting_is_told_for_each_machine(editor: Editor) -> None:
    editor.open("prod.yaml", DROPPED)
    link = f"{editor.uri('prod.yaml')}#L"
    assert (
        editor.told("prod.yaml", "kube-proxy-extra-env")
        == f"""\
**`kube-proxy-extra-env`**

| Machines | In force | Decided by | Verdict | Reason |
|---|---|---|---|---|
| `servers` | `IPTABLES_MODE=nft` | [machineGlobalConfig, prod.yaml:11]({link}11) | pinned | machineGlobalConfig says so |
| `workers` | `TZ=UTC` | [machineSelectorConfig\\[0\\], prod.yaml:16]({link}16) | unpinned | machineSelectorConfig\\[0\\] replaces the kube-proxy-extra-env of machineGlobalConfig |

Who speaks of it, in the order in which it counts:

- [machineGlobalConfig, prod.yaml:11]({link}11): `IPTABLES_MODE=nft`

- [machineSelectorConfig\\[0\\], prod.yaml:16]({link}16): `TZ=UTC`"""
    )


def test_any_setting_is_told_not_only_the_pin(editor: Editor) -> None:
    editor.open("prod.yaml", UNPINNED)
    told = editor.told("prod.yaml", "cni")
    assert "| `servers` | `calico` | [machineGlobalConfig, prod.yaml:10]" in told
    assert "| `workers` | nothing: Rancher does not pass this key on |" in told


@pytest.mark.parametrize("word", ["kind", "Cluster", "name: prod", "prod", "rkeConfig", "machinePools"])  # fmt: skip
def test_a_cluster_is_told_with_all_its_pools(editor: Editor, word: str) -> None:
    editor.open("prod.yaml", DROPPED)
    told = editor.told("prod.yaml", word)
    assert told.startswith("**Cluster `fleet-default/prod`: the nft pin**")
    assert "| `servers` | pinned | `nft` | [prod.yaml:11]" in told
    assert "| `workers` | unpinned |  | [prod.yaml:16]" in told


def test_a_pool_is_told_by_itself(editor: Editor) -> None:
    editor.open("prod.yaml", DROPPED)
    told = editor.told("prod.yaml", "workerRole")
    assert "| `workers` | unpinned |" in told
    assert "servers" not in told


def test_an_entry_says_which_machines_it_is_for(editor: Editor) -> None:
    editor.open("prod.yaml", DROPPED)
    told = editor.told("prod.yaml", "machineLabelSelector")
    assert (
        told == "**`machineSelectorConfig[0]`**\n\nIt is for `workers`\n\nIt is not for `servers`"
    )


def test_a_drop_in_is_told_with_what_it_joins(editor: Editor, tmp_path: Path) -> None:
    (tmp_path / DROP_IN).parent.mkdir(parents=True)
    (tmp_path / CONFIG).write_text("kube-proxy-extra-env: [IPTABLES_MODE=nft]\n")
    editor.open(DROP_IN, "# the 😀 proxy\nkube-proxy-extra-env+: [TZ=UTC]\n")
    told = editor.told(DROP_IN, "TZ")
    assert f"[config.yaml:1]({editor.uri(CONFIG)}#L1): `IPTABLES_MODE=nft`" in told
    assert "`IPTABLES_MODE=nft, TZ=UTC` | [config.yaml.d/20-proxy.yaml, 20-proxy.yaml:2]" in told
    assert "| pinned |" in told


def test_an_environment_file_is_told_with_the_node(editor: Editor) -> None:
    name = "etc/default/rke2-server"
    editor.open(name, "RKE2_KUBE_PROXY_EXTRA_ENV=IPTABLES_MODE=nft\n")
    assert "| pinned | rke2-server says so |" in editor.told(name, "RKE2_KUBE_PROXY")


@pytest.mark.parametrize("word", ["metadata", "quantity", "apiVersion"])
def test_what_has_nothing_to_do_with_rke2_has_nothing_to_tell(editor: Editor, word: str) -> None:
    editor.open("other.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {}\nquantity: 1\n")
    assert editor.hover("other.yaml", word) is None


def test_a_secret_is_not_told(editor: Editor) -> None:
    text = "token: hunter2222\ncni: canal\nkube-proxy-extra-env: [PROXY=http://u:hunter33@p, A=hunter2222]\n"
    editor.open(CONFIG, text)
    assert "`******`" in editor.told(CONFIG, "token")
    told = editor.told(CONFIG, "kube-proxy-extra-env")
    assert "hunter" not in told
    assert "PROXY=http://u:********@p" in told


def test_what_a_file_says_is_no_markdown(editor: Editor) -> None:
    text = 'cni: "a`|<img src=x>[b](c)"\nkube-proxy-extra-env: [IPTABLES_MODE=nft]\nprofile: cis\n'
    editor.open(CONFIG, text)
    assert "| `` a`\\|<img src=x>[b](c) `` |" in editor.told(CONFIG, "cni")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("cni: canal # rke2-lint: ignore[legacy-backend] old kernel\n", "legacy-backend"),
        ("# rke2-lint: ignore[legacy-backend, syntax] old\ncni: canal\n", "legacy-backend"),
        ("kube-proxy-extra-env: [A=1] # see legacy-backend\ncni: canal\n", "legacy-backend"),
    ],
)
def test_a_rule_in_a_comment_is_told_of(editor: Editor, text: str, word: str) -> None:
    editor.open(CONFIG, text)
    told = editor.told(CONFIG, word)
    assert told.startswith(
        "**[legacy\\-backend]" if "\\-" in told else "**[legacy-backend](file://"
    )
    assert "(error)" in told or "(warning)" in told
    assert "\n\n" in told


def test_a_word_that_is_no_comment_is_no_rule(editor: Editor) -> None:
    editor.open(CONFIG, "kube-proxy-extra-env: [IPTABLES_MODE=nft]\nsyntax: '# syntax'\n")
    found = editor.hover(CONFIG, "# syntax", after=0)
    assert found is None or "**[syntax]" not in repr(found)


def test_a_rule_in_the_annotation_is_told_of(editor: Editor) -> None:
    text = PINNED.replace(
        "  name: prod\n",
        '  name: prod\n  annotations: {rke2-lint.dev/ignore: "legacy-backend old"}\n',
    )
    editor.open("prod.yaml", text)
    assert editor.told("prod.yaml", "legacy-backend").startswith("**[legacy-backend]")


def test_an_editor_without_markdown_gets_plain_text(tmp_path: Path) -> None:
    plain = capabilities()
    assert plain.text_document is not None
    plain.text_document.hover = types.HoverClientCapabilities(
        content_format=[types.MarkupKind.PlainText]
    )
    editor = Editor(tmp_path, plain)
    editor.open("prod.yaml", PINNED)
    assert editor.told("prod.yaml", "kind") == (
        "Cluster fleet-default/prod: the nft pin\n"
        "machines: servers; verdict: pinned; value: nft; decided by: prod.yaml:11; reason: machineGlobalConfig says so\n"
        "machines: workers; verdict: pinned; value: nft; decided by: prod.yaml:11; reason: machineGlobalConfig says so"
    )
    assert editor.stop() == 0


def test_hovering_anywhere_never_fails(start: Open, tmp_path: Path) -> None:
    editor = start()
    for name, text in (("prod.yaml", DROPPED), (CONFIG, "a: [x, {y: z}]\ncni: *b\n- : ?\n")):
        editor.open(name, text)
        for offset in range(0, len(text), 7):
            document = types.TextDocumentIdentifier(editor.uri(name))
            at = editor.position(text, offset)
            editor.ask(types.TEXT_DOCUMENT_HOVER, types.HoverParams(document, at))
