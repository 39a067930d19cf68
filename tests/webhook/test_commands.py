"""The command line, as a process of its own."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
from serving import review, wait_for

from rke2_webhook.settings import flags

JSON = "application/json"
CLUSTER = {
    "apiVersion": "provisioning.cattle.io/v1",
    "kind": "Cluster",
    "metadata": {"name": "prod", "namespace": "fleet-default"},
    "spec": {
        "kubernetesVersion": "v1.34.1+rke2r1",
        "rkeConfig": {"machineGlobalConfig": None, "machinePools": []},
    },
}


def run(*arguments: str | Path, stdin: bytes = b"", **environment: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "rke2_webhook", *arguments],
        input=stdin,
        capture_output=True,
        env={**os.environ, **environment},
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_without_a_command_it_says_what_there_is() -> None:
    code, _, said = run()
    assert code == 2
    assert "COMMAND" in said


def test_help_lists_every_setting() -> None:
    code, said, _ = run("serve", "--help")
    assert code == 0
    together = re.sub(r"\s+", " ", said)
    for flag in flags():
        assert flag.name in together
        assert flag.variable in together


def test_without_its_extra_it_says_what_to_install(tmp_path: Path) -> None:
    hide = tmp_path / "sitecustomize.py"
    hide.write_text("import sys\nsys.modules.update(fastapi=None, uvicorn=None)\n")
    code, out, said = run("serve", PYTHONPATH=str(tmp_path))
    assert (code, out) == (2, "")
    assert 'pip install "rke2-lint[webhook]"' in said


class TestReview:
    def file(self, tmp_path: Path, **parts: Any) -> Path:
        file = tmp_path / "review.json"
        file.write_text(json.dumps(review(**{"object": CLUSTER, **parts})))
        return file

    def test_the_answer_of_mutate_is_all_that_is_printed(self, tmp_path: Path) -> None:
        code, out, said = run("review", self.file(tmp_path))
        assert (code, said) == (0, "")
        response = json.loads(out)["response"]
        assert response["uid"] == review()["request"]["uid"]
        operations = json.loads(base64.b64decode(response["patch"]))
        assert operations[0]["path"].startswith("/spec/rkeConfig/machineGlobalConfig")

    def test_validate_never_patches(self, tmp_path: Path) -> None:
        code, out, _ = run("review", "--validate", self.file(tmp_path))
        assert code == 0
        assert "patch" not in json.loads(out)["response"]

    def test_standard_input_will_do(self) -> None:
        code, out, _ = run("review", "-", stdin=json.dumps(review(object=CLUSTER)).encode())
        assert (code, "patch" in json.loads(out)["response"]) == (0, True)

    def test_a_policy_counts(self, tmp_path: Path) -> None:
        policy = tmp_path / "policy.yaml"
        policy.write_text("webhook:\n  onCreate: warn\n")
        code, out, _ = run("review", "--policy", policy, self.file(tmp_path))
        assert code == 0
        response = json.loads(out)["response"]
        assert "patch" not in response
        assert response["warnings"]

    @pytest.mark.parametrize(
        ("content", "reason"),
        [(b"{", "not JSON"), (b"{}", "not a review"), (None, "No such file")],
        ids=["no JSON", "no review", "no file"],
    )
    def test_what_is_no_review_is_wrong_use(
        self, tmp_path: Path, content: bytes | None, reason: str
    ) -> None:
        file = tmp_path / "review.json"
        if content is not None:
            file.write_bytes(content)
        code, out, said = run("review", file)
        assert (code, out) == (2, "")
        assert reason in said

    @pytest.mark.parametrize(
        ("content", "reason"),
        [("webhook:\n  onCreat: warn\n", "policy.yaml:2"), (None, "No such file")],
        ids=["a misspelt key", "no file"],
    )
    def test_a_policy_that_cannot_be_used_is_wrong_use(
        self, tmp_path: Path, content: str | None, reason: str
    ) -> None:
        policy = tmp_path / "policy.yaml"
        if content is not None:
            policy.write_text(content)
        code, out, said = run("review", "--policy", policy, self.file(tmp_path))
        assert (code, out) == (2, "")
        assert reason in said


class TestCertificates:
    def test_a_pair_is_made_and_can_be_served(self, tmp_path: Path) -> None:
        code, out, _ = run("certs", "make", tmp_path / "tls")
        assert code == 0
        roots = base64.b64decode(out.removeprefix("caBundle: "))
        assert roots == (tmp_path / "tls" / "ca.crt").read_bytes()
        for key in ("ca.key", "tls.key"):
            assert (tmp_path / "tls" / key).stat().st_mode & 0o077 == 0
        code, out, _ = run("certs", "show", tmp_path / "tls")
        assert code == 0
        service = "rke2-webhook.cattle-system"
        names = f"{service}.svc, {service}, {service}.svc.cluster.local, localhost, 127.0.0.1, ::1"
        assert f"names:  {names}\n" in out
        assert out.endswith("can be served\n")

    def test_its_names_follow_the_settings_of_serve(self, tmp_path: Path) -> None:
        elsewhere = {"RKE2_WEBHOOK_NAMESPACE": "pins", "RKE2_WEBHOOK_TLS_MODE": "files"}
        run("certs", "make", tmp_path, **elsewhere)
        code, out, _ = run("certs", "show", tmp_path, **elsewhere)
        assert (code, "names:  rke2-webhook.pins.svc," in out) == (0, True)
        assert out.endswith("can be served\n")

    def test_what_is_there_is_not_overwritten(self, tmp_path: Path) -> None:
        (tmp_path / "tls.key").write_text("precious")
        code, _, said = run("certs", "make", tmp_path)
        assert (code, "is there already" in said) == (2, True)
        assert (tmp_path / "tls.key").read_text() == "precious"
        assert not (tmp_path / "ca.crt").exists()

    def test_names_and_lifetime_are_chosen(self, tmp_path: Path) -> None:
        run("certs", "make", tmp_path, "--name", "webhook.example.com", "--lifetime", "2h")
        code, out, _ = run("certs", "show", tmp_path, "--name", "webhook.example.com")
        assert code == 0
        assert "names:  webhook.example.com\n" in out
        code, out, _ = run("certs", "show", tmp_path)
        assert code == 0
        assert out.endswith("can be served with --tls-names webhook.example.com\n")
        code, out, _ = run("certs", "show", tmp_path, "--name", "elsewhere.example.com")
        assert code == 1
        assert "cannot be served: it does not verify as elsewhere.example.com" in out

    @pytest.mark.parametrize(
        "arguments",
        [
            ("make", "/dev/null/tls"),
            ("make", "here", "--lifetime", "soon"),
            ("make", "here", "--lifetime", "0s"),
            ("make", "here", "--lifetime", "999ms"),
            ("make", "here", "--lifetime", "99999999999d"),
            ("make", "here", "--name", ""),
            ("make", "here", "--name", "two words"),
            ("make", "here", "--name", "münchen.example"),
            ("show", "nowhere"),
            (),
            ("burn",),
        ],
    )
    def test_wrong_use_is_told(self, arguments: tuple[str, ...]) -> None:
        code, out, said = run("certs", *arguments)
        assert (code, out) == (2, "")
        assert said
        assert "Traceback" not in said


class TestServe:
    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            (
                ["--review-port", "many"],
                "--review-port or RKE2_WEBHOOK_REVIEW_PORT: 'many' is no whole number",
            ),
            (["--review-port", "70000"], "RKE2_WEBHOOK_REVIEW_PORT: 70000 is more than 65535"),
            (["--max-body", "0"], "RKE2_WEBHOOK_MAX_BODY: 0 is less than 1"),
            (["--tracing", "maybe"], "'maybe' is neither true nor false"),
            (["--leaf-lifetime", "999999d"], "LEAF_LIFETIME: must not be longer than 36500d"),
            (["--tls-mode", "files"], "needs --tls-directory"),
            (["--policy", "/nowhere.yaml"], "No such file"),
            (["--colour", "red"], "unrecognized arguments"),
            (
                ["--review-address", "192.0.2.1", "--tls-mode", "files", "--tls-directory", "/"],
                "listen",
            ),
        ],
        ids=[
            "no number",
            "no port",
            "nothing is read",
            "no answer",
            "beyond calendars",
            "no directory",
            "no policy",
            "no such flag",
            "not our address",
        ],
    )
    def test_wrong_use_is_told(self, arguments: list[str], reason: str) -> None:
        code, _, said = run("serve", *arguments)
        assert (code, reason in said) == (2, True), said

    def test_without_a_cluster_mode_self_is_wrong_use(self, tmp_path: Path) -> None:
        code, _, said = run("serve", KUBECONFIG=str(tmp_path / "none"), HOME=str(tmp_path))
        assert (code, "no Kubernetes API to talk to" in said) == (2, True), said

    def test_it_serves_what_certs_made_and_stops_as_it_is_told(self, tmp_path: Path) -> None:
        run("certs", "make", tmp_path)
        review_port, probe_port = _free_port(), _free_port()
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "rke2_webhook", "serve"),
                *("--tls-mode", "files", "--drain", "1s"),
                *("--review-address", "127.0.0.1", "--probe-address", "127.0.0.1"),
            ],
            stdout=subprocess.PIPE,
            env={
                **os.environ,
                "RKE2_WEBHOOK_TLS_DIRECTORY": str(tmp_path),
                "RKE2_WEBHOOK_REVIEW_PORT": str(review_port),
                "RKE2_WEBHOOK_PROBE_PORT": str(probe_port),
            },
        )
        try:
            probe = f"http://127.0.0.1:{probe_port}/readyz"
            wait_for(lambda: _status(probe) == 200)
            context = ssl.create_default_context(cafile=tmp_path / "ca.crt")
            with httpx2.Client(verify=context, trust_env=False) as client:
                url = f"https://localhost:{review_port}/mutate?timeout=3s"
                for _ in range(50):
                    answer = client.post(url, json=review(object=CLUSTER))
                    assert "patch" in answer.json()["response"]
            resident, spent = (
                _resident(probe_port),
                _sample(probe_port, "process_cpu_seconds_total"),
            )
            process.send_signal(signal.SIGTERM)
            wait_for(lambda: _status(probe) == 503)
            out, _ = process.communicate(timeout=10)
            assert process.returncode == 0
        finally:
            process.kill()
        lines = [json.loads(line) for line in out.splitlines()]
        assert lines[-1]["message"] == "stopped"
        assert sum(line["message"] == "review" for line in lines) == 50
        # It starts within 1.5 s on a machine of its own. This one may be shared: it is its own
        # processor time that counts, with that of the reviews.
        assert spent < 4
        assert resident < 100e6


def test_large_bodies_do_not_stay_in_memory(tmp_path: Path) -> None:
    """In a process of its own, whose allocator is told so."""
    run("certs", "make", tmp_path)
    review_port, probe_port = _free_port(), _free_port()
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "rke2_webhook", "serve", "--tls-mode", "files"),
            *("--tls-directory", tmp_path, "--tls-names", "localhost", "--drain", "0s"),
            *("--review-address", "127.0.0.1", "--probe-address", "127.0.0.1"),
            *("--review-port", str(review_port), "--probe-port", str(probe_port)),
        ],
        stdout=subprocess.DEVNULL,
    ) as process:
        try:
            wait_for(lambda: _status(f"http://127.0.0.1:{probe_port}/readyz") == 200)
            context = ssl.create_default_context(cafile=tmp_path / "ca.crt")
            before = _resident(probe_port)
            with httpx2.Client(verify=context, trust_env=False, timeout=30) as client:
                url = f"https://localhost:{review_port}/mutate?timeout=10s"
                body = json.dumps(review(object={"padding": "x" * (5 << 20)}))
                for _ in range(10):
                    answer = client.post(url, content=body, headers={"content-type": JSON})
                    assert answer.status_code == 200
            assert _resident(probe_port) - before < 20e6
        finally:
            process.terminate()


def _resident(probe_port: int) -> float:
    return _sample(probe_port, "process_resident_memory_bytes")


def _sample(probe_port: int, name: str) -> float:
    page = httpx2.get(f"http://127.0.0.1:{probe_port}/metrics", trust_env=False).text
    found = re.search(rf"^{name} (\S+)", page, re.MULTILINE)
    assert found is not None
    return float(found[1])


def _status(url: str) -> int:
    try:
        return httpx2.get(url, trust_env=False).status_code
    except httpx2.TransportError:
        return 0


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
