"""Exports in the hands of those who run them: Kyverno's own command line, Gatekeeper's own mutation.

`make policy-engines` builds both; without them these tests are skipped, and with
RKE2_LINT_POLICY_ENGINES=required they fail. The native policies are asked in tests/e2e.
"""

from __future__ import annotations

import base64
import copy
import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jsonpatch
import pytest
import yaml
from shapes import ABSENT, KEY, ODD, PIN, PLACES, SECTIONS, cluster, with_odd

from rke2_lint.export import export
from rke2_lint.export.gatekeeper import OPT_IN_LABEL
from rke2_policies.policy import DEFAULT, Policy
from rke2_policies.policy_file import read_policy
from rke2_webhook.review import answer

PEERS = Path(__file__).parents[1] / "peers"
LEGACY = read_policy("policy.yaml", b"params: {backend: legacy}")
PINNED = {KEY: [PIN]}


def program(name: str) -> Path:
    where = subprocess.run(
        [PEERS / "policy_engines.sh", "--where"], check=True, stdout=subprocess.PIPE, text=True
    )
    path = Path(where.stdout.strip(), name)
    if not os.access(path, os.X_OK):
        reason = f"no {path}: `make policy-engines` builds it"
        if os.environ.get("RKE2_LINT_POLICY_ENGINES") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


def as_the_webhook_stores(draft: Mapping[str, Any], policy: Policy) -> Any:
    request = {
        "uid": "1",
        "operation": "CREATE",
        "userInfo": {"username": "developer"},
        "namespace": "fleet-default",
        "object": draft,
    }
    response: Any = answer({"request": request}, policy)["response"]
    patch = json.loads(base64.b64decode(response.get("patch", "W10=")))
    return jsonpatch.apply_patch(copy.deepcopy(draft), patch)


# Gatekeeper


