"""`rke2-lint verify` on a real API server, with Pods as RKE2 writes them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import containers
import kube as real
import pytest
import yaml
from cable import Cable, laid
from kube import Kube
from rke2_cluster import NODES, PODS, VERSION, Cluster

PAGE = Path(__file__).parents[2] / "docs/verify.md"
SAVES = ("iptables-legacy-save", "ip6tables-legacy-save", "iptables-nft-save", "ip6tables-nft-save")


class Run(NamedTuple):
    """What a run came to."""

    status: int
    output: str
    errors: str

    @property
    def tree(self) -> Any:
        return json.loads(self.output)

    def node(self, name: str) -> Any:
        return next(one for one in self.tree["nodes"] if one["name"] == name)

    def rules(self, name: str) -> dict[str, str]:
        return {one["rule"]: one["severity"] for one in self.node(name)["findings"]}

    def verdicts(self) -> dict[str, str]:
        return {one["name"]: one["verdict"] for one in self.tree["nodes"]}


def verify(*arguments: str | Path, **environment: str) -> Run:
    """Run it as people do."""
    done = subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=120,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Run(done.returncode, done.stdout, done.stderr)


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "rke2_lint", "verify", "--isolated", *map(str, arguments)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kube]:
    """An API server of our own: it is killed, and its nodes are the whole cluster's."""
    folder = real.binaries_folder()
    if missing := real.missing_binaries(folder):
        absent(f"no {' and no '.join(missing)} in {folder}: `make e2e-assets` puts them there")
    with real.running(folder, tmp_path_factory.mktemp("verify")) as running:
        yield running


@pytest.fixture
def cluster(server: Kube) -> Cluster:
    made = Cluster(server)
    made.clear()
    return made


