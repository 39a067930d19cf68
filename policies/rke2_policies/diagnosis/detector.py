"""The detector: which backend kube-proxy's image chooses at its first iptables call, and why.

The image's `iptables` is a script that counts rules once, points the `iptables` links at one
backend and calls it; the choice stays until the container is made anew (k3s-io/k3s-root
iptables-detect/iptables-detect.sh, the same text from v0.9.1 to v0.15.0, and xtables-set-mode.sh).
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from rke2_policies import pin
from rke2_policies.lazy_pattern import lazily

Backend: TypeAlias = Literal["nft", "legacy", "broken", "unknown"]

# When awk came into the image (rancher/image-build-kubernetes a01cb37).
_BUILT = lazily(r"-build(?P<day>\d{8})")
_FIRST_WITH_AWK = 20250227
THRESHOLD = 10
"""With this many legacy rules, nft's are not even counted (iptables-detect.sh)."""


class Counts(NamedTuple):
    """How many rules each backend holds; None where no dump tells."""

    legacy4: int | None = None
    legacy6: int | None = None
    nft4: int | None = None
    nft6: int | None = None
    legacy_complete: bool = True
    """False where a dump of legacy rules is cut off, so that there may be more."""
    nft_complete: bool = True

    @property
    def legacy(self) -> int:
        """Legacy rules of both families, as far as they are known: the detector adds them up."""
        return (self.legacy4 or 0) + (self.legacy6 or 0)

    @property
    def nft(self) -> int:
        """Rules of both families in nft, as far as they are known."""
        return (self.nft4 or 0) + (self.nft6 or 0)

    @property
    def legacy_known(self) -> bool:
        """Whether `legacy` is all there is."""
        return self.legacy_complete and self.legacy4 is not None and self.legacy6 is not None

    @property
    def nft_known(self) -> bool:
        """Whether `nft` is all there is."""
        return self.nft_complete and self.nft4 is not None and self.nft6 is not None

    @property
    def margin(self) -> int:
        """How many more legacy rules the next start endures before it chooses legacy."""
        return max(0, min(THRESHOLD - 1, self.nft) - self.legacy)


class Choice(NamedTuple):
    """What the detector chooses, and why, for people."""

    backend: Backend
    why: str


def choose(mode: str | None, counts: Counts, cgroup: int | None = None, image: str = "") -> Choice:
    """Return what kube-proxy chooses when its container calls iptables for the first time.

    `mode` is the container's IPTABLES_MODE, None where it is not set. `cgroup` is the version of
    the host's control groups, 1 or 2, and `image` the name of kube-proxy's image: only a node
    without any rule is decided by them. What is not known makes the choice unknown, unless what is
    known decides it already.
    """
    if mode:
        return _pinned(mode)
    legacy, nft = counts.legacy, counts.nft
    if legacy >= THRESHOLD:
        return Choice("legacy", f"{_rules(legacy, 'legacy')}: {THRESHOLD} are enough for it")
    if not counts.legacy_known:
        return Choice("unknown", "not all legacy rules are known")
    if not counts.nft_known and nft < max(legacy, 1):
        if not legacy and _without_rules(cgroup, image).backend == "nft":
            return Choice("nft", "there are no legacy rules")
        # The rules that nobody counted could be any number.
        return Choice("unknown", "not all nft rules are known")
    if nft or legacy:
        return _by_numbers(legacy, nft)
    return _without_rules(cgroup, image)


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
        return Choice("legacy", said.replace("rule are", "rule is", 1))
    if legacy == nft:
        return Choice("nft", f"{_rules(nft, 'nft')} and as many legacy ones: nft wins a tie")
    return Choice("nft", f"{_rules(legacy, 'legacy')} and {_rules(nft, 'nft')}")


def _without_rules(cgroup: int | None, image: str) -> Choice:
    """Return the choice on a node without any rule: by the control groups, then by the image.

    A cpuset that is not the root's tells the script that it runs in a container of the first
    version, if the image has the awk that it asks; SUSE's base images, and Red Hat's before them,
    fall through to nft (rancher/image-build-kubernetes Dockerfile).
    """
    built = _BUILT.search(image)
    if built is not None and int(built["day"]) < _FIRST_WITH_AWK:
        return Choice("nft", "there are no rules, and the image is one that chooses nft then")
    match cgroup:
        case 1:
            return Choice("legacy", "there are no rules, and the node uses cgroup v1")
        case 2:
            return Choice("nft", "there are no rules, and the node uses cgroup v2")
        case _:
            return Choice("unknown", "there are no rules, and the cgroup version is not known")


def _rules(count: int, backend: str) -> str:
    return f"{count} {backend} rule" if count == 1 else f"{count} {backend} rules"
