"""Every variable is an item of its own, because RKE2 does not split items at line breaks.

A block (`|`) is one item, however many lines it has, and RKE2 makes one variable of it
(rancher/rke2 pkg/podtemplate/podtemplate.go `addExtraEnv`). With IPTABLES_MODE in its first line,
every iptables call of kube-proxy fails; further down, another variable swallows it, and detection
runs. A block of one line is fine, because RKE2 trims it. It is an error where kube-proxy breaks or
loses the pin by it, and a warning where another item sets IPTABLES_MODE. The fix is unsafe; there
is none where a line is not NAME=VALUE: write an item for each variable.

```yaml before
kube-proxy-extra-env:
  - |
    IPTABLES_MODE=nft
    GOGC=50
```

```yaml after
kube-proxy-extra-env:
  - |
    IPTABLES_MODE=nft
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
      kube-proxy-extra-env:
        - |
          GOGC=50
          IPTABLES_MODE=nft
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
        - |
          GOGC=50
        - IPTABLES_MODE=nft
```

```yaml before
kube-proxy-extra-env:
  - |
    # one place for all of them
    IPTABLES_MODE=nft
  - IPTABLES_MODE=nft
```

```yaml good
kube-proxy-extra-env:
  - |
    IPTABLES_MODE=nft
  - GOGC=50
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.edits import Append, Edit, Set
from rke2_policies.finding import Fix, Problem, Safety, Severity
from rke2_policies.machine import Machine
from rke2_policies.pin import Entry, Pin
from rke2_policies.route import Templated
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.ERROR)
def check(machine: Machine) -> Iterator[Problem]:
    if machine.verdict == "not-applicable":
        return
    entries = machine.environment.entries
    for number, entry in enumerate(entries, 1):
        lines = [line.strip() for line in entry.text.splitlines() if line.strip()]
        if len(lines) < 2 or isinstance(entry.text, Templated):
            continue
        if not any(line.startswith(f"{pin.VARIABLE}=") for line in lines):
            continue
        severity = None if machine.verdict in ("unpinned", "broken") else Severity.WARNING
        explains = machine.reading.verdict == "unpinned"
        name, equals, _ = lines[0].partition("=")
        gets = f"{name} gets all of them" if equals else f"{name!r} is a part of its name"
        message = f"several lines are one variable: {gets}; write an item for each"
        fix = _split(machine.pin, entry, lines, entries[number:])
        yield machine.problem(message, entry.place, fix=fix, explains=explains, severity=severity)


def _split(wanted: Pin, entry: Entry, lines: list[str], later: tuple[Entry, ...]) -> Fix | None:
    """Return the fix; None where it would pin the other backend, or change which of two variables counts."""
    route = entry.place.route
    names = {other.name for other in later}
    for line in lines:
        name, equals, value = line.partition("=")
        other = name == pin.VARIABLE and wanted.judge(value) == "other"
        if not equals or name in names or other:
            return None
        names.add(name)
    if not isinstance(route[-1], int) or not isinstance(entry.value, str):
        return None
    # A block ends with a line break, and RKE2 trims it.
    end = "\n" if entry.value.endswith("\n") else ""
    edits: tuple[Edit, ...] = (
        Set(route, lines[0] + end),
        *(Append(route[:-1], line) for line in lines[1:]),
    )
    return Fix("split it into items", edits, Safety.UNSAFE)
