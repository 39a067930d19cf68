"""Do the snippets of docs/ci do their work? They are checked by those who read them, and run.

Schemas come with check-jsonschema. actionlint, npm-groovy-lint and gitlab-ci-local are asked where
they are: on the PATH, or in .venv/ci-tools, where `make ci-tools` puts them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from pre_commit.clientlib import load_config, load_manifest

ROOT = Path(__file__).parents[1]
SNIPPETS = ROOT / "docs/ci"
BIN = Path(sys.executable).parent
TOOLS = ROOT / ".venv/ci-tools"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the snippets are for Unix agents")


def tool(name: str) -> Path:
    folders = (TOOLS / "bin", TOOLS / "node_modules/.bin", BIN)
    path = os.pathsep.join((*map(str, folders), os.environ["PATH"]))
    found = shutil.which(name, path=path)
    if found is None:
        pytest.skip(f"there is no {name} here: `make ci-tools` installs it")
    return Path(found)


def asked(*command: str | Path, cwd: Path = ROOT) -> str:
    done = subprocess.run(
        command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, encoding="utf-8", timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


# --- by those who read them


@pytest.mark.parametrize(
    ("schema", "file", "more"),
    [
        pytest.param("vendor.github-actions", "action.yml", (), id="the action"),
        pytest.param("vendor.github-workflows", "docs/ci/github-workflow.yml", (), id="GitHub"),
        pytest.param("vendor.github-workflows", ".github/workflows/ci.yml", (), id="our own"),
        pytest.param("vendor.gitlab-ci", "docs/ci/rke2-lint.gitlab-ci.yml", (), id="GitLab"),
        # A pattern of this schema is none in Unicode mode.
        pytest.param("vendor.azure-pipelines", "docs/ci/azure-pipelines.yml", ("--regex-variant=nonunicode",), id="Azure"),
    ],
)  # fmt: skip
def test_a_file_fits_its_schema(
    schema: str, file: str, more: tuple[str, ...], tmp_path: Path
) -> None:
    check = (tool("check-jsonschema"), "--builtin-schema", schema, *more)
    asked(*check, ROOT / file)
    # And the schema can say no.
    broken = tmp_path / Path(file).name
    content = yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))
    key = {"vendor.gitlab-ci": "rke2-lint", "vendor.github-actions": "runs"}.get(schema)
    broken.write_text(yaml.safe_dump({**content, key or "jobs": {"steps": 1}}), encoding="utf-8")
    with pytest.raises(AssertionError):
        asked(*check, broken)


@pytest.mark.parametrize("file", ["docs/ci/github-workflow.yml", ".github/workflows/ci.yml"])
def test_a_workflow_is_clean_for_actionlint(file: str) -> None:
    asked(tool("actionlint"), "-shellcheck", tool("shellcheck"), "-no-color", ROOT / file)


def test_actions_of_others_are_pinned() -> None:
    """A tag can be moved to another commit; a commit cannot."""
    used = re.findall(r"uses: (\S+)", (SNIPPETS / "github-workflow.yml").read_text())
    ours = [name for name in used if "/rke2-lint@" in name]
    assert len(ours) == 1
    for name in set(used) - set(ours):
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", name)


def test_the_workflow_gives_the_action_what_it_takes() -> None:
    workflow = yaml.safe_load((SNIPPETS / "github-workflow.yml").read_text(encoding="utf-8"))
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    steps = workflow["jobs"]["rke2-lint"]["steps"]
    [ours] = [step for step in steps if "/rke2-lint@" in step.get("uses", "")]
    assert set(ours["with"]) <= set(action["inputs"])
    for output in re.findall(rf"steps\.{ours['id']}\.outputs\.(\w+)", json.dumps(steps)):
        assert output in action["outputs"]


def test_pre_commit_takes_its_configuration() -> None:
    [repository] = load_config(str(SNIPPETS / "pre-commit-config.yaml"))["repos"]
    known = {hook["id"] for hook in load_manifest(str(ROOT / ".pre-commit-hooks.yaml"))}
    assert {hook["id"] for hook in repository["hooks"]} <= known


def test_the_jenkinsfile_is_clean_for_groovy_lint(tmp_path: Path) -> None:
    if shutil.which("java") is None:
        pytest.skip("there is no java here")
    shutil.copy(SNIPPETS / "Jenkinsfile", tmp_path)
    (tmp_path / ".groovylintrc.json").write_text('{"extends": "recommended-jenkinsfile"}')
    asked(
        tool("npm-groovy-lint"), "--noserver", "--no-insight", "--javaexecutable", "java",
        "--path", tmp_path, "--files", "**/Jenkinsfile", "--config", tmp_path, "--failon", "info",
    )  # fmt: skip


# --- by running them


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    asked(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, ROOT)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    # What a template says can be found, and not mended.
    shutil.copytree(ROOT / "examples", folder, ignore=shutil.ignore_patterns("charts"))
    asked("git", "init", "--quiet", "--initial-branch=main", cwd=folder)
    return folder


def gitlab() -> Iterator[list[str]]:
    job = yaml.safe_load((SNIPPETS / "rke2-lint.gitlab-ci.yml").read_text("utf-8"))["rke2-lint"]
    yield ["bash", "-eo", "pipefail", "-c", "\n".join(job["before_script"] + job["script"])]


def azure() -> Iterator[list[str]]:
    for step in yaml.safe_load((SNIPPETS / "azure-pipelines.yml").read_text("utf-8"))["steps"]:
        if "bash" in step:
            assert "$(" not in step["bash"], "Azure would put a variable into the program"
            yield ["bash", "--noprofile", "--norc", "-c", step["bash"]]


def jenkins() -> Iterator[list[str]]:
    text = (SNIPPETS / "Jenkinsfile").read_text("utf-8")
    for script in re.findall(r"sh '''(.*?)'''", text, re.DOTALL):
        yield ["sh", "-xe", "-c", script.replace("\\\\", "\\")]


@pytest.mark.parametrize(
    ("commands", "variable", "reports"),
    [
        pytest.param(gitlab, "RKE2_LINT", "{}/gl-code-quality-report.json {}/rke2-lint.xml", id="GitLab"),
        pytest.param(azure, "RKE2LINT", "{}/../tmp/reports/rke2-lint.xml {}/../tmp/reports/rke2-lint.sarif", id="Azure"),
        pytest.param(jenkins, "RKE2_LINT", "{}/rke2-lint.xml {}/rke2-lint.sarif", id="Jenkins"),
    ],
)  # fmt: skip
def test_a_snippet_finds_reports_and_passes(
    commands: object, variable: str, reports: str, wheel: Path, checkout: Path, tmp_path: Path
) -> None:
    assert callable(commands)
    (tmp_path / "tmp").mkdir()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
        variable: str(wheel),
        "CI_PROJECT_DIR": str(checkout),
        "RKE2_LINT_PATHS": ".",
        "AGENT_TEMPDIRECTORY": str(tmp_path / "tmp"),
        "WORKSPACE_TMP": str(tmp_path / "tmp"),
        "PATH": os.pathsep.join((str(BIN), os.environ["PATH"])),
    }

    def status() -> int:
        for command in commands():
            done = subprocess.run(
                command, cwd=checkout, env=environment, capture_output=True, text=True
            )
            if done.returncode:
                assert "clusters/staging.yaml" in done.stdout, done.stdout + done.stderr
                return done.returncode
        return 0

    assert status() == 1
    for name in reports.format(checkout, checkout).split():
        text = Path(name).read_text(encoding="utf-8")
        assert "missing-nft-pin" in text
        ElementTree.fromstring(text) if name.endswith(".xml") else json.loads(text)

    asked(BIN / "rke2-lint", "--fix", "--exit-zero", ".", cwd=checkout)
    assert status() == 0


def test_gitlabs_runner_of_jobs_reads_the_template(wheel: Path, checkout: Path) -> None:
    """gitlab-ci-local includes the template as GitLab does, evaluates its rules and runs its job."""
    run = tool("gitlab-ci-local")
    if shutil.which("rsync") is None:
        pytest.skip("there is no rsync here, which gitlab-ci-local needs")
    shutil.copy(SNIPPETS / "rke2-lint.gitlab-ci.yml", checkout)
    (checkout / ".gitlab-ci.yml").write_text("include: [{local: rke2-lint.gitlab-ci.yml}]\n")
    asked("git", "add", "--all", cwd=checkout)
    author = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    asked("git", *author, "commit", "--quiet", "-m", "clusters", cwd=checkout)
    asked("git", "remote", "add", "origin", "git@gitlab.example.com:team/gitops.git", cwd=checkout)
    options = ("--force-shell-executor", "--no-color", "--variable", f"RKE2_LINT={wheel}")
    done = subprocess.run(
        [run, *options], cwd=checkout, capture_output=True, text=True, timeout=300
    )
    said = done.stdout + done.stderr
    assert "clusters/staging.yaml" in said, said
    assert done.returncode == 1, said
    assert (checkout / "gl-code-quality-report.json").exists() or "gl-code-quality-report" in said
