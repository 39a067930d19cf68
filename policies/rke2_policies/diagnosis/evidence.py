"""Evidence: all that is known of one node, whoever gathered it, from dumps or live."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rke2_policies.diagnosis.kube_proxy import Environment, KubeProxy
from rke2_policies.diagnosis.rule_dump import Backend, Family, RuleDump
from rke2_policies.diagnosis.ruleset import Ruleset
from rke2_policies.lazy_pattern import lazily
from rke2_policies.machine import Machine

_TOOL = lazily(r"ip6?tables(?:-nft|-legacy)? v(?P<version>\d[\w.]*)(?: \((?P<backend>\w+)\))?")
_CGROUP_V1 = lazily(r"(?m)^[1-9]\d*:[a-z]|^cgroup (?:on )?/sys/fs/cgroup/\S*cpuset")
_CGROUP_V2 = lazily(r"(?m)^cgroup2 (?:on )?/sys/fs/cgroup ")
_COMPLAINT = lazily(
    r"Unknown flag (?P<flag>--\S+) found in config\.yaml|(?P<entry>environment variable .*was not valid)"
)


class Damage(NamedTuple):
    """A piece of evidence that could not be read, or not all of it."""

    source: str
    """Where it was read, such as `iptables-legacy-save`."""
    what: str


class Tool(NamedTuple):
    """An `iptables` of one kind."""

    version: str
    backend: Backend
    """What it works with: its own word for nft is `nf_tables`."""


class Complaint(NamedTuple):
    """What RKE2 logged when it did not understand its configuration."""

    text: str
    flag: str
    """The setting that it does not know; "" where an entry of an extra environment is meant."""


class Evidence(NamedTuple):
    """What is known of one node. Whatever nobody looked at is None, or empty."""

    name: str
    dumps: tuple[RuleDump, ...] = ()
    ruleset: Ruleset | None = None
    """What `nft list ruleset` says of the node."""
    link: str | None = None
    """Where `/usr/sbin/iptables` leads to in kube-proxy's container."""
    environment: Environment | None = None
    pod: KubeProxy | None = None
    has_no_pod: bool = False
    """Somebody looked for kube-proxy's Pod of this node, and there is none."""
    machine: Machine | None = None
    """What the node's configuration files come to."""
    cgroup: int | None = None
    """The version of its control groups, 1 or 2."""
    image_tool: Tool | None = None
    """nft's iptables in kube-proxy's image."""
    host_tool: Tool | None = None
    """The `iptables` of the host, which the kubelet and CNI plugins use."""
    complaints: tuple[Complaint, ...] = ()
    system: str = "linux"
    """Its operating system as Kubernetes calls it: `linux` or `windows`."""
    inapplicable: str = ""
    """Why the cluster as a whole leaves nothing to pin here; "" where it does."""
    damages: tuple[Damage, ...] = ()

    def dump(self, backend: Backend, family: Family) -> RuleDump | None:
        """Return the best dump of one backend and family: complete, from the container, in its place."""
        found = [one for one in self.dumps if (one.backend, one.family) == (backend, family)]
        found.sort(key=lambda one: (not one.complete, one.by_host, one.astray))
        return found[0] if found else None

    def faults(self) -> Iterator[Damage]:
        """Yield all that is wrong with the dumps."""
        yield from self.damages
        for one in self.dumps:
            for fault in one.faults:
                yield Damage(one.source or f"iptables-{one.backend}-save", fault)
        if self.ruleset is not None and not self.ruleset.complete:
            yield Damage("nft list ruleset", "it is cut off")


def read_tool(text: str) -> Tool | None:
    """Return what `iptables --version` said; None where that is no version."""
    found = _TOOL.search(text)
    if found is None:
        return None
    # Before there were two, there was legacy.
    return Tool(found["version"], "nft" if found["backend"] == "nf_tables" else "legacy")


def read_cgroup(text: str) -> int | None:
    """Return the version of control groups.

    `text` is /proc/1/cgroup, /proc/mounts, what `mount` or `stat -fc %T /sys/fs/cgroup` said; None
    where it is none of them, or does not tell.
    """
    said = text.strip()
    if said == "cgroup2fs" or _CGROUP_V2.search(text):
        return 2
    if said == "tmpfs" or _CGROUP_V1.search(text):
        # Of a mixed hierarchy, the first version has the cpuset that the detector asks for.
        return 1
    return 2 if said.startswith("0::/") else None


def read_complaints(text: str) -> tuple[Complaint, ...]:
    """Return what of a log of RKE2's services is about settings that it skipped, once each.

    k3s-io/k3s pkg/configfilearg/parser.go `stripInvalidFlags`; rancher/rke2
    pkg/podtemplate/podtemplate.go `addExtraEnv`.
    """
    found: dict[tuple[str, str], Complaint] = {}
    for match in _COMPLAINT.finditer(text):
        flag = match["flag"] or ""
        said = match[0].strip()
        found.setdefault(
            (flag, "" if flag else said), Complaint(said, flag.lstrip("-").partition("=")[0])
        )
    return tuple(found.values())


def read_link(text: str) -> str | None:
    """Return what `readlink` printed, or `ls -l` of the link; None where that is no path."""
    found = None
    for line in text.splitlines():
        path = line.strip().rpartition(" -> ")[2]
        if "tables" in path.rpartition("/")[2] and " " not in path:
            found = path
    return found
