"""The detector: which backend kube-proxy's image chooses at its first iptables call, and why.

The image's `iptables` is a script that counts rules once, points the `iptables` links at one
backend and calls it; the choice stays until the container is made anew (k3s-io/k3s-root
iptables-detect/iptables-detect.sh, the same text from v0.9.1 to v0.15.0, and xtables-set-mode.sh).
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from rke2_policies import pin

Backend: TypeAlias = Literal["nft", "legacy", "broken", "unknown"]

THRESHOLD = 10
"""With this many legacy rules, nft's are not even counted (iptables-detect.sh)."""


class Counts(NamedTuple):
    """How many rules each backend holds; None where no dump tells."""

    legacy4: int | None = None
    legacy6: int | None = None
    nft4: int | None = None
    nft6: int | None = None

    @property
    def legacy(self) -> int:
        """Legacy rules of both families, as far as they are known: the detector adds them up."""
        return (self.legacy4 or 0) + (self.legacy6 or 0)

    @property
    def nft(self) -> int:
        """Rules of both families in nft, as far as they are known."""
        return (self.nft4 or 0) + (self.nft6 or 0)

    @property
    def margin(self) -> int:
        """How many more legacy rules the next start endures before it chooses legacy; 0: none."""
        return max(0, min(THRESHOLD - 1, self.nft) - self.legacy)


class Choice(NamedTuple):
    """What the detector chooses, and why, for people."""

    backend: Backend
    why: str


def choose(mode: str | None, counts: Counts, cgroup: int | None = None) -> Choice:
    """Return what kube-proxy's next start chooses.

    `mode` is the container's IPTABLES_MODE, None where it is not set. `cgroup` is the version of
    the host's control groups, 1 or 2; only a node without any rule is decided by it. What is not
    known makes the choice unknown, unless what is known decides it already.
    """
    if mode:
        return _pinned(mode)
    legacy, nft = counts.legacy, counts.nft
    if legacy >= THRESHOLD:
        return Choice("legacy", f"{_rules(legacy, 'legacy')}: {THRESHOLD} are enough for it")
    if counts.legacy4 is None or counts.legacy6 is None:
        return Choice("unknown", "not all legacy rules are known")
    if counts.nft4 is None or counts.nft6 is None:
        if nft and nft >= legacy:
            return _by_numbers(legacy, nft)
        # The rules that nobody counted could be any number.
        return Choice("unknown", "not all nft rules are known")
    if nft or legacy:
        return _by_numbers(legacy, nft)
    return _without_rules(cgroup)


def _pinned(mode: str) -> Choice:
    # The script passes the value on unquoted and unchecked.
    match pin.NFT.judge(mode):
        case "pinned":
            return Choice("nft", f"{pin.VARIABLE} says so")
        case "other":
            return Choice("legacy", f"{pin.VARIABLE} says so")
        case _:
            return Choice("broken", f"iptables fails with {pin.VARIABLE}={mode!r}")


def _by_numbers(legacy: int, nft: int) -> Choice:
    if legacy > nft:
        said = f"{_rules(legacy, 'legacy')} are more than {_rules(nft, 'nft')}"
        return Choice("legacy", said)
    said = f"{_rules(nft, 'nft')} and {_rules(legacy, 'legacy')}: nft wins a tie"
    return Choice("nft", said if legacy == nft else said.partition(":")[0])


def _without_rules(cgroup: int | None) -> Choice:
    """Return the choice on a node without any rule: by the control groups, then by the image.

    A cpuset that is not the root's tells the script that it runs in a container of the first
    version (images since February 2025, which have awk); SUSE's base images fall through to nft.
    """
    match cgroup:
        case 1:
            return Choice("legacy", "there are no rules, and the node uses cgroup v1")
        case 2:
            return Choice("nft", "there are no rules, and the node uses cgroup v2")
        case _:
            return Choice("unknown", "there are no rules, and the cgroup version is not known")


def _rules(count: int, backend: str) -> str:
    return f"{count} {backend} rule" if count == 1 else f"{count} {backend} rules"
