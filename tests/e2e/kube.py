"""A real kube-apiserver and its etcd, on loopback, for as long as the tests run."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import json
import os
import platform
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

import httpx2
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from prometheus_client.parser import text_string_to_metric_families

HERE = Path(__file__).parent
T = TypeVar("T")
BINARIES = ("etcd", "kube-apiserver")

GROUP = "provisioning.cattle.io"
# The namespaces that Rancher itself makes; its Cluster objects live in the fleet-… ones.
NAMESPACES = ("cattle-system", "fleet-default", "fleet-local")
RANCHER = "system:serviceaccount:cattle-system:rancher"
DEVELOPER = "developer"  # may work on clusters, and on nothing else

# Rancher's chart binds its service account to cluster-admin; people get what they work on.
_GRANTS = (
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "rancher"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "cluster-admin",
        },
        "subjects": [{"kind": "ServiceAccount", "name": "rancher", "namespace": "cattle-system"}],
    },
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "edit-clusters"},
        "rules": [{"apiGroups": [GROUP], "resources": ["clusters"], "verbs": ["*"]}],
    },
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "developer"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "edit-clusters",
        },
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": DEVELOPER}],
    },
)

# Metadata carries the audit annotations of webhooks; bodies would only fill the disk.
_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "Metadata", "resources": [{"group": GROUP}]},
        {"level": "None"},
    ],
}


class NotReadyError(Exception):
    """A server did not come up; the message ends with the last lines of its log."""


class _PortTakenError(NotReadyError):
    pass


class Answer(NamedTuple):
    """What the API server said: HTTP status, JSON body, `Warning` headers, audit id."""

    status: int
    body: Any
    warnings: tuple[str, ...]
    audit_id: str

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def message(self) -> str:
        """The message of a refusal; of anything else, empty."""
        return str(self.body.get("message", "")) if self.body.get("kind") == "Status" else ""

    def expect(self, status: int | None = None) -> Self:
        """Return itself if the status is this one (by default: any success), or fail the test."""
        good = self.ok if status is None else self.status == status
        assert good, f"HTTP {self.status}, wanted {status or 'success'}: {self.body}"
        return self


class Api:
    """The API server as one user sees it; paths are the API's own (`/api/v1/namespaces/…`)."""

    def __init__(self, http: httpx2.Client) -> None:
        self.http = http

    def get(self, path: str, **query: str) -> Answer:
        return self._send("GET", path, query=query)

    def create(self, path: str, item: Mapping[str, Any], **query: str) -> Answer:
        return self._send("POST", path, json.dumps(item), query=query)

    def replace(self, path: str, item: Mapping[str, Any], **query: str) -> Answer:
        return self._send("PUT", path, json.dumps(item), query=query)

    def delete(self, path: str, **query: str) -> Answer:
        return self._send("DELETE", path, query=query)

    def merge(self, path: str, change: Mapping[str, Any], **query: str) -> Answer:
        """Send an RFC 7386 merge patch."""
        return self._patch(path, "application/merge-patch+json", change, query)

    def patch(self, path: str, operations: Sequence[Mapping[str, Any]], **query: str) -> Answer:
        """Send an RFC 6902 JSON patch."""
        return self._patch(path, "application/json-patch+json", operations, query)

    def apply(self, path: str, item: Mapping[str, Any], *, manager: str, **query: str) -> Answer:
        """Send a server-side apply."""
        query["fieldManager"] = manager
        return self._patch(path, "application/apply-patch+yaml", item, query)

    def _patch(self, path: str, kind: str, body: object, query: Mapping[str, str]) -> Answer:
        return self._send("PATCH", path, json.dumps(body), kind=kind, query=query)

    def _send(
        self,
        method: str,
        path: str,
        body: str | None = None,
        *,
        kind: str = "application/json",
        query: Mapping[str, str],
    ) -> Answer:
        reply = self.http.request(
            method, path, content=body, headers={"Content-Type": kind}, params=dict(query)
        )
        said = reply.headers.get("Content-Type", "").startswith("application/json")
        return Answer(
            reply.status_code,
            reply.json() if said else {"text": reply.text},
            tuple(map(_warning_text, reply.headers.get_list("Warning"))),
            reply.headers.get("Audit-Id", ""),
        )


