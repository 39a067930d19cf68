"""Drop-ins end in .yaml or .yml and lie right in config.yaml.d, because RKE2 reads no other file.

RKE2 skips folders and every name with another ending, in any case of letters, without a word
(k3s-io/k3s pkg/configfilearg/parser.go `dotDFiles`); it looks into `config.yaml.d`, not into
`config.d`. A `kube-proxy-extra-env` in such a file never arrives. It is an error where the file
has the pin and the node has none, and a note where the node is pinned without it. There is no
automatic fix: rename or move the file, or delete it if it was switched off on purpose.

```yaml before
cni: canal
```

```yaml before config.yaml.d/20-pin.yaml.disabled
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
```

```yaml before
cni: canal
```

```yaml before config.d/20-pin.yaml
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
```

```yaml before
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
```

```yaml before config.yaml.d/old/20-pin.yaml
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
```

```yaml good
cni: canal
```

```yaml good config.yaml.d/20-pin.yaml
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
```

```yaml good config.yaml.d/README.txt
The files here are written by Ansible.
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.finding import Problem, Severity
from rke2_policies.node import Node
from rke2_policies.rke2_merge import merge
from rke2_policies.rule import rule


@rule(Node, severity=Severity.ERROR)
def check(node: Node) -> Iterator[Problem]:
    for one in node.ignored:
        if one.document is None:
            continue
        setting = merge([(one.by, one.document)]).get(pin.KEY)
        if setting is None or setting.place is None:
            continue
        pins = node.machine.pin.read(setting.entries).verdict == "pinned"
        lost = pins and node.machine.verdict == "unpinned"
        message = f"RKE2 never reads this file: {_why(one.file.path)}"
        severity = None if lost else Severity.NOTE
        yield node.machine.problem(message, setting.place.key, explains=lost, severity=severity)


def _why(path: str) -> str:
    folder, _, name = path.rpartition("/")
    parent = folder.rpartition("/")[2]
    if parent == "config.d":
        return "the folder is called config.yaml.d"
    if not parent.lower().endswith((".yaml.d", ".yml.d")):
        return "it does not look into folders of config.yaml.d"
    return f"{name} ends neither in .yaml nor in .yml"
