"""The keys of a policy file: what each means, which values it takes, and an example of it.

This table is the only place that knows them: the reader, the JSON Schema and the reference in the
documentation are made from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple, TypeAlias

from rke2_policies import catalog
from rke2_policies.facts import rke2_flags
from rke2_policies.finding import Severity
from rke2_policies.policy import DEFAULT, Admission
from rke2_policies.route import Json

NOT_BLANK = r"\S"
# Every day of the Gregorian calendar. The 29th of February needs a leap year.
DAY = (
    r"^([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    r"|02-(0[1-9]|1[0-9]|2[0-8]))"
    r"|([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)$"
)
LEVELS = {
    "off": None,
    "note": Severity.NOTE,
    "warning": Severity.WARNING,
    "error": Severity.ERROR,
}
BASELINES = ("default", "strict")
BACKENDS = ("nft", "legacy")
ROLES = ("server", "agent")


class Text(NamedTuple):
    """A string that matches a pattern."""

    pattern: str = NOT_BLANK
    wanted: str = ""
    """What the pattern asks for, for people; "" where it only has to say something."""


class Word(NamedTuple):
    """One of some words. YAML 1.1 reads `off` as false, which is taken for it."""

    choices: tuple[str, ...]


class RuleName(NamedTuple):
    """The name of a rule."""


class Glob(NamedTuple):
    """A glob of paths (path_glob.py)."""


class Values(NamedTuple):
    """What a setting has to be: one value, or the items that a list has to hold."""

    in_full: bool = True
    """Whether it may be said in full, too, as `REQUIRED_SETTING`."""


class LabelSelector(NamedTuple):
    """A label selector of Kubernetes."""


class Many(NamedTuple):
    """A list, each item of one shape."""

    item: Shape
    at_least: int = 0


class ByName(NamedTuple):
    """A mapping whose keys are names of one kind: `rule` or `setting`."""

    kind: str
    value: Shape
    nullable: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The names that there are."""
        return catalog.names() if self.kind == "rule" else settings()


class Section(NamedTuple):
    """A mapping with keys of its own."""

    keys: tuple[Key, ...]
    called: str = ""
    """What to call one of them where it is an item of a list."""


Shape: TypeAlias = Any
"""One of the shapes above."""


class Key(NamedTuple):
    """One key of a mapping."""

    name: str
    shape: Shape
    says: str
    """What it means, for people, in Markdown."""
    example: Json
    default: str = ""
    """What holds where nobody says it, for people; "" where there is nothing to say of that."""
    required: bool = False
    beside: Mapping[str, Json] = {}
    """What has to stand beside it, so that an example is whole."""


@cache
def settings() -> tuple[str, ...]:
    """Return the names of all settings that RKE2 has, sorted."""
    return tuple(sorted(rke2_flags()))


_RULES = Many(RuleName())
_TEXTS = Many(Text())
_GLOBS = Many(Glob())
LEVELS_OF_RULES = ByName("rule", Word(tuple(LEVELS)))
# Examples of what stands beside a key: something to change, and clusters to change it for.
_CHANGE = {"levels": {"prerelease-version": "off"}}
_CLUSTERS = {"clusters": ["fleet-old/*"]}
_EXEMPT = {
    "rule": "legacy-backend",
    "where": "fleet-default/old-*",
    "reason": "these hosts go in spring",
}

REQUIRED_SETTING = Section(
    (
        Key("value", Values(in_full=False), "The value, or the items that the list has to hold.", "cis",
            required=True),
        Key("role", Word(ROLES), "The machines that need it: `server` or `agent`.", "server",
            "every machine whose RKE2 knows the setting", beside={"value": "cis"}),
        Key("reason", Text(), "Why, for those who read the finding.", "our hardening guide, 2.1",
            beside={"value": "cis"}),
    ),
    "a required setting",
)  # fmt: skip
"""What a setting has to be, said in full."""

PARAMS = Section(
    (
        Key(
            "backend",
            Word(BACKENDS),
            "What kube-proxy is to be pinned to: `nft`, or `legacy` for hosts whose iptables know "
            "nothing else. All rules, messages and fixes speak of it, and the rule "
            "`legacy-backend` finds the other one. A machine with the wanted pin is `pinned`; one "
            "that is pinned to legacy where nft is wanted is `legacy`; one that is pinned to nft "
            "where legacy is wanted is `broken`, because nothing works with it there.",
            "legacy",
            DEFAULT.params.backend,
        ),
        Key(
            "required-settings",
            ByName("setting", Values(), nullable=True),
            "What machines have to run with, setting by setting, for the rule `required-settings`. "
            "A value has to be in force as it is; a list says which items the setting's list has "
            "to hold, such as `NAME=VALUE` in an `*-extra-env`, or `flag=value` in an `*-arg`. "
            "Only machines whose RKE2 knows the setting are asked, and of a Cluster only for what "
            "Rancher passes on to them. The long form "
            "`{value: …, role: server|agent, reason: …}` asks machines of one role. `null` takes "
            "back what an extended policy requires.",
            {
                "profile": "cis",
                "kubelet-arg": ["protect-kernel-defaults=true"],
                "secrets-encryption": {
                    "value": True, "role": "server", "reason": "our hardening guide, 2.1",
                },
            },
            "nothing",
        ),
    )
)  # fmt: skip

