"""The very node that somebody stands on, looked at without changing it.

kube-proxy's container shares the node's network, so its rules are the node's. They are read with its
own tools, in its own root, by their full names: the bare `iptables` of the container is a script that
makes its choice when it is called, and keeps it (k3s-io/k3s-root iptables-detect/iptables-detect.sh).
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping

from rke2_lint.files import why
from rke2_lint.node.files_of_nodes import UnreadableError, read_file
from rke2_lint.node.saved import SAVING, Said, dumps_of
from rke2_lint.node.text_of import text_of
from rke2_policies.diagnosis.evidence import (
    Complaint,
    Damage,
    Evidence,
    Tool,
    read_cgroup,
    read_complaints,
    read_link,
)
from rke2_policies.diagnosis.kube_proxy import (
    Environment,
    KubeProxy,
    pods_in,
    read_environment,
    read_pod,
)
from rke2_policies.diagnosis.rule_dump import Backend, Family, RuleDump
from rke2_policies.diagnosis.ruleset import Ruleset, read_ruleset
from rke2_policies.live_configuration import read_configuration
from rke2_policies.machine import Machine
from rke2_policies.policy import Params
from rke2_policies.recognise import environment_folders
from rke2_policies.yaml_source import Source

CONFIG = "etc/rancher/rke2/config.yaml"
DATA = "var/lib/rancher/rke2"
_SBIN = ("usr/sbin", "sbin", "usr/local/sbin", "usr/bin")
_SECONDS = 60
_LOG = (
    "journalctl", "--no-pager", "--quiet", "--output=cat", "--boot", "--unit=rke2-server", "--unit=rke2-agent",
    "--grep=Unknown flag|was not valid",
)  # fmt: skip


class ThisNode:
    """The machine that this runs on. `root`: where its file system begins."""

    def __init__(self, root: str = "/") -> None:
        self._root = root
        self._damages: list[Damage] = []

    def evidence(self, params: Params) -> Evidence:
        """Return all that can be seen of it. Raises UnreadableError where that is nothing."""
        if sys.platform != "linux":
            raise UnreadableError("only Linux has iptables: name dumps or bundles of nodes")
        configuration = self._configuration()
        machine = read_configuration(configuration, params, self._role())
        process = self._process()
        pod = self._pod(machine)
        dumps = tuple(self._dumps(process))
        ruleset = None if any(one.backend == "nft" for one in dumps) else self._ruleset()
        environment, link = self._container(process)
        evidence = Evidence(
            socket.gethostname(),
            dumps,
            ruleset,
            link,
            environment,
            pod,
            machine=machine,
            cgroup=self._cgroup(),
            host_tool=self._host_tool(dumps),
            complaints=self._complaints() if machine is not None else (),
            damages=tuple(self._damages),
        )
        if not (dumps or machine or pod or environment or ruleset):
            if os.geteuid():
                raise UnreadableError("only root may see a node's rules: run it as root")
            raise UnreadableError(
                "nothing here looks like a node of RKE2, and no iptables-legacy-save was found: "
                "name dumps or bundles of nodes"
            )
        return evidence

    # --- its files

    def _path(self, path: str) -> str:
        return os.path.join(self._root, path)

    def _read(self, path: str) -> bytes | None:
        """Return a file; None where there is none, or it cannot be read, which is remembered."""
        where = self._path(path)
        if not os.path.lexists(where):
            return None
        try:
            return read_file(where)
        except UnreadableError as error:
            self._damages.append(Damage(f"/{path}", str(error)))
            return None

    def _configuration(self) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for path in (CONFIG, *self._beside(f"{CONFIG}.d/", ("",)), *self._environment_files()):
            data = self._read(path)
            if data is not None:
                found[path] = data
        return found

    def _environment_files(self) -> Iterator[str]:
        for folder in environment_folders(CONFIG):
            yield from self._beside(folder, ("rke2-server", "rke2-agent", "rke2-sa"))

    def _beside(self, folder: str, begins: tuple[str, ...]) -> Iterator[str]:
        try:
            names = sorted(os.listdir(self._path(folder)))
        except OSError:
            return
        for name in names:
            path = folder + name
            if not name.startswith(begins) or os.path.isdir(self._path(path)):
                continue
            if begins == ("",) or name in begins or name.endswith(".env"):
                yield path

    def _role(self) -> str:
        """Return the role that the node has: only servers have a database, or a token of their own."""
        if os.path.isdir(self._path(f"{DATA}/server/db")):
            return "server"
        return "agent" if os.path.isdir(self._path(f"{DATA}/agent")) else ""

    def _pod(self, machine: Machine | None) -> KubeProxy | None:
        """Return the manifest that RKE2 wrote when its service was started."""
        said = machine["data-dir"].value if machine is not None else None
        data = said.strip("/") if isinstance(said, str) and said.strip("/") else DATA
        path = f"{data}/agent/pod-manifests/kube-proxy.yaml"
        content = self._read(path)
        if content is None:
            return None
        for document in Source.read(path, content).documents:
            for pod in pods_in(document.tree):
                return read_pod(pod)
        self._damages.append(Damage(f"/{path}", "it is no Pod of kube-proxy"))
        return None

    def _cgroup(self) -> int | None:
        data = self._read("proc/mounts")
        return read_cgroup(text_of(data)[0]) if data is not None else None

    # --- kube-proxy's container

    def _process(self) -> str:
        """Return the number of kube-proxy's process; "" where none runs, or nobody may see it."""
        try:
            numbers = [name for name in os.listdir(self._path("proc")) if name.isdigit()]
        except OSError:
            return ""
        for number in sorted(numbers, key=int):
            try:
                with open(self._path(f"proc/{number}/cmdline"), "rb") as file:
                    command = file.read(4096).split(b"\0")[0]
            except OSError:
                continue
            if command.rpartition(b"/")[2] == b"kube-proxy":
                return number
        return ""

    def _container(self, process: str) -> tuple[Environment | None, str | None]:
        """Return the environment of kube-proxy's container, and where its `iptables` leads to."""
        if not process:
            return None, None
        environment, link = None, None
        try:
            with open(self._path(f"proc/{process}/environ"), "rb") as file:
                environment = read_environment(text_of(file.read(), nuls=True)[0])
        except OSError as error:
            self._damages.append(Damage("kube-proxy's environment", why(error)))
        try:
            # The text of the link: to follow it would lead out of the container's root.
            link = read_link(os.readlink(self._path(f"proc/{process}/root/usr/sbin/iptables")))
        except OSError as error:
            self._damages.append(Damage("kube-proxy's /usr/sbin/iptables", why(error)))
        return environment, link

    # --- the rules

    def _dumps(self, process: str) -> Iterator[RuleDump]:
        if os.geteuid():
            # Some versions write nothing then, which would look like no rules.
            self._damages.append(Damage("rules", "only root may see them: run it as root"))
            return
        root = self._path(f"proc/{process}/root") if process else ""
        host = self._host_backend()
        for tool, backend, family in SAVING:
            inside = _tool(root, tool) if root else ""
            outside = self._own(tool)
            if inside:
                yield from self._saved(tool, backend, family, (inside,), root=root)
            elif outside:
                yield from self._saved(tool, backend, family, (outside,), by_host=True)
            if inside and outside and backend == "nft" and host == "nft" and family == 4:
                # Whoever compares versions needs the host's, too.
                yield from self._saved(tool, backend, family, (outside,), by_host=True)

    def _saved(
        self,
        tool: str,
        backend: Backend,
        family: Family,
        command: tuple[str, ...],
        *,
        root: str = "",
        by_host: bool = False,
    ) -> tuple[RuleDump, ...]:
        found, damage = dumps_of(_run(command, root), tool, backend, family, by_host=by_host)
        if damage is not None:
            self._damages.append(damage)
        return found

    def _own(self, tool: str) -> str:
        """Return where the machine's own tool lies; "" where it does not."""
        if self._root != "/":  # another machine's files, as in tests
            return ""
        return shutil.which(tool) or _tool(self._root, tool)

    def _ruleset(self) -> Ruleset | None:
        command = self._own("nft")
        if not command or os.geteuid():
            return None
        said = _run((command, "list", "ruleset"))
        if said.fault:
            self._damages.append(Damage("nft list ruleset", said.fault))
            return None
        return read_ruleset(None, said.output)

    def _host_backend(self) -> Backend | None:
        """Return what the host's own `iptables` works with, by where its link leads: it is not called."""
        path = next(
            (
                self._path(f"{at}/iptables")
                for at in _SBIN
                if os.path.lexists(self._path(f"{at}/iptables"))
            ),
            "",
        )
        if not path:
            return None
        name = os.path.basename(os.path.realpath(path))
        return "nft" if "nft" in name else "legacy" if "legacy" in name else None

    def _host_tool(self, dumps: tuple[RuleDump, ...]) -> Tool | None:
        backend = self._host_backend()
        if backend is None:
            return None
        versions = [one.version for one in dumps if one.by_host and one.backend == backend]
        return Tool(next(iter(versions), ""), backend)

    # --- what RKE2 says

    def _complaints(self) -> tuple[Complaint, ...]:
        command = self._own(_LOG[0])
        if not command:
            return ()
        # Without a journal, or without a line that matches, it ends with an error.
        return read_complaints(_run((command, *_LOG[1:])).output)


