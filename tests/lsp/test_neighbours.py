"""Does what is open count as it stands in the editor, for the files beside it, too?"""

from __future__ import annotations

from pathlib import Path

import pytest
from clusters import CONFIG, DROP_IN, PINNED
from conftest import Open
from editor import Editor, rules_of

TAKING = "kube-proxy-extra-env: [TZ=UTC]\n"
GIVING = "kube-proxy-extra-env: [IPTABLES_MODE=nft]\n"
ENVIRONMENT = "etc/default/rke2-server"


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """A node without a pin: a base file and a drop-in."""
    (tmp_path / DROP_IN).parent.mkdir(parents=True)
    (tmp_path / CONFIG).write_text("cni: canal\nserver: https://a:9345\ntoken: x\n")
    (tmp_path / DROP_IN).write_text("profile: cis\n")
    return tmp_path


def test_a_drop_in_on_the_disk_counts(editor: Editor, node: Path) -> None:
    (node / DROP_IN).write_text(GIVING)
    editor.open(CONFIG)
    assert editor.published(CONFIG) == []


def test_an_unsaved_drop_in_changes_the_verdict_on_its_neighbours(
    editor: Editor, node: Path
) -> None:
    editor.open(CONFIG)
    assert rules_of(editor.published(CONFIG)) == ["missing-nft-pin"]
    editor.open(DROP_IN)
    editor.set(DROP_IN, GIVING)
    assert editor.published_soon(CONFIG, []) == []
    editor.set(DROP_IN, "profile: cis\n")
    editor.published_soon(CONFIG, ["missing-nft-pin"])


def test_a_drop_in_that_was_never_saved_counts(editor: Editor, node: Path) -> None:
    editor.open(CONFIG)
    assert rules_of(editor.published(CONFIG)) == ["missing-nft-pin"]
    editor.open(f"{CONFIG}.d/99-new.yaml", GIVING)
    assert editor.published_soon(CONFIG, []) == []
    editor.close(f"{CONFIG}.d/99-new.yaml")
    editor.published_soon(CONFIG, ["missing-nft-pin"])


def test_a_neighbour_that_is_not_open_is_told_of_and_taken_back(editor: Editor, node: Path) -> None:
    (node / CONFIG).write_text(GIVING)
    (node / DROP_IN).write_text(TAKING)
    editor.open(CONFIG)
    assert rules_of(editor.published(DROP_IN, version=None)) == ["drop-in-drops-pin"]
    editor.close(CONFIG)
    assert editor.published_soon(DROP_IN, []) == []


def test_an_environment_file_elsewhere_belongs_to_the_node(editor: Editor, node: Path) -> None:
    editor.open(CONFIG)
    assert rules_of(editor.published(CONFIG)) == ["missing-nft-pin"]
    editor.open(ENVIRONMENT, "RKE2_KUBE_PROXY_EXTRA_ENV=IPTABLES_MODE=nft\n")
    editor.published_soon(CONFIG, [])
    editor.close(ENVIRONMENT)
    (node / ENVIRONMENT).parent.mkdir()
    (node / ENVIRONMENT).write_text("RKE2_KUBE_PROXY_EXTRA_ENV=IPTABLES_MODE=nft\n")
    editor.changed_on_disk(ENVIRONMENT)
    editor.published_soon(CONFIG, [])


def test_what_changes_on_the_disk_counts(editor: Editor, node: Path) -> None:
    editor.open(CONFIG)
    assert rules_of(editor.published(CONFIG)) == ["missing-nft-pin"]
    (node / DROP_IN).write_text(GIVING)
    editor.changed_on_disk(DROP_IN)
    editor.published_soon(CONFIG, [])
    (node / DROP_IN).unlink()
    editor.changed_on_disk(DROP_IN)
    editor.published_soon(CONFIG, ["missing-nft-pin"])


def test_an_editor_that_asks_is_told_to_ask_again(start: Open, node: Path) -> None:
    editor = start(pulls=True)
    editor.open(CONFIG)
    assert rules_of(editor.pull(CONFIG).items) == ["missing-nft-pin"]
    editor.open(DROP_IN)
    assert not editor.pull(DROP_IN).items
    before = editor.refreshed["diagnostics"]
    editor.set(DROP_IN, GIVING)
    editor.refreshed_soon("diagnostics", before)
    assert not editor.pull(CONFIG).items


def test_lenses_of_neighbours_are_asked_for_again(editor: Editor, node: Path) -> None:
    editor.open(CONFIG)
    [lens] = editor.lenses(CONFIG)
    assert lens.command is not None
    assert "unpinned" in lens.command.title
    editor.published(CONFIG)
    editor.open(DROP_IN)
    editor.published(DROP_IN)
    before = editor.refreshed["lenses"]
    editor.set(DROP_IN, GIVING)
    editor.refreshed_soon("lenses", before)
    [lens] = editor.lenses(CONFIG)
    assert lens.command is not None
    assert "nft pin: pinned" in lens.command.title


SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: proxy, namespace: fleet-default}
stringData:
  proxy: |
    kube-proxy-extra-env: [TZ=UTC]
"""
REFERRING = PINNED.replace(
    "    machinePools:\n",
    """\
    machineSelectorFiles:
      - fileSources:
          - secret:
              name: proxy
              items:
                - {key: proxy, path: /etc/rancher/rke2/config.yaml.d/99-proxy.yaml}
    machinePools:
""",
)


def test_a_secret_of_the_workspace_counts_where_a_cluster_refers_to_it(
    start: Open, tmp_path: Path
) -> None:
    editor = start()
    secret = "elsewhere/secret.yaml"
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / secret).write_text(SECRET)
    editor.open("prod.yaml", REFERRING)
    assert editor.published_soon("prod.yaml", []) == []
    editor.published_soon(secret, ["selector-drops-pin"])
    editor.open(secret)
    assert rules_of(editor.published(secret)) == ["selector-drops-pin"]
    editor.replace(secret, "TZ=UTC", "IPTABLES_MODE=nft")
    assert editor.published(secret) == []


def test_a_secret_that_is_saved_counts(start: Open, tmp_path: Path) -> None:
    editor = start()
    editor.open("prod.yaml", REFERRING)
    editor.published_soon("prod.yaml", ["file-may-override"])
    (tmp_path / "secret.yaml").write_text(SECRET)
    editor.changed_on_disk("secret.yaml")
    editor.published_soon("secret.yaml", ["selector-drops-pin"])
    editor.published_soon("prod.yaml", [])


def test_a_secret_is_told_of_where_it_is_asked_about(start: Open, tmp_path: Path) -> None:
    editor = start(pulls=True)
    (tmp_path / "secret.yaml").write_text(SECRET)
    editor.open("prod.yaml", REFERRING)
    editor.open("secret.yaml")
    while not editor.pull("prod.yaml").related_documents and not editor.pull("secret.yaml").items:
        pass  # the folder is searched meanwhile
    assert rules_of(editor.pull("secret.yaml").items) == ["selector-drops-pin"]
