"""Records: evidence as JSON and back, so that a later run goes on from what an earlier one saw."""

from __future__ import annotations

from typing import Any, cast

from rke2_policies.diagnosis.evidence import Damage, Evidence
from rke2_policies.diagnosis.kube_proxy import Environment, KubeProxy
from rke2_policies.diagnosis.rule_dump import Backend, Family, IptablesRule, RuleDump


class RecordError(Exception):
    """Something is no record: what it lacks, for people."""


def written(seen: Evidence) -> dict[str, Any]:
    """Return the evidence of one node as JSON. What says nothing is left out."""
    said: dict[str, Any] = {
        "system": seen.system,
        "inapplicable": seen.inapplicable,
        "hasNoPod": seen.has_no_pod,
        "link": seen.link,
        "pod": _pod(seen.pod) if seen.pod is not None else None,
        "environment": {"mode": seen.environment.mode} if seen.environment is not None else None,
        "dumps": [_dump(one) for one in seen.dumps],
        "damages": [one._asdict() for one in seen.damages],
    }
    return {key: value for key, value in said.items() if value not in (None, "", [], False)}


def _pod(pod: KubeProxy) -> dict[str, Any]:
    return pod._asdict() | {"settings": sorted(pod.settings)}


def _dump(dump: RuleDump) -> dict[str, Any]:
    return {
        "backend": dump.backend,
        "family": dump.family,
        "counted": dump.counted,
        "rules": [[one.table, one.chain, one.text, one.line, one.owner] for one in dump.rules],
        "owners": dict(dump.owners),
        "chains": sorted(dump.chains),
        "version": dump.version,
        "complete": dump.complete,
        "legacyPresent": dump.legacy_present,
        "faults": list(dump.faults),
        "source": dump.source,
    }


def read(name: str, said: Any) -> Evidence:
    """Return the evidence of a node out of its record. Raises RecordError."""
    try:
        return _evidence(name, _Fields(said))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise RecordError(f"the evidence of {name} is damaged") from error


class _Fields:
    """The fields of an object of JSON, each of which is asked for by its type."""

    def __init__(self, said: Any) -> None:
        if not isinstance(said, dict):
            raise TypeError
        self._said = said

    def text(self, key: str) -> str:
        return cast("str", self._typed(key, str, ""))

    def number(self, key: str) -> int:
        return cast("int", self._typed(key, int, 0))

    def flag(self, key: str) -> bool:
        return self._typed(key, bool, None) is True

    def maybe(self, key: str, kind: type) -> Any:
        return self._typed(key, kind, None)

    def listed(self, key: str) -> list[Any]:
        return cast("list[Any]", self._typed(key, list, []))

    def _typed(self, key: str, kind: type, otherwise: Any) -> Any:
        value = self._said.get(key)
        if value is None:
            return otherwise
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise TypeError(key)
        return value


def _evidence(name: str, said: _Fields) -> Evidence:
    environment, pod = said.maybe("environment", dict), said.maybe("pod", dict)
    return Evidence(
        name,
        tuple(_read_dump(_Fields(one)) for one in said.listed("dumps")),
        link=said.maybe("link", str),
        environment=Environment(_Fields(environment).maybe("mode", str))
        if environment is not None
        else None,
        pod=_read_pod(_Fields(pod)) if pod is not None else None,
        has_no_pod=said.flag("hasNoPod"),
        system=said.text("system") or "linux",
        inapplicable=said.text("inapplicable"),
        damages=tuple(
            Damage(fields.text("source"), fields.text("what"))
            for fields in map(_Fields, said.listed("damages"))
        ),
    )


def _read_pod(said: _Fields) -> KubeProxy:
    return KubeProxy(
        said.text("name"),
        said.text("node"),
        said.maybe("mode", str),
        said.text("proxy_mode"),
        said.text("image"),
        said.text("phase"),
        said.maybe("ready", bool),
        said.number("restarts"),
        said.text("started"),
        frozenset(str(one) for one in said.listed("settings")),
    )


def _read_dump(said: _Fields) -> RuleDump:
    backend, family = said.text("backend"), said.number("family")
    if backend not in ("nft", "legacy") or family not in (4, 6):
        raise ValueError
    family_ = cast("Family", family)
    return RuleDump(
        cast("Backend", backend),
        family_,
        said.number("counted"),
        tuple(_rule(family_, *one) for one in said.listed("rules")),
        {str(owner): int(count) for owner, count in (said.maybe("owners", dict) or {}).items()},
        frozenset((str(table), str(chain)) for table, chain in said.listed("chains")),
        said.text("version"),
        said.flag("complete"),
        said.maybe("legacyPresent", bool),
        faults=tuple(str(one) for one in said.listed("faults")),
        source=said.text("source"),
    )


def _rule(family: Family, *said: Any) -> IptablesRule:
    table, chain, text, line, owner = said
    return IptablesRule(family, str(table), str(chain), str(text), int(line), str(owner))
