"""The remedy: what puts a node right, in the order in which it has to be done.

The order and the commands are those of SUSE article 000022178, with what it leaves out: rules that
were written into legacy tables stay there until they are flushed or the node starts anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rke2_policies import pin
from rke2_policies.diagnosis.live_node import CLUSTERS_OWN, PLUGINS, LiveNode
from rke2_policies.diagnosis.wording import foreign_rules


class Step(NamedTuple):
    """One step of a remedy."""

    id: str
    """`migrate`, `pin`, `restart`, `reboot`, `pin-cni` or `check`"""
    title: str
    why: str
    commands: tuple[str, ...] = ()
    """Commands and lines of configuration, in order. `NODE` stands for the node's name."""

    def on(self, node: str) -> tuple[str, ...]:
        """Return the commands for a node."""
        return tuple(command.replace("NODE", node) for command in self.commands)


def steps(node: LiveNode) -> tuple[Step, ...]:
    """Return what is left to do on a node, in order; nothing where all is as it should be."""
    if node.not_applicable:
        return ()
    found = tuple(_steps(node))
    if not found:
        return ()
    return (*found, _check(node))


def _steps(node: LiveNode) -> Iterator[Step]:
    wants_nft = node.pin is pin.NFT
    foreign = foreign_rules(node)
    if wants_nft and foreign:
        yield Step(
            "migrate",
            "Move the rules that are not the cluster's to nft",
            f"{_sentence(foreign)} make the detector choose legacy where there is no pin, and are a "
            "second set of rules beside nft's. Whatever writes them has to call iptables-nft.",
            (
                "iptables-legacy-save; ip6tables-legacy-save  # what is there",
                "update-alternatives --config iptables  # what the host's programs call: nft",
            ),
        )
    pinned_next = node.judge(node.next_mode) == "pinned"
    if not pinned_next:
        yield _pin(node)
    now = node.judge(node.running)
    if not pinned_next or (now not in ("pinned", "unknown")) or node.current == "undecided":
        yield Step(
            "restart",
            "Restart the service, node by node",
            "kube-proxy gets a new container, which chooses anew. Rancher restarts the service "
            "itself when it rolls a Cluster out.",
            ("systemctl restart rke2-server  # or rke2-agent",),
        )
    clusters = [owner for owner in node.owners if owner in CLUSTERS_OWN]
    if wants_nft and (clusters or (node.current == "legacy")):
        yield Step(
            "reboot",
            "Drain the node, and start it anew",
            "Pinning deletes nothing: the legacy rules that are there go on matching traffic until "
            "the node starts anew.",
            (
                "kubectl drain NODE --ignore-daemonsets --delete-emptydir-data",
                "reboot",
                "kubectl uncordon NODE",
            ),
        )
    if wants_nft and any(owner in PLUGINS for owner in node.owners):
        yield Step(
            "pin-cni",
            "Pin the network plugin, too",
            "It chooses a backend of its own; the pin of kube-proxy says nothing to it.",
            (
                "# rke2-canal, HelmChartConfig: calico.felixIptablesBackend: nft",
                "# rke2-canal with flannel alone: flannel.enableNFTables: true",
                "# rke2-calico: installation.calicoNetwork.linuxDataplane: Nftables",
            ),
        )


def _pin(node: LiveNode) -> Step:
    machine = node.evidence.machine
    lines = [f"{pin.KEY}:", f"  - {node.pin.text}"]
    in_cluster = (
        "# Rancher: the Cluster, spec.rkeConfig",
        "machineGlobalConfig:",
        *(f"  {line}" for line in lines),
    )
    in_file = ("# alone: /etc/rancher/rke2/config.yaml of every node", *lines)
    if machine is None:
        written = (*in_cluster, *in_file)
    else:
        written = in_cluster if machine.managed else in_file
    return Step(
        "pin",
        f"Pin kube-proxy to {node.pin.backend}, on every node",
        "Every node makes kube-proxy of its own configuration: agents as well as servers.",
        written,
    )


def _check(node: LiveNode) -> Step:
    backend = node.pin.backend
    return Step(
        "check",
        "Look again",
        f"kube-proxy says {node.pin.text}, its rules for Services stand in {backend}'s nat table, "
        "and the other backend is empty. The bare iptables would make the choice by itself: call it "
        "by its full name only.",
        (
            "rke2-lint node",
            f"kubectl -n kube-system exec POD -- env | grep {pin.VARIABLE}",
            f"kubectl -n kube-system exec POD -- /usr/sbin/iptables-{backend}-save -t nat | grep KUBE-SERVICES",
        ),
    )


def _sentence(noun: str) -> str:
    return noun[:1].upper() + noun[1:]