OVERRIDE = Section(
    (
        Key("paths", _GLOBS, "The files, as globs relative to the policy file.",
            ["clusters/lab/**"], "every file", beside=_CHANGE),
        Key("clusters", _TEXTS,
            "The clusters, by `namespace/name` or `name`; `*` and `?` as in a shell.",
            ["fleet-old/*", "edge-??"], "every cluster, and nodes", beside=_CHANGE),
        Key("labels", LabelSelector(),
            "The clusters, by the labels of the Cluster object: a label selector of Kubernetes, "
            "with `matchLabels` and `matchExpressions`.",
            {"matchLabels": {"hosts": "old"}}, "every cluster, and nodes", beside=_CHANGE),
        Key("levels", LEVELS_OF_RULES, "Levels of rules here.", {"prerelease-version": "off"},
            beside=_CLUSTERS),
        Key("params", PARAMS, "Params here; what is not said stays.", {"backend": "legacy"},
            beside={**_CLUSTERS, "reason": "hosts with RHEL 7"}),
        Key("reason", Text(),
            "Why. Needed where `backend` is said: who reads it later has to know whether it "
            "still holds.", "hosts with RHEL 7",
            beside={**_CLUSTERS, "params": {"backend": "legacy"}}),
    ),
    "an override",
)  # fmt: skip

_EXEMPTION = Section(
    (
        Key("rule", RuleName(), "The rule that does not count.", "legacy-backend", required=True,
            beside=_EXEMPT),
        Key("where", Glob(),
            "Where: `namespace/name` of a cluster, with `*` and `?` as in a shell, or the path "
            "of a file, as a glob relative to the policy file.", "fleet-default/old-*",
            required=True, beside=_EXEMPT),
        Key("reason", Text(), "Why. It stands in reports.", "these hosts go in spring",
            required=True, beside=_EXEMPT),
        Key("until", Text(DAY, "a day, such as 2027-03-31"),
            "The last day on which it holds. After it the finding counts again, and the linter "
            "names the exemption that has ended.", "2027-03-31",
            "for good", beside=_EXEMPT),
    ),
    "an exemption",
)  # fmt: skip

_WEBHOOK = Section(
    (
        Key("onCreate", Word(("inject", "warn", "off")),
            "What the webhook does when a Cluster is created.", "warn", Admission().on_create),
        Key("onUpdate", Word(("with-rollout", "warn", "inject", "off")),
            "What it does when one is changed. `with-rollout` injects only where the change "
            "restarts every machine that the injection would restart. It and `inject` also keep what "
            "was injected and the change only leaves out.",
            "warn", Admission().on_update),
        Key("patch", _RULES, "The rules whose safe fixes it makes.", ["missing-nft-pin"],
            ", ".join(f"`{rule}`" for rule in Admission().patch)),
        Key("deny", _RULES, "The rules whose findings it refuses, on the validate endpoint.",
            ["invalid-backend"], "none"),
        Key("ignoreUsers", _TEXTS,
            "Users who only keep the books, such as Rancher's own service accounts: nothing of "
            "theirs is changed.", ["system:serviceaccount:cattle-system:rancher"],
            "the service accounts of Rancher, of its webhook and of its backup operator"),
    )
)  # fmt: skip

POLICY = Section(
    (
        Key("name", Text(), "What the policy is called in messages.", "platform team",
            "the name of the policy that it extends"),
        Key("extends", Text(),
            "The policy below this one: `default`, `strict`, or another policy file, by its path "
            "relative to this one. `levels` and `params` are laid over those below, key by key; "
            "`exempt`, `overrides`, `exclude` and `unfixable` are added to them; every other key "
            "replaces them.", "strict", DEFAULT.name),
        Key("levels", LEVELS_OF_RULES,
            "How much a rule counts: `off`, `note`, `warning` or `error`. Notes never change an "
            "exit code. What a rule says of better and worse cases moves along; a case that is "
            "not sure is never an error.", {"prerelease-version": "error", "scalar-pin": "off"},
            "each rule has its own"),
        Key("params", PARAMS, "What rules ask for.", {"backend": "nft"}),
        Key("overrides", Many(OVERRIDE),
            "Other levels and params for some files or clusters. All conditions of one have to "
            "hold; of several that hold, a later one wins.",
            [{"labels": {"matchLabels": {"hosts": "old"}}, "params": {"backend": "legacy"},
              "reason": "hosts with RHEL 7"}]),
        Key("include", _GLOBS,
            "The files to look at, as globs relative to this file.", ["clusters/**"],
            "every file that may matter"),
        Key("exclude", _GLOBS,
            "The files not to look at, as globs relative to this file.", ["vendor/"], "none"),
        Key("fixable", _RULES, "The rules whose fixes may be made.", ["missing-nft-pin"], "all"),
        Key("unfixable", _RULES, "The rules whose fixes are never made.", ["misspelt-setting"],
            "none"),
        Key("exempt", Many(_EXEMPTION), "Rules that do not count somewhere, and why.",
            [{"rule": "legacy-backend", "where": "fleet-default/old-*",
              "reason": "these hosts go in spring", "until": "2027-03-31"}]),
        Key("webhook", _WEBHOOK, "What the admission webhook does.", {"onUpdate": "warn"}),
    )
)  # fmt: skip
"""The whole of a policy file."""


def keys(section: Section = POLICY, above: str = "") -> Iterator[tuple[str, Key]]:
    """Yield every key with its name in full, `overrides[].params.backend`, in the table's order."""
    for key in section.keys:
        name = f"{above}{key.name}"
        yield name, key
        shape, step = key.shape, "."
        if isinstance(shape, Many):
            shape, step = shape.item, "[]."
        if isinstance(shape, Section):
            yield from keys(shape, f"{name}{step}")
        if isinstance(shape, ByName) and isinstance(shape.value, Values):
            yield from keys(REQUIRED_SETTING, f"{name}.*.")
