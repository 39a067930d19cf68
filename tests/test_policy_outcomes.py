"""Does every key of a policy change an outcome, and does a misspelt one get its right name?"""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from rke2_lint.cli import main
from rke2_policies import catalog
from rke2_policies.edits import Append, Set
from rke2_policies.engine import Report, evaluate, plan
from rke2_policies.file import File
from rke2_policies.finding import Safety, Severity
from rke2_policies.policy import Policy
from rke2_policies.policy_file import PolicyError, load_policy, read_policy
from rke2_policies.policy_keys import Key, keys
from rke2_policies.yaml_source import Source
from rke2_webhook.review import answer

KEY = "kube-proxy-extra-env"
CLUSTER = """\
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata:
  name: old-1
  namespace: fleet-default
  labels: {hosts: old}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig: SETTINGS
    machinePools:
      - {name: cp, controlPlaneRole: true, etcdRole: true}
      - {name: worker, workerRole: true}
"""
LEGACY = f"{{{KEY}: [IPTABLES_MODE=legacy]}}"
NFT = f"{{{KEY}: [IPTABLES_MODE=nft]}}"


def report(policy: str, settings: str, today: str = "") -> Report:
    """Return what is found in a cluster, `clusters/lab/a.yaml`, under a policy."""
    path = "clusters/lab/a.yaml"
    source = Source.read(path, CLUSTER.replace("SETTINGS", settings).encode())
    return evaluate([File(path, source.documents)], policy_of(policy), today=today)


def policy_of(text: str) -> Policy:
    return read_policy(".rke2-lint.yaml", textwrap.dedent(text).encode())


def levels(policy: str, settings: str = "{}", today: str = "") -> dict[str, str]:
    """Return the rules that find something, and how much it counts."""
    found = report(policy, settings, today).findings
    return {one.rule: one.severity.name.lower() for one in found}


def verdicts(policy: str, settings: str) -> set[str]:
    return {machine.verdict for machine in report(policy, settings).machines}


def fixes(policy: str, settings: str = "{}") -> list[Any]:
    """Return the values that fixes write, where they are made at all."""
    plans = plan(report(policy, settings).findings, Safety.UNSAFE, policy_of(policy))
    edits = [edit for fixes in plans.values() for fix in fixes for edit in fix.edits]
    return [edit.value for edit in edits if isinstance(edit, Set | Append)]


def messages(policy: str, settings: str = "{}") -> list[str]:
    return [one.problem.message for one in report(policy, settings).findings]


def lacking(policy: str) -> list[tuple[str, ...]]:
    """Return the machines that lack a required setting."""
    found = report(policy, NFT).findings
    return [one.machines for one in found if one.rule == "required-settings"]


def review(policy: str, settings: str = "{}", user: str = "ana", **more: Any) -> dict[str, Any]:
    """Return the webhook's response to a cluster that is created."""
    tree = yaml.safe_load(CLUSTER.replace("SETTINGS", settings))
    request = {"uid": "u", "operation": "CREATE", "object": tree, "userInfo": {"username": user}}
    validate = more.pop("validate", False)
    found = answer({"request": {**request, **more}}, policy_of(policy), validate=validate)
    response: dict[str, Any] = found["response"]
    return response


def decision(policy: str, settings: str = "{}", user: str = "ana", **more: Any) -> str:
    return str(review(policy, settings, user, **more)["auditAnnotations"]["decision"])


def changed() -> dict[str, Any]:
    """Return what makes an update of a request, which restarts no machine."""
    return {"operation": "UPDATE", "oldObject": yaml.safe_load(CLUSTER.replace("SETTINGS", "{}"))}


Linted = Callable[[str], list[str]]


