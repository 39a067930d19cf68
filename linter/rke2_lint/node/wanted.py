"""What of a node's files is evidence, by path: the rest of a folder or tarball is never read."""

from __future__ import annotations

import re
from typing import Literal

Keep = Literal["", "whole", "complaints"]
"""How much of a file is kept: nothing, all of it, or the lines in which RKE2 complains."""

# A folder of dumps. People call them what they like, so endings that say nothing are allowed.
_PLAIN = (
    r"pod\.json|pod\.ya?ml|kube-proxy\.ya?ml|env|environ|readlink|cgroup|mounts|"
    r"ip6?tables-(?:legacy|nft)-save|nft-ruleset(?:\.json)?|(?:host-)?iptables-version|"
    r"(?:default/|sysconfig/)?rke2-(?:server|agent|sa)(?:\.env)?|"
    r"config\.yaml|config\.yaml\.d/[^/]+"
)
# Rancher's log collector (rancherlabs/support-tools collection/rancher/v2.x/logs-collector).
_BUNDLE = (
    r"networking/ip6?tablessave|networking/nft_ruleset|rke2/pod-manifests/[^/]+\.yaml|"
    r"rke2/[^/]+\.ya?ml|rke2/kubectl/pods|systeminfo/(?:hostname|mount)|journald/rke2-(?:server|agent)"
)
_WANTED = re.compile(
    rf"(?:.*/)?(?:(?:{_PLAIN})(?:\.txt|\.log)?|{_BUNDLE}|journal(?:\.txt|\.log)?)", re.IGNORECASE
)
_LOG = re.compile(
    r"(?:.*/)?(?:journald/rke2-(?:server|agent)|journal(?:\.txt|\.log)?)", re.IGNORECASE
)

COMPLAINTS = (b"Unknown flag ", b"was not valid")
"""What the lines of a log hold that are kept."""


def keep(path: str) -> Keep:
    """Return how much of a file is kept."""
    if _LOG.fullmatch(path):
        return "complaints"
    return "whole" if _WANTED.fullmatch(path) else ""
