"""The pin: what an environment list of kube-proxy comes to, and what to write where it is missing.

The path from a list to the container, with its sources:

- every item becomes one `--kube-proxy-extra-env=TEXT` argument; a scalar becomes one, too
  (k3s-io/k3s pkg/configfilearg/parser.go; rancher/wrangler pkg/data/convert/convert.go);
- TEXT is split once at the first `=`; without one it is logged and skipped
  (rancher/rke2 pkg/podtemplate/podtemplate.go `addExtraEnv`);
- of two variables with one name the last counts
  (kubernetes/kubernetes pkg/kubelet/kubelet_pods.go `makeEnvironmentVariables`);
- the image's `iptables-detect.sh` takes IPTABLES_MODE unquoted and unchecked, and
  `xtables-set-mode.sh` knows `nft` and `legacy` only (k3s-io/k3s-root iptables-detect/).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias

from rke2_policies.document import Place
from rke2_policies.edits import Append, Edit, Set
from rke2_policies.finding import Fix, Safety
from rke2_policies.lazy_pattern import lazily
from rke2_policies.route import Json, Missing, Templated

KEY = "kube-proxy-extra-env"
ENVIRONMENT_KEY = "RKE2_KUBE_PROXY_EXTRA_ENV"
VARIABLE = "IPTABLES_MODE"

Verdict: TypeAlias = Literal["pinned", "unpinned", "legacy", "broken", "not-applicable", "unknown"]
"""What is said of a machine. `pinned`: to the backend that its policy wants. `legacy`: to legacy
where nft is wanted. `broken`: kube-proxy's iptables fail, also because it is pinned to nft where
legacy is wanted, for hosts that know nothing else."""
Outcome: TypeAlias = Literal["pinned", "unpinned", "other", "broken", "unknown"]
"""What a list comes to. `other`: the backend that is not wanted, by its right name."""

_NAME = lazily(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
_WORD = lazily(r"[^ \t\n]+")
# The spellings that people mean a backend by: other tools' names for the same one.
_MEANINGS = {
    "nft": frozenset({"nft", "nftables", "nf_tables"}),
    "legacy": frozenset({"legacy", "iptables-legacy", "xtables-legacy", "iptables_legacy"}),
}


class Entry(NamedTuple):
    """One argument that RKE2 makes of a value: its text, and the place that says it."""

    text: str
    place: Place
    value: Json
    whole: bool = True
    """What stands at the place is this entry, and nothing else: a fix may write there."""

    @property
    def name(self) -> str:
        """The variable's name; "" where the entry has no `=`, so that RKE2 skips it."""
        name, equals, _ = self.text.partition("=")
        return name if equals else ""

    @property
    def setting(self) -> str:
        """The variable's value."""
        return self.text.partition("=")[2]


class Reading(NamedTuple):
    """What a list of entries comes to: the verdict, IPTABLES_MODE's value, and who decides it."""

    verdict: Outcome
    value: str | None = None
    entry: Entry | None = None


def entries(value: Json | Missing, place: Place) -> tuple[Entry, ...]:
    """Return the arguments that RKE2 makes of a value, as its config parser does."""
    match value:
        case Missing():
            return ()
        case list():
            return tuple(_entry(item, place / i) for i, item in enumerate(value))
        case _:
            return (_entry(value, place),)


def _entry(value: Json, place: Place) -> Entry:
    inner = value
    while isinstance(inner, list) and inner:
        inner, place = inner[0], place / 0
    return Entry(_text(inner), place, value)


def _text(value: Json) -> str:
    """Write a value as wrangler's `convert.ToString` does: outer white space is trimmed."""
    match value:
        case Templated():
            return value
        case str():
            return value.strip()
        case None | []:
            return ""
        case bool():
            return "true" if value else "false"
        case dict():
            # Go prints a map slice as `[{KEY VALUE} …]`: no `=` comes of it.
            return "[" + " ".join(f"{{{k} {_text(v)}}}" for k, v in value.items()) + "]"
        case _:
            return str(value)


