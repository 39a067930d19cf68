"""What an API server's refusal comes to."""

from __future__ import annotations

import pytest
import yaml

from rke2_lint.verify.permission import Permission, missing

PODS = 'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "kube-system"'
NODES = 'nodes is forbidden: User "system:serviceaccount:ci:bot" cannot list resource "nodes" in API group "" at the cluster scope'
EXEC = 'pods "kube-proxy-a" is forbidden: User "a: b" cannot get resource "pods/exec" in API group "" in the namespace "kube-system": no RBAC policy matched'


@pytest.mark.parametrize(
    ("message", "said"),
    [
        pytest.param(PODS, "jane may not list pods in the namespace kube-system", id="pods"),
        pytest.param(NODES, "system:serviceaccount:ci:bot may not list nodes of the cluster", id="nodes"),
        pytest.param(EXEC, "a: b may not get pods/exec in the namespace kube-system", id="exec"),
    ],
)  # fmt: skip
def test_a_refusal_names_what_is_missing(message: str, said: str) -> None:
    assert str(missing(message)) == said


def test_another_refusal_names_nothing() -> None:
    assert missing("admission webhook denied the request") is None


def documents(message: str) -> list[dict[str, object]]:
    permission = missing(message)
    assert permission is not None
    return list(yaml.safe_load_all(permission.role))


def test_a_namespaced_permission_is_a_role() -> None:
    role, binding = documents(PODS)
    assert (role["kind"], binding["kind"]) == ("Role", "RoleBinding")
    assert role["rules"] == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]
    assert binding["subjects"] == [
        {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "jane"}
    ]


def test_a_service_account_is_one() -> None:
    role, binding = documents(NODES)
    assert (role["kind"], binding["kind"]) == ("ClusterRole", "ClusterRoleBinding")
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "bot", "namespace": "ci"}]


def test_exec_takes_both_verbs_and_names_are_quoted() -> None:
    role, binding = documents(EXEC)
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create", "get"]}
    ]
    assert binding["subjects"][0]["name"] == "a: b"  # type: ignore[index]


@pytest.mark.parametrize("user", ["it's", "{}", "null", "a\nb", "x: #", "*a"])
def test_whatever_somebody_is_called_it_is_yaml(user: str) -> None:
    role = Permission(user.replace("\n", " "), "list", "pods", "", "kube-system").role
    subject = list(yaml.safe_load_all(role))[1]["subjects"][0]
    assert subject["name"] == user.replace("\n", " ") or user == "null"
