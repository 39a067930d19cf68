"""A node as it lives: what follows from the evidence, which rules are asked about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Literal, NamedTuple, TypeAlias

from rke2_policies import pin
from rke2_policies.diagnosis import detector
from rke2_policies.diagnosis.detector import Choice, Counts
from rke2_policies.diagnosis.evidence import Evidence, Tool
from rke2_policies.diagnosis.rule_dump import Backend, Family, IptablesRule
from rke2_policies.document import DocumentId, Place
from rke2_policies.finding import Problem, Severity
from rke2_policies.machine import NOTHING_SPECIAL
from rke2_policies.policy import Params

Current: TypeAlias = Literal["nft", "legacy", "undecided", "unknown"]
"""What kube-proxy's iptables work with. `undecided`: they have not been called yet, or they fail."""

_LINKS: tuple[tuple[str, Current], ...] = (
    ("xtables-nft-multi", "nft"),
    ("xtables-legacy-multi", "legacy"),
    ("iptables-detect.sh", "undecided"),
    ("iptables-nft", "nft"),
    ("iptables-legacy", "legacy"),
)
# Chains that kube-proxy alone makes; others that begin with KUBE- are the kubelet's as well
# (kubernetes/kubernetes pkg/proxy/iptables/proxier.go, pkg/kubelet/kubelet_network_linux.go).
_OF_SERVICES = ("KUBE-SERVICES", "KUBE-SVC-", "KUBE-SEP-", "KUBE-NODEPORTS", "KUBE-EXT-")
_FAMILIES: tuple[Family, Family] = (4, 6)
CLUSTERS_OWN = ("kubernetes", "calico", "cni", "flannel", "cilium", "kube-router")
"""Owners that belong to the cluster: their rules come back in the right backend by themselves."""
PLUGINS = ("calico", "cni", "flannel")
"""Network plugins that choose a backend of their own."""


