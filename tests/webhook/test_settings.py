"""Settings: from flags, else the environment, else the default."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from rke2_webhook import durations
from rke2_webhook.settings import PREFIX, Settings, flags, is_certifiable


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("500ms", 0.5),
        ("1m30s", 90),
        ("1h0m0s", 3600),
        ("1.5h", 5400),
        ("7d", 604800),
        ("10", 10),
        ("0s", 0),
    ],
)
def test_durations_are_read_as_go_writes_them(text: str, seconds: float) -> None:
    assert durations.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "5 s", "-5s", "5x", "5s5", "1e3", "٣s", "infinity"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        durations.seconds(text)


def test_the_defaults_hold_together() -> None:
    settings = Settings()
    assert settings.certificate_names[0] == "rke2-webhook.cattle-system.svc"
    assert (settings.tls_mode, settings.tls_minimum) == ("self", "1.3")
    assert settings.max_body == 7 * 1024 * 1024
    assert settings.leaf_lifetime == 7 * 86400


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RKE2_WEBHOOK_REVIEW_PORT", "9443")
    monkeypatch.setenv("RKE2_WEBHOOK_LEAF_LIFETIME", "36h")
    monkeypatch.setenv("RKE2_WEBHOOK_MUTATING_CONFIGURATIONS", "one, two,")
    monkeypatch.setenv("RKE2_WEBHOOK_POLICY", "")
    settings = Settings()
    assert settings.review_port == 9443
    assert settings.leaf_lifetime == 36 * 3600
    assert settings.mutating_configurations == ("one", "two")
    assert settings.policy is None


def test_what_kubernetes_says_of_a_service_of_our_name_is_ignored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RKE2_WEBHOOK_PORT", "tcp://10.43.0.7:443")
    monkeypatch.setenv("RKE2_WEBHOOK_SERVICE_HOST", "10.43.0.7")
    monkeypatch.setenv("RKE2_WEBHOOK_SERVICE_PORT", "443")
    monkeypatch.setenv("RKE2_WEBHOOK_PORT_443_TCP", "tcp://10.43.0.7:443")
    assert Settings() == Settings.model_construct(**Settings().model_dump())


def test_no_setting_has_a_name_that_kubernetes_sets_itself() -> None:
    assert not {"PORT", "SERVICE_HOST", "SERVICE_PORT"} & {
        flag.variable.removeprefix(PREFIX) for flag in flags()
    }


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"review_port": 70000}, "less than or equal to 65535"),
        ({"tls_mode": "cert-manager"}, "needs --tls-directory"),
        ({"tls_mode": "magic"}, "Input should be"),
        ({"client_auth": "require"}, "needs --client-ca"),
        ({"client_names": "kube-apiserver"}, "need --client-auth"),
        ({"ca_overlap": "10s"}, "four times --settle"),
        ({"leaf_lifetime": "700d"}, "must not be longer"),
        ({"leaf_lifetime": "0s"}, "longer than nothing"),
        ({"ca_lifetime": "999999d"}, "must not be longer than 36500d"),
        ({"tls_names": "good.example.com,bad name"}, "'bad name' is neither a DNS name nor"),
        ({"namespace": ""}, "'rke2-webhook..svc' is neither a DNS name nor"),
        ({"settle": "soon"}, "no duration"),
        ({"max_in_flight": 0}, "greater than or equal to 1"),
        ({"prot": 1}, "Extra inputs"),
    ],
    ids=lambda given: next(iter(given)) if isinstance(given, dict) else "",
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Settings(**given)


def test_every_setting_has_a_flag_that_says_what_it_is_for() -> None:
    described = {flag.field: flag for flag in flags()}
    assert set(described) == set(Settings.model_fields)
    assert all(flag.description for flag in described.values())
    assert described["leaf_lifetime"].default == "7d"
    assert described["settle"].default == "5s"
    assert described["tls_mode"].choices == ("self", "cert-manager", "secret", "files")
    assert described["policy"].default == ""
    values = {flag.value for flag in described.values() if not flag.choices}
    assert values == {
        *("PATH", "NUMBER", "DURATION", "NAMES", "true|false"),
        *("ADDRESS", "SERVICE", "NAMESPACE", "SECRET"),
    }


@pytest.mark.parametrize(
    "name",
    ["rke2-webhook.cattle-system.svc", "*.example.com", "localhost", "192.0.2.1", "2001:db8::1"],
)
def test_a_certificate_names_hosts_wildcards_and_addresses(name: str) -> None:
    assert is_certifiable(name)


@pytest.mark.parametrize(
    "name",
    [
        *("", "two words", "münchen.example", "a..b", "-a", "a-", "a.*", "localhost\n"),
        pytest.param("a" * 64, id="a long label"),
        pytest.param(".".join(["a" * 60] * 5), id="a long name"),
    ],
)
def test_a_certificate_names_nothing_else(name: str) -> None:
    assert not is_certifiable(name)


def test_a_path_may_be_left_empty(tmp_path: Path) -> None:
    assert Settings(policy="").policy is None  # type: ignore[arg-type]
    assert Settings(policy=tmp_path).policy == tmp_path
