"""RKE2 has understood what its configuration says about kube-proxy.

RKE2 skips a setting that it does not know with one warning, and an entry of `kube-proxy-extra-env`
without an `=` with one error; the node starts all the same, unpinned (k3s-io/k3s
pkg/configfilearg/parser.go, rancher/rke2 pkg/podtemplate/podtemplate.go). The log keeps both.

```dump found journal
level=warning msg="Unknown flag --kube-proxy-extra-envs found in config.yaml, skipping"
```

```dump good journal
level=warning msg="Unknown flag --snapshotter found in config.yaml, skipping"
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.diagnosis.live_node import LiveNode
from rke2_policies.edit_distance import nearest
from rke2_policies.finding import Problem, Severity
from rke2_policies.rule import rule


@rule(LiveNode, severity=Severity.ERROR)
def check(node: LiveNode) -> Iterator[Problem]:
    # A log remembers what has been mended since: where kube-proxy runs pinned, it is no error.
    most = Severity.NOTE if node.judge(node.running) == "pinned" else Severity.ERROR
    for complaint in node.evidence.complaints:
        if complaint.flag == pin.KEY:
            if node.judge(node.running) == "unpinned":
                message = f"RKE2 has skipped {pin.KEY}, which it should know"
                # Or it was another command, such as etcd-snapshot, which knows fewer settings.
                remedy = "look which version it is: v1.21.3+rke2r2 was the first to know it"
                yield node.problem(message, remedy, severity=Severity.WARNING)
        elif complaint.flag and nearest(complaint.flag, (pin.KEY,)):
            message = f"RKE2 has skipped {complaint.flag}, which it does not know"
            yield node.problem(message, f"write {pin.KEY}", most=most, explains=True)
        elif not complaint.flag and "kube-proxy" in complaint.text:
            message = f"RKE2 has skipped an entry of {pin.KEY}: {complaint.text}"
            yield node.problem(message, "write NAME=VALUE", most=most, explains=True)
