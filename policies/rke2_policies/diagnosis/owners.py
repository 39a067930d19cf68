"""Owners: whose rules they are, by the names that each program gives its chains and comments.

Kubernetes: kubernetes/kubernetes pkg/proxy/iptables/proxier.go, pkg/kubelet/kubelet_network_linux.go.
Calico: projectcalico/calico felix/rules/rule_defs.go (`cali-`, and the older `felix-`). CNI
plugins: containernetworking/plugins plugins/meta/portmap and pkg/utils/iptables.go. flannel:
flannel-io/flannel pkg/trafficmngr/iptables (the comment `flanneld`). Cilium: cilium/cilium
pkg/datapath/iptables. Docker: moby/moby libnetwork/drivers/bridge. firewalld: firewalld/firewalld
src/firewall/core/ipXtables.py. kube-router: cloudnativelabs/kube-router pkg/controllers/netpol.
"""

from __future__ import annotations

from functools import lru_cache

from rke2_policies.lazy_pattern import lazily

CUSTOM = "custom"
"""Nobody that is known here wrote it: an administrator, or a package of the host."""

_PREFIXES = (
    ("KUBE-ROUTER-", "kube-router"),
    ("KUBE-NWPLCY-", "kube-router"),
    ("KUBE-POD-FW-", "kube-router"),
    ("KUBE-", "kubernetes"),
    ("cali-", "calico"),
    ("cali:", "calico"),
    ("felix-", "calico"),
    ("CNI-", "cni"),
    ("FLANNEL-", "flannel"),
    ("CILIUM_", "cilium"),
    ("OLD_CILIUM_", "cilium"),
    ("DOCKER", "docker"),
    ("LIBVIRT_", "libvirt"),
    ("FORWARD_direct", "firewalld"),
    ("ufw-", "ufw"),
    ("ufw6-", "ufw"),
)
_FIREWALLD = lazily(r"(IN|FWD|FWDI|FWDO|PRE|POST)_[A-Za-z0-9]+(_(log|deny|allow|pre|post))?\Z")
_DIRECT = lazily(
    r"(INPUT|OUTPUT|FORWARD|PREROUTING|POSTROUTING)_(direct|ZONES|ZONES_SOURCE|(IN|OUT)_ZONES(_SOURCE)?)\Z"
)
_COMMENTS = (
    ("flanneld", "flannel"),
    ("cali:", "calico"),
    ("cilium", "cilium"),
    ("kubernetes ", "kubernetes"),
    ("CNI portfwd", "cni"),
)


def owner_of(chain: str, target: str, comment: str) -> str:
    """Return whose rule it is: by its chain, the chain that it jumps to, then its comment."""
    if owner := owner_of_chain(chain) or owner_of_chain(target):
        return owner
    for begin, owner in _COMMENTS:
        if comment.startswith(begin) or f" {begin}" in comment:
            return owner
    return CUSTOM


@lru_cache(maxsize=1024)
def owner_of_chain(name: str) -> str:
    """Return whose chain it is by its name; "" where that does not tell."""
    for prefix, owner in _PREFIXES:
        if name.startswith(prefix):
            return owner
    return "firewalld" if _FIREWALLD.match(name) or _DIRECT.match(name) else ""
