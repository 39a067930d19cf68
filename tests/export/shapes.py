"""Clusters in all shapes that matter to the pin, for every engine that the policy is exported to."""

from __future__ import annotations

import copy
from typing import Any

KEY = "kube-proxy-extra-env"
PIN = "IPTABLES_MODE=nft"
ABSENT: Any = object()

VALUES: dict[str, Any] = {
    "null": None,
    "an empty text": "",
    "an empty list": [],
    "a text": "A=1",
    "a list": ["A=1"],
    "two items": ["A=1", "B=2"],
    "pinned": [PIN],
    "pinned among others": ["A=1", PIN, "B=2"],
    "pinned by a text": PIN,
    "upper case": ["IPTABLES_MODE=NFT"],
    "upper case in a text": "IPTABLES_MODE=NFT",
    "quotes": ["A=1", 'IPTABLES_MODE="nft"'],
    "a quote inside": ["IPTABLES_MODE=n'ft"],
    "quotes around the item": ['"IPTABLES_MODE=nft"'],
    "another tool's name": ["IPTABLES_MODE=nftables", "B=2"],
    "another tool's name, twice": ["B=2", "IPTABLES_MODE=nf_tables", "B=2"],
    "legacy": ["IPTABLES_MODE=legacy"],
    "legacy with an option": ["IPTABLES_MODE=legacy -f"],
    "nft with an option": ["IPTABLES_MODE=nft -f"],
    "another tool's legacy": ["IPTABLES_MODE=iptables-legacy"],
    "auto": ["IPTABLES_MODE=auto"],
    "nft, then legacy": [PIN, "IPTABLES_MODE=legacy"],
    "legacy, then nft": ["IPTABLES_MODE=legacy", PIN],
    "two misspelt": ["IPTABLES_MODE=NFT", "IPTABLES_MODE=nftables"],
    "one misspelt twice": ["IPTABLES_MODE=NFT", "IPTABLES_MODE=NFT"],
    "legacy, then misspelt": ["IPTABLES_MODE=legacy", "IPTABLES_MODE=NFT"],
    "misspelt, then legacy": ["IPTABLES_MODE=NFT", "IPTABLES_MODE=legacy"],
    "spaces around": [f" {PIN} "],
    "a space before the value": ["IPTABLES_MODE= nft"],
    "a space before the equals": ["IPTABLES_MODE =nft"],
    "misspelt after a space": ["IPTABLES_MODE= NFT "],
    "no value": ["IPTABLES_MODE="],
    "no equals": ["IPTABLES_MODE"],
    "no equals, legacy": ["IPTABLES_MODE legacy"],
    "joined by a comma": [f"{PIN},A=1"],
    "several lines": [f"{PIN}\nA=1"],
    "lower case name": ["iptables_mode=nft"],
    "lower case name, legacy": ["iptables_mode=legacy"],
    "a longer name": [f"MY_{PIN}"],
    "a longer name, legacy": ["MY_IPTABLES_MODE=legacy"],
    "another variable's value": ["IPTABLES_MODE=$(X)"],
    "a template": ["{{ x }}"],
    "a map": {"IPTABLES_MODE": "nft"},
    "a map of others": {"A": "1"},
    "a list of maps": [{"name": "IPTABLES_MODE", "value": "nft"}],
    "a map beside the pin": [PIN, {"A": "1"}],
    "a list of lists": [["A=1"]],
    "a pinned list in a list": [[PIN]],
    "a number": 7,
    "a list of numbers": [7, -1.5],
    "true": True,
    "an item null": [None],
    "an item null beside others": [None, "A=1"],
    "an item empty": [""],
}
"""What kube-proxy-extra-env may be."""

