"""Texts that the tests of the language server share."""

from __future__ import annotations

UNPINNED = """\
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata:
  name: prod
  namespace: fleet-default
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      cni: calico
    machinePools:
      - name: servers
        controlPlaneRole: true
        etcdRole: true
        quantity: 3
      - name: workers
        workerRole: true
        quantity: 9
"""
PINNED = UNPINNED.replace(
    "      cni: calico\n", "      cni: calico\n      kube-proxy-extra-env: [IPTABLES_MODE=nft]\n"
)
WRONG = PINNED.replace("=nft", "=NFT")
DROPPED = PINNED.replace(
    "    machinePools:\n",
    """\
    machineSelectorConfig:
      - machineLabelSelector:
          matchLabels: {rke.cattle.io/rke-machine-pool-name: workers}
        config:
          kube-proxy-extra-env: [TZ=UTC]
    machinePools:
""",
)
CONFIG = "etc/rancher/rke2/config.yaml"
DROP_IN = f"{CONFIG}.d/20-proxy.yaml"
