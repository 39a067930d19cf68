"""Facts: tables taken from upstream, each with its source and commit inside, and their readers."""

from __future__ import annotations

import json
from functools import cache, lru_cache
from typing import Any

from rke2_policies.version import Version, parse


@cache
def _table(name: str) -> dict[str, Any]:
    # Not importlib.resources, which would cost as much time as all of PyYAML.
    loader = __spec__.loader
    path = __path__[0] + f"/{name}.json"
    table: dict[str, Any] = json.loads(loader.get_data(path))  # type: ignore[union-attr]
    return table


@cache
def rke2_flags() -> dict[str, tuple[str, ...]]:
    """Return every key that RKE2 knows in `config.yaml`, with the commands that know it."""
    return {name: tuple(commands) for name, commands in _table("rke2_flags")["flags"].items()}


@cache
def k3s_only_flags() -> frozenset[str]:
    """Return the K3s flags that RKE2 drops: their presence says that a file is K3s's."""
    return frozenset(_table("rke2_flags")["dropped"])


@cache
def rancher_settings() -> dict[str, dict[str, Any]]:
    """Return Rancher's table of RKE2 settings: name → {type, scopes, first, by_scope}."""
    settings: dict[str, dict[str, Any]] = _table("rancher_settings")["settings"]
    return settings


def is_server_only(flag: str) -> bool:
    """Return whether only `rke2 server` knows a flag."""
    return rke2_flags().get(flag) == ("server",)


# Others write the names: what is remembered of them has an end.
@lru_cache(maxsize=4096)
def rancher_knows(name: str, version: Version | None, *, server: bool) -> bool:
    """Return whether Rancher passes a key on to a machine of this version.

    `server`: the machine has the control-plane or etcd role. A version that Rancher's table lacks
    (pre-releases, unreadable ones, those before the first one listed of their minor) gets the union of all releases' keys
    (rancher/rancher pkg/capr/planner: `GetKDMReleaseData`; pkg/channelserver).
    """
    field = rancher_settings().get(name)
    if field is None:
        return False
    if "agent" not in field["scopes"] and not server:
        return False
    if version is None or version.prerelease:
        return True
    # A minor newer than the table is taken to know what the newest one in it knows.
    starts = _starts()
    minor = f"1.{min(version.minor, max(int(m.partition('.')[2]) for m in starts))}"
    if minor not in starts or not _reached(version, starts[minor]):
        return True  # Older than what the table lists of its minor: not in the table.
    first: dict[str, str] = field["first"]
    if minor not in first or not _reached(version, first[minor]):
        return False
    by_scope: dict[str, str] = field.get("by_scope", {})
    if not server and "agent" in by_scope:
        return _reached(version, by_scope["agent"])
    return True


def _reached(version: Version, start: str) -> bool:
    parsed = parse(start)
    return parsed is not None and version[:4] >= parsed[:4]


@cache
def _starts() -> dict[str, str]:
    """Return the first release of each minor that the table lists."""
    starts: dict[str, str] = {}
    for field in rancher_settings().values():
        for minor, text in field["first"].items():
            earlier = parse(starts.get(minor, ""))
            later = parse(text)
            if earlier is None or (later is not None and later[:4] < earlier[:4]):
                starts[minor] = text
    return starts


def too_old(version: Version | None) -> bool:
    """Return whether Rancher's RKE2 of this version lacks `kube-proxy-extra-env`.

    First in RKE2 v1.21.3+rke2r2 and v1.22.3 (rancher/rke2 #1463, #1526); Rancher's table begins
    with v1.21.4+rke2r2.
    """
    if version is None or version.major != 1:
        return False
    if version.minor == 22:
        return version.patch < 3
    return not version.at_least(21, 4)


def splits_commas(version: Version | None) -> bool:
    """Return whether this RKE2 splits RKE2_KUBE_PROXY_EXTRA_ENV at commas, and adds it to the key.

    Up to v1.30, v1.31.7 and v1.32.3 (rancher/rke2 0ee96d5b0: urfave/cli v2 since).
    """
    if version is None:
        return False
    if version.minor in (31, 32):
        return version.patch < {31: 8, 32: 4}[version.minor]
    return version.minor < 31
