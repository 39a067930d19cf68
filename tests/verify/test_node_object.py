"""What Node objects say about the whole cluster."""

from __future__ import annotations

import pytest

from rke2_lint.verify.node_object import NodeObject, without_kube_proxy

RKE2 = "v1.33.4+rke2r1"


def node(*arguments: str, version: str = RKE2) -> NodeObject:
    return NodeObject("a", "linux", version, arguments)


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        pytest.param([node("server", "--disable-kube-proxy", "true")], "disable-kube-proxy", id="disabled"),
        pytest.param([node("server", "--disable-kube-proxy=true"), node("agent")], "disable-kube-proxy", id="one word"),
        pytest.param([node("server", "--disable-kube-proxy", "--cni", "cilium")], "disable-kube-proxy", id="bare"),
        pytest.param([node("server", "--disable-kube-proxy", "true", "--disable-kube-proxy=false")], "", id="the last one counts"),
        pytest.param([node("agent", "--disable-kube-proxy", "true")], "", id="an agent has no say"),
        pytest.param([node("server")], "", id="nothing"),
        pytest.param([node(version="v1.33.4+k3s1")], "this is no RKE2: v1.33.4+k3s1", id="K3s"),
        pytest.param([node(version="v1.33.4+k3s1"), node("agent")], "", id="one is RKE2"),
        pytest.param([], "this is no RKE2", id="no nodes"),
    ],
)  # fmt: skip
def test_why_there_is_no_kube_proxy(nodes: list[NodeObject], said: str) -> None:
    found = without_kube_proxy(tuple(nodes))
    assert found.startswith(said)
    assert bool(found) == bool(said)
