"""Permissions: what somebody is not allowed to do, and the Role that would allow it."""

from __future__ import annotations

import re
from typing import NamedTuple

# kubernetes/apimachinery pkg/api/errors `NewForbidden`, apiserver pkg/endpoints/handlers/responsewriters.
_FORBIDDEN = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\S+) resource "(?P<resource>[^"]*)"'
    r' in API group "(?P<group>[^"]*)"(?: in the namespace "(?P<namespace>[^"]*)"|(?P<cluster> at the cluster scope))?'
)
NAME = "rke2-lint-verify"
_ACCOUNT = "system:serviceaccount:"
_SAFE = re.compile(r"[\w.@:/+-]+\Z", re.ASCII)
# A websocket begins with a GET: before Kubernetes 1.35, `get` is what is asked for, and since then
# `create` as well (kubernetes/kubernetes#134577).
_VERBS = {"pods/exec": ("create", "get")}


class Permission(NamedTuple):
    """One thing that somebody may not do, in the API server's own words."""

    user: str
    verb: str
    resource: str
    group: str
    namespace: str
    """"" for the whole cluster."""

    def __str__(self) -> str:
        where = f"in the namespace {self.namespace}" if self.namespace else "of the cluster"
        resource = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{self.user} may not {self.verb} {resource} {where}"

    @property
    def role(self) -> str:
        """The Role and its binding that allow it, as YAML."""
        kind = "Role" if self.namespace else "ClusterRole"
        space = f"\n  namespace: {self.namespace}" if self.namespace else ""
        verbs = ", ".join(_VERBS.get(self.resource, (self.verb,)))
        name = f"{NAME}-{self.resource.replace('/', '-')}"
        return (
            f"apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\n"
            f"metadata:\n  name: {name}{space}\n"
            f'rules:\n- apiGroups: ["{self.group}"]\n  resources: ["{self.resource}"]\n'
            f"  verbs: [{verbs}]\n---\n"
            f"apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}Binding\n"
            f"metadata:\n  name: {name}{space}\n"
            f"roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: {kind}\n  name: {name}\n"
            f"subjects:\n{self._subject}"
        )

    @property
    def _subject(self) -> str:
        if self.user.startswith(_ACCOUNT) and self.user.count(":") == 3:
            namespace, _, name = self.user.removeprefix(_ACCOUNT).partition(":")
            return f"- kind: ServiceAccount\n  name: {name}\n  namespace: {namespace}\n"
        name = self.user
        if not _SAFE.match(name):
            name = "'" + name.replace("'", "''") + "'"
        return f"- kind: User\n  apiGroup: rbac.authorization.k8s.io\n  name: {name}\n"


def missing(message: str) -> Permission | None:
    """Return the permission that a refusal of the API server names; None where it names none."""
    found = _FORBIDDEN.search(message)
    if found is None:
        return None
    return Permission(
        found["user"], found["verb"], found["resource"], found["group"], found["namespace"] or ""
    )
