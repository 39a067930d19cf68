"""An item of kube-proxy-extra-env is a text, because RKE2 takes only the first item of a list.

Rancher does not look into lists (rancher/rancher pkg/capr/planner/filter.go `filterField`), and
RKE2 makes one argument of each item; of an item that is a list itself it takes the first item,
and does not tell that there were others (rancher/wrangler pkg/data/convert/convert.go
`Singular`). So `- [IPTABLES_MODE=nft]` works by accident, and is a warning. It is an error where
the pin is among the items that get lost. The fix for several items is unsafe; for a single one it
is only shown, because it changes nothing for kube-proxy.

```yaml before
kube-proxy-extra-env:
  - [IPTABLES_MODE=nft]
```

```yaml after
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
```

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env:
        - [GOGC=50, IPTABLES_MODE=nft]
```

```yaml after
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env:
        - GOGC=50
        - IPTABLES_MODE=nft
```

Where a later item sets a variable again, it is not clear which one is meant:

```yaml before
kube-proxy-extra-env:
  - [IPTABLES_MODE=nft, GOGC=50]
  - GOGC=100
```

```yaml good
kube-proxy-extra-env:
  - GOGC=50
  - IPTABLES_MODE=nft
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.document import Place
from rke2_policies.edits import Append, Edit, Set
from rke2_policies.finding import Fix, Problem, Safety, Severity
from rke2_policies.machine import Machine
from rke2_policies.pin import Entry, Pin
from rke2_policies.route import Templated
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.WARNING)
def check(machine: Machine) -> Iterator[Problem]:
    if machine.verdict == "not-applicable":
        return
    entries = machine.environment.entries
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry.value, list):
            continue
        place = _outermost(entry.place)
        lost = pin.names_variable(entry.value[1:])
        explains = lost and machine.reading.verdict == "unpinned"
        severity = Severity.ERROR if lost and machine.verdict == "unpinned" else None
        message = "RKE2 takes only the first item of a list in the list: write an item for each"
        fix = _flat(machine.pin, place, entry, entries[number:])
        yield machine.problem(message, place, fix=fix, explains=explains, severity=severity)


def _outermost(place: Place) -> Place:
    """Return the place of the item that an entry was taken from."""
    route = place.route
    while len(route) > 1 and isinstance(route[-1], int) and isinstance(route[-2], int):
        route = route[:-1]
    return place._replace(route=route)


def _flat(wanted: Pin, place: Place, entry: Entry, later: tuple[Entry, ...]) -> Fix | None:
    """Return the fix; None where it would pin the other backend, or change which of two variables counts."""
    route, items = place.route, entry.value
    names = {other.name for other in later}
    if not items or not isinstance(route[-1], int):
        return None
    for item in items:
        if not isinstance(item, str) or isinstance(item, Templated):
            return None
        name, _, value = item.strip().partition("=")
        if name in names or (name == pin.VARIABLE and wanted.judge(value) == "other"):
            return None
        names.add(name)
    edits: tuple[Edit, ...] = (
        Set(route, items[0]),
        *(Append(route[:-1], item) for item in items[1:]),
    )
    if len(items) == 1:
        return Fix("take the item out of its list", edits, Safety.SHOWN)
    return Fix("make an item of each", edits, Safety.UNSAFE)
