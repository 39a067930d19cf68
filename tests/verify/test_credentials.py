"""What a user of a kubeconfig shows, and what is said where there is nothing to show."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from rke2_lint.verify.credentials import Credentials, credentials
from rke2_lint.verify.kubeconfig import Context, Named
from rke2_lint.verify.mishap import ReadError

V1 = "client.authentication.k8s.io/v1"


def of(user: dict[str, Any], folder: Path, seconds: float = 10) -> Credentials:
    file = str(folder / "config")
    context = Context("prod", Named({"server": "https://prod:6443"}, file), Named(user, file))
    return asyncio.run(credentials(context, seconds))


def plugin(script: str, folder: Path, **more: Any) -> dict[str, Any]:
    (folder / "plugin").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "plugin").chmod(0o755)
    return {"exec": {"apiVersion": V1, "command": "./plugin", **more}}


def test_a_token_and_a_file_of_one(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n")
    assert of({"token": "here"}, tmp_path).token == "here"
    assert of({"token": "here", "tokenFile": "token"}, tmp_path).token == "from-file"


def test_nothing_shows_in_a_repr() -> None:
    assert repr(Credentials("sesame", key=b"sesame")) == "Credentials(…)"


@pytest.mark.parametrize("version", ["v1", "v1beta1", "v1alpha1"])
def test_a_program_gives_a_token(version: str, tmp_path: Path) -> None:
    answer = json.dumps({"status": {"token": "sesame"}})
    user = plugin(f"echo '{answer}'", tmp_path)
    user["exec"]["apiVersion"] = f"client.authentication.k8s.io/{version}"
    assert of(user, tmp_path).token == "sesame"


def test_a_program_hears_of_the_cluster(tmp_path: Path) -> None:
    script = """printf '{"status": {"token": "%s-%s"}}' "$PROFILE" \
        "$(echo "$KUBERNETES_EXEC_INFO" | grep -o 'https://prod:6443')" """
    environment = [{"name": "PROFILE", "value": "ops"}]
    user = plugin(script, tmp_path, env=environment, provideClusterInfo=True)
    assert of(user, tmp_path).token == "ops-https://prod:6443"


def test_a_program_hears_what_the_cluster_says_to_it(tmp_path: Path) -> None:
    answer = '{"status": {"token": "sesame"}}'
    script = f"printf %s \"$KUBERNETES_EXEC_INFO\" > {tmp_path}/heard; echo '{answer}'"
    user = plugin(script, tmp_path, provideClusterInfo=True)
    cluster = {
        "server": "https://prod:6443", "tls-server-name": "rke2", "proxy-url": "http://proxy:3128",
        "extensions": [
            {"name": "other", "extension": {"a": 1}},
            {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "prod"}},
        ],
    }  # fmt: skip
    file = str(tmp_path / "config")
    context = Context("prod", Named(cluster, file), Named(user, file))
    asyncio.run(credentials(context, 10))
    heard = json.loads((tmp_path / "heard").read_text())["spec"]["cluster"]
    assert heard == {
        "server": "https://prod:6443", "insecure-skip-tls-verify": False, "certificate-authority-data": "",
        "tls-server-name": "rke2", "proxy-url": "http://proxy:3128", "config": {"audience": "prod"},
    }  # fmt: skip


def test_as_whom_else_to_act(tmp_path: Path) -> None:
    user = {
        "token": "a", "as": "jane", "as-uid": "7", "as-groups": ["ops", "qa"],
        "as-user-extra": {"example.com/team": ["blue"]},
    }  # fmt: skip
    assert of(user, tmp_path).headers == (
        ("Impersonate-User", "jane"), ("Impersonate-Uid", "7"), ("Impersonate-Group", "ops"),
        ("Impersonate-Group", "qa"), ("Impersonate-Extra-example.com%2Fteam", "blue"),
    )  # fmt: skip


@pytest.mark.parametrize("odd", [5, True, 1.5, "x", {}, [5], [None], None], ids=repr)
def test_what_has_another_type_says_nothing(odd: Any, tmp_path: Path) -> None:
    user = plugin('echo \'{"status": {"token": "a"}}\'', tmp_path, args=odd, env=odd)
    cluster = {"server": "https://prod:6443", "extensions": odd}
    user["exec"]["provideClusterInfo"] = True
    user |= {"as-groups": odd, "as-user-extra": {"k": odd}}
    file = str(tmp_path / "config")
    context = Context("prod", Named(cluster, file), Named(user, file))
    found = asyncio.run(credentials(context, 10))
    assert (found.token, found.headers) == ("a", ())
    assert of({"token": "a", "as-user-extra": odd}, tmp_path).headers == ()


def test_line_ends_in_base64_are_passed_over(tmp_path: Path) -> None:
    user = {"client-certificate-data": "Y2Vy\ndA==\n", "client-key-data": "a2V5"}
    found = of(user, tmp_path)
    assert (found.certificate, found.key) == (b"cert", b"key")


@pytest.mark.parametrize(
    ("script", "more", "said"),
    [
        pytest.param("echo 'login first' >&2; exit 3", {}, "ended with 3: login first", id="failed"),
        pytest.param("echo sesame", {}, "gave no credentials", id="no JSON"),
        pytest.param("echo '{\"status\": {}}'", {}, "gave no credentials", id="empty"),
        pytest.param("sleep 20; true", {}, "was not done after 0.3 seconds", id="hangs"),
        pytest.param("true", {"command": "gone"}, "cannot be run", id="not there"),
        pytest.param("true", {"command": "gone", "installHint": "apt install\n it"}, ": apt install it", id="hint"),
        pytest.param("true", {"apiVersion": "v9"}, "speaks v9", id="version"),
        pytest.param("true", {"command": None}, "names no command", id="no command"),
        pytest.param("true", {"interactiveMode": "Always"}, "log in with kubectl first", id="asks"),
    ],
)  # fmt: skip
def test_what_a_program_does_wrong(
    script: str, more: dict[str, Any], said: str, tmp_path: Path
) -> None:
    user = plugin(script, tmp_path)
    user["exec"] |= more
    begin = monotonic()
    with pytest.raises(ReadError) as error:
        of(user, tmp_path, seconds=0.3 if "sleep" in script else 10)
    assert monotonic() - begin < 15, "what the program has started outlives it"
    assert said in str(error.value)
    assert "sesame" not in str(error.value)


@pytest.mark.parametrize(
    ("user", "said"),
    [
        pytest.param({"auth-provider": {"name": "gcp"}}, "use an exec plugin", id="auth-provider"),
        pytest.param({"client-certificate-data": "?"}, "client-certificate-data in its kubeconfig is no base64", id="base64"),
        pytest.param({"client-certificate-data": "YQ=="}, "its user has no client-key", id="no key"),
        pytest.param({"client-certificate": "gone"}, "names", id="no file"),
        pytest.param({"token": "a\nb"}, "its token is none", id="a header of its own"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_user(user: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=said.replace("(", r"\(")):
        of(user, tmp_path)
