"""Moving a pin: from where it reaches no kube-proxy to where it does."""

from __future__ import annotations

from rke2_policies import pin
from rke2_policies.cluster import Cluster
from rke2_policies.document import Place
from rke2_policies.edits import Edit, Remove, Set
from rke2_policies.finding import Fix, Safety
from rke2_policies.machine import Machine, Setting
from rke2_policies.pin import Entry
from rke2_policies.route import MISSING, Repeated, Route, Templated


def from_setting(machine: Machine, setting: Setting, entry: Entry) -> Fix | None:
    """Return the fix that moves an item of another setting to kube-proxy's environment.

    Where the machine does not lack the pin, the item is only to be removed. None where it says
    the other backend, where a template decides, and where Rancher writes the file.
    """
    route = entry.place.route
    said = next((one for one in setting.said if one.place.route == _without_items(route)), None)
    if said is None or machine.is_ranchers(said) or any(isinstance(s, Repeated) for s in route):
        return None
    if isinstance(entry.text, Templated) or machine.pin.judge(entry.setting) == "other":
        return None
    alone = not isinstance(said.value, list) or len(said.value) == 1
    remove = Remove(said.place.route if alone else route)
    needless = machine.verdict == "not-applicable" or machine["disable-kube-proxy"].value is True
    if needless or machine.reading.verdict != "unpinned":
        return Fix("remove it", (remove,), Safety.SHOWN)
    edit = _addition(machine, said.place)
    return Fix(f"move it to {pin.KEY}", (edit, remove), Safety.UNSAFE) if edit else None


def _without_items(route: Route) -> Route:
    while route and isinstance(route[-1], int):
        route = route[:-1]
    return route


def _addition(machine: Machine, beside: Place) -> Edit | None:
    """Return the edit that gives a machine the pin, in the document of another setting."""
    if not machine.environment.said:
        return Set((*beside.route[:-1], pin.KEY), [machine.pin.text])
    last = machine.environment.said[-1]
    if not last.by_configuration or last.place.document != beside.document:
        return None
    return machine.pin.addition(last.value, last.place)


def lacks_pin(cluster: Cluster) -> bool:
    """Return whether a machine of a cluster needs the pin, and nothing says anything of it."""
    return any(
        machine.verdict in ("unpinned", "unknown") and machine.reading.verdict == "unpinned"
        for machine in cluster.machines
    )


def to_global_config(cluster: Cluster, away: Route) -> Fix | None:
    """Return the fix that pins all machines, and removes what stands at `away`, which does not.

    None where machineGlobalConfig says something else of the backend, which is never changed.
    """
    config, place = cluster.layers[0].config, cluster.layers[0].place / pin.KEY
    value = config.get(pin.KEY, MISSING)
    edit = cluster.pin.addition(value, place)
    above = (cluster.config, cluster.document[cluster.layers[0].place.route])
    if not all(isinstance(one, dict | None) for one in above):
        return None
    if edit is None or cluster.pin.read(pin.entries(value, place)).verdict != "unpinned":
        return None
    while away[:-1] not in (cluster.spec_route, cluster.config_route):
        if len(cluster.document[away[:-1]]) > 1:
            break
        away = away[:-1]
    return Fix(f"move it to machineGlobalConfig.{pin.KEY}", (edit, Remove(away)), Safety.UNSAFE)
