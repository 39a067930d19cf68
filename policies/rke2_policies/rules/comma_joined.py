"""Every variable is an item of its own, because RKE2 does not split items at commas.

RKE2 gives each item to kube-proxy as one variable, split once, at the first `=` (rancher/rke2
pkg/podtemplate/podtemplate.go `addExtraEnv`). `IPTABLES_MODE=nft,GOGC=50` sets IPTABLES_MODE to
`nft,GOGC=50`, which makes every iptables call of kube-proxy fail; with the pin in second place,
the first variable swallows it, and detection runs. Only the environment variable
`RKE2_KUBE_PROXY_EXTRA_ENV` was split at commas, before v1.31.8, v1.32.4 and v1.33.0 (rancher/rke2
pkg/cli/cmds/root.go, commit 0ee96d5b0). It is an error where kube-proxy breaks or loses the pin
by it, and a warning where a later item sets IPTABLES_MODE. The fix is unsafe: somebody may mean
the comma.

```yaml before
kube-proxy-extra-env:
  - IPTABLES_MODE=nft,GOGC=50
```

```yaml after
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
  - GOGC=50
```

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: NO_PROXY=10.0.0.0/8,.svc,IPTABLES_MODE=nft
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
        - NO_PROXY=10.0.0.0/8,.svc
        - IPTABLES_MODE=nft
```

```yaml before etc/default/rke2-server
RKE2_KUBE_PROXY_EXTRA_ENV=IPTABLES_MODE=nft,GOGC=50
```

```yaml good
kube-proxy-extra-env:
  - NO_PROXY=10.0.0.0/8,.svc
  - IPTABLES_MODE=nft
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.edits import Append, Edit, Set
from rke2_policies.finding import Fix, Problem, Safety, Severity
from rke2_policies.machine import Machine
from rke2_policies.pin import Entry, Pin
from rke2_policies.route import Templated
from rke2_policies.rule import rule

# A comma that another variable follows; those of NO_PROXY=10.0.0.0/8,.svc are none of these.
_JOINT = re.compile(r",\s*(?=[A-Za-z_][A-Za-z0-9_]*=)")


@rule(Machine, severity=Severity.ERROR)
def check(machine: Machine) -> Iterator[Problem]:
    if machine.verdict == "not-applicable":
        return
    entries = machine.environment.entries
    for number, entry in enumerate(entries, 1):
        if isinstance(entry.text, Templated) or "," not in entry.text:
            continue
        parts = _JOINT.split(entry.text)
        if entry.name == pin.VARIABLE:
            what = f"{pin.VARIABLE} is {entry.setting!r}, which breaks kube-proxy's iptables"
        elif any(part.startswith(f"{pin.VARIABLE}=") for part in parts[1:]):
            what = f"{entry.name} swallows {pin.VARIABLE}, which is then not set"
        else:
            continue
        said_here = any(
            entry in said.entries for said in machine.environment.said if said.by_configuration
        )
        # Where somebody chose the other backend on purpose, the fix would have the last word.
        may_split = said_here and not machine.is_pinned_otherwise
        fix = _split(machine.pin, entry, parts, entries[number:]) if may_split else None
        apart = "write an item for each" if said_here else f"write the items of {pin.KEY} instead"
        severity = None if machine.verdict in ("unpinned", "broken") else Severity.WARNING
        explains = machine.reading.verdict == "unpinned"
        message = f"commas do not separate variables: {what}; {apart}"
        yield machine.problem(message, entry.place, fix=fix, explains=explains, severity=severity)


def _split(wanted: Pin, entry: Entry, parts: list[str], later: tuple[Entry, ...]) -> Fix | None:
    """Return the fix; None where it would pin the other backend, or change which of two variables counts."""
    route = entry.place.route
    names = {other.name for other in later}
    for part in parts:
        name, _, value = part.partition("=")
        if name in names or (name == pin.VARIABLE and wanted.judge(value) == "other"):
            return None
    if len(parts) < 2 or not entry.whole or not isinstance(entry.value, str):
        return None
    edits: tuple[Edit, ...]
    if isinstance(route[-1], int):
        edits = (Set(route, parts[0]), *(Append(route[:-1], part) for part in parts[1:]))
    else:
        edits = (Set(route, parts),)
    return Fix("split it into items", edits, Safety.UNSAFE)
