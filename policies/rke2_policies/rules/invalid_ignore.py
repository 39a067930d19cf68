"""An ignore names rules that there are, and says why, because it is a decision that others rely on.

A comment `# rke2-lint: ignore[RULE,RULE] REASON` (or `ignore-file[…]` at the top of a file) and the
annotation `rke2-lint.dev/ignore` take findings out of the report. Without a list nobody can tell
what it was meant for, and a name that no rule has takes out nothing. Without a reason nobody dares
to remove it: such an ignore counts, and is a finding until it says why. `until=YYYY-MM-DD` among the
words of the reason is its last day. Rules about ignores themselves cannot be ignored by them. The
fix writes the nearest name; it is unsafe, because only you know what was meant.

```yaml before
kube-proxy-extra-env:
  - IPTABLES_MODE=legacy  # rke2-lint: ignore[legacy-backends] old hosts, OPS-112
```

```yaml after
kube-proxy-extra-env:
  - IPTABLES_MODE=legacy  # rke2-lint: ignore[legacy-backend] old hosts, OPS-112
```

```yaml before
# rke2-lint: ignore[legacy-backend]
kube-proxy-extra-env:
  - IPTABLES_MODE=legacy
```

```yaml before
kube-proxy-extra-env:
  - IPTABLES_MODE=legacy  # rke2-lint: ignore[legacy-backend] until=spring old hosts
```

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata:
  name: shop
  namespace: fleet-default
  annotations:
    rke2-lint.dev/ignore: missing-nft-pin
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig: {}
```

```yaml good
kube-proxy-extra-env:
  - IPTABLES_MODE=legacy  # rke2-lint: ignore[legacy-backend] until=2999-12-31 old hosts, OPS-112
```

```yaml good
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata:
  name: shop
  namespace: fleet-default
  annotations:
    rke2-lint.dev/ignore: missing-nft-pin old hosts, OPS-112
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig: {}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.finding import Problem, Severity
from rke2_policies.ignore import Examined
from rke2_policies.rule import rule
from rke2_policies.unignore import naming


@rule(Examined, severity=Severity.WARNING)
def check(examined: Examined) -> Iterator[Problem]:
    ignore = examined.ignore
    for fault in ignore.said.faults:
        yield Problem(fault, ignore.place)
    for name, near in examined.unknown:
        hint = f"; did you mean {near}?" if near else "; `rke2-lint rule` lists them"
        fix = naming(ignore, name, near) if near else None
        yield Problem(f"there is no rule {name}{hint}", ignore.place, fix)
    for name in examined.not_here:
        message = f"no ignore takes out {name}: remove what it finds, or let the policy exempt it"
        yield Problem(message, ignore.place)
