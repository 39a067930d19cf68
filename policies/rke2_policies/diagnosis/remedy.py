"""The remedy: what puts a node right, in the order in which it has to be done.

The order and the commands are those of SUSE article 000022178, with what it leaves out: rules that
were written into legacy tables stay there until they are flushed or the node starts anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rke2_policies import pin
from rke2_policies.diagnosis.kube_proxy import LABEL
from rke2_policies.diagnosis.live_node import CLUSTERS_OWN, PLUGINS, LiveNode
from rke2_policies.diagnosis.wording import foreign_rules

_ALTERNATIVES = (
    "update-alternatives --config iptables  # what the host's programs call: nft",
    "update-alternatives --config ip6tables",
)


class Step(NamedTuple):
    """One step of a remedy."""

    id: str
    """`find-kube-proxy`, `migrate`, `host`, `find-pin`, `mend`, `pin`, `restart`, `reboot`, `pin-cni` or
    `check`"""
    title: str
    why: str
    commands: tuple[str, ...] = ()
    """Commands and lines of configuration, in order. `NODE` stands for the node's name."""

    def on(self, node: str) -> tuple[str, ...]:
        """Return the commands for a node; `worker-1 (FILE)` is one of several bundles of worker-1."""
        name = node.partition(" (")[0]
        return tuple(command.replace("NODE", name) for command in self.commands)


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
    if node.evidence.has_no_pod:
        yield _find_kube_proxy()
    if wants_nft and foreign:
        yield Step(
            "migrate",
            "Move the rules that are not the cluster's to nft",
            f"{_sentence(foreign)} make the detector choose legacy where there is no pin, and are a "
            "second set of rules beside nft's. Whatever writes them has to call iptables-nft.",
            (
                "iptables-legacy-save; ip6tables-legacy-save  # what is there",
                *_ALTERNATIVES,
                "iptables-legacy -t TABLE -D CHAIN RULE  # once nft has it; of IPv6: ip6tables-legacy",
            ),
        )
    elif wants_nft and node.host_tool is not None and node.host_tool.backend == "legacy":
        yield Step(
            "host",
            "Have the host's iptables work with nft",
            "The kubelet and the CNI plugins call it; what they write has to be where kube-proxy's "
            "rules are.",
            _ALTERNATIVES,
        )
    found_out = node.next_mode is not None
    if not found_out and not node.evidence.has_no_pod:
        yield _find_pin(node)
    # Where nothing tells, nobody is sent to restart services for nothing that is seen.
    is_due = node.judge(node.next_mode) != "pinned" if found_out else _is_in_danger(node)
    if _does_not_start(node):
        yield Step(
            "mend",
            "Mend RKE2's configuration, before its service is restarted",
            "With what it says now, the service does not come up again.",
            ("rke2-lint check /etc/rancher/rke2  # the place, and what is wrong there",),
        )
    if is_due:
        yield _pin(node)
    now = node.judge(node.running)
    does_not_work = node.current in ("undecided", node.pin.other)
    if is_due or now not in ("pinned", "unknown") or does_not_work:
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
            "Drain the node, and start it anew: one node after the other",
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


def _is_in_danger(node: LiveNode) -> bool:
    """Return whether the wrong backend is in use, or would be chosen if nothing were pinned."""
    return node.pin.other in (node.current, node.next.backend)


def _does_not_start(node: LiveNode) -> bool:
    """Return whether RKE2 cannot read its configuration, or refuses it for more than the pin."""
    machine = node.evidence.machine
    if machine is None or node.judge(node.configured) in ("broken", "other"):
        return False
    return machine.verdict in ("broken", "unknown")


def _find_kube_proxy() -> Step:
    return Step(
        "find-kube-proxy",
        "Find out why there is no kube-proxy",
        "RKE2 writes its manifest when the service starts, and the kubelet makes the Pod of it.",
        (
            "ls -l /var/lib/rancher/rke2/agent/pod-manifests/kube-proxy.yaml",
            "journalctl -u rke2-server -u rke2-agent | grep -E 'kube-proxy|level=(error|fatal)'",
            "grep kube-proxy /var/lib/rancher/rke2/agent/logs/kubelet.log",
        ),
    )


def _find_pin(node: LiveNode) -> Step:
    return Step(
        "find-pin",
        "Find out whether kube-proxy is pinned",
        f"Nothing here tells. Where it says {node.pin.text}, the pin and the restart are done.",
        (
            f"kubectl -n kube-system get pods -l {LABEL} -o wide",
            f"kubectl -n kube-system exec POD -- env | grep {pin.VARIABLE}",
            "rke2-lint node  # on the node itself, as root: it looks at all there is",
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
            "rke2-lint node  # on a node; all at once: rke2-lint verify",
            f"kubectl -n kube-system exec POD -- env | grep {pin.VARIABLE}",
            f"kubectl -n kube-system exec POD -- /usr/sbin/iptables-{backend}-save -t nat | grep KUBE-SERVICES",
        ),
    )


def _sentence(noun: str) -> str:
    return noun[:1].upper() + noun[1:]