def witness_of_services(chains: Iterable[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """Return one chain that shows that kube-proxy has written rules; nothing where none does.

    `chains`: tables with their chains.
    """
    shown = ((table, chain) for table, chain in chains if chain.startswith(_OF_SERVICES))
    return frozenset(sorted(one for one in shown if one[0] == "nat")[:1])


class Mode(NamedTuple):
    """A value of IPTABLES_MODE, and where it was seen."""

    value: str | None
    """None where it is not set."""
    by: str
    """For people: `kube-proxy's environment`, `kube-proxy's Pod`, `config.yaml`."""


class LiveNode:
    """One node, what its kube-proxy does now, and what it would do after the next start."""

    def __init__(self, evidence: Evidence, params: Params = NOTHING_SPECIAL) -> None:
        self.evidence = evidence
        self.pin = pin.WANTED[params.backend]
        """The pin that the policy wants."""

    def __repr__(self) -> str:
        return f"LiveNode({self.name})"

    @property
    def name(self) -> str:
        """What the node is called."""
        return self.evidence.name

    @property
    def place(self) -> Place:
        """The node, as the place of what is found."""
        return Place(DocumentId(self.name), ())

    # --- whether kube-proxy's iptables matter at all

    @cached_property
    def not_applicable(self) -> str:
        """Why the pin means nothing here; "" where it does."""
        seen = self.evidence
        if seen.system == "windows":
            return "kube-proxy on Windows knows no iptables"
        if seen.inapplicable:
            return seen.inapplicable
        if seen.pod is not None:
            native = seen.pod.proxy_mode == "nftables"
            return "proxy-mode=nftables: kube-proxy uses nftables natively" if native else ""
        if seen.machine is not None and seen.machine.verdict == "not-applicable":
            return seen.machine.reason
        if seen.ruleset is not None and seen.ruleset.native and not self.serves("nft"):
            return "its ruleset has the table kube-proxy: kube-proxy uses nftables natively"
        return ""

    # --- the pin

    @cached_property
    def running(self) -> Mode | None:
        """What kube-proxy runs with; None where nobody saw it."""
        seen = self.evidence
        if seen.environment is not None:
            return Mode(seen.environment.mode or None, "kube-proxy's environment")
        if seen.pod is None or "$(" in (seen.pod.mode or ""):
            # The kubelet puts another variable's value there.
            return None
        return Mode(seen.pod.mode or None, "kube-proxy's Pod")

    @cached_property
    def configured(self) -> Mode | None:
        """What RKE2's configuration says for the next start; None where that is not known."""
        machine = self.evidence.machine
        if machine is None or machine.reading.verdict == "unknown" or not machine.sure:
            return None
        reading = machine.reading
        if reading.verdict == "unpinned" and machine.verdict == "unknown":
            return None
        setting = machine.environment
        by = setting.said[-1].by if setting.said else "RKE2's configuration"
        return Mode(reading.value or None, by)

    @property
    def mode(self) -> Mode | None:
        """The value that says most about now: what runs, or else what is configured."""
        return self.running or self.configured

    @property
    def next_mode(self) -> Mode | None:
        """The value at the next start of the service; None where nothing tells it."""
        return self.configured or self.running

    @property
    def is_pinned(self) -> bool:
        """Whether kube-proxy runs with the wanted pin, or is configured to where nobody saw it."""
        return self.mode is not None and self.judge(self.mode) == "pinned"

    @property
    def is_unpinned(self) -> bool | None:
        """Whether kube-proxy is left to its detector; None where that is not known."""
        return None if self.mode is None else self.judge(self.mode) == "unpinned"

    def judge(self, mode: Mode | None) -> pin.Outcome:
        """Return what a value comes to, seen from the wanted pin."""
        return "unknown" if mode is None else self.pin.judge(mode.value or "")

    # --- the rules

    @cached_property
    def counts(self) -> Counts:
        """How many rules there are, as far as that is known."""
        legacy4, legacy6 = self._counted("legacy", 4), self._counted("legacy", 6)
        nft4, nft6 = self._counted("nft", 4), self._counted("nft", 6)
        return Counts(
            legacy4, legacy6, nft4, nft6, self._is_complete("legacy"), self._is_complete("nft")
        )

    def _counted(self, backend: Backend, family: Family) -> int | None:
        seen = self.evidence
        if (dump := seen.dump(backend, family)) is not None:
            return dump.counted
        if backend == "nft":
            return seen.ruleset.counted(family) if seen.ruleset is not None else None
        # nft's tool warns of any legacy table (iptables/nft-shared.c `nft_check_xt_legacy`).
        other = seen.dump("nft", family)
        return 0 if other is not None and other.legacy_present is False else None

    def _is_complete(self, backend: Backend) -> bool:
        seen = self.evidence
        dumps = [dump for family in _FAMILIES if (dump := seen.dump(backend, family))]
        if not all(dump.complete for dump in dumps):
            return False
        from_ruleset = backend == "nft" and len(dumps) < 2 and seen.ruleset is not None
        return not from_ruleset or seen.ruleset is None or seen.ruleset.complete

    @cached_property
    def legacy_rules(self) -> tuple[IptablesRule, ...]:
        """Legacy rules: all that are known, or the first of each owner where they are very many."""
        dumps = (self.evidence.dump("legacy", family) for family in _FAMILIES)
        return tuple(rule for dump in dumps if dump is not None for rule in dump.rules)

    @cached_property
    def owners(self) -> dict[str, int]:
        """Whose the legacy rules are: owner → how many, most first."""
        counted: dict[str, int] = {}
        for family in _FAMILIES:
            if (dump := self.evidence.dump("legacy", family)) is not None:
                for owner, count in dump.owners.items():
                    counted[owner] = counted.get(owner, 0) + count
        return dict(sorted(counted.items(), key=lambda one: (-one[1], one[0])))

    @cached_property
    def nft_owners(self) -> frozenset[str]:
        """Whose rules there are in nft."""
        dumps = (self.evidence.dump("nft", family) for family in _FAMILIES)
        found = {owner for dump in dumps if dump is not None for owner in dump.owners}
        if self.evidence.ruleset is not None:
            found |= {rule.owner for rule in self.evidence.ruleset.rules}
        return frozenset(found)

    @property
    def has_legacy_tables(self) -> bool:
        """Whether there are legacy tables, though it may not be known what is in them."""
        return bool(self.counts.legacy) or any(one.legacy_present for one in self.evidence.dumps)

    def serves(self, backend: Backend) -> bool | None:
        """Return whether kube-proxy's rules for Services are in a backend; None: nobody looked."""
        seen = self.evidence
        tables = {
            (table, chain)
            for family in _FAMILIES
            if (dump := seen.dump(backend, family)) is not None
            for table, chain in dump.chains
        }
        known = seen.dump(backend, 4) is not None
        complete = self._is_complete(backend)
        if backend == "nft" and seen.ruleset is not None:
            known, complete = True, complete and seen.ruleset.complete
            tables |= {(table, chain) for _, table, chain in seen.ruleset.chains}
        if witness_of_services(tables):
            return True
        if self._counted(backend, 4) == 0 and not known:
            return False
        return False if known and complete else None

    # --- what follows

    @cached_property
    def current(self) -> Current:
        """What kube-proxy's iptables work with now."""
        link = self.evidence.link
        if link is not None:
            name = link.rpartition("/")[2]
            return next((to for begin, to in _LINKS if name.startswith(begin)), "unknown")
        if self.running is not None and self.running.value is not None:
            match detector.choose(self.running.value, Counts()).backend:
                case "nft":
                    return "nft"
                case "legacy":
                    return "legacy"
                case _:
                    return "undecided"
        match self.serves("legacy"), self.serves("nft"):
            case True, False:
                return "legacy"
            case False, True:
                return "nft"
            case _:
                return "unknown"

    @cached_property
    def next(self) -> Choice:
        """What the next start of the service chooses, and why; without a known pin, by the rules."""
        mode = self.next_mode
        image = self.evidence.pod.image if self.evidence.pod is not None else ""
        return detector.choose(
            mode.value if mode is not None else None, self.counts, self.evidence.cgroup, image
        )

    @property
    def detected(self) -> Choice:
        """What the detector would choose if nothing were pinned."""
        image = self.evidence.pod.image if self.evidence.pod is not None else ""
        return detector.choose(None, self.counts, self.evidence.cgroup, image)

    @property
    def image_tool(self) -> Tool | None:
        """Nft's iptables in kube-proxy's image."""
        written = self._tool(by_host=False)
        return self.evidence.image_tool or written

    @property
    def host_tool(self) -> Tool | None:
        """The `iptables` of the host."""
        return self.evidence.host_tool or self._tool(by_host=True)

    def _tool(self, *, by_host: bool) -> Tool | None:
        for one in self.evidence.dumps:
            if one.by_host == by_host and one.version and (by_host or one.backend == "nft"):
                return Tool(one.version, one.backend)
        return None

    @cached_property
    def missing(self) -> tuple[str, ...]:
        """The evidence that would tell more and was not there, for people."""
        return tuple(self._missing())

    def _missing(self) -> Iterator[str]:
        seen, counts = self.evidence, self.counts
        if self.not_applicable:
            return
        if self.running is None:
            yield "kube-proxy's environment (env, or pod.json)"
        if seen.machine is None:
            yield "RKE2's configuration (config.yaml)"
        if seen.link is None:
            yield "the link /usr/sbin/iptables (readlink)"
        for known, backend, tool in (
            (counts.legacy4, "legacy", "iptables"), (counts.legacy6, "legacy", "ip6tables"),
            (counts.nft4, "nft", "iptables"), (counts.nft6, "nft", "ip6tables"),
        ):  # fmt: skip
            if known is None:
                family = 6 if tool == "ip6tables" else 4
                yield f"{backend} rules of IPv{family} ({tool}-{backend}-save)"
        undecided = self.next.backend == "unknown"
        if seen.cgroup is None and undecided and not counts.legacy and not counts.nft:
            yield "the version of control groups (cgroup)"

    # --- telling

    def problem(
        self,
        message: str,
        remedy: str,
        *,
        severity: Severity | None = None,
        most: Severity = Severity.ERROR,
        explains: bool = False,
    ) -> Problem:
        """Return a problem of this node. `remedy` says what to do about it, in a sentence."""
        return Problem(
            message, self.place, severity=severity, most=most, explains=explains, remedy=remedy
        )


class LiveCluster:
    """Nodes that belong together, for what only shows when one compares them."""

    __slots__ = ("name", "nodes")

    def __init__(self, name: str, nodes: tuple[LiveNode, ...]) -> None:
        self.name = name
        self.nodes = nodes
