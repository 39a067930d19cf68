"""Kubeconfigs: which clusters somebody may talk to, where they are, and as whom.

As kubectl reads them (kubernetes/client-go tools/clientcmd): of several files, the first that names a
thing decides it, and paths begin in the folder of the file that says them.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from rke2_lint.files import UsageError, why
from rke2_policies.edit_distance import nearest

_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_MOST_NAMES = 8


class Named(NamedTuple):
    """A cluster or a user of a kubeconfig."""

    settings: Mapping[str, Any]
    file: str
    """The file that says it."""

    def path(self, key: str) -> str:
        """Return a path that is named, from where its file lies; "" where none is."""
        said = self.text(key)
        return os.path.join(os.path.dirname(os.path.abspath(self.file)), said) if said else ""

    def text(self, key: str) -> str:
        """Return a text; "" where there is none."""
        said = self.settings.get(key)
        return said if isinstance(said, str) else ""

    def listed(self, key: str) -> list[Any]:
        """Return a list; an empty one where there is none."""
        said = self.settings.get(key)
        return said if isinstance(said, list) else []


class Context(NamedTuple):
    """One cluster, as one user."""

    name: str
    cluster: Named
    user: Named
    fault: str = ""
    """Why there is no getting to it, where it is one of several; "" where there is."""

    @property
    def server(self) -> str:
        """Where the API server is."""
        return self.cluster.text("server")


class _Kubeconfig:
    """One kubeconfig, or several that are one."""

    def __init__(self, files: Iterable[str]) -> None:
        self.files = tuple(files)
        self.current = ""
        self.contexts: dict[str, Named] = {}
        self._clusters: dict[str, Named] = {}
        self._users: dict[str, Named] = {}
        for file in self.files:
            self._add(file)

    def _add(self, file: str) -> None:
        tree = _read(file)
        current = tree.get("current-context")
        self.current = self.current or (current if isinstance(current, str) else "")
        for key, kind, into in (
            ("contexts", "context", self.contexts),
            ("clusters", "cluster", self._clusters),
            ("users", "user", self._users),
        ):
            for name, settings in _entries(file, tree, key, kind):
                into.setdefault(name, Named(settings, file))

    def context(self, name: str) -> Context:
        """Return a context with its cluster and its user. Raises UsageError."""
        said = self.contexts[name]
        cluster = self._part(name, said, "cluster", self._clusters)
        if cluster is None:
            raise UsageError(f"{said.file}: the context {name} names no cluster")
        user = self._part(name, said, "user", self._users) or Named({}, said.file)
        if not is_address(cluster.text("server"), ("https", "http")):
            raise UsageError(
                f"{cluster.file}: the cluster of the context {name} has no server: https://…"
            )
        return Context(name, cluster, user)

    def _part(
        self, context: str, said: Named, kind: str, there: Mapping[str, Named]
    ) -> Named | None:
        name = said.text(kind)
        if not name:
            return None
        if name not in there:
            raise UsageError(
                f"{said.file}: the context {context} names the {kind} {name}, which is not there"
                + _hint(name, there)
            )
        return there[name]


def is_address(text: str, schemes: Collection[str]) -> bool:
    """Tell whether a text is a URL of one of these schemes, with a host that can be connected to."""
    try:
        address = urlsplit(text)
        return address.scheme in schemes and bool(address.hostname) and address.port != 0
    except ValueError:  # half of an IPv6 address, or a port that is no number
        return False


def contexts(files: Iterable[str], wanted: Iterable[str], *, every: bool) -> list[Context]:
    """Return the contexts that are asked for. Raises UsageError.

    Of several, one that is wrong does not keep the others from being looked at.

    `files`: kubeconfigs, each by itself; without any, what KUBECONFIG names, or ~/.kube/config, or the
    Pod's own account. `wanted`: names of contexts, or globs; without any, the current one of each
    kubeconfig. `every`: all contexts.
    """
    files, wanted = list(files), list(wanted)
    if not files and not _default_files() and (own := _own_account()) is not None:
        return _from_own_account(own, wanted)
    kubeconfigs = [_Kubeconfig([file]) for file in files] or [_Kubeconfig(_files_of_user())]
    chosen = [(one, name) for one in kubeconfigs for name in _chosen(one, wanted, every=every)]
    for name in wanted:
        if not any(_matches(name, there) for _, there in chosen):
            raise UsageError(_unknown(name, kubeconfigs))
    found: list[Context] = []
    names = [name for _, name in chosen]
    for kubeconfig, name in chosen:
        try:
            context = kubeconfig.context(name)
        except UsageError as error:
            if len(chosen) == 1 or name in wanted:
                raise
            nobody = Named({}, kubeconfig.contexts[name].file)
            context = Context(name, nobody, nobody, str(error))
        if names.count(name) > 1:
            # `rke2.yaml` of every cluster calls its context `default`.
            context = context._replace(name=f"{name} ({kubeconfig.contexts[name].file})")
        found.append(context)
    return found


def _chosen(kubeconfig: _Kubeconfig, wanted: list[str], *, every: bool) -> Iterator[str]:
    if every:
        if not kubeconfig.contexts:
            raise UsageError(f"{', '.join(kubeconfig.files)}: there are no contexts")
        yield from kubeconfig.contexts
    elif wanted:
        for name in kubeconfig.contexts:
            if any(_matches(one, name) for one in wanted):
                yield name
    elif not kubeconfig.current:
        raise UsageError(
            f"{', '.join(kubeconfig.files)}: there is no current-context: choose with --context, "
            f"or take --all-contexts{_listed(kubeconfig.contexts)}"
        )
    elif kubeconfig.current not in kubeconfig.contexts:
        raise UsageError(_unknown(kubeconfig.current, [kubeconfig]))
    else:
        yield kubeconfig.current


def _matches(wanted: str, name: str) -> bool:
    return wanted == name or fnmatchcase(name, wanted)


def _unknown(name: str, kubeconfigs: Iterable[_Kubeconfig]) -> str:
    kubeconfigs = list(kubeconfigs)
    files = ", ".join(file for one in kubeconfigs for file in one.files)
    return f"{files}: there is no context {name}" + _hint(
        name, [there for one in kubeconfigs for there in one.contexts]
    )


def _hint(name: str, there: Iterable[str]) -> str:
    names = list(there)
    near = nearest(name, names)
    return f"; did you mean {near}?" if near else _listed(names)


def _listed(there: Iterable[str]) -> str:
    names = list(there)
    if not names:
        return "; there are none"
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"; there are {', '.join(names[:_MOST_NAMES])}{more}"


# --- files


def _default_files() -> list[str]:
    named = [one for one in os.environ.get("KUBECONFIG", "").split(os.pathsep) if one]
    # kubectl passes over those that are not there.
    there = [file for file in named if os.path.exists(file)]
    if named:
        return there or named[:1]
    own = os.path.expanduser("~/.kube/config")
    return [own] if os.path.exists(own) else []


def _files_of_user() -> list[str]:
    files = _default_files()
    if not files:
        raise UsageError(
            "there is no kubeconfig: name one with --kubeconfig, or in KUBECONFIG; "
            "~/.kube/config is not there"
        )
    return files


def _read(file: str) -> Mapping[str, Any]:
    import yaml

    try:
        with open(file, "rb") as opened:
            data = opened.read()
    except OSError as error:
        raise UsageError(f"{file}: {why(error)}") from error
    try:
        tree = yaml.load(data, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        # No more than that: the text around it may be a key.
        raise UsageError(
            f"{file}{at}: it is no YAML: {error.problem or 'it cannot be read'}"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError):
        raise UsageError(f"{file}: it is no YAML, and no text") from None
    if not isinstance(tree, dict) or not any(key in tree for key in ("contexts", "clusters")):
        raise UsageError(f"{file}: it is no kubeconfig: it has no contexts and no clusters")
    return tree


def _entries(
    file: str, tree: Mapping[str, Any], key: str, kind: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    listed = tree.get(key)
    if listed is None:
        return
    if not isinstance(listed, list):
        raise UsageError(f"{file}: {key} is no list")
    for number, entry in enumerate(listed):
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise UsageError(f"{file}: {key}[{number}] has no name")
        settings = entry.get(kind)
        if settings is None:
            settings = {}
        if not isinstance(settings, dict):
            raise UsageError(f"{file}: {key}[{number}].{kind} of {entry['name']} is no map")
        yield entry["name"], settings


# --- inside of a cluster


def _own_account() -> str | None:
    """Return where the API server of the Pod is that this runs in; None where it runs in none."""
    host = os.environ.get("KUBERNETES_SERVICE_HOST")
    if not host or not os.path.exists(f"{_ACCOUNT}/token"):
        return None
    port = os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"


def _from_own_account(server: str, wanted: list[str]) -> list[Context]:
    if wanted:
        raise UsageError(
            f"there is no kubeconfig, only the account of this Pod: no context {wanted[0]}"
        )
    cluster = {"server": server, "certificate-authority": f"{_ACCOUNT}/ca.crt"}
    user = {"tokenFile": f"{_ACCOUNT}/token"}
    return [Context("in-cluster", Named(cluster, _ACCOUNT), Named(user, _ACCOUNT))]
