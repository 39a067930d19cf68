"""Hovering: what a setting, a Cluster, a pool or a node's file comes to, and which line decides it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lsprotocol import types

from rke2_lint.lsp.client import Client
from rke2_lint.lsp.examination import Examination, Sheet
from rke2_lint.lsp.rule_links import link_of
from rke2_lint.lsp.spot import Spot, spot_at
from rke2_lint.lsp.told import Cell, Told
from rke2_lint.masking import is_secret_name
from rke2_policies import catalog, pin
from rke2_policies.document import Place, Span
from rke2_policies.label_selector import Selector, parse
from rke2_policies.machine import Machine, Setting
from rke2_policies.route import MISSING, Json, Missing, Route

_RULE = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_LONGEST = 120
_MOST_NAMES = 6
_ABOUT_THE_CLUSTER = frozenset(
    {(), ("apiVersion",), ("kind",), ("metadata",), ("metadata", "name"), ("metadata", "namespace"),
     ("spec",), ("spec", "rkeConfig"), ("spec", "rkeConfig", "machineGlobalConfig"),
     ("spec", "rkeConfig", "machinePools"), ("spec", "machineGlobalConfig")}
)  # fmt: skip
_ANNOTATION = "rke2-lint.dev/ignore"


def hover(
    examination: Examination, path: str, position: types.Position, client: Client
) -> types.Hover | None:
    """Return what is to be told of a position; None: nothing."""
    sheet = examination.sheets.get(path)
    if sheet is None:
        return None
    offset = sheet.coordinates.offset(position)
    spot = spot_at(sheet.member.original, offset)
    found = _of_rule(sheet, spot, offset) or (
        _of_spot(examination, path, spot) if spot is not None else None
    )
    if found is None:
        return None
    told, span = found
    kind = types.MarkupKind.Markdown if client.shows_markdown else types.MarkupKind.PlainText
    text = told.markdown() if client.shows_markdown else told.plain()
    return types.Hover(types.MarkupContent(kind, text), sheet.coordinates.between(*span))


# --- rules


def _of_rule(sheet: Sheet, spot: Spot | None, offset: int) -> tuple[Told, Span] | None:
    """Tell of the rule that is named in a comment, or in the annotation that sets it aside."""
    line = sheet.coordinates.line(offset)
    start = sheet.coordinates.start_of_line(offset)
    in_annotation = spot is not None and spot.route[-1:] == (_ANNOTATION,) and not spot.on_key
    in_comment = "#" in line[: offset - start] and not (spot is not None and spot.in_scalar)
    if not (in_annotation or in_comment):
        return None
    for found in _RULE.finditer(line):
        if start + found.start() <= offset <= start + found.end():
            name = found[0]
            if name not in catalog.names():
                return None
            return _rule(name), Span(start + found.start(), start + found.end())
    return None


def _rule(name: str) -> Told:
    from rke2_lint.explain import why

    rule = catalog.rule(name)
    heading = (Cell(name, link=link_of(name)), Cell(f" ({rule.severity.name.lower()})"))
    return Told(heading, notes=((Cell(rule.summary),), (Cell(why(name)),)))


# --- what machines run with


def _of_spot(examination: Examination, path: str, spot: Spot) -> tuple[Told, Span] | None:
    machines = list(_machines(examination, spot))
    if not machines:
        return None
    teller = _Teller(examination)
    if machines[0].origin == "file":
        if spot.route and path in examination.sheets and spot.document.id.number == 0:
            name = str(spot.route[0]).removesuffix("+")
            name = pin.KEY if name == pin.ENVIRONMENT_KEY else name
            return teller.setting(name, machines), spot.span
        return None
    base = machines[0].place.route
    route = spot.route[len(base) :]
    config = _config_of(spot, base)
    inside = route[len(config) :] if route[: len(config)] == config else ()
    match inside:
        case ("machineGlobalConfig", str(name), *_):
            return teller.setting(name, machines), spot.span
        case ("machineSelectorConfig", int(), "config", str(name), *_):
            return teller.setting(name, machines), spot.span
        case ("machineSelectorConfig", int(place), *_):
            return teller.entry(spot, (*base, *config), place, machines), spot.span
        case ("machinePools", int(place), *_):
            pool = _pool(spot, (*base, *config, "machinePools"), place, machines)
            return (teller.machines("Pool", [pool]), spot.span) if pool is not None else None
    if route in _ABOUT_THE_CLUSTER and (route or spot.on_key):
        return teller.machines("Cluster", machines), spot.span
    return None


def _machines(examination: Examination, spot: Spot) -> Iterator[Machine]:
    """Yield the machines of the object that a spot is in, or of the node that its file belongs to."""
    report = examination.report
    for machine in report.machines if report is not None else ():
        place = machine.place
        if machine.origin == "file" or (
            machine.origin == "rancher"
            and place.document == spot.document.id
            and spot.route[: len(place.route)] == place.route
        ):
            yield machine


def _config_of(spot: Spot, base: Route) -> Route:
    kind = spot.document[(*base, "kind")]
    return ("spec",) if kind == "RKEControlPlane" else ("spec", "rkeConfig")


def _pool(spot: Spot, route: Route, place: int, machines: Sequence[Machine]) -> Machine | None:
    """Return the machines of an entry of machinePools: they are in its order, without what is no pool."""
    pools = spot.document[route]
    if not isinstance(pools, list) or not isinstance(pools[place], dict):
        return None
    number = sum(isinstance(one, dict) for one in pools[:place])
    return machines[number] if number < len(machines) else None


class _Teller:
    """Tells of machines and settings, with links to what decides, and without secrets."""

    def __init__(self, examination: Examination) -> None:
        self._sheets = examination.sheets

    def machines(self, what: str, machines: Sequence[Machine]) -> Told:
        """Tell what machines run with."""
        rows = [
            (
                Cell(_short(one), code=True),
                Cell(one.verdict),
                Cell("" if one.value is None else self._clean(one.value) or '""', code=True),
                self._place(one.decided_by),
                Cell(self._clean(one.reason)),
            )
            for one in machines
        ]
        heading = (Cell(f"{what} "), Cell(_owner(machines[0]), code=True), Cell(": the nft pin"))
        return Told(heading, ("Machines", "Verdict", "Value", "Decided by", "Reason"), tuple(rows))

    def setting(self, name: str, machines: Sequence[Machine]) -> Told:
        """Tell what a setting comes to on each machine, and everyone who speaks of it."""
        alike: dict[tuple[Cell, ...], list[Machine]] = {}
        for machine in machines:
            setting = machine[name]
            cells: tuple[Cell, ...] = (self._value(setting), self._decider(setting))
            if name == pin.KEY:
                cells += (Cell(machine.verdict), Cell(self._clean(machine.reason)))
            alike.setdefault(cells, []).append(machine)
        heads: tuple[str, ...] = ("Machines", "In force", "Decided by")
        heads += ("Verdict", "Reason") if name == pin.KEY else ()
        rows = [
            (Cell(_names([_short(one) for one in group]), code=True), *cells)
            for cells, group in alike.items()
        ]
        said = dict.fromkeys(
            said for one in machines if len(one[name].said) > 1 for said in self._said(one[name])
        )
        notes: list[tuple[Cell, ...]] = [(Cell("- "), *cells) for cells in said]
        if notes:
            notes.insert(0, (Cell("Who speaks of it, in the order in which it counts:"),))
        return Told((Cell(name, code=True),), heads, tuple(rows), tuple(notes))

    def entry(self, spot: Spot, config: Route, place: int, machines: Sequence[Machine]) -> Told:
        """Tell for which machines an entry of machineSelectorConfig is."""
        heading = (Cell(f"machineSelectorConfig[{place}]", code=True),)
        route = (*config, "machineSelectorConfig", place, "machineLabelSelector")
        selector = parse(spot.document[route])
        if not isinstance(selector, Selector):
            return Told(heading, notes=((Cell("Its selector is invalid: it is for no machine"),),))
        named: dict[str, list[str]] = {"It is for": [], "It may be for": [], "It is not for": []}
        for machine in machines:
            matches = selector.matches(machine.labels)
            word = (
                "It is for" if matches else "It may be for" if matches is None else "It is not for"
            )
            named[word].append(_short(machine))
        notes = [
            (Cell(f"{word} "), Cell(_names(names), code=True))
            for word, names in named.items()
            if names
        ]
        return Told(heading, notes=tuple(notes))

    def _value(self, setting: Setting) -> Cell:
        if setting.value is MISSING:
            return Cell(f"nothing: {setting.dropped}" if setting.dropped else "nothing")
        return Cell(self._text(setting.name, setting.value), code=True)

    def _text(self, name: str, value: Json | Missing) -> str:
        if is_secret_name(name):
            return "******"
        text = self._clean(_written(value))
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"

    def _decider(self, setting: Setting) -> Cell:
        if not setting.said:
            return Cell("nobody")
        last = setting.said[-1]
        return self._place(last.place.key, last.by)

    def _said(self, setting: Setting) -> Iterator[tuple[Cell, ...]]:
        for said in setting.said:
            yield (
                self._place(said.place.key, said.by),
                Cell(": "),
                Cell(self._text(setting.name, said.value), code=True),
            )

    def _place(self, place: Place | None, by: str = "") -> Cell:
        """Return who decides, as `file:line`, with a link."""
        sheet = self._sheets.get(place.document.path) if place is not None else None
        if place is None or sheet is None:
            return Cell(by)
        line = sheet.member.original.position(sheet.member.span(place).start).line
        file = place.document.path.rpartition("/")[2]
        where = f"{file}:{line}"
        return Cell(f"{by}, {where}" if by and by != file else where, link=f"{sheet.uri}#L{line}")

    def _clean(self, text: str) -> str:
        for sheet in self._sheets.values():
            text = sheet.member.view.secrets.message(text)
        return text


def _written(value: Json | Missing) -> str:
    """Write a value in one line, as YAML has it between brackets."""
    match value:
        case str():
            return value
        case [*items] if items and all(isinstance(item, str) for item in items):
            return ", ".join(items)
        case Missing():
            return ""
        case _:
            import json

            return json.dumps(value, ensure_ascii=False, default=str)


def _short(machine: Machine) -> str:
    """Return how a machine is called in its Cluster; a node, by the folders around its file."""
    if machine.origin == "rancher":
        return machine.name.rpartition("/")[2]
    return "/".join(machine.name.split("/")[-5:])


def _owner(machine: Machine) -> str:
    return machine.name.rpartition("/")[0] if machine.origin == "rancher" else _short(machine)


def _names(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more:,} more" if more > 0 else "")