class Pin:
    """The pin that is wanted: which backend, how it is written, and what of others' writing is it.

    There are two, NFT and LEGACY. Machines and clusters carry the one that their policy wants.
    """

    __slots__ = ("backend", "meanings", "other", "text")

    def __init__(self, backend: str, other: str) -> None:
        self.backend = backend
        self.other = other
        """The backend that is not wanted."""
        self.text = f"{VARIABLE}={backend}"
        self.meanings = _MEANINGS[backend]

    def __repr__(self) -> str:
        return f"Pin({self.text})"

    def read(self, given: Iterable[Entry]) -> Reading:
        """Return what entries come to, the last IPTABLES_MODE among them."""
        decides: Entry | None = None
        unknown: Entry | None = None
        for entry in given:
            if entry.name == VARIABLE:
                decides = entry
            elif isinstance(entry.text, Templated) and not _NAME.match(entry.name):
                unknown = entry
        if decides is None:
            return Reading("unknown", None, unknown) if unknown else Reading("unpinned")
        if isinstance(decides.text, Templated) or "$(" in decides.setting:
            return Reading("unknown", decides.setting, decides)
        return Reading(self.judge(decides.setting), decides.setting, decides)

    def judge(self, value: str) -> Outcome:
        """Return what a value of IPTABLES_MODE makes of kube-proxy."""
        if not value:
            return "unpinned"
        # The script does not quote it, so the shell makes words of it, at blanks, tabs and line
        # feeds only; `-f` is then one of the next script's own options.
        match _WORD.findall(value):
            case [self.backend] | [self.backend, "-f"]:
                return "pinned"
            case [self.other] | [self.other, "-f"]:
                return "other"
            case _:
                return "broken"

    def is_meant_by(self, value: str) -> bool:
        """Return whether a value plainly means it: other case, other tools' names, quotes, spaces."""
        return value.strip().strip("\"'").strip().lower() in self.meanings

    def is_denied_in(self, text: str) -> bool:
        """Return whether a text names the other backend: somebody may want it on purpose."""
        return self.other in text.lower()

    def place_of(self, entries: Iterable[Entry], otherwise: Place) -> Place:
        """Return the place of the entry that says the pin."""
        entry = self.read(entries).entry
        return entry.place if entry is not None else otherwise

    def addition(self, value: Json | Missing, place: Place) -> Edit | None:
        """Return the edit that adds it to a value; None where that is no small step."""
        return addition(value, place, self.text)

    def adding(
        self, value: Json | Missing, place: Place, safety: Safety = Safety.SAFE
    ) -> Fix | None:
        """Return the fix that adds it to a value that lacks it."""
        edit = addition(value, place, self.text)
        return Fix(f"add {self.text}", (edit,), safety) if edit is not None else None

    def adding_to(self, home: Place, safety: Safety = Safety.SAFE) -> Fix:
        """Return the fix that adds the key with the pin to a mapping of settings."""
        edit = Set((*home.route, KEY), [self.text])
        return Fix(f"add {KEY}: [{self.text}]", (edit,), safety)

    def respelling(self, entry: Entry, safety: Safety = Safety.SAFE) -> Fix | None:
        """Return the fix that writes it in an entry's place; None where the entry is no text."""
        if not entry.whole or isinstance(entry.value, Templated):
            return None
        if not isinstance(entry.value, str | list):
            return None
        return Fix(f"write {self.text}", (Set(entry.place.route, self.text),), safety)


NFT = Pin("nft", "legacy")
LEGACY = Pin("legacy", "nft")
WANTED = {"nft": NFT, "legacy": LEGACY}
"""The pin of each backend that a policy may want."""


def addition(value: Json | Missing, place: Place, item: str) -> Edit | None:
    """Return the edit that adds an item to a list's value; None where that is no small step."""
    match value:
        case Missing() | None | "":
            return Set(place.route, [item])
        case Templated():
            return None
        case list() if not any(isinstance(one, Templated | dict | list) for one in value):
            return Append(place.route, item)
        case str():
            return Set(place.route, [value, item])
        case _:
            return None


def names_variable(value: Json) -> bool:
    """Return whether a value says IPTABLES_MODE anywhere in it."""
    match value:
        case str():
            return VARIABLE in value
        case dict():
            return any(VARIABLE in k or names_variable(v) for k, v in value.items())
        case list():
            return any(map(names_variable, value))
        case _:
            return False


def variable_of(value: Json) -> tuple[str, str] | None:
    """Return the one variable that a mapping means: `{NAME: value}` or `{name: NAME, value: …}`."""
    match value:
        case {"name": str(name), "value": str(text), **others} if not others:
            return name, text
        case {**one} if len(one) == 1:
            ((key, held),) = one.items()
            return (str(key), held) if isinstance(held, str) else None
        case _:
            return None
