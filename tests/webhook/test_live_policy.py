"""A policy that changes under a running server, as kubelet changes a mounted ConfigMap."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from serving import Running, Starter, review, wait_for

from rke2_policies.policy_file import PolicyError
from rke2_webhook import server as server_module
from rke2_webhook.live_policy import LivePolicy
from rke2_webhook.sample import sample_review

QUIET = "webhook: {onCreate: warn}\n"
BROKEN = "webhook: {onCreate: sometimes}\n"


class ConfigMap:
    """A mounted ConfigMap: its files are links through `..data`, which is swapped as a whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._number = 0
        self.policy = path / "policy.yaml"

    def put(self, files: Mapping[str, str]) -> None:
        self._number += 1
        folder = self._path / f"..{self._number}"
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text)
            if not (self._path / name).is_symlink():
                (self._path / name).symlink_to(f"..data/{name}")
        (self._path / "..tmp").symlink_to(folder.name)
        (self._path / "..tmp").replace(self._path / "..data")


@pytest.fixture
def mounted(tmp_path: Path) -> ConfigMap:
    made = ConfigMap(tmp_path)
    made.put({"policy.yaml": "{}\n"})
    return made


def test_without_a_file_it_is_the_default_and_nothing_changes() -> None:
    policy = LivePolicy(None)
    assert not policy.look()
    assert policy.current.admission.on_create == "inject"


def test_the_same_bytes_are_not_read_again(mounted: ConfigMap) -> None:
    policy = LivePolicy(mounted.policy)
    before = policy.current
    mounted.put({"policy.yaml": "{}\n"})
    assert not policy.look()
    assert policy.current is before


def test_what_it_extends_counts(mounted: ConfigMap) -> None:
    mounted.put({"policy.yaml": "extends: base.yaml\n", "base.yaml": "{}\n"})
    policy = LivePolicy(mounted.policy)
    mounted.put({"policy.yaml": "extends: base.yaml\n", "base.yaml": QUIET})
    assert policy.look()
    assert policy.current.admission.on_create == "warn"


@pytest.mark.parametrize(
    "break_it",
    [
        pytest.param(lambda mounted: mounted.put({"policy.yaml": BROKEN}), id="wrong"),
        pytest.param(lambda mounted: mounted.policy.unlink(), id="gone"),
    ],
)
def test_a_file_that_cannot_be_used_leaves_the_one_before_in_force(
    mounted: ConfigMap, break_it: Any
) -> None:
    mounted.put({"policy.yaml": QUIET})
    policy = LivePolicy(mounted.policy)
    break_it(mounted)
    for _ in range(2):
        with pytest.raises(PolicyError, match=r"policy\.yaml"):
            policy.look()
    assert policy.current.admission.on_create == "warn"


def test_a_file_that_cannot_be_used_ends_a_start(mounted: ConfigMap) -> None:
    mounted.put({"policy.yaml": BROKEN})
    with pytest.raises(PolicyError, match="onCreate"):
        LivePolicy(mounted.policy)


class TestServing:
    @pytest.fixture(autouse=True)
    def _impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(server_module, "_POLICY_INTERVAL", 0.05)

    def test_another_policy_is_answered_under_without_a_restart(
        self, start: Starter, mounted: ConfigMap
    ) -> None:
        running = start(policy=LivePolicy(mounted.policy))
        assert _injects(running)
        mounted.put({"policy.yaml": f"name: quiet\n{QUIET}"})
        wait_for(lambda: not _injects(running))
        mounted.put({"policy.yaml": "{}\n"})
        wait_for(lambda: _injects(running))
        told = [line["policy"] for line in running.lines if "policy" in line]
        assert told[0] == "quiet"
        assert running.metric("rke2_webhook_policy_current") == 1

    def test_a_wrong_one_is_told_and_heals(self, start: Starter, mounted: ConfigMap) -> None:
        running = start(policy=LivePolicy(mounted.policy))
        mounted.put({"policy.yaml": BROKEN})
        wait_for(lambda: running.metric("rke2_webhook_policy_current") == 0)
        wait_for(lambda: "onCreate" in running.probe("/readyz").text)
        assert f"note: {mounted.policy}:" in running.probe("/readyz").text
        # Every replica sees the same file: if it were not ready, nobody would be.
        assert running.probe("/readyz").status_code == 200
        assert _injects(running)
        mounted.put({"policy.yaml": QUIET})
        wait_for(lambda: running.metric("rke2_webhook_policy_current") == 1)
        assert not _injects(running)
        assert running.probe("/readyz").text == "ok\n"


def _injects(running: Running) -> bool:
    cluster = sample_review()["request"]["object"]
    with running.client() as client:
        answered = client.post("/mutate", json=review(object=cluster)).json()
    return "patch" in answered["response"]
