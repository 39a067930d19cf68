"""Do the webhook's pages say what is so? Their commands are read by those who would run them, their YAML by its readers."""

from __future__ import annotations

import base64
import copy
import itertools
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonpatch
import jsonschema
import pytest
import yaml

from rke2_lint.cli import COMMANDS
from rke2_lint.command_line import commands
from rke2_webhook import rules
from rke2_webhook.envelope import open_review
from rke2_webhook.live_policy import LivePolicy

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs/webhook"
GITOPS = PAGES / "gitops"
CHART = ROOT / "charts/rke2-webhook"
PIN = "IPTABLES_MODE=nft"
EMERGENCY = "kubectl delete mutatingwebhookconfigurations,validatingwebhookconfigurations"

_SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks() -> Iterator[tuple[str, str]]:
    """Yield the page and the text of every block of commands."""
    for page in sorted(PAGES.glob("*.md")):
        for found in _SHELL.finditer(page.read_text(encoding="utf-8")):
            yield page.name, found[1]


def calls() -> Iterator[tuple[str, list[str]]]:
    """Yield the page and the words of every command, each part of a pipe by itself."""
    for page, block in blocks():
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            while "|" in words:
                cut = words.index("|")
                yield page, words[:cut]
                words = words[cut + 1 :]
            if words:
                yield page, words


CALLS = list(calls())


def of(program: str) -> list[Any]:
    return [
        pytest.param(words[1:], id=f"{page}: {' '.join(words)[:60]}")
        for page, words in CALLS
        if words[0] == program
    ]


# --- commands


def test_every_command_is_one_that_a_test_reads() -> None:
    known = {"kubectl", "helm", "make", "rke2-lint", "rke2-webhook", "git", "podman", "cosign", "gh", "curl", "base64", "openssl"}  # fmt: skip
    assert {words[0] for _, words in CALLS} <= known


@pytest.mark.parametrize("block", [pytest.param(text, id=page) for page, text in blocks()])
def test_shellcheck_has_nothing_to_say(block: str) -> None:
    shellcheck = shutil.which("shellcheck", path=str(Path(sys.executable).parent))
    if shellcheck is None:
        pytest.skip("there is no shellcheck here: the extra `test` installs it")
    done = subprocess.run(
        [shellcheck, "--shell=sh", "-"], input=block, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("words", of("rke2-lint"))
def test_rke2_lint_has_such_a_command(words: list[str]) -> None:
    known = {command.name: command for command in commands(COMMANDS)}
    command = known.get(words[0], known["check"])
    names = {name for option in command.options for name in option.names}
    assert {word for word in words if word.startswith("--")} <= names


@pytest.mark.parametrize("words", of("rke2-webhook"))
def test_rke2_webhook_has_such_a_command(words: list[str]) -> None:
    pytest.importorskip("fastapi", reason="the extra `webhook` installs it")
    from rke2_webhook.__main__ import _parser

    _parser().parse_args(words)


@pytest.mark.parametrize("words", of("make"))
def test_make_has_such_a_target(words: list[str]) -> None:
    targets = [word for word in words if "=" not in word]
    done = subprocess.run(
        ["make", "--dry-run", "VENV=/nowhere", "PYTHON=python3", *targets],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("words", of("helm"))
def test_helm_is_given_what_the_chart_takes(words: list[str]) -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    given = copy.deepcopy(values)
    for option, said in itertools.pairwise(words):
        if option == "--set":
            path, _, value = said.partition("=")
            *parents, last = path.split(".")
            into = given
            for each in parents:
                into = into.setdefault(each, {})
            into[last] = value[1:-1].split(",") if value.startswith("{") else value
    jsonschema.validate(given, schema)
    if words[0] != "pull":
        assert words[words.index("--namespace") + 1] == "cattle-system"
    for word in words:
        if word.startswith("oci://"):
            assert word == f"oci://ghcr.io/{_owner(values)}/charts/rke2-webhook"
            about = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
            assert words[words.index("--version") + 1] == about["version"]


@pytest.mark.parametrize("words", of("podman"))
def test_podman_takes_the_image_that_the_chart_asks_for(words: list[str]) -> None:
    image = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))["image"]
    about = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    name = f"{image['repository']}:v{about['appVersion']}"
    own = f"{image['repository'].rpartition('/')[2]}:v{about['appVersion']}"
    theirs = {
        f"{image['registry']}/{name}",
        f"registry.example.com/{name}",
        f"registry.example.com/{own}",
    }
    assert {word for word in words if ":" in word} <= theirs


def test_only_our_own_workflow_may_have_signed() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    verified = [words for _, words in CALLS if words[:2] == ["cosign", "verify"]]
    assert verified
    for words in verified:
        who = words[words.index("--certificate-identity-regexp") + 1]
        workflow = "rke2-lint/.github/workflows/release.yml@refs/tags/v1.2.3"
        assert re.search(who, f"https://github.com/{_owner(values)}/{workflow}")
        assert not re.search(who, f"https://github.com/somebody/{workflow}")


def _owner(values: dict[str, Any]) -> str:
    return str(values["image"]["repository"]).split("/")[0]


@pytest.mark.parametrize("words", of("kubectl"))
def test_kubectl_is_asked_for_what_the_chart_installs(words: list[str]) -> None:
    """By the labels and names that the templates give: `tests/charts` renders them."""
    names = (CHART / "templates/_names.tpl").read_text(encoding="utf-8")
    for option, said in itertools.pairwise(words):
        if option in ("--selector", "-l"):
            label, _, value = said.partition("=")
            assert label in names
            assert value == ("rke2-lint" if label.endswith("/part-of") else "rke2-webhook")
        if option == "--namespace":
            assert said in ("cattle-system", "fleet-default")
    for word in words:
        if word.startswith(("deployment/", "mutatingwebhookconfiguration/")):
            assert word.endswith("/rke2-webhook")


