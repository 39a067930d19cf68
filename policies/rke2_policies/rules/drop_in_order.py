"""The numbers of drop-ins have the same number of digits, because names are sorted as text.

RKE2 reads `config.yaml.d` in the byte order of the file names (k3s-io/k3s
pkg/configfilearg/parser.go `dotDFiles`), in which `10-` comes before `9-`. A file that looks like
the first one is then the last one, and its list replaces the others' list. This is about files
that set kube-proxy-extra-env; the verdict on the node already follows the true order. There is no
automatic fix: give the file a name with a leading zero.

```yaml before config.yaml.d/9-base.yaml
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
```

```yaml before config.yaml.d/10-memory.yaml
kube-proxy-extra-env:
  - GOGC=50
  - IPTABLES_MODE=nft
```

```yaml good config.yaml.d/09-base.yaml
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
```

```yaml good config.yaml.d/10-memory.yaml
kube-proxy-extra-env:
  - GOGC=50
  - IPTABLES_MODE=nft
```
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.document import Place
from rke2_policies.finding import Problem, Severity
from rke2_policies.node import ConfigFile, Node
from rke2_policies.rke2_merge import lines
from rke2_policies.rule import rule

_NUMBER = re.compile(r"\d+")


@rule(Node, severity=Severity.WARNING)
def check(node: Node) -> Iterator[Problem]:
    numbered = [
        (one.by, number, place) for one in node.drop_ins for number, place in _numbered(one)
    ]
    for (earlier, one, first), (later, other, last) in itertools.pairwise(numbered):
        if int(one) > int(other):
            message = (
                f"{later} is read after {earlier}, because names are sorted as text: "
                f"write {other.zfill(len(one))} for {other}, if it is to come first"
            )
            yield Problem(message, last.key, None, ((first.key, "this one is read first"),))


def _numbered(one: ConfigFile) -> Iterator[tuple[str, Place]]:
    """Yield the number that a file's name begins with, and where it sets the environment."""
    number = _NUMBER.match(one.by.rpartition("/")[2])
    if number is None or one.document is None:
        return
    place = next((line.place for line in lines(one.document) if line.key == pin.KEY), None)
    if place is not None:
        yield number[0], place
