"""A baseline holds what is still there, because what it holds besides would hide what comes next.

`--baseline FILE` takes findings out of the report that were there when the baseline was written.
Once one of them is repaired, its entry is of no use any more, and would let the same fault in
again. A repaired repository must not fail its build for that, so it is a note; with the policy
`strict` it is an error. The fix takes out of the file what is not there any more;
`--write-baseline` writes all of it anew. Nothing is said of files that were not looked at.

```yaml before
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
```

```yaml before .rke2-lint-baseline.json
{
  "version": 1,
  "findings": [
    {"path": "config.yaml", "object": "config.yaml", "place": "/cni", "rule": "syntax", "count": 1},
    {"path": "config.yaml", "object": "config.yaml", "place": "/kube-proxy-extra-env/*", "rule": "legacy-backend", "count": 1}
  ]
}
```

```yaml after
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
```

```yaml after .rke2-lint-baseline.json
{
  "version": 1,
  "findings": []
}
```

```yaml good
kube-proxy-extra-env:
  - IPTABLES_MODE=legacy
```

```yaml good .rke2-lint-baseline.json
{
  "version": 1,
  "findings": [
    {"path": "config.yaml", "object": "config.yaml", "place": "/kube-proxy-extra-env/*", "rule": "legacy-backend", "count": 1}
  ]
}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.baseline import StaleEntry
from rke2_policies.edits import Remove, Set
from rke2_policies.finding import Fix, Problem, Severity
from rke2_policies.rule import rule


@rule(StaleEntry, severity=Severity.NOTE)
def check(stale: StaleEntry) -> Iterator[Problem]:
    known, route = stale.known, stale.place.route
    what = f"{known.rule} in {known.object}"
    if stale.left:
        message = f"the baseline could shrink: {stale.gone} of {stale.gone + stale.left} are gone of {what}"
        fix = Fix(f"count {stale.left}", (Set((*route, "count"), stale.left),))
    else:
        message = f"the baseline could shrink: {what} is gone"
        fix = Fix("take it out of the baseline", (Remove(route),))
    yield Problem(message, stale.place, fix)