class Kube:
    """A running API server, and what is needed to talk to it as whom one likes."""

    def __init__(self, url: str, home: Path, authority: Authority, server: _Process) -> None:
        self.url = url
        self._server = server
        self.home = home
        self.kubeconfig = home / "kubeconfig"
        self.log = home / "kube-apiserver.log"
        self._audit_log = home / "audit.log"
        self._authority = authority
        self._context = ssl.create_default_context(cafile=authority.certificate)
        authority.issue("admin", groups=("system:masters",)).load_into(self._context)
        self._stack = contextlib.ExitStack()
        self.admin = self._api(self._context)

    def user(self, name: str, *groups: str) -> Api:
        """Return the API as a user who comes with a client certificate of their own."""
        context = ssl.create_default_context(cafile=self._authority.certificate)
        self._authority.issue(name, groups=groups).load_into(context)
        return self._api(context)

    def acting_as(self, name: str, *groups: str) -> Api:
        """Return the API as the admin who impersonates somebody, as Rancher does for its users.

        A service account's groups are filled in by the API server.
        """
        headers = [("Impersonate-User", name), *(("Impersonate-Group", group) for group in groups)]
        return self._api(self._context, headers)

    def audit_event(self, answer: Answer, *, within: float = 30.0) -> dict[str, Any]:
        """Return the audit log's event for a request to clusters; it may come after the answer."""
        return _wait_for(
            lambda: find_event(self._audit_log.read_bytes(), answer.audit_id),
            within,
            lambda: f"no audit event {answer.audit_id}",
        )

    def metric(self, sample: str, **labels: str) -> float:
        """Return the sum of one of the API server's own samples over all series with these labels."""
        page = self.admin.get("/metrics").expect().body["text"]
        # The parser calls every counter `…_total`, also those that are not.
        names = (sample, f"{sample}_total")
        return sum(
            found.value
            for family in text_string_to_metric_families(page)
            for found in family.samples
            if found.name in names and labels.items() <= found.labels.items()
        )

    def define(self, definition: Mapping[str, Any]) -> None:
        """Create a CustomResourceDefinition and wait until its objects can be listed.

        In the two seconds after that, the API server holds a `create` back for two seconds.
        """
        self.admin.create(
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition
        ).expect()
        group, plural = definition["spec"]["group"], definition["spec"]["names"]["plural"]
        version = definition["spec"]["versions"][0]["name"]
        path = f"/apis/{group}/{version}/{plural}"
        _wait_for(lambda: self.admin.get(path).ok or None, 30, lambda: f"{path} is not served")

    def kill(self) -> None:
        """End the API server as a power cut would."""
        self._server.popen.kill()
        self._server.popen.wait()

    def restart(self) -> None:
        """Start the API server again, with what it has stored."""
        command: Any = self._server.popen.args
        process = _process("kube-apiserver", command, self.log, dict(os.environ))
        self._server = self._stack.enter_context(process)
        _until_ready(self._server, self.admin.http, "/readyz")

    @property
    def pid(self) -> int:
        """The API server's process."""
        return self._server.popen.pid

    def kubeconfig_of(self, name: str, *groups: str) -> dict[str, Any]:
        """Return a kubeconfig of somebody with a client certificate."""
        return _kubeconfig(self.url, self._authority, name, groups)

    def pair(self, name: str, *, serving: bool = False) -> Pair:
        """Return a certificate of the cluster's authority."""
        return self._authority.issue(name, serving=serving)

    def close(self) -> None:
        self._stack.close()

    def _api(self, context: ssl.SSLContext, headers: Sequence[tuple[str, str]] = ()) -> Api:
        # trust_env: a proxy of the machine has no business between the test and its own loopback.
        client = httpx2.Client(
            base_url=self.url, verify=context, headers=headers, trust_env=False, timeout=60
        )
        return Api(self._stack.enter_context(client))


def find_event(log: bytes, audit_id: str) -> dict[str, Any] | None:
    """Return the event of a request in an audit log, of which the last line may be half written."""
    whole = log[: log.rfind(b"\n") + 1]
    for line in whole.splitlines():
        if audit_id.encode() in line:
            event: dict[str, Any] = json.loads(line)
            if event["auditID"] == audit_id:
                return event
    return None


def creation(draft: Mapping[str, Any]) -> dict[str, Any]:
    """Return the review of a developer's new Cluster, with what `answer` reads of it."""
    request = {
        "uid": "1",
        "operation": "CREATE",
        "userInfo": {"username": DEVELOPER},
        "namespace": "fleet-default",
        "object": draft,
    }
    return {"request": request}