def test_the_emergency_line_is_the_same_everywhere() -> None:
    """Nobody should have to think which of two lines is the right one."""
    said = {
        line.strip().replace("--selector", "-l")
        for page in (*PAGES.glob("*.md"), ROOT / "docs/webhook-alerts.md", CHART / "README.md")
        for line in page.read_text(encoding="utf-8").splitlines()
        if line.strip().startswith(EMERGENCY)
    }
    # `nameOverride` changes the other labels; tests/charts hold that nothing changes this one.
    assert said == {f"{EMERGENCY} -l app.kubernetes.io/part-of=rke2-lint"}
    emergency = (PAGES / "emergency.md").read_text(encoding="utf-8")
    first = _SHELL.search(emergency)
    assert first is not None
    assert first[1].startswith(EMERGENCY), "it stands first"


# --- GitOps


def snippets(prefix: str) -> list[Any]:
    return [pytest.param(path, id=path.name) for path in sorted(GITOPS.glob(f"{prefix}*.yaml"))]


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def pinned() -> Any:
    """The Cluster of the examples, as the webhook leaves it."""
    body = (ROOT / "examples/webhook/review.json").read_bytes()
    answer = rules.load(LivePolicy(None))["mutate"](open_review(body))
    patch = base64.b64decode(answer["response"]["patch"])
    return jsonpatch.apply_patch(json.loads(body)["request"]["object"], json.loads(patch))


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        *(pytest.param(*one.values, "argo-cd-application", id=one.id) for one in snippets("argo-cd")),
        *(pytest.param(*one.values, "fleet-yaml", id=one.id) for one in snippets("fleet")),
    ],
)  # fmt: skip
def test_a_snippet_fits_its_schema(path: Path, schema: str) -> None:
    known = json.loads((ROOT / f"tests/schemas/{schema}.json").read_text(encoding="utf-8"))
    jsonschema.validate(load(path), known)
    # And the schema can say no.
    broken = load(path)
    (broken.get("spec", broken))["misspelt"] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, known)


@pytest.fixture(scope="module")
def flux(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Flux' own types, which refuse what they do not know."""
    if shutil.which("go") is None:
        pytest.skip("there is no Go here, of which Flux is made")
    program = tmp_path_factory.mktemp("flux") / "flux"
    done = subprocess.run(
        ["go", "build", "-o", program, "."],
        cwd=ROOT / "tests/peers/flux", capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode and re.search(r"dial tcp|requires go|Forbidden", done.stderr):
        pytest.skip(f"Flux' types cannot be built here: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    return program


@pytest.mark.parametrize("path", snippets("flux"))
def test_flux_takes_a_snippet(flux: Path, path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    kind = yaml.safe_load(text)["kind"]
    for given, code in ((text, 0), (text.replace("  interval:", "  misspelt:", 1), 1)):
        done = subprocess.run([flux, kind], input=given, capture_output=True, text=True)
        assert done.returncode == code, done.stdout


def _pointers(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key in ("jsonPointers", "paths") and isinstance(value, list):
                yield from value
            elif key == "operations":
                yield from (each["path"] for each in value)
            else:
                yield from _pointers(value)
    elif isinstance(tree, list):
        for each in tree:
            yield from _pointers(each)


@pytest.mark.parametrize(
    "path", [one for one in snippets("") if "clusters" in str(one.id)]
)  # fmt: skip
def test_what_is_disregarded_of_a_cluster_is_where_the_pin_is(path: Path) -> None:
    for pointer in _pointers(load(path)):
        found = pinned()
        for part in pointer.strip("/").split("/"):
            found = found[part]
        assert PIN in found


def test_argo_cd_disregards_the_pin_and_nothing_else() -> None:
    jq = pytest.importorskip("jq", reason="the extra `dev` installs it")
    said = load(GITOPS / "argo-cd-clusters-without-server-side-diff.yaml")
    [rule] = said["spec"]["ignoreDifferences"]
    [expression] = rule["jqPathExpressions"]
    # This is how Argo CD takes a path out of both sides before it compares them.
    without = jq.compile(f"del({expression})")
    there = pinned()
    committed = copy.deepcopy(there)
    entries = committed["spec"]["rkeConfig"]["machineGlobalConfig"]["kube-proxy-extra-env"]
    entries.remove(PIN)
    assert without.input_value(there).first() == without.input_value(committed).first()
    entries.append("A=1")
    assert without.input_value(there).first() != without.input_value(committed).first()
    assert without.input_value({"spec": {}}).first() is not None


@pytest.mark.parametrize("path", [one for one in snippets("") if "chart" in str(one.id)])
def test_the_chart_takes_the_values_of_a_snippet(path: Path) -> None:
    tree = load(path)
    spec = tree.get("spec", tree)
    found = [
        spec.get("values"),
        spec.get("helm", {}).get("values"),
        spec.get("source", {}).get("helm", {}).get("valuesObject"),
    ]
    [values] = [each for each in found if each]
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    defaults = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    jsonschema.validate({**defaults, **values}, schema)


def test_each_snippet_is_on_the_page() -> None:
    page = (PAGES / "gitops.md").read_text(encoding="utf-8")
    assert {f"docs/webhook/gitops/{path.name}" for path in GITOPS.iterdir()} == set(
        re.findall(r"<!-- the file (\S+) -->", page)
    )