@pytest.fixture(scope="module")
def shells(
    server: Kube, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[containers.Containers]:
    """Containers that commands can be run in, through the API server."""
    program = containers.binary()
    if program is None:
        absent("no Go to build the kubelet's streaming server with")
    root = tmp_path_factory.mktemp("containers")
    with containers.running(program, root, server.pair("kubelet", serving=True)) as served:
        yield served


def absent(reason: str) -> Any:
    if os.environ.get("RKE2_LINT_E2E") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def kubeconfig(server: Kube) -> Path:
    return server.kubeconfig


def as_json(kubeconfig: Path, *more: str | Path) -> Run:
    return verify("--kubeconfig", kubeconfig, "--output-format", "json", *more)


# --- what Pods and nodes say


def test_a_cluster_in_order_passes(cluster: Cluster, kubeconfig: Path) -> None:
    cluster.add("server-1")
    cluster.add("worker-1")
    run = verify("--kubeconfig", kubeconfig)
    assert (run.status, run.errors) == (0, "Looked at 2 nodes: 2 in order.\n")
    assert run.output.splitlines()[1].split() == ["server-1", "pass", "nft", "nft", "nft"]


@pytest.mark.parametrize(
    ("mode", "more", "verdict", "rule"),
    [
        pytest.param("nft", {}, "pass", "", id="nft"),
        pytest.param(None, {}, "warning", "unpinned-kube-proxy", id="no pin"),
        pytest.param("", {}, "warning", "unpinned-kube-proxy", id="empty"),
        pytest.param("legacy", {}, "error", "pinned-to-other-backend", id="legacy"),
        pytest.param("NFT", {}, "error", "backend-not-applied", id="capitals"),
        pytest.param('"nft"', {}, "error", "backend-not-applied", id="quotes"),
        pytest.param(None, {"proxy_mode": "nftables"}, "not-applicable", "", id="nftables"),
        pytest.param("nft", {"phase": "Pending"}, "warning", "kube-proxy-not-ready", id="pending"),
        pytest.param(
            "nft", {"image": "registry.k8s.io/kube-proxy:v1.33.4"}, "warning", "other-kube-proxy-image",
            id="another image",
        ),
    ],
)  # fmt: skip
def test_the_matrix_without_a_command(
    mode: str | None,
    more: Mapping[str, Any],
    verdict: str,
    rule: str,
    cluster: Cluster,
    kubeconfig: Path,
) -> None:
    cluster.add("worker-1", mode, **more)
    run = as_json(kubeconfig)
    assert run.verdicts() == {"worker-1": verdict}
    assert list(run.rules("worker-1")) == ([rule] if rule else [])
    assert run.status == (1 if verdict in ("warning", "error") else 0)


def test_c79_some_nodes_are_pinned(cluster: Cluster, kubeconfig: Path) -> None:
    for name, mode in (("a", "nft"), ("b", "nft"), ("c", None)):
        cluster.add(name, mode)
    run = as_json(kubeconfig)
    assert run.rules("c") == {"unevenly-pinned": "error"}
    assert run.rules("a") == run.rules("b") == {}
    assert "a, b" in run.node("c")["findings"][0]["message"]


def test_c80_a_node_without_kube_proxy(cluster: Cluster, kubeconfig: Path) -> None:
    cluster.add("a")
    cluster.add_node("b")
    run = as_json(kubeconfig)
    assert run.rules("b") == {"kube-proxy-missing": "warning"}
    assert (run.verdicts(), run.status) == ({"a": "pass", "b": "warning"}, 1)


def test_windows_needs_no_kube_proxy(cluster: Cluster, kubeconfig: Path) -> None:
    cluster.add("a")
    cluster.add_node("b", system="windows")
    run = as_json(kubeconfig)
    assert (run.verdicts(), run.status) == ({"a": "pass", "b": "not-applicable"}, 0)


@pytest.mark.parametrize(
    ("arguments", "version", "verdict"),
    [
        pytest.param(("server", "--disable-kube-proxy", "true"), VERSION, "not-applicable", id="disabled"),
        pytest.param(("server", "--disable-kube-proxy"), VERSION, "not-applicable", id="a bare flag"),
        pytest.param(("server", "--disable-kube-proxy", "false"), VERSION, "warning", id="enabled"),
        pytest.param(("server", "--cni", "canal"), VERSION, "warning", id="none, and nobody says why"),
        pytest.param((), "v1.33.4+k3s1", "not-applicable", id="K3s"),
        pytest.param((), "v1.33.4-eks-5e0fdde", "not-applicable", id="no RKE2"),
    ],
)  # fmt: skip
def test_a_cluster_without_any_kube_proxy(
    arguments: tuple[str, ...], version: str, verdict: str, cluster: Cluster, kubeconfig: Path
) -> None:
    cluster.add_node("server-1", arguments=arguments, version=version)
    cluster.add_node("worker-1", arguments=("agent",) if arguments else (), version=version)
    run = as_json(kubeconfig)
    assert run.verdicts() == {"server-1": verdict, "worker-1": verdict}


def test_nodes_that_differ(cluster: Cluster, kubeconfig: Path) -> None:
    for name in "abc":
        cluster.add(name)
    old = "rancher/hardened-kubernetes:v1.32.8-rke2r1-build20250813"
    cluster.add("d", image=old, more=("--v=5",))
    run = as_json(kubeconfig)
    assert run.rules("d") == {"kube-proxy-version-skew": "note", "uneven-arguments": "note"}
    assert "--v=5" in str(run.node("d")["findings"])
    assert run.rules("a") == {}


def test_the_values_of_variables_are_not_told(cluster: Cluster, kubeconfig: Path) -> None:
    cluster.add("a")
    run = as_json(kubeconfig)
    assert "NO_PROXY" in run.output
    assert ".cluster.local" not in run.output


def test_of_two_pods_of_a_node_the_one_that_runs_counts(cluster: Cluster, kubeconfig: Path) -> None:
    from rke2_cluster import kube_proxy

    cluster.add("a", "nft")
    older = kube_proxy("a", None)
    older["metadata"]["name"] = "kube-proxy-a-old"
    cluster.api.create(PODS, older).expect(201)
    assert as_json(kubeconfig).verdicts() == {"a": "pass"}


def test_lists_come_in_pages(cluster: Cluster, kubeconfig: Path) -> None:
    for number in range(120):
        cluster.api.create(NODES, {"metadata": {"name": f"n{number}"}}).expect(201)
    run = as_json(kubeconfig)
    assert len(run.tree["nodes"]) == 120


def test_the_page_shows_what_is_said(cluster: Cluster, kubeconfig: Path) -> None:
    cluster.add("server-1")
    cluster.add("worker-1")
    cluster.add("worker-2", None)
    cluster.add_node("worker-3")
    cluster.add_node("windows-1", system="windows")
    run = verify("--kubeconfig", kubeconfig)
    page = PAGE.read_text()
    begin, end = page.index("```text\n"), page.index("\n```\n", page.index("```text\n"))
    said = f"```text\n$ rke2-lint verify\n{run.output}{run.errors}".rstrip()
    if os.environ.get("RKE2_LINT_WRITE") == "docs":
        PAGE.write_text(page[:begin] + said + page[end:])
    assert said in PAGE.read_text()


# --- several clusters


def test_several_contexts_are_several_clusters(
    cluster: Cluster, server: Kube, tmp_path: Path
) -> None:
    cluster.add("a")
    config = yaml.safe_load(server.kubeconfig.read_text())
    for name in ("prod-1", "prod-2", "gone"):
        config["contexts"].append({"name": name, "context": {"cluster": "e2e", "user": "admin"}})
    config["clusters"].append({"name": "gone", "cluster": {"server": "https://127.0.0.1:1"}})
    config["contexts"][-1]["context"]["cluster"] = "gone"
    file = tmp_path / "config"
    file.write_text(yaml.safe_dump(config))
    run = as_json(file, "--context", "prod-*")
    assert [one["cluster"] for one in run.tree["nodes"]] == ["prod-1", "prod-2"]
    assert run.status == 0
    run = as_json(file, "--all-contexts")
    assert run.status == 2
    assert [one["name"] for one in run.tree["clusters"] if one["complete"]] == [
        "e2e",
        "prod-1",
        "prod-2",
    ]
    assert "error: gone: cannot read the nodes: https://127.0.0.1:1 cannot be reached" in run.errors
    text = verify("--kubeconfig", file, "--all-contexts")
    assert "prod-2/a" in text.output


# --- what keeps one from reading


def limited(server: Kube, folder: Path, *rules: Mapping[str, Any]) -> Path:
    """Return the kubeconfig of somebody who may do only so much."""
    name = f"jane-{time.monotonic_ns()}"
    api = server.admin
    path = "/apis/rbac.authorization.k8s.io/v1"
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name}
    role = {"metadata": {"name": name}, "rules": list(rules)}
    api.create(f"{path}/clusterroles", role).expect(201)
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    binding = {"metadata": {"name": name}, "roleRef": reference, "subjects": [subject]}
    api.create(f"{path}/clusterrolebindings", binding).expect(201)
    file = folder / name
    file.write_text(yaml.safe_dump(server.kubeconfig_of(name)))
    return file


