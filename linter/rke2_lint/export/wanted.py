"""What is wanted, as all formats say it, and the words that they share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from rke2_lint import __version__
from rke2_lint.export.cel import literals
from rke2_policies import catalog, pin
from rke2_policies.finding import Severity
from rke2_policies.policy import Policy

RULE = "missing-nft-pin"
RESPELT = "invalid-backend"
NAME = "rke2-kube-proxy-pin"
OPT_OUT_LABEL = "rke2-lint.dev/webhook"
"""As the webhook knows it."""


class Wanted(NamedTuple):
    """What a policy wants of kube-proxy, in words that go into YAML and CEL."""

    item: str
    """`IPTABLES_MODE=nft`"""
    backend: str
    other: str
    meanings: tuple[str, ...]
    """How people spell the backend who plainly mean it."""
    ignored_users: tuple[str, ...]

    def fill(self, text: str) -> str:
        """Return a text with its `@WORDS@` replaced."""
        return filled(text, self.words())

    def words(self) -> dict[str, str]:
        """Return what stands for each word."""
        return {
            "NAME": NAME,
            "RULE": RULE,
            "VERSION": __version__,
            "KEY": pin.KEY,
            "VARIABLE": pin.VARIABLE,
            "LENGTH": str(len(pin.VARIABLE) + 1),
            "ITEM": self.item,
            "BACKEND": self.backend,
            "OTHER": self.other,
            "MEANINGS": "|".join(self.meanings),
            "USERS": literals(self.ignored_users),
            "LABEL": OPT_OUT_LABEL,
        }


def filled(text: str, words: Mapping[str, str]) -> str:
    """Return a text with its `@WORDS@` replaced."""
    # In one go: what is filled in is not looked at again.
    return re.sub(r"@([A-Z]+)@", lambda found: words.get(found[1], found[0]), text)


def wanted(policy: Policy) -> Wanted:
    """Return what a policy wants of clusters that no override is for."""
    backend = pin.WANTED[policy.params.backend]
    return Wanted(
        backend.text,
        backend.backend,
        backend.other,
        tuple(sorted(backend.meanings)),
        policy.admission.ignore_users,
    )


def why_not_injected(policy: Policy) -> str:
    """Return why a policy wants no pin injected into new Clusters; "" where it wants one."""
    if policy.admission.on_create != "inject":
        return f"webhook.onCreate is {policy.admission.on_create}"
    return _why_not_made(policy, RULE)


def respells(policy: Policy) -> bool:
    """Return whether a misspelt pin is to be written as it should be."""
    return not _why_not_made(policy, RESPELT)


def is_told(policy: Policy, rule: str) -> bool:
    """Return whether a policy tells people of what a rule finds: as a warning, or as an error."""
    if not policy.asks(rule):
        return False
    level = policy.levels.get(rule) or catalog.rule(rule).severity
    return level >= Severity.WARNING


def _why_not_made(policy: Policy, rule: str) -> str:
    if not policy.asks(rule):
        return f"the policy does not ask {rule}"
    if rule not in policy.admission.patch:
        return f"webhook.patch leaves {rule} out"
    return "" if policy.may_fix(rule) else f"the policy lets nobody fix {rule}"
