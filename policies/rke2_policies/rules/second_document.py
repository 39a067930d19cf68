"""RKE2's settings stand in the first YAML document of a file, because RKE2 reads no other.

RKE2 reads a file with `yaml.Unmarshal`, which ends at the `---` of the second document, without a
word (k3s-io/k3s pkg/configfilearg/parser.go; go-yaml/yaml v2.4.0). Everything below it is lost.
It is an error where the pin stands there and the machine lacks it, and otherwise a warning. There
is no automatic fix, because a fix changes one document only: delete the line `---`, or put the
settings into a file of their own in `config.yaml.d`.

```yaml before
cni: canal
---
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
```

```yaml before
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
---
profile: cis
```

```yaml good
---
# A document may begin with three dashes.
cni: canal
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.facts import rke2_flags
from rke2_policies.finding import Problem, Severity
from rke2_policies.node import Node
from rke2_policies.pin import Pin
from rke2_policies.rke2_merge import Line, lines
from rke2_policies.rule import rule


@rule(Node, severity=Severity.WARNING)
def check(node: Node) -> Iterator[Problem]:
    machine = node.machine
    if machine.verdict == "not-applicable":
        return
    for one in node.files:
        for document in one.file.documents[1:]:
            said = [line for line in lines(document) if line.key in rke2_flags()]
            if not said:
                continue
            pinning = next((line for line in said if _pins(machine.pin, line)), None)
            lost = pinning is not None and machine.reading.verdict == "unpinned"
            severity = Severity.ERROR if lost and machine.verdict == "unpinned" else None
            message = (
                "RKE2 reads only the first document of a file, and nothing of this one: "
                "delete the --- above it"
            )
            place = (pinning or said[0]).place.key
            yield machine.problem(message, place, explains=lost, severity=severity)


def _pins(wanted: Pin, line: Line) -> bool:
    pins = wanted.read(pin.entries(line.value, line.place)).verdict == "pinned"
    return line.key == pin.KEY and pins
