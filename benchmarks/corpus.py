"""Write a folder that looks like a GitOps repository: `python benchmarks/corpus.py FOLDER COUNT`.

One file in ten, or in as many as are asked for, is a Rancher Cluster, and half of those lack the
pin; the others are Deployments with their Services, and ConfigMaps. The same count gives the same
bytes everywhere.
"""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

CLUSTER = (Path(__file__).parent / "cluster.yaml").read_text(encoding="utf-8")
OTHER_VARIABLE = "            - TZ=UTC\n"
OTHER_LIST = (
    "            kube-proxy-extra-env:\n" + OTHER_VARIABLE + "            # ^ do not remove\n"
)


def cluster(number: int) -> str:
    """Return a Cluster: pinned, with a list that lacks the pin, or with no list at all."""
    text = CLUSTER.replace("prod-eu-1", f"c-{number:05d}")
    match number % 4:
        case 0 | 2:
            return text.replace(
                OTHER_VARIABLE, OTHER_VARIABLE + "            - IPTABLES_MODE=nft\n"
            )
        case 1:
            return text
        case _:
            return text.replace(OTHER_LIST, "")


def deployment(number: int, chance: random.Random) -> str:
    containers = "".join(
        f"""\
        - name: c{each}
          image: registry.example.com/team/app{each}:{number}.{each}.0   # renovate
          ports: [{{containerPort: {8000 + each}, name: http}}]
          env:
            - name: LOG_LEVEL
              value: "info"
            - name: DB
              valueFrom: {{secretKeyRef: {{name: db, key: url}}}}
          resources:
            requests: {{cpu: 100m, memory: 128Mi}}
            limits:
              memory: 256Mi
          livenessProbe:
            httpGet:
              path: /healthz
              port: http
            periodSeconds: 10
"""
        for each in range(chance.randint(1, 3))
    )
    return f"""\
---
# app {number}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-{number}
  namespace: ns-{number % 20}
  labels: {{app.kubernetes.io/name: app-{number}, tier: backend}}
spec:
  replicas: {chance.randint(1, 5)}
  selector:
    matchLabels: {{app: app-{number}}}
  template:
    metadata:
      labels:
        app: app-{number}
    spec:
      securityContext:
        runAsNonRoot: true
      containers:
{containers}---
apiVersion: v1
kind: Service
metadata: {{name: app-{number}, namespace: ns-{number % 20}}}
spec:
  selector: {{app: app-{number}}}
  ports:
    - port: 80
      targetPort: http
"""


def config_map(number: int, chance: random.Random) -> str:
    lines = "".join(f"    key.{each}={chance.random()}\n" for each in range(40))
    return f"""\
apiVersion: v1
kind: ConfigMap
metadata:
  name: cm-{number}
data:
  app.properties: |
{lines}"""


def write(folder: Path, count: int, *, one_in: int = 10) -> list[Path]:
    """Write `count` files into `folder`, as a git repository, and return their paths."""
    chance = random.Random(7)
    paths = []
    for number in range(count):
        if number % one_in == 0:
            nth = number // one_in
            path, text = folder / f"clusters/env{nth % 10}", cluster(nth)
        else:
            path = folder / f"apps/team{number % 17}"
            text = deployment(number, chance) if number % 3 else config_map(number, chance)
        path.mkdir(parents=True, exist_ok=True)
        path /= f"f{number:05d}.yaml"
        path.write_text(text, encoding="utf-8", newline="\n")
        paths.append(path)
    # As in life, and because several of the tools ask git what to read.
    for command in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", "-C", folder, *command], check=True)
    return paths


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]))
