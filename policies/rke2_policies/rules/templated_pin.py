"""The pin is written out, because the linter cannot tell what a template makes of it.

The file is read as it is, and a template's values are not known: the machine may be pinned or
not. It is a note, and never fixed. Render the template (`helm template`, `envsubst`, Ansible) and
lint the result, or write `IPTABLES_MODE=nft` into the template itself. A reference such as
`$(MODE)` is a warning: kubelet puts another variable of the container in its place, or leaves the
text as it is, with which kube-proxy's iptables fail (kubernetes/kubernetes
pkg/kubelet/kubelet_pods.go `makeEnvironmentVariables`); the linter does not follow it.

A file of Ansible's:

```yaml before
kube-proxy-extra-env:
  - IPTABLES_MODE={{ iptables_mode }}
```

A Helm template, for one item and for the whole of machineGlobalConfig:

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env:
        - GOGC=50
        - {{ .Values.kubeProxy.environment }}
```

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      {{- toYaml .Values.machineGlobalConfig | nindent 6 }}
```

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig: {{ .Values.machineGlobalConfig | toJson }}
```

A text for `envsubst`:

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: ${CLUSTER_NAME}, namespace: fleet-default}
spec:
  kubernetesVersion: ${KUBERNETES_VERSION}
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env:
        - IPTABLES_MODE=${IPTABLES_MODE}
```

A reference:

```yaml before
kube-proxy-extra-env:
  - MODE=nft
  - IPTABLES_MODE=$(MODE)
```

```yaml good
node-name: {{ inventory_hostname }}
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.finding import Problem, Severity
from rke2_policies.machine import Machine
from rke2_policies.route import Templated
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.NOTE)
def check(machine: Machine) -> Iterator[Problem]:
    if machine.verdict != "unknown":
        return
    reading, how = machine.reading, "render it and lint the result"
    home = machine.home or machine.place
    whole = home.key if home.route else home
    if reading.verdict == "unknown" and reading.entry is not None:
        if isinstance(reading.entry.text, Templated):
            message = f"a template decides {pin.VARIABLE}: {how}"
            yield machine.problem(message, reading.entry.place)
        else:
            message = (
                f"kubelet puts another variable into {reading.entry.text}: write {machine.pin.text}"
            )
            severity = Severity.WARNING
            yield machine.problem(message, reading.entry.place, severity=severity)
    elif machine.open:
        yield machine.problem(f"a template may set {pin.KEY}: {how}", whole)
    elif machine.reason.startswith("the selector of") and machine.reason.endswith("templated"):
        yield machine.problem(f"{machine.reason}: {how}", whole)
