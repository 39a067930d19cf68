"""Rulesets: what `nft list ruleset` wrote, as text or, with `-j`, as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from rke2_policies.diagnosis.owners import owner_of
from rke2_policies.lazy_pattern import lazily
from rke2_policies.route import Json

# The tables that iptables-nft keeps its rules in (netfilter iptables iptables/nft.c `xtables_ipv4`).
_IPTABLES_TABLES = frozenset({"filter", "nat", "mangle", "raw", "security"})
_FAMILIES = {"ip": 4, "ip6": 6}
_TABLE = lazily(r"\s*table (?P<family>\w+) (?P<name>[^\s{]+) \{")
_CHAIN = lazily(r"\s*chain (?P<name>[^\s{]+) \{")
_OTHER_BLOCK = lazily(
    r"\s*(?:set|map|meter|flowtable|counter|quota|ct \w+|limit|secmark|synproxy)\b.*\{"
)
# What stands in a chain and is no rule: its own properties.
_PROPERTY = ("type ", "policy ", "comment ", "#")
_TARGET = lazily(r"\b(?:jump|goto) (?P<target>\S+)")
_COMMENT = lazily(r'\bcomment "(?P<text>[^"]*)"')


class NftRule(NamedTuple):
    """One rule of a ruleset."""

    family: str
    """`ip`, `ip6`, `inet`, …"""
    table: str
    chain: str
    owner: str


class Ruleset(NamedTuple):
    """What nf_tables holds, rules of iptables-nft among it."""

    rules: tuple[NftRule, ...]
    chains: frozenset[tuple[str, str, str]]
    """Family, table and chain."""
    complete: bool
    """Nothing was cut off."""

    def counted(self, family: int) -> int:
        """Return how many rules `iptables-nft-save` (4) or `ip6tables-nft-save` (6) would list."""
        return sum(
            _FAMILIES.get(rule.family) == family and rule.table in _IPTABLES_TABLES
            for rule in self.rules
        )

    @property
    def native(self) -> bool:
        """Whether kube-proxy works with nftables itself: it has a table of its own then.

        kubernetes/kubernetes pkg/proxy/nftables/proxier.go `kubeProxyTable`.
        """
        return any(
            table == "kube-proxy" and family in ("ip", "ip6") for family, table, _ in self.chains
        )


def read_ruleset(tree: Json | None, text: str) -> Ruleset:
    """Read a ruleset: from JSON where `tree` holds what the text is as JSON, else from the text.

    Any input is one, at worst one that is empty and not complete.
    """
    if isinstance(tree, Mapping):
        return _from_json(tree)
    return _from_text(text)


def _from_json(tree: Mapping[str, Json]) -> Ruleset:
    entries = tree.get("nftables")
    rules: list[NftRule] = []
    chains: set[tuple[str, str, str]] = set()
    for entry in entries if isinstance(entries, list) else ():
        match entry:
            case {"chain": {"family": str(family), "table": str(table), "name": str(name)}}:
                chains.add((family, table, name))
            case {"rule": {"family": str(family), "table": str(table), "chain": str(name), **more}}:
                comment = more.get("comment")
                target = next(_targets(more.get("expr")), "")
                said = comment if isinstance(comment, str) else ""
                rules.append(NftRule(family, table, name, owner_of(name, target, said)))
    return Ruleset(tuple(rules), frozenset(chains), isinstance(entries, list))


def _targets(expressions: Json) -> Iterator[str]:
    for one in expressions if isinstance(expressions, list) else ():
        match one:
            case {"jump": {"target": str(target)}} | {"goto": {"target": str(target)}}:
                yield target


def _from_text(text: str) -> Ruleset:
    rules: list[NftRule] = []
    chains: set[tuple[str, str, str]] = set()
    family = table = chain = ""
    inside = 0  # of a set or the like, which is no business of ours
    for line in text.removeprefix("\ufeff").splitlines():
        if inside:
            inside += line.count("{") - line.count("}")
        elif found := _TABLE.match(line):
            family, table, chain = found["family"], found["name"], ""
        elif table and (found := _CHAIN.match(line)):
            chain = found["name"]
            chains.add((family, table, chain))
        elif table and not chain and _OTHER_BLOCK.match(line):
            inside = line.count("{") - line.count("}")
        elif line.strip() == "}":
            chain, table = "", table if chain else ""
        elif chain and line.strip() and not line.strip().startswith(_PROPERTY):
            target = _TARGET.search(line)
            comment = _COMMENT.search(line)
            owner = owner_of(
                chain, target["target"] if target else "", comment["text"] if comment else ""
            )
            rules.append(NftRule(family, table, chain, owner))
    return Ruleset(tuple(rules), frozenset(chains), not (table or chain or inside))