SECTIONS: dict[str, Any] = {
    "no section": ABSENT,
    "section null": None,
    "section empty": {},
    "other keys": {"cni": "cilium"},
    **{f"key: {name}": {KEY: value} for name, value in VALUES.items()},
    "key beside others": {"cni": "canal", KEY: ["A=1"], "profile": "cis"},
    "no kube-proxy": {"disable-kube-proxy": True},
    "no kube-proxy, in a text": {"disable-kube-proxy": "true"},
    "no kube-proxy, capital": {"disable-kube-proxy": "True"},
    "no kube-proxy, yes": {"disable-kube-proxy": "yes"},
    "no kube-proxy, 1": {"disable-kube-proxy": 1},
    "no kube-proxy, false": {"disable-kube-proxy": False},
    "no kube-proxy, null": {"disable-kube-proxy": None},
    "no kube-proxy, a list": {"disable-kube-proxy": [True]},
    "nftables": {"kube-proxy-arg": ["proxy-mode=nftables"]},
    "nftables in a text": {"kube-proxy-arg": "proxy-mode=nftables"},
    "nftables with dashes": {"kube-proxy-arg": ["--proxy-mode=nftables"]},
    "ipvs": {"kube-proxy-arg": ["proxy-mode=ipvs"]},
    "nftables, then iptables": {"kube-proxy-arg": ["proxy-mode=nftables", "proxy-mode=iptables"]},
    "iptables, then nftables": {"kube-proxy-arg": ["proxy-mode=iptables", "proxy-mode=nftables"]},
    "arguments null": {"kube-proxy-arg": None},
    "arguments odd": {"kube-proxy-arg": [None, 7, {"a": 1}]},
    "nftables, but legacy": {
        "kube-proxy-arg": ["proxy-mode=nftables"],
        KEY: ["IPTABLES_MODE=legacy"],
    },
}
"""What machineGlobalConfig may be."""

WORKERS = {"matchLabels": {"rke.cattle.io/worker-role": "true"}}

ODD = {
    "number": 7,
    "fraction": -1.5,
    "true": True,
    "text": "text",
    "empty text": "",
    "null": None,
    "list": [],
    "map": {},
    "list of lists": [[["x"]]],
    "list of null": [None],
    "list of maps": [{"a": [1]}],
    "map of null": {"a": None},
    "map of maps": {"config": {"config": {KEY: {}}}},
}
"""Values of types that nobody expects."""

PLACES = {
    "spec": ("spec",),
    "version": ("spec", "kubernetesVersion"),
    "rkeConfig": ("spec", "rkeConfig"),
    "section": ("spec", "rkeConfig", "machineGlobalConfig"),
    "key": ("spec", "rkeConfig", "machineGlobalConfig", KEY),
    "arguments": ("spec", "rkeConfig", "machineGlobalConfig", "kube-proxy-arg"),
    "disabled": ("spec", "rkeConfig", "machineGlobalConfig", "disable-kube-proxy"),
    "selectors": ("spec", "rkeConfig", "machineSelectorConfig"),
    "restore": ("spec", "rkeConfig", "etcdSnapshotRestore"),
    "status": ("status",),
}
"""Where an expression looks."""


def cluster(name: str, section: Any = ABSENT, **more: Any) -> dict[str, Any]:
    """Return a Cluster with this machineGlobalConfig; `more` goes into its rkeConfig."""
    config = dict(more) if section is ABSENT else {"machineGlobalConfig": section, **more}
    return copy.deepcopy(
        {
            "apiVersion": "provisioning.cattle.io/v1",
            "kind": "Cluster",
            "metadata": {"name": name, "namespace": "fleet-default"},
            "spec": {"kubernetesVersion": "v1.34.1+rke2r1", "rkeConfig": config},
        }
    )


def with_odd(place: tuple[str, ...], value: Any) -> dict[str, Any]:
    """Return a Cluster with a value at a place of it."""
    made = cluster("odd", {"cni": "canal"})
    at: Any = made
    for step in place[:-1]:
        at = at[step]
    at[place[-1]] = copy.deepcopy(value)
    return made
