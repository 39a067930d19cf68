"""An ignore with a last day is removed after it, or given another one.

`until=YYYY-MM-DD` says for how long somebody accepts a finding. After that day the finding counts
again, and this says why it does. The fix removes the ignore; it is unsafe as long as there is
something that it was for, because then somebody has to decide: mend it, or choose another day.

```yaml before
kube-proxy-extra-env:
  - IPTABLES_MODE=nft  # rke2-lint: ignore[legacy-backend] until=2026-03-31 old hosts, OPS-112
```

```yaml after
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
```

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata:
  name: shop
  namespace: fleet-default
  annotations:
    field.cattle.io/description: The web shop
    rke2-lint.dev/ignore: missing-nft-pin until=2026-03-31 old hosts, OPS-112
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig: {}
```

```yaml after
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata:
  name: shop
  namespace: fleet-default
  annotations:
    field.cattle.io/description: The web shop
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig: {}
```

```yaml good
kube-proxy-extra-env:
  - IPTABLES_MODE=legacy  # rke2-lint: ignore[legacy-backend] until=2999-12-31 old hosts, OPS-112
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.finding import Problem, Safety, Severity
from rke2_policies.ignore import Examined
from rke2_policies.rule import rule
from rke2_policies.unignore import taking_back


@rule(Examined, severity=Severity.WARNING)
def check(examined: Examined) -> Iterator[Problem]:
    if not examined.is_over:
        return
    message = f"this ignore ended with {examined.ignore.said.until}"
    message += "; what it was for counts again" if examined.is_missed else "; it is not needed"
    safety = Safety.UNSAFE if examined.is_missed else Safety.SAFE
    yield Problem(message, examined.ignore.place, taking_back(examined.ignore, (), safety))