@pytest.fixture
def linted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Linted:
    """Return what lints two clusters below a configuration, and tells where something is found."""
    for name in ("clusters/a.yaml", "vendor/b.yaml"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(CLUSTER.replace("SETTINGS", "{}"))
    (tmp_path / "base.yaml").write_text("levels: {missing-nft-pin: note}")
    monkeypatch.chdir(tmp_path)

    def lint(configuration: str) -> list[str]:
        (tmp_path / ".rke2-lint.yaml").write_text(configuration)
        main(["--output-format", "concise", "."])
        return [line for line in capsys.readouterr().out.splitlines() if "missing-nft-pin" in line]

    return lint


# --- the linter and the engine


def test_name() -> None:
    text = "webhook: {deny: [missing-nft-pin], onCreate: warn}"
    for name in ("platform team", "default"):
        response = review(f"name: {name}\n{text}", validate=True)
        assert response["status"]["message"].startswith(f"refused by the policy {name}: ")


def test_extends(linted: Linted) -> None:
    assert all(": error" in line for line in linted(""))
    assert all(": note" in line for line in linted("extends: base.yaml"))
    assert levels("extends: strict", "{}") == {"missing-nft-pin": "error"}
    pinned = f"{{{KEY}: IPTABLES_MODE=nft}}"
    assert levels("extends: default", pinned) == {"scalar-pin": "note"}
    assert levels("extends: strict", pinned) == {"scalar-pin": "warning"}


@pytest.mark.parametrize("level", ["note", "warning", "error"])
def test_levels(level: str) -> None:
    assert levels(f"levels: {{missing-nft-pin: {level}}}") == {"missing-nft-pin": level}
    assert levels("levels: {missing-nft-pin: off}") == {}


def test_params() -> None:
    assert levels("params: {}", LEGACY) == {"legacy-backend": "error"}
    assert levels("params: {backend: legacy}", LEGACY) == {}


def test_params_backend() -> None:
    legacy = "params: {backend: legacy}"
    assert verdicts("", NFT) == {"pinned"}
    assert verdicts("", LEGACY) == {"legacy"}
    assert verdicts(legacy, LEGACY) == {"pinned"}
    assert verdicts(legacy, NFT) == {"broken"}
    assert levels(legacy, NFT) == {"legacy-backend": "error"}
    assert fixes("") == [["IPTABLES_MODE=nft"]]
    assert fixes(legacy) == [["IPTABLES_MODE=legacy"]]
    assert "nft" not in messages(legacy)[0]


def test_params_required_settings() -> None:
    assert lacking("") == []
    wanted = "params: {required-settings: {profile: cis}}"
    assert lacking(wanted) == [("fleet-default/old-1/cp", "fleet-default/old-1/worker")]
    assert levels(wanted, f"{{profile: cis, {KEY}: [IPTABLES_MODE=nft]}}") == {}


def test_params_required_settings_value() -> None:
    full = "params: {required-settings: {profile: {value: %s}}}"
    settings = f"{{profile: cis, {KEY}: [IPTABLES_MODE=nft]}}"
    assert levels(full % "cis", settings) == {}
    assert levels(full % "etcd", settings) == {"required-settings": "error"}


def test_params_required_settings_role() -> None:
    full = "params: {required-settings: {kubelet-arg: {value: [v=2], role: %s}}}"
    assert lacking(full % "server") == [("fleet-default/old-1/cp",)]
    assert lacking(full % "agent") == [("fleet-default/old-1/worker",)]


def test_params_required_settings_reason() -> None:
    full = "params: {required-settings: {profile: {value: cis%s}}}"
    assert not any("guide" in message for message in messages(full % ""))
    assert any("guide 2.1" in message for message in messages(full % ", reason: guide 2.1"))


OVERRIDES = [
    pytest.param("paths: [clusters/lab/]", "paths: [clusters/prod/]", id="paths"),
    pytest.param("clusters: [fleet-default/old-*]", "clusters: [other/old-*]", id="clusters"),
    pytest.param("clusters: ['old-?']", "clusters: ['new-?']", id="clusters by name alone"),
    pytest.param(
        "labels: {matchLabels: {hosts: old}}", "labels: {matchLabels: {hosts: new}}", id="labels"
    ),
    pytest.param(
        "labels: {matchExpressions: [{key: hosts, operator: Exists}]}",
        "labels: {matchExpressions: [{key: hosts, operator: DoesNotExist}]}",
        id="labels by expression",
    ),
    pytest.param(
        "{paths: [clusters/lab/], clusters: [old-1]}",
        "{paths: [clusters/lab/], clusters: [old-2]}",
        id="all of them",
    ),
]


@pytest.mark.parametrize(("fits", "does_not"), OVERRIDES)
def test_overrides(fits: str, does_not: str) -> None:
    for condition, verdict, level in ((fits, "pinned", {}), (does_not, "legacy", "error")):
        own = condition.strip("{}") if condition.startswith("{paths") else condition
        assert verdicts(f"overrides: [{{{own}, params: {{backend: legacy}}, reason: old}}]", LEGACY) == {verdict}  # fmt: skip
        off = f"overrides: [{{{own}, levels: {{legacy-backend: off}}}}]"
        assert levels(off, LEGACY) == (level if level == {} else {"legacy-backend": level})


def test_overrides_reason() -> None:
    with pytest.raises(PolicyError, match=r"^p:2: an override of the backend needs a reason$"):
        read_policy("p", b"overrides:\n- {clusters: [a], params: {backend: legacy}}")


def test_a_later_override_wins_whatever_it_is_for() -> None:
    text = """
        levels: {missing-nft-pin: error}
        overrides:
          - {clusters: [old-*], levels: {missing-nft-pin: note}}
          - {paths: [lab/], levels: {missing-nft-pin: warning}}
        """
    assert levels(text) == {"missing-nft-pin": "warning"}
    assert levels(text.replace("[lab/]", "[prod/]")) == {"missing-nft-pin": "note"}


def test_an_override_may_turn_on_what_is_off() -> None:
    off = "levels: {missing-nft-pin: off}\n"
    assert levels(off) == {}
    on = "overrides: [{clusters: [old-1], levels: {missing-nft-pin: warning}}]"
    assert levels(off + on) == {"missing-nft-pin": "warning"}


def test_a_rule_that_is_off_here_explains_nothing() -> None:
    settings = f"{{{KEY}: ['IPTABLES_MODE=']}}"
    assert levels("", settings) == {"empty-backend": "error"}
    off = "overrides: [{paths: [clusters/], levels: {empty-backend: off}}]"
    assert levels(off, settings) == {"missing-nft-pin": "error"}


def test_include(linted: Linted) -> None:
    assert len(linted("")) == 2
    assert [line.partition(":")[0] for line in linted("include: [clusters/]")] == [
        "clusters/a.yaml"
    ]


def test_exclude(linted: Linted) -> None:
    assert [line.partition(":")[0] for line in linted("exclude: [vendor/]")] == ["clusters/a.yaml"]


def test_fixable() -> None:
    assert fixes("fixable: [missing-nft-pin]") == [["IPTABLES_MODE=nft"]]
    assert fixes("fixable: [invalid-backend]") == []


def test_unfixable() -> None:
    assert fixes("unfixable: [invalid-backend]") == [["IPTABLES_MODE=nft"]]
    assert fixes("unfixable: [missing-nft-pin]") == []


EXEMPT = "exempt: [{rule: %s, where: %s, reason: they go, until: %s}]"


@pytest.mark.parametrize(
    ("rule", "where", "until", "counts"),
    [
        pytest.param("missing-nft-pin", "fleet-default/old-*", "2027-03-31", False, id="all fits"),
        pytest.param("missing-nft-pin", "clusters/lab/", "2027-03-31", False, id="a path"),
        pytest.param("syntax", "fleet-default/old-*", "2027-03-31", True, id="rule"),
        pytest.param("missing-nft-pin", "fleet-prod/old-*", "2027-03-31", True, id="where"),
        pytest.param("missing-nft-pin", "fleet-default/old-*", "2026-03-31", True, id="until"),
    ],
)
def test_exempt(rule: str, where: str, until: str, *, counts: bool) -> None:
    found = levels(EXEMPT % (rule, where, until), today="2026-11-23")
    assert ("missing-nft-pin" in found) is counts


def test_exempt_reason() -> None:
    exempted = report(EXEMPT % ("missing-nft-pin", "'*/*'", "2027-03-31"), "{}").exempted
    assert [one.exemption.reason for one in exempted] == ["they go"]
    with pytest.raises(PolicyError, match="needs a reason"):
        policy_of("exempt: [{rule: missing-nft-pin, where: a}]")


# --- the webhook


@pytest.mark.parametrize(
    ("word", "done"), [("inject", "injected"), ("warn", "warned"), ("off", "off")]
)
def test_webhook_on_create(word: str, done: str) -> None:
    assert decision(f"webhook: {{onCreate: {word}}}") == done


@pytest.mark.parametrize(
    ("word", "done"),
    [("inject", "injected"), ("with-rollout", "no-rollout"), ("warn", "warned"), ("off", "off")],
)
def test_webhook_on_update(word: str, done: str) -> None:
    assert decision(f"webhook: {{onUpdate: {word}}}", **changed()) == done


def test_webhook() -> None:
    assert decision("webhook: {}") == "injected"
    assert decision("webhook: {onCreate: off}") == "off"


def test_webhook_patch() -> None:
    assert decision("webhook: {patch: [missing-nft-pin]}") == "injected"
    assert decision("webhook: {patch: []}") == "warned"


def test_webhook_deny() -> None:
    assert review("webhook: {deny: [missing-nft-pin]}", validate=True)["allowed"] is False
    assert review("webhook: {deny: [syntax]}", validate=True)["allowed"] is True


def test_webhook_ignore_users() -> None:
    assert decision("webhook: {ignoreUsers: [robot]}", user="robot", **changed()) == "bookkeeping"
    assert decision("webhook: {ignoreUsers: [ana]}", user="robot", **changed()) == "no-rollout"


def patched(policy: str, settings: str = "{}") -> Any:
    import base64
    import json

    patch = review(policy, settings).get("patch")
    return json.loads(base64.b64decode(patch))[0]["value"] if patch else None


def test_the_webhook_injects_what_the_policy_wants_for_the_cluster() -> None:
    override = "overrides: [{%s, params: {backend: legacy}, reason: old}]"
    assert patched("") == ["IPTABLES_MODE=nft"]
    assert patched("params: {backend: legacy}") == ["IPTABLES_MODE=legacy"]
    assert patched(override % "labels: {matchLabels: {hosts: old}}") == ["IPTABLES_MODE=legacy"]
    assert patched(override % "clusters: [fleet-default/old-1]") == ["IPTABLES_MODE=legacy"]
    assert patched(override % "clusters: [fleet-default/old-2]") == ["IPTABLES_MODE=nft"]
    assert patched(override % "paths: ['**/*']") == ["IPTABLES_MODE=nft"]
    assert patched("params: {backend: legacy}", NFT) is None
    assert decision("params: {backend: legacy}", NFT) == "warned"
    assert decision("params: {backend: legacy}", LEGACY) == "pinned"
    assert patched("unfixable: [missing-nft-pin]") is None


def test_the_webhook_speaks_of_the_wanted_backend() -> None:
    text = "params: {backend: legacy}\nwebhook: {onCreate: %s}"
    assert review(text % "inject")["warnings"] == [
        f"added {KEY}: IPTABLES_MODE=legacy in machineGlobalConfig: commit it to Git"
    ]
    assert review(text % "warn")["warnings"] == [
        f"kube-proxy is not pinned to legacy: commit {KEY}: [IPTABLES_MODE=legacy] to Git"
    ]


def test_the_webhook_adds_what_the_policy_requires_where_it_may() -> None:
    text = """
        params: {required-settings: {kube-proxy-extra-env: [GOGC=50]}}
        webhook: {patch: [required-settings]}
        """
    assert patched(text, NFT) == "GOGC=50"
    assert patched(text.replace("[required-settings]", "[missing-nft-pin]"), NFT) is None


def test_the_webhook_reads_what_a_policy_extends(tmp_path: Path) -> None:
    from rke2_webhook.live_policy import LivePolicy
    from rke2_webhook.rules import load

    (tmp_path / "base.yaml").write_text("webhook: {onCreate: off}")
    (tmp_path / "own.yaml").write_text("extends: base.yaml\nname: own")
    tree = yaml.safe_load(CLUSTER.replace("SETTINGS", "{}"))
    request = {"uid": "u", "operation": "CREATE", "object": tree}
    response = load(LivePolicy(tmp_path / "own.yaml"))["mutate"]({"request": request})["response"]
    assert response["auditAnnotations"]["decision"] == "off"


# --- every key


def name_of_test(name: str) -> str:
    """Return the test that a key has to have above: the key with words for what is no word."""
    words = name.replace("[]", "").replace(".*", "").replace(".", "_").replace("-", "_")
    return "test_" + "".join(f"_{c.lower()}" if c.isupper() else c for c in words)


TOGETHER = {
    "test_overrides": ("paths", "clusters", "labels", "levels", "params"),
    "test_exempt": ("rule", "where", "until"),
}
KEYS = [pytest.param(name, key, id=name) for name, key in keys()]


@pytest.mark.parametrize(("name", "key"), KEYS)
def test_a_test_above_shows_what_it_changes(name: str, key: Key) -> None:
    own = name_of_test(name)
    if own.startswith("test_overrides_params_"):
        own = own.replace("overrides_params_", "params_")  # They are the same keys.
    together = next((one for one in TOGETHER if own.startswith(f"{one}_")), "")
    if together and key.name in TOGETHER[together]:
        own = together
    assert own in globals(), f"write {own}"


def misspelt(name: str, key: Key) -> tuple[str, str]:
    """Return a policy with the last step of a key misspelt, after two lines of comment, and it."""
    wrong = key.name[:1] + key.name[2:3] + key.name[1:2] + key.name[3:] + "x" * (len(key.name) > 7)
    steps = [*name.split(".")[:-1], wrong]
    text, indent = "# one\n# two\n", ""
    for step in steps[:-1]:
        bare = "profile" if step == "*" else step.removesuffix("[]")
        text += f"{indent}{bare}:\n"
        indent += "  "
        if step.endswith("[]"):
            text += f"{indent}- # an item\n"
            indent += "  "
    return f"{text}{indent}{wrong}: 1\n", wrong


@pytest.mark.parametrize(("name", "key"), KEYS)
def test_a_misspelt_key_gets_the_nearest_one_and_its_line(name: str, key: Key) -> None:
    text, wrong = misspelt(name, key)
    line = text.count("\n")
    with pytest.raises(PolicyError) as caught:
        read_policy("p.yaml", text.encode())
    assert str(caught.value) == f"p.yaml:{line}: there is no key {wrong}; did you mean {key.name}?"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "levels:\n  missing-nft-pins: off",
            "p.yaml:2: there is no rule missing-nft-pins; did you mean missing-nft-pin?",
            id="rule",
        ),
        pytest.param(
            "params:\n  required-settings:\n    profil: cis",
            "p.yaml:3: there is no setting profil; did you mean profile?",
            id="setting",
        ),
        pytest.param(
            "params:\n  backend: ntf",
            "p.yaml:2: params.backend is one of nft, legacy, not ntf; did you mean nft?",
            id="backend",
        ),
        pytest.param(
            "overrides:\n- labels:\n    hosts: old",
            "p.yaml:3: there is no key hosts; labels stand below matchLabels",
            id="labels without matchLabels",
        ),
        pytest.param(
            "overrides:\n- labels:\n    matchLabel: {hosts: old}",
            "p.yaml:3: there is no key matchLabel; did you mean matchLabels?",
            id="matchLabels",
        ),
        pytest.param(
            "overrides:\n- labels:\n    matchLabels: {hosts: 1}\n  levels: {syntax: off}",
            "p.yaml:3: overrides.0.labels: the value of label hosts has to be a string: quote it",
            id="a label's value",
        ),
        pytest.param(
            "overrides:\n- levels: {syntax: off}",
            "p.yaml:2: an override needs paths, clusters or labels",
            id="an override for nothing",
        ),
        pytest.param(
            "overrides:\n- clusters: [a]",
            "p.yaml:2: an override needs levels or params",
            id="an override that says nothing",
        ),
        pytest.param(
            "exclude:\n- '!a'",
            "p.yaml:2: exclude.0: a glob does not begin with !: nothing is taken back",
            id="a glob",
        ),
        pytest.param(
            "params:\n  required-settings:\n    kube-proxy-extra-env: [IPTABLES_MODE=nft]",
            "p.yaml:3: IPTABLES_MODE is not required here: params.backend says which one is wanted",
            id="the pin is no required setting",
        ),
        pytest.param(
            "params:\n  required-settings:\n    profile: 1.5",
            "p.yaml:3: params.required-settings.profile is a string, a whole number, true, "
            "false or a list of strings",
            id="a fraction",
        ),
        pytest.param(
            "extends: strct",
            "p.yaml:1: there is no policy strct to extend; did you mean strict?",
            id="a baseline",
        ),
    ],
)
def test_an_error_says_what_would_be_right(text: str, message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        read_policy("p.yaml", text.encode())
    assert str(caught.value) == message


# --- what extends what


def files(**texts: str) -> Callable[[str], bytes]:
    def read(path: str) -> bytes:
        if path not in texts:
            raise FileNotFoundError(2, "No such file or directory", path)
        return texts[path].encode()

    return read


def load(**texts: str) -> Policy:
    return load_policy("own", files(**texts), standing="/repo")


def test_a_chain_is_read_from_its_end() -> None:
    found = load(
        own="extends: team\nlevels: {syntax: note}\nparams: {required-settings: {cni: null}}",
        team="extends: strict\nlevels: {syntax: 'off', missing-nft-pin: note}\n"
        "params: {backend: legacy, required-settings: {cni: canal, profile: cis}}",
    )
    assert {rule: found.levels[rule] for rule in ("syntax", "missing-nft-pin", "scalar-pin")} == {
        "syntax": 1, "missing-nft-pin": 1, "scalar-pin": 2,
    }  # fmt: skip
    assert found.params.backend == "legacy"
    assert set(found.params.required_settings) == {"profile"}
    assert found.origins["levels.syntax"] == "own:2"
    assert found.origins["params.backend"] == "team:3"
    assert found.origins["levels.scalar-pin"].startswith("strict.yaml:")


def test_what_is_added_to_and_what_is_replaced() -> None:
    team = """
        exempt: [{rule: syntax, where: a, reason: b}]
        overrides: [{clusters: [a], levels: {syntax: off}}]
        exclude: [vendor/]
        include: [clusters/]
        fixable: [syntax]
        unfixable: [scalar-pin]
        webhook: {deny: [syntax], onCreate: warn}
        """
    own = textwrap.dedent(team).replace("syntax", "misspelt-setting").replace("vendor", "gen")
    found = load(team=team, own=f"extends: team\n{own}".replace("clusters/", "prod/"))
    assert [one.rule for one in found.exempt] == ["syntax", "misspelt-setting"]
    assert [[*one.levels] for one in found.overrides] == [["syntax"], ["misspelt-setting"]]
    assert [one.pattern for one in found.exclude] == ["vendor/", "gen/"]
    assert [one.pattern for one in found.include] == ["prod/"]
    assert found.fixable == ("misspelt-setting",)
    assert found.unfixable == ("scalar-pin", "scalar-pin")
    assert found.admission.deny == ("misspelt-setting",)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        pytest.param({"own": "\nextends: own"}, "own:2: it extends itself: own → own", id="itself"),
        pytest.param(
            {"own": "extends: a", "a": "extends: b", "b": "extends: ./a"},
            "b:1: it extends itself: own → a → b → a",
            id="a circle",
        ),
        pytest.param(
            {"own": "extends: strikt"},
            "own:1: there is no policy strikt to extend: No such file or directory; "
            "did you mean strict?",
            id="nothing there",
        ),
        pytest.param(
            {"own": "extends: a", "a": "levels: {syntx: off}"},
            "a:1: there is no rule syntx; did you mean syntax?",
            id="an error below",
        ),
        pytest.param({}, "own: No such file or directory", id="not even itself"),
    ],
)
def test_a_chain_that_leads_nowhere(texts: dict[str, str], message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        load(**texts)
    assert str(caught.value) == message


def test_a_chain_has_an_end() -> None:
    texts = {f"p{number}": f"extends: p{number + 1}" for number in range(50)}
    with pytest.raises(PolicyError, match="more than 20 policies extend one another"):
        load(own="extends: p0", **texts)


def test_globs_count_from_the_file_that_says_them() -> None:
    texts = {
        "own": "extends: ../shared/base.yaml",
        "/shared/base.yaml": "overrides: [{paths: [a/b.yaml], levels: {syntax: off}}]",
    }

    def read(path: str) -> bytes:
        return texts[{"../shared/base.yaml": "/shared/base.yaml"}.get(path, path)].encode()

    policy = load_policy("own", read, standing="/repo")
    assert not policy.for_path("/shared/a/b.yaml").asks("syntax")
    assert policy.for_path("/repo/a/b.yaml").asks("syntax")


@pytest.mark.parametrize(
    ("cluster", "labels", "holds"),
    [
        ("fleet-old/a", {"hosts": "old"}, True),
        ("fleet-old/a", {}, False),
        ("fleet-new/a", {"hosts": "old"}, False),
    ],
)
def test_all_conditions_of_an_override_have_to_hold(
    cluster: str, labels: dict[str, str], *, holds: bool
) -> None:
    text = (
        "overrides: [{paths: [lab/], clusters: [fleet-old/*], labels: {matchLabels: {hosts: old}},"
        " levels: {syntax: off}}]"
    )
    policy = load(own=text)
    own = policy.for_path("/repo/lab/a.yaml").for_cluster(cluster, labels)
    assert own.asks("syntax") is not holds
    assert policy.for_path("/repo/a.yaml").for_cluster(cluster, labels).asks("syntax")


def test_names_of_files_count_where_a_policy_is_extended() -> None:
    base = """
        overrides: [{paths: ['*.old.yaml', a/b.yaml], levels: {syntax: off}}]
        exempt:
        - {rule: syntax, where: '*.old.yaml', reason: old}
        - {rule: syntax, where: a/b.yaml, reason: old}
        exclude: [vendor/, /gen/]
        include: ['*.yaml', /clusters/]
        """
    texts = {"own": "extends: ../shared/base.yaml", "../shared/base.yaml": textwrap.dedent(base)}
    policy = load_policy("own", lambda path: texts[path].encode(), standing="/repo")
    for path, counts in {
        "/repo/x/1.old.yaml": True,
        "/shared/x/1.old.yaml": False,
        "/repo/a/b.yaml": False,
        "/shared/a/b.yaml": True,
    }.items():
        assert policy.for_path(path).asks("syntax") is not counts, path
        assert any(one.is_for_path(path) for one in policy.exempt) is counts, path
    assert [one.folder for one in policy.exclude] == ["/repo", "/shared"]
    assert [one.folder for one in policy.include] == ["/repo", "/shared"]


def test_names_count_from_the_folder_above_that_says_them() -> None:
    """Of `teams/`, a policy in `teams/shop` that extends it is a part."""
    base = """
        overrides: [{paths: [teams/], levels: {syntax: off}}]
        exempt: [{rule: syntax, where: teams/, reason: old}]
        exclude: [vendor]
        include: [teams/]
        """
    texts = {"own": "extends: ../../base.yaml", "../../base.yaml": textwrap.dedent(base)}
    policy = load_policy("own", lambda path: texts[path].encode(), standing="/repo/teams/shop")
    inside, outside = "/repo/teams/shop/a.yaml", "/repo/other/a.yaml"
    assert not policy.for_path(inside).asks("syntax")
    assert policy.for_path(outside).asks("syntax")
    for globs in (policy.include, policy.overrides[0].paths):
        assert [glob.matches(inside) for glob in globs] == [True]
        assert [glob.matches(outside) for glob in globs] == [False]
    assert [one.is_for_path(inside) for one in policy.exempt] == [True]
    assert [glob.matches("/repo/teams/shop/x/vendor/a.yaml") for glob in policy.exclude] == [True]


def test_a_table_names_its_keys() -> None:
    tree = {"overrides": [{"clusters": ["a"], "levels": {"syntx": "off"}}]}
    with pytest.raises(PolicyError) as caught:
        read_policy("pyproject.toml", tree, table="tool.rke2-lint")
    assert str(caught.value) == (
        "pyproject.toml: tool.rke2-lint.overrides.0.levels.syntx: "
        "there is no rule syntx; did you mean syntax?"
    )


def test_a_day_of_toml_is_a_day() -> None:
    import tomllib

    text = 'exempt = [{rule = "syntax", where = "a", reason = "b", until = 2027-03-31}]'
    policy = read_policy("pyproject.toml", tomllib.loads(text), table="tool.rke2-lint")
    assert policy.exempt[0].until == "2027-03-31"


# --- how far a level moves what a rule says


TEMPLATED = f"{{{KEY}: ['IPTABLES_MODE=$(MODE)']}}"  # a note's worse case: a warning
LOST_ITEM = f"{{{KEY}: ['IPTABLES_MODE:nft']}}"  # a warning's worse case: an error
UNSURE = CLUSTER.replace("  kubernetesVersion: v1.33.4+rke2r1\n", "")


@pytest.mark.parametrize(
    ("settings", "rule", "moves"),
    [
        pytest.param(
            TEMPLATED,
            "templated-pin",
            {"": "warning", "note": "warning", "warning": "error", "error": "error"},
            id="a note, and a warning here",
        ),
        pytest.param(
            LOST_ITEM,
            "entry-without-equals",
            {"": "error", "note": "note", "warning": "error", "error": "error"},
            id="a warning, and an error here",
        ),
        pytest.param(
            "{}",
            "missing-nft-pin",
            {"": "error", "note": "note", "warning": "warning", "error": "error"},
            id="an error",
        ),
    ],
)
def test_a_level_moves_better_and_worse_cases(
    settings: str, rule: str, moves: dict[str, str]
) -> None:
    for level, counts in moves.items():
        assert levels(f"levels: {{{rule}: {level}}}" if level else "", settings)[rule] == counts


@pytest.mark.parametrize("level", ["warning", "error"])
def test_what_is_not_sure_is_never_an_error(level: str) -> None:
    source = Source.read("a.yaml", UNSURE.replace("SETTINGS", "{}").encode())
    policy = policy_of(f"levels: {{missing-nft-pin: {level}}}")
    found = evaluate([File("a.yaml", source.documents)], policy).findings
    assert {one.rule: one.severity.name for one in found}["missing-nft-pin"] == "WARNING"


# --- the baseline `strict`

STRICT = load_policy("own", lambda _: b"extends: strict")


@pytest.mark.parametrize("rule", sorted(STRICT.levels))
def test_strict_is_stricter_in_every_line(rule: str) -> None:
    level = STRICT.levels[rule]
    assert level is not None
    assert level > catalog.rule(rule).severity


def test_strict_leaves_alone_what_it_says_it_does() -> None:
    left = {one.id for one in catalog.rules().values() if one.severity is not Severity.ERROR}
    assert left - set(STRICT.levels) == {"superfluous-pin", "nftables-proxy-mode"}
    assert STRICT._replace(levels={}, name="default", origins={}) == Policy("default", {})


@pytest.mark.parametrize("where", ["'[z-a]'", "'!a'", "a//b"])
def test_where_an_exemption_holds_is_a_glob(where: str) -> None:
    with pytest.raises(PolicyError, match=r"exempt\.0\.where: a glob "):
        policy_of(f"exempt: [{{rule: syntax, where: {where}, reason: b}}]")