def clusters(namespace: str = "fleet-default", *, group: str = GROUP) -> str:
    """Return the path of a namespace's Cluster objects."""
    return f"/apis/{group}/v1/namespaces/{namespace}/clusters"


def cluster(
    name: str,
    rke_config: object,
    *,
    namespace: str = "fleet-default",
    version: str = "v1.34.1+rke2r1",
    group: str = GROUP,
) -> dict[str, Any]:
    """Return a Cluster object with this `spec.rkeConfig`."""
    return {
        "apiVersion": f"{group}/v1",
        "kind": "Cluster",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"kubernetesVersion": version, "rkeConfig": rke_config},
    }


def binaries_folder() -> Path:
    """Return where the binaries are, or would be."""
    found = subprocess.run(
        [HERE / "assets.sh", "--where"], check=True, stdout=subprocess.PIPE, text=True
    )
    return Path(found.stdout.strip())


def missing_binaries(folder: Path) -> list[str]:
    """Return which binaries are not in the folder."""
    return [name for name in BINARIES if not os.access(folder / name, os.X_OK)]


@contextlib.contextmanager
def running(binaries: Path, home: Path) -> Iterator[Kube]:
    """Start etcd and kube-apiserver, and stop them afterwards; their logs stay in `home`."""
    authority = Authority(home)
    (home / "audit-policy.yaml").write_text(yaml.safe_dump(_AUDIT_POLICY))
    with contextlib.ExitStack() as stack:
        for attempt in range(3):
            try:
                url, server = _start(binaries, home, authority, stack)
                break
            # Between our choosing a free port and the server's taking it, others may have.
            except _PortTakenError:
                if attempt == 2:
                    raise
                stack.pop_all().close()
        kube = Kube(url, home, authority, server)
        stack.callback(kube.close)
        kube.kubeconfig.write_text(yaml.safe_dump(_kubeconfig(url, authority)))
        for namespace in NAMESPACES:
            kube.admin.create("/api/v1/namespaces", {"metadata": {"name": namespace}}).expect()
        for grant in _GRANTS:
            plural = f"{str(grant['kind']).lower()}s"
            path = f"/apis/rbac.authorization.k8s.io/v1/{plural}"
            kube.admin.create(path, grant).expect()
        yield kube


def _start(
    binaries: Path, home: Path, authority: Authority, stack: contextlib.ExitStack
) -> tuple[str, _Process]:
    etcd_port, port = _free_ports(2)
    etcd_url, url = f"http://127.0.0.1:{etcd_port}", f"https://127.0.0.1:{port}"
    # Until etcd 3.5, ARM needs this word; later ones only remark on it.
    # https://etcd.io/docs/v3.4/op-guide/supported-platform/
    machine = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    stack.callback(shutil.rmtree, home / "etcd", ignore_errors=True)
    etcd = stack.enter_context(
        _process(
            "etcd",
            [
                binaries / "etcd",
                f"--data-dir={home / 'etcd'}",
                f"--listen-client-urls={etcd_url}",
                f"--advertise-client-urls={etcd_url}",
                "--listen-peer-urls=http://127.0.0.1:0",
                "--unsafe-no-fsync",
            ],
            home / "etcd.log",
            {**os.environ, "ETCD_UNSUPPORTED_ARCH": machine},
        )
    )
    with httpx2.Client(base_url=etcd_url, trust_env=False) as client:
        _until_ready(etcd, client, "/health")
    serving = authority.issue("kube-apiserver", serving=True)
    server = stack.enter_context(
        _process(
            "kube-apiserver",
            [
                binaries / "kube-apiserver",
                f"--etcd-servers={etcd_url}",
                "--bind-address=127.0.0.1",
                "--advertise-address=127.0.0.1",
                f"--secure-port={port}",
                f"--tls-cert-file={serving.certificate}",
                f"--tls-private-key-file={serving.key}",
                f"--client-ca-file={authority.certificate}",
                "--authorization-mode=RBAC",
                "--anonymous-auth=false",
                # As RKE2 has it: kube-proxy's container is privileged.
                "--allow-privileged=true",
                f"--service-account-issuer={url}",
                f"--service-account-key-file={serving.certificate}",
                f"--service-account-signing-key-file={serving.key}",
                "--service-cluster-ip-range=10.43.0.0/16",
                # An endpoint on loopback would be refused, again and again.
                "--endpoint-reconciler-type=none",
                f"--audit-policy-file={home / 'audit-policy.yaml'}",
                f"--audit-log-path={home / 'audit.log'}",
                "--audit-log-mode=blocking",
            ],
            home / "kube-apiserver.log",
            dict(os.environ),
        )
    )
    context = ssl.create_default_context(cafile=authority.certificate)
    authority.issue("prober", groups=("system:masters",)).load_into(context)
    with httpx2.Client(base_url=url, verify=context, trust_env=False) as client:
        _until_ready(server, client, "/readyz")
    return url, server