def _tool(root: str, name: str) -> str:
    """Return where a tool lies below a root, seen from there; "" where it does not."""
    for folder in _SBIN:
        if os.access(os.path.join(root, folder, name), os.X_OK) or os.path.islink(
            os.path.join(root, folder, name)
        ):
            return f"/{folder}/{name}"
    return ""


def _run(command: tuple[str, ...], root: str = "") -> Said:
    """Run a command that only reads; in another root where one is named."""
    environment: Mapping[str, str] = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}

    def enter() -> None:
        os.chroot(root)
        os.chdir("/")

    try:
        done = subprocess.run(  # noqa: S603 - no shell, and names from this module alone
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env=environment,
            preexec_fn=enter if root else None,  # there is one thread only
        )
    except subprocess.TimeoutExpired as late:
        output = text_of(late.stdout or b"")[0]
        return Said(output, "", f"it was not done after {_SECONDS} seconds")
    except (OSError, subprocess.SubprocessError) as error:
        return Said("", "", f"it cannot be run: {why(error)}")
    errors = text_of(done.stderr)[0]
    last = next((line.strip() for line in reversed(errors.splitlines()) if line.strip()), "")
    fault = (
        f"it ended with {done.returncode}{f': {last}' if last else ''}" if done.returncode else ""
    )
    return Said(text_of(done.stdout)[0], errors, fault)