def rule(verbs: list[str], *resources: str) -> dict[str, Any]:
    return {"apiGroups": [""], "resources": list(resources), "verbs": verbs}


def test_without_the_right_to_list_nodes_pods_are_told(
    cluster: Cluster, server: Kube, tmp_path: Path
) -> None:
    cluster.add("a")
    file = limited(server, tmp_path, rule(["list"], "pods"))
    run = as_json(file)
    assert run.status == 2
    assert (
        f"e2e: cannot read the nodes: {file.name} may not list nodes of the cluster" in run.errors
    )
    assert "kind: ClusterRole\n" in run.errors
    assert run.verdicts() == {"a": "pass"}
    assert not run.tree["complete"]


def test_the_role_that_is_told_is_the_one_that_was_missing(
    cluster: Cluster, server: Kube, tmp_path: Path
) -> None:
    cluster.add("a")
    file = limited(server, tmp_path, rule(["list"], "nodes"))
    run = as_json(file)
    assert run.status == 2
    assert f"{file.name} may not list pods in the namespace kube-system" in run.errors
    said = run.errors.partition("kubectl apply -f FILE\n")[2].partition("Looked at")[0]
    for made in yaml.safe_load_all(said):
        plural = f"{made['kind'].lower()}s"
        path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/{plural}"
        server.admin.create(path, made).expect(201)
    deadline = time.monotonic() + 20
    while (run := as_json(file)).status == 2 and time.monotonic() < deadline:
        time.sleep(0.3)  # until the API server's authorizer has seen it
    assert (run.status, run.verdicts()) == (0, {"a": "pass"})


