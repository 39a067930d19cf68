"""What is wanted, as all formats say it, and the words that they share."""

from __future__ import annotations

from typing import NamedTuple

from rke2_lint import __version__
from rke2_policies import pin
from rke2_policies.policy import Policy

RULE = "missing-nft-pin"
NAME = "rke2-kube-proxy-pin"


class Wanted(NamedTuple):
    """What a policy wants of kube-proxy, in words that go into YAML and CEL."""

    item: str
    """`IPTABLES_MODE=nft`"""
    backend: str
    other: str
    meanings: tuple[str, ...]
    """How people spell the backend who plainly mean it."""
    ignored_users: tuple[str, ...]
    overrides: bool
    """Some clusters are to have another backend, or are exempt."""

    def fill(self, text: str) -> str:
        """Return a text with its `@WORDS@` replaced."""
        for word, value in (
            ("@NAME@", NAME),
            ("@RULE@", RULE),
            ("@VERSION@", __version__),
            ("@KEY@", pin.KEY),
            ("@VARIABLE@", pin.VARIABLE),
            ("@LENGTH@", str(len(pin.VARIABLE) + 1)),
            ("@ITEM@", self.item),
            ("@BACKEND@", self.backend),
            ("@OTHER@", self.other),
            ("@MEANINGS@", ", ".join(f"'{each}'" for each in self.meanings)),
            ("@USERS@", ", ".join(f"'{_literal(each)}'" for each in self.ignored_users)),
            ("@OVERRIDES@", _OVERRIDES if self.overrides else ""),
        ):
            text = text.replace(word, value)
        return text


_OVERRIDES = "# - overrides and exemptions of the policy: every Cluster is treated alike.\n"


def wanted(policy: Policy) -> Wanted:
    """Return what a policy wants of clusters that no override is for."""
    backend = pin.WANTED[policy.params.backend]
    return Wanted(
        backend.text,
        backend.backend,
        backend.other,
        tuple(sorted(backend.meanings)),
        policy.admission.ignore_users,
        bool(policy.overrides or policy.exempt),
    )


def _literal(text: str) -> str:
    """Write a text between single quotes of CEL, and that between those of YAML's folded blocks."""
    return text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