class _Process(NamedTuple):
    name: str
    popen: subprocess.Popen[bytes]
    log: Path


@contextlib.contextmanager
def _process(
    name: str, command: Sequence[str | Path], log: Path, environment: Mapping[str, str]
) -> Iterator[_Process]:
    # A test run that is killed cannot stop its servers; the kernel can.
    guard = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
    with (
        log.open("wb") as out,
        subprocess.Popen(
            [*guard, *command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
            env=environment,
        ) as popen,
    ):
        try:
            yield _Process(name, popen, log)
        finally:
            popen.terminate()
            try:
                popen.wait(20)
            except subprocess.TimeoutExpired:
                popen.kill()


def _until_ready(server: _Process, client: httpx2.Client, path: str) -> None:
    def ready() -> bool | None:
        if server.popen.poll() is not None:
            text = server.log.read_text(errors="replace")
            problem = _PortTakenError if "address already in use" in text else NotReadyError
            raise problem(f"{server.name} ended by itself:\n{tail(server.log)}")
        with contextlib.suppress(httpx2.TransportError):
            return client.get(path).is_success or None
        return None

    _wait_for(ready, 90, lambda: f"{server.name} is not ready:\n{tail(server.log)}")


def _wait_for(look: Callable[[], T | None], seconds: float, complaint: Callable[[], str]) -> T:
    deadline = time.monotonic() + seconds
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise NotReadyError(complaint())
        time.sleep(0.05)
    return found


def tail(log: Path, *, without: str | None = None) -> str:
    """Return the last lines of a log, leaving out those that contain `without`."""
    lines = log.read_text(errors="replace").splitlines()
    return "\n".join([line for line in lines if without is None or without not in line][-40:])


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _warning_text(header: str) -> str:
    # 299 - "text, with \" and \\ escaped" (RFC 7234, 5.5)
    quoted = header.partition('"')[2].removesuffix('"')
    return re.sub(r"\\(.)", r"\1", quoted)


def _kubeconfig(
    url: str,
    authority: Authority,
    name: str = "kubeconfig",
    groups: Sequence[str] = ("system:masters",),
) -> dict[str, Any]:
    admin = authority.issue(name, groups=groups)
    server = {"server": url, "certificate-authority": str(authority.certificate)}
    user = {"client-certificate": str(admin.certificate), "client-key": str(admin.key)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "e2e",
        "contexts": [{"name": "e2e", "context": {"cluster": "e2e", "user": "admin"}}],
        "clusters": [{"name": "e2e", "cluster": server}],
        "users": [{"name": "admin", "user": user}],
    }


class Pair(NamedTuple):
    """A certificate and its key, as PEM files."""

    certificate: Path
    key: Path

    def load_into(self, context: ssl.SSLContext) -> None:
        context.load_cert_chain(self.certificate, self.key)


class Authority:
    """A certificate authority for one run of the tests; its files live in `home`."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "e2e")])
        self._issued = 0
        certificate = (
            self._draft(self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.certificate = home / "ca.crt"
        self.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, *, groups: Sequence[str] = (), serving: bool = False) -> Pair:
        """Return a certificate for the API server itself, or for a user and their groups."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [
                *(x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )
        draft = (
            self._draft(subject, key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage(
                    [
                        ExtendedKeyUsageOID.SERVER_AUTH
                        if serving
                        else ExtendedKeyUsageOID.CLIENT_AUTH
                    ]
                ),
                critical=False,
            )
        )
        if serving:
            loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
            names = x509.SubjectAlternativeName([loopback, x509.DNSName("localhost")])
            draft = draft.add_extension(names, critical=False)
        certificate = draft.sign(self._key, hashes.SHA256())
        self._issued += 1
        pair = Pair(self._home / f"{self._issued}.crt", self._home / f"{self._issued}.key")
        pair.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        pair.key.touch(mode=0o600)
        pair.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return pair

    def _draft(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=2))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(identifier, critical=False)
        )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