def test_credentials_that_are_not_accepted(server: Kube, tmp_path: Path) -> None:
    config = yaml.safe_load(server.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": "sesame-open-up"}
    file = tmp_path / "config"
    file.write_text(yaml.safe_dump(config))
    run = verify("--kubeconfig", file)
    assert run.status == 2
    assert "does not accept its credentials (401)" in run.errors
    assert "sesame" not in run.errors + run.output


def test_a_certificate_that_is_not_trusted(server: Kube, tmp_path: Path) -> None:
    other = real.Authority(tmp_path)
    config = yaml.safe_load(server.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["certificate-authority"] = str(other.certificate)
    file = tmp_path / "config"
    file.write_text(yaml.safe_dump(config))
    run = verify("--kubeconfig", file)
    assert run.status == 2
    assert "its certificate is not trusted" in run.errors
    config["clusters"][0]["cluster"].pop("certificate-authority")
    config["clusters"][0]["cluster"]["insecure-skip-tls-verify"] = True
    file.write_text(yaml.safe_dump(config))
    assert verify("--kubeconfig", file).status == 0


def test_another_name_in_the_certificate(cluster: Cluster, server: Kube, tmp_path: Path) -> None:
    cluster.add("a")
    config = yaml.safe_load(server.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["tls-server-name"] = "localhost"
    file = tmp_path / "config"
    file.write_text(yaml.safe_dump(config))
    assert as_json(file).verdicts() == {"a": "pass"}
    config["clusters"][0]["cluster"]["tls-server-name"] = "prod.example.com"
    file.write_text(yaml.safe_dump(config))
    run = as_json(file)
    assert run.status == 2
    assert "certificate is not valid for 'prod.example.com'" in run.errors


def test_an_exec_plugin_gives_the_credentials(
    cluster: Cluster, server: Kube, tmp_path: Path
) -> None:
    cluster.add("a")
    config = yaml.safe_load(server.kubeconfig.read_text())
    user = config["users"][0]["user"]
    answer = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {
            "clientCertificateData": Path(user["client-certificate"]).read_text(),
            "clientKeyData": Path(user["client-key"]).read_text(),
        },
    }
    (tmp_path / "answer").write_text(json.dumps(answer))
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "cat",
        "args": [str(tmp_path / "answer")],
    }
    config["users"][0]["user"] = {"exec": plugin}
    file = tmp_path / "config"
    file.write_text(yaml.safe_dump(config))
    assert as_json(file).verdicts() == {"a": "pass"}


def test_acting_as_somebody_else(cluster: Cluster, server: Kube, tmp_path: Path) -> None:
    config = yaml.safe_load(server.kubeconfig.read_text())
    config["users"][0]["user"] |= {"as": "jane", "as-groups": ["fleet", "ops"]}
    file = tmp_path / "config"
    file.write_text(yaml.safe_dump(config))
    assert "jane may not list nodes of the cluster" in as_json(file).errors


# --- inside of containers


def container(
    mode: str | None, *, legacy: int = 0, first: str = ""
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the files and the environment of kube-proxy's container. `first`: run before `env`."""
    header = "# Generated by {tool} v1.8.9{kind} on Mon Nov 23 02:02:36 2026"
    files = {
        "usr/bin/env": f"#!/bin/sh\n{first}\nexec /usr/bin/env\n",
        "usr/bin/readlink": '#!/bin/sh\nexec /usr/bin/readlink ".$1"\n',
        "usr/sbin/iptables": f"-> xtables-{mode or 'nft'}-multi",
    }
    for tool in SAVES:
        kind = " (nf_tables)" if "-nft-" in tool else ""
        lines = [header.format(tool=tool, kind=kind), "*nat", ":KUBE-SERVICES - [0:0]"]
        lines += ["-A PREROUTING -j KUBE-SERVICES"] * 3 + [
            "COMMIT",
            "# Completed on Mon Nov 23 02:02:36 2026",
        ]
        if "legacy" in tool:
            lines = [header.format(tool=tool, kind=""), "*filter"]
            lines += [
                f"-A INPUT -s 192.0.2.{one} -j DROP"
                for one in range(legacy if tool.startswith("iptables") else 0)
            ]
            lines += ["COMMIT", "# Completed on Mon Nov 23 02:02:36 2026"]
        text = "\n".join(lines)
        files[f"usr/sbin/{tool}"] = f"#!/bin/sh\ncat <<'END'\n{text}\nEND\n"
    return files, {"IPTABLES_MODE": mode} if mode else {"KUBERNETES_PORT": "tcp://10.43.0.1:443"}


def add(
    cluster: Cluster, shells: containers.Containers, name: str, mode: str | None, **more: Any
) -> None:
    cluster.add(name, mode, port=shells.port)
    shells.make(f"kube-proxy-{name}", *container(mode, **more))


def test_exec_looks_into_the_containers(
    cluster: Cluster, shells: containers.Containers, kubeconfig: Path
) -> None:
    add(cluster, shells, "a", "nft")
    add(cluster, shells, "b", "nft", legacy=12)
    run = as_json(kubeconfig, "--exec")
    assert run.status == 1, run.errors
    assert run.verdicts() == {"a": "pass", "b": "warning"}
    assert run.node("a")["rules"] == {
        "legacy": {"ipv4": 0, "ipv6": 0},
        "nft": {"ipv4": 3, "ipv6": 3},
    }
    assert run.rules("b") == {"stale-legacy-rules": "warning"}
    assert run.node("b")["owners"] == {"custom": 12}
    assert run.node("a")["current"] == "nft"


def test_exec_says_what_the_next_start_would_choose(
    cluster: Cluster, shells: containers.Containers, kubeconfig: Path
) -> None:
    add(cluster, shells, "a", None, legacy=12)
    run = as_json(kubeconfig, "--exec")
    assert run.node("a")["predicted"] == "legacy"
    assert run.rules("a") == {"legacy-at-next-start": "error"}


def test_nothing_but_the_commands_that_are_told_is_run(
    cluster: Cluster, shells: containers.Containers, kubeconfig: Path
) -> None:
    """Whatever else is in the container says that it was called."""
    add(cluster, shells, "a", "nft")
    marks = shells.root / "kube-proxy-a"
    names = (
        "iptables",
        "iptables-save",
        "ip6tables",
        "ip6tables-save",
        "iptables-restore",
        "iptables-legacy",
        "iptables-nft",
        "sh",
        "nft",
    )
    for name in names:
        if name != "iptables":  # which is the link that is read
            (marks / "usr/sbin" / name).write_text("#!/bin/sh\ntouch called\n")
            (marks / "usr/sbin" / name).chmod(0o755)
    (marks / "usr/sbin/xtables-nft-multi").write_text("#!/bin/sh\ntouch called\n")
    (marks / "usr/sbin/xtables-nft-multi").chmod(0o755)
    assert as_json(kubeconfig, "--exec").status == 0
    assert not (marks / "called").exists()


def test_a_container_without_a_tool(
    cluster: Cluster, shells: containers.Containers, kubeconfig: Path
) -> None:
    add(cluster, shells, "a", "nft")
    (shells.root / "kube-proxy-a/usr/sbin/ip6tables-legacy-save").unlink()
    run = as_json(kubeconfig, "--exec")
    assert run.rules("a") == {"damaged-dump": "warning"}
    assert "there is no such program in the container" in run.node("a")["findings"][0]["message"]


def test_a_node_whose_kubelet_cannot_be_reached(
    cluster: Cluster, shells: containers.Containers, kubeconfig: Path
) -> None:
    add(cluster, shells, "a", "nft")
    cluster.add("b", "nft", port=1)
    run = as_json(kubeconfig, "--exec")
    assert run.status == 2
    assert "e2e: cannot look into b: " in run.errors
    assert run.node("a")["complete"]
    assert not run.node("b")["complete"]
    assert run.verdicts() == {"a": "pass", "b": "pass"}


def test_a_command_that_hangs(
    cluster: Cluster, shells: containers.Containers, kubeconfig: Path
) -> None:
    add(cluster, shells, "a", "nft", first="sleep 30")
    run = as_json(kubeconfig, "--exec", "--request-timeout", "1")
    assert run.rules("a") == {"damaged-dump": "warning"}
    assert "env: it was not done after 1 seconds" in str(run.node("a")["findings"])


def test_the_right_to_exec_is_named(
    cluster: Cluster, server: Kube, shells: containers.Containers, tmp_path: Path
) -> None:
    add(cluster, shells, "a", "nft")
    file = limited(server, tmp_path, rule(["list"], "pods", "nodes"))
    run = as_json(file, "--exec")
    assert run.status == 2
    assert f"{file.name} may not get pods/exec in the namespace kube-system" in run.errors
    assert 'resources: ["pods/exec"]\n  verbs: [create, get]' in run.errors
    allowed = limited(
        server, tmp_path, rule(["list"], "pods", "nodes"), rule(["create", "get"], "pods/exec")
    )
    assert as_json(allowed, "--exec").status == 0


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_a_long_run_shows_how_far_it_is_and_leaves_no_trace(
    cluster: Cluster, shells: containers.Containers, kubeconfig: Path
) -> None:
    for name in "ab":
        add(cluster, shells, name, "nft", first="sleep 1.5")
    mine, theirs = os.openpty()
    arguments = command("--kubeconfig", kubeconfig, "--exec", "--jobs", "1")
    environment = {**os.environ, "TERM": "xterm"}
    with subprocess.Popen(
        arguments, stdout=subprocess.DEVNULL, stderr=theirs, env=environment
    ) as running:
        os.close(theirs)
        said = b""
        with contextlib.suppress(OSError):  # the other end is closed
            while chunk := os.read(mine, 4096):
                said += chunk
    os.close(mine)
    assert running.returncode == 0
    assert b"1 of 3 clusters and nodes" in said
    assert said.replace(b"\r\n", b"\n").rpartition(b"\r")[2] == b"Looked at 2 nodes: 2 in order.\n"


# --- when it ends early


def test_an_api_server_that_is_killed_gives_a_part_and_resume_the_rest(
    cluster: Cluster, server: Kube, shells: containers.Containers, kubeconfig: Path, tmp_path: Path
) -> None:
    names = [f"n{number}" for number in range(8)]
    for name in names:
        kill = f"kill -KILL {server.pid}; sleep 5" if name == "n4" else ""
        add(cluster, shells, name, "nft", first=kill)
    part = tmp_path / "part.json"
    run = verify(
        "--kubeconfig", kubeconfig, "--exec", "--jobs", "1", "--output-format", "text",
        "--output-format", f"json={part}",
    )  # fmt: skip
    assert run.status == 2, run
    assert "e2e: cannot look into n4: the connection to" in run.errors, run.errors
    assert run.output.splitlines()[1].split()[:3] == ["n0", "pass", "nft"]
    assert "This is not all: e2e could be read in part only" in run.output
    tree = json.loads(part.read_text())
    assert not tree["complete"]
    assert [one["name"] for one in tree["nodes"] if one["complete"]] == names[:4]
    server.kill()  # it is dead; this only collects it
    server.restart()
    shells.make("kube-proxy-n4", *container("nft"))
    shells.make("kube-proxy-n0", *container("nft", first="touch asked-again"))
    run = as_json(kubeconfig, "--exec", "--resume", part)
    assert run.status == 0, run.errors
    assert run.tree["complete"]
    assert [one["name"] for one in run.tree["nodes"] if one["kept"]] == names[:4]
    assert not (shells.root / "kube-proxy-n0/asked-again").exists()
    assert "4 of them in an earlier run" in run.errors


def test_a_connection_that_breaks_within_a_list_gives_what_came(
    cluster: Cluster, server: Kube, tmp_path: Path
) -> None:
    for number in range(130):
        cluster.add(f"n{number:03}")
    config = yaml.safe_load(server.kubeconfig.read_text())
    file = tmp_path / "config"

    def over(cable: Cable) -> Run:
        config["clusters"][0]["cluster"]["server"] = cable.url
        file.write_text(yaml.safe_dump(config))
        return as_json(file)

    with laid(server.url) as whole:
        assert over(whole).status == 0
    with laid(server.url, whole.passed - 2000) as short:
        run = over(short)
    assert run.status == 2
    assert "e2e: cannot read kube-proxy's Pods after 100 of them: the connection to" in run.errors
    # Of the other nodes nobody knows whether they have a kube-proxy: none of them is blamed.
    assert set(run.verdicts().values()) == {"pass"}
    assert len(run.verdicts()) == 100
    assert not run.tree["complete"]


def test_a_container_that_is_another_one_is_looked_into_again(
    cluster: Cluster, server: Kube, shells: containers.Containers, kubeconfig: Path, tmp_path: Path
) -> None:
    add(cluster, shells, "a", "nft")
    cluster.add("b", "nft", port=1)
    part = tmp_path / "part.json"
    assert (
        verify("--kubeconfig", kubeconfig, "--exec", "--output-format", f"json={part}").status == 2
    )
    restarted = {
        "status": {
            "containerStatuses": [
                {
                    "name": "kube-proxy",
                    "image": "x",
                    "imageID": "",
                    "ready": True,
                    "restartCount": 1,
                }
            ]
        }
    }
    server.admin.merge(f"{PODS}/kube-proxy-a/status", restarted).expect()
    run = as_json(kubeconfig, "--exec", "--resume", part)
    assert not run.node("a")["kept"]


def test_what_is_complete_is_not_asked_again(
    cluster: Cluster, server: Kube, kubeconfig: Path, tmp_path: Path
) -> None:
    cluster.add("a")
    part = tmp_path / "part.json"
    assert verify("--kubeconfig", kubeconfig, "--output-format", f"json={part}").status == 0
    cluster.clear()
    run = as_json(kubeconfig, "--resume", part)
    assert run.verdicts() == {"a": "pass"}
    assert run.node("a")["kept"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_gives_what_was_seen(
    number: int, cluster: Cluster, shells: containers.Containers, kubeconfig: Path
) -> None:
    add(cluster, shells, "a", "nft")
    add(cluster, shells, "b", "nft", first="touch asked; sleep 30")
    asked = shells.root / "kube-proxy-b/asked"
    asked.unlink(missing_ok=True)
    with subprocess.Popen(
        command("--kubeconfig", kubeconfig, "--exec", "--jobs", "1"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        while not asked.exists():
            time.sleep(0.05)
        running.send_signal(number)
        output, errors = running.communicate(timeout=20)
    assert running.returncode == 128 + number
    assert output.splitlines()[1].split()[:2] == ["a", "pass"]
    assert "e2e: interrupted; not looked into: 1 node\n" in errors
    assert "Traceback" not in errors


def test_time_that_is_up_gives_what_was_seen(
    cluster: Cluster, shells: containers.Containers, kubeconfig: Path
) -> None:
    add(cluster, shells, "a", "nft")
    add(cluster, shells, "b", "nft", first="sleep 30")
    run = as_json(kubeconfig, "--exec", "--timeout", "4")
    assert run.status == 2
    assert run.node("a")["complete"]
    assert "not done after 4 seconds" in run.errors
