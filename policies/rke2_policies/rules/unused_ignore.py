"""An ignore takes something out, because one that does not would hide what comes next.

The finding that it was for is gone, or it never stood where it counts: at the end of the finding's
line, at the end of the line of a key above it, or on a line of its own above one of these. It says
that something is wrong where nothing is, and would take out the next finding without a word. The fix
removes the comment or the annotation and nothing else; of several rules it removes those that
find nothing here.

```yaml before
cni: canal
kube-proxy-extra-env:
  # rke2-lint: ignore[legacy-backend] old hosts, OPS-112
  - IPTABLES_MODE=nft
```

```yaml after
cni: canal
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
```

```yaml before
kube-proxy-extra-env:
  - IPTABLES_MODE=legacy  # rke2-lint: ignore[legacy-backend,invalid-backend] old hosts, OPS-112
```

```yaml after
kube-proxy-extra-env:
  - IPTABLES_MODE=legacy  # rke2-lint: ignore[legacy-backend] old hosts, OPS-112
```

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata:
  name: shop
  namespace: fleet-default
  annotations:
    rke2-lint.dev/ignore: missing-nft-pin old hosts, OPS-112
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: [IPTABLES_MODE=nft]
```

```yaml after
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata:
  name: shop
  namespace: fleet-default
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: [IPTABLES_MODE=nft]
```

```yaml good
kube-proxy-extra-env:  # rke2-lint: ignore[legacy-backend] old hosts, OPS-112
  - IPTABLES_MODE=legacy
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.finding import Problem, Severity
from rke2_policies.ignore import Examined
from rke2_policies.rule import rule
from rke2_policies.unignore import taking_back


@rule(Examined, severity=Severity.WARNING)
def check(examined: Examined) -> Iterator[Problem]:
    names = examined.unused
    if not names:
        return
    verb = "finds" if len(names) == 1 else "find"
    message = f"this ignores nothing: {' and '.join(names)} {verb} nothing here"
    yield Problem(message, examined.ignore.place, taking_back(examined.ignore, names))
