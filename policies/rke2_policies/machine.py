"""Machines: the configuration one node will really run with, and where each part was said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from rke2_policies import pin
from rke2_policies.document import Place
from rke2_policies.finding import Fix, Problem, Safety, Severity
from rke2_policies.pin import Entry, Pin, Reading, Verdict
from rke2_policies.policy import Params
from rke2_policies.route import MISSING, Json, Missing
from rke2_policies.version import Version

NOTHING_SPECIAL = Params()
RANCHERS_OWN = "50-rancher.yaml"
"""The drop-in that Rancher writes (rancher/rancher pkg/capr/planner/planner.go L65)."""


class Said(NamedTuple):
    """One place that speaks of a setting, in the order in which the places count.

    `entries` is what the setting comes to once this place has spoken.
    """

    value: Json
    place: Place
    by: str
    """Who says it, for people: `machineSelectorConfig[2]`, `config.yaml.d/20-proxy.yaml`."""
    entries: tuple[Entry, ...]
    by_configuration: bool = True
    """False where it is not a setting that says it, but a service's environment, or a Secret."""


class Setting(NamedTuple):
    """A value in force, everyone who spoke of it, and why it is not in force if it was dropped."""

    name: str
    value: Json | Missing = MISSING
    said: tuple[Said, ...] = ()
    dropped: str = ""

    @property
    def place(self) -> Place | None:
        """The place that decides: the last one that spoke."""
        return self.said[-1].place if self.said else None

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The arguments that RKE2 gets."""
        return self.said[-1].entries if self.said and self.value is not MISSING else ()

    def loss_of(self, wanted: Pin) -> tuple[Said, Said] | None:
        """Return who said the pin, and who took it away for good; None where nobody did."""
        kept: Said | None = None
        taker: Said | None = None
        for said in self.said:
            if wanted.read(said.entries).verdict == "pinned":
                kept, taker = said, None
            elif kept is not None and (taker is None or not _extends(said, taker)):
                # The last one that replaces all before it: what it leaves out is gone for good.
                taker = said
        return (kept, taker) if kept is not None and taker is not None else None


def _extends(said: Said, before: Said) -> bool:
    """Return whether a place only adds to what was there before it spoke."""
    return said.entries[: len(before.entries)] == before.entries and bool(before.entries)


class Machine:
    """One node, or nodes that are configured alike, and the verdict on them."""

    __slots__ = (
        "_reading", "decided_by", "elsewhere", "home", "labels", "managed", "name", "open", "origin",
        "params", "pin", "place", "reason", "roles", "settings", "sure", "value", "verdict", "version",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        roles: tuple[str, ...],
        place: Place,
        settings: Mapping[str, Setting],
        *,
        home: Place | None,
        origin: str,
        labels: Mapping[str, str] | None = None,
        sure: bool = True,
        managed: bool = False,
        open: bool = False,
        elsewhere: tuple[tuple[Place, str], ...] = (),
        params: Params = NOTHING_SPECIAL,
        version: Version | None = None,
    ) -> None:
        self.name = name
        self.roles = roles
        self.place = place
        """The object or file that describes it."""
        self.settings = settings
        self.home = home
        """The mapping where a setting that nobody has said yet is to be written, if it is known."""
        self.origin = origin
        """`rancher` or `file`: who turns the text into RKE2's configuration."""
        self.labels = labels or {}
        self.sure = sure
        """False where the runtime or a file is not known: nothing about it is an error then."""
        self.managed = managed
        """A file of Rancher's own is among its files: what it lacks belongs into the Cluster."""
        self.open = open
        """A template may say more of it than the text shows."""
        self.elsewhere = elsewhere
        """Places that say the pin for other machines, but not for this one."""
        self.params = params
        """What its policy asks for."""
        self.pin = pin.WANTED[params.backend]
        """The pin that its policy wants."""
        self.version = version
        """Its RKE2's version, where Rancher plans it and the Cluster says so."""
        self.verdict: Verdict = "unpinned"
        self.value: str | None = None
        self.decided_by: Place | None = None
        self.reason = ""
        self._reading: Reading | None = None

    def __getitem__(self, name: str) -> Setting:
        """Return a setting, also one that nobody has said."""
        return self.settings.get(name) or Setting(name)

    @property
    def environment(self) -> Setting:
        """kube-proxy's extra environment."""
        return self[pin.KEY]

    @property
    def reading(self) -> Reading:
        """What kube-proxy's extra environment comes to."""
        if self._reading is None:
            self._reading = self.pin.read(self.environment.entries)
        return self._reading

    @property
    def loss(self) -> tuple[Said, Said] | None:
        """Who said the pin, and who took it away for good; None where nobody did."""
        return self.environment.loss_of(self.pin)

    @property
    def is_pinned_otherwise(self) -> bool:
        """Whether it is pinned, by the right name, to the backend that is not wanted."""
        reading = self.reading
        if reading.verdict != "other" or reading.entry is None:
            return False
        return self.verdict in ("legacy", "broken") and self.decided_by == reading.entry.place

    @property
    def is_server(self) -> bool:
        """Whether it is known to run `rke2 server`."""
        return any(role in ("server", "control-plane", "etcd") for role in self.roles)

    def is_ranchers(self, said: Said) -> bool:
        """Return whether Rancher writes the file that says something, so that nobody edits it."""
        return said.by.endswith(f"/{RANCHERS_OWN}")

    def called(self, name: str, labels: Mapping[str, str]) -> Machine:
        """Return another one that is configured alike, with the same verdict."""
        other = Machine(
            name, self.roles, self.place, self.settings, home=self.home, origin=self.origin,
            labels=labels, sure=self.sure, managed=self.managed, open=self.open,
            elsewhere=self.elsewhere, params=self.params, version=self.version,
        )  # fmt: skip
        other._reading = self._reading
        return other.decide(self.verdict, self.reason, self.value, self.decided_by)

    def overruled(self, environment: Setting) -> Machine:
        """Give it another environment of kube-proxy; the dialect that made the machine does so."""
        self.settings = {**self.settings, pin.KEY: environment}
        self._reading = None
        return self

    def decide(
        self, verdict: Verdict, reason: str, value: str | None = None, by: Place | None = None
    ) -> Machine:
        """Set the verdict; the dialect that made the machine says it once."""
        self.verdict, self.reason, self.value, self.decided_by = verdict, reason, value, by
        return self

    def problem(
        self,
        message: str,
        place: Place,
        *,
        fix: Fix | None = None,
        related: tuple[tuple[Place, str], ...] = (),
        explains: bool = False,
        severity: Severity | None = None,
    ) -> Problem:
        """Return a problem of this machine: at most a warning, its fix unsafe, where it is not sure."""
        most = Severity.ERROR if self.sure else Severity.WARNING
        if fix is not None and not self.sure:
            fix = fix._replace(safety=min(fix.safety, Safety.UNSAFE))
        return Problem(message, place, fix, related, severity, explains, most)

    def arguments(self, component: str) -> Iterator[Entry]:
        """Yield the arguments in force of a component, `kube-proxy` for `kube-proxy-arg`."""
        yield from self[f"{component}-arg"].entries

    def argument(self, component: str, flag: str) -> Entry | None:
        """Return the argument that decides a flag of a component: the last one."""
        found = None
        for entry in self.arguments(component):
            if entry.text.lstrip("-").partition("=")[0].strip() == flag:
                found = entry
        return found