class Gatekeeper:
    """Gatekeeper's mutation under one export."""

    def __init__(self, program: Path, policy: Policy, folder: Path) -> None:
        self.program = program
        self.file = folder / "assign.yaml"
        self.file.write_text(export("gatekeeper", policy), encoding="utf-8")

    def ask(self, drafts: Iterable[Any], operation: str = "CREATE") -> list[dict[str, Any]]:
        lines = (json.dumps({"operation": operation, "object": each}) for each in drafts)
        done = subprocess.run(
            [self.program, self.file],
            input="\n".join(lines), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def gatekeeper(tmp_path_factory: pytest.TempPathFactory) -> Gatekeeper:
    return Gatekeeper(program("gatekeeper"), DEFAULT, tmp_path_factory.mktemp("gatekeeper"))


def asking(draft: dict[str, Any], backend: str = "nft", **labels: str) -> dict[str, Any]:
    """Return a Cluster that asks for the pin."""
    draft["metadata"]["labels"] = {OPT_IN_LABEL: backend, **labels}
    return draft


def says_the_key(section: Any) -> bool:
    return section is not ABSENT and section is not None and KEY in section


def test_gatekeeper_pins_what_says_nothing_of_the_key(gatekeeper: Gatekeeper) -> None:
    drafts = [asking(cluster("a", section)) for section in SECTIONS.values()]
    for section, said in zip(SECTIONS.values(), gatekeeper.ask(drafts), strict=True):
        config = said["object"]["spec"]["rkeConfig"]
        if section is None:
            # Which its webhook answers with HTTP 500, and so refuses the Cluster.
            assert "mismatch between path entry" in said["error"]
        elif says_the_key(section):
            assert (said["mutated"], config["machineGlobalConfig"]) == (False, section)
        else:
            others = {} if section is ABSENT else section
            assert (said["error"], config["machineGlobalConfig"]) == ("", {**others, **PINNED})


def test_gatekeeper_does_what_the_webhook_does_where_it_does_anything(
    gatekeeper: Gatekeeper,
) -> None:
    """But for those whose kube-proxy has no use for the pin, of which it knows nothing."""
    idle = {"disable-kube-proxy", "kube-proxy-arg"}
    for name, section in SECTIONS.items():
        draft = asking(cluster("a", section))
        (said,) = gatekeeper.ask([draft])
        if said["mutated"] and not idle & (section.keys() if section is not ABSENT else set()):
            assert said["object"] == as_the_webhook_stores(draft, DEFAULT), name


def test_gatekeeper_never_changes_what_exists(gatekeeper: Gatekeeper) -> None:
    drafts = [asking(cluster("a", section)) for section in SECTIONS.values()]
    for draft, said in zip(drafts, gatekeeper.ask(drafts, "UPDATE"), strict=True):
        assert (said["object"], said["mutated"], said["error"]) == (draft, False, "")


@pytest.mark.parametrize(
    "draft",
    [
        pytest.param(cluster("a", {}), id="no label"),
        pytest.param(asking(cluster("a", {}), "legacy"), id="for another backend"),
        pytest.param(asking(cluster("a", {}), **{"rke2-lint.dev/webhook": "off"}), id="opted out"),
        pytest.param(
            asking({**cluster("a"), "spec": {"kubernetesVersion": "v1.34.1"}}), id="imported"
        ),
        pytest.param(asking({**cluster("a", {}), "kind": "Other"}), id="another kind"),
        pytest.param(
            asking({**cluster("a", {}), "apiVersion": "cluster.x-k8s.io/v1beta1"}),
            id="another group",
        ),
    ],
)
def test_gatekeeper_leaves_alone_who_does_not_ask(
    gatekeeper: Gatekeeper, draft: dict[str, Any]
) -> None:
    (said,) = gatekeeper.ask([draft])
    assert (said["object"], said["error"]) == (draft, "")


def test_gatekeeper_pins_to_legacy(tmp_path: Path) -> None:
    legacy = Gatekeeper(program("gatekeeper"), LEGACY, tmp_path)
    (said,) = legacy.ask([asking(cluster("a"), "legacy")])
    section = said["object"]["spec"]["rkeConfig"]["machineGlobalConfig"]
    assert section == {KEY: ["IPTABLES_MODE=legacy"]}


# Kyverno

CRD = PEERS.parent / "e2e" / "crd-minimal.yaml"


class Kyverno:
    """Kyverno's command line, in a folder of its own."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.program = program
        self.folder = folder

    def ask(
        self,
        drafts: Mapping[str, dict[str, Any]],
        policy: Policy = DEFAULT,
        *,
        operation: str = "CREATE",
        user: str = "developer",
    ) -> dict[str, Any]:
        """Return the Clusters as it makes them, by the same names."""
        names = {name: f"c{number}" for number, name in enumerate(drafts)}
        resources = [
            {**draft, "metadata": {**draft["metadata"], "name": names[name]}}
            for name, draft in drafts.items()
        ]
        about = {"apiVersion": "cli.kyverno.io/v1alpha1", "metadata": {"name": "a"}}
        values = {**about, "kind": "Values", "globalValues": {"request.operation": operation}}
        acting = {**about, "kind": "UserInfo", "userInfo": {"username": user}}
        out = self.folder / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        for name, text in {
            "policy": export("kyverno", policy),
            "resources": yaml.safe_dump_all(resources),
            "values": yaml.safe_dump(values),
            "user": yaml.safe_dump(acting),
        }.items():
            (self.folder / f"{name}.yaml").write_text(text, encoding="utf-8")
        done = subprocess.run(
            [
                self.program, "apply", "policy.yaml", "--resource", "resources.yaml",
                "--crd-paths", CRD, "--values-file", "values.yaml", "--userinfo", "user.yaml",
                "--output", out, "--remove-color",
            ],
            cwd=self.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert "error: 0" in done.stdout, done.stdout
        found = {}
        for name, draft in drafts.items():
            file = out / f"{names[name]}-mutated.yaml"
            # What no rule was for is not written.
            (made,) = (
                filter(None, yaml.safe_load_all(file.read_text()))
                if file.exists()
                else ({**draft},)
            )
            made["metadata"] = {**made["metadata"], "name": draft["metadata"]["name"]}
            found[name] = made
        return found


@pytest.fixture(scope="module")
def kyverno(tmp_path_factory: pytest.TempPathFactory) -> Kyverno:
    return Kyverno(program("kyverno"), tmp_path_factory.mktemp("kyverno"))


@pytest.mark.parametrize("policy", [DEFAULT, LEGACY], ids=["nft", "legacy"])
def test_kyverno_stores_what_the_webhook_stores(kyverno: Kyverno, policy: Policy) -> None:
    drafts = {name: cluster("same", section) for name, section in SECTIONS.items()}
    for name, made in kyverno.ask(drafts, policy).items():
        assert made["spec"] == as_the_webhook_stores(drafts[name], policy)["spec"], name


def test_no_expression_of_kyvernos_fails_on_any_type(kyverno: Kyverno) -> None:
    drafts = {
        f"{place}, {name}": with_odd(route, value)
        for place, route in PLACES.items()
        for name, value in ODD.items()
    }
    assert kyverno.ask(drafts).keys() == drafts.keys()


def test_kyverno_never_changes_what_exists(kyverno: Kyverno) -> None:
    drafts = {name: cluster("same", section) for name, section in SECTIONS.items()}
    assert kyverno.ask(drafts, operation="UPDATE") == drafts


def test_kyverno_leaves_alone_what_rancher_creates(kyverno: Kyverno) -> None:
    drafts = {"a": cluster("a", {})}
    assert kyverno.ask(drafts, user=DEFAULT.admission.ignore_users[0]) == drafts


def test_kyverno_leaves_alone_whom_the_policy_does(kyverno: Kyverno) -> None:
    off = cluster("off", {})
    off["metadata"]["labels"] = {"rke2-lint.dev/webhook": "off"}
    exempt = cluster("exempt", {})
    exempt["metadata"]["annotations"] = {"rke2-lint.dev/ignore": "missing-nft-pin old hosts"}
    old = cluster("old", {})
    old["metadata"]["labels"] = {"hosts": "old"}
    k3s = cluster("k3s", {})
    k3s["spec"]["kubernetesVersion"] = "v1.34.1+k3s1"
    drafts = {"off": off, "exempt": exempt, "old": old, "k3s": k3s, "any": cluster("any", {})}
    fleet = read_policy(
        "policy.yaml",
        b"overrides: [{labels: {matchLabels: {hosts: old}}, params: {backend: legacy}, reason: x}]",
    )
    made = kyverno.ask(drafts, fleet)
    assert made.pop("any")["spec"]["rkeConfig"]["machineGlobalConfig"] == PINNED
    del drafts["any"]
    assert made == drafts
