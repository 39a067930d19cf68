"""Is a release what it says: one version, told in the CHANGELOG, made by a workflow that can be trusted?"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from rke2_lint import __version__
from rke2_webhook.settings import Settings

ROOT = Path(__file__).parents[1]
WORKFLOWS = ROOT / ".github/workflows"
PINS = ROOT / "webhook/requirements.txt"


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release", ROOT / ".github/release.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


release = _script()


# --- the version, and what is told


def test_the_next_release_is_told() -> None:
    assert __version__ in release.sections(ROOT)


def test_chart_and_package_have_one_version() -> None:
    chart = yaml.safe_load((ROOT / "charts/rke2-webhook/Chart.yaml").read_text(encoding="utf-8"))
    assert chart["version"] == chart["appVersion"] == __version__


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of three files, ready to be released as 1.2.3."""
    files = {
        "linter/rke2_lint/__init__.py": '"""."""\n\n__version__ = "1.2.3"\n',
        "charts/rke2-webhook/Chart.yaml": 'version: 1.2.3\nappVersion: "1.2.3"\n',
        "CHANGELOG.md": "# Changes\n\n## 1.2.3, 2027-01-31\n\n- a thing\n\n## 1.2.2, 2026-01-31\n\n- another\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_what_is_ready_is_released(project: Path) -> None:
    assert list(release.unready(project, "v1.2.3")) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        pytest.param("linter/rke2_lint/__init__.py", "1.2.3", "1.2.4", "the version is 1.2.4", id="another version"),
        pytest.param("charts/rke2-webhook/Chart.yaml", "version: 1.2.3", "version: 1.2.2", "version is 1.2.2", id="chart of before"),
        pytest.param("charts/rke2-webhook/Chart.yaml", '"1.2.3"', '"1.2.2"', "appVersion is 1.2.2", id="chart of the image of before"),
        pytest.param("CHANGELOG.md", "1.2.3,", "1.2.4,", "no section for 1.2.3", id="not told"),
        pytest.param("CHANGELOG.md", ", 2027-01-31", ", not released yet", "has no day", id="no day"),
        pytest.param("CHANGELOG.md", "- a thing\n", "", "nothing stands below", id="nothing told"),
        pytest.param("CHANGELOG.md", "## 1.2.3", "## Unreleased\n\n- new\n\n## 1.2.3", "Unreleased stands above", id="something left"),
    ],
)  # fmt: skip
def test_what_is_not_ready_is_not_released(
    project: Path, file: str, old: str, new: str, said: str
) -> None:
    path = project / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert said in "\n".join(release.unready(project, "v1.2.3"))


@pytest.mark.parametrize("tag", ["1.2.3", "v1.2", "v1.2.3-rc1", "vnext"])
def test_a_tag_is_v_and_a_version(project: Path, tag: str) -> None:
    assert "a tag is v and a version" in "\n".join(release.unready(project, tag))


@pytest.mark.parametrize(
    ("changed", "message", "told"),
    [
        pytest.param(["docs/ci.md"], "Docs", True, id="nothing that ships"),
        pytest.param(["linter/a.py", "CHANGELOG.md"], "New", True, id="told"),
        pytest.param(["policies/a.py"], "New", False, id="not told"),
        pytest.param(["webhook/Dockerfile"], "New", False, id="the image not told"),
        pytest.param(["charts/a.yaml"], "Tidy\n\nChangelog: none", True, id="nothing to tell"),
        pytest.param(["charts/a.yaml"], "Changelog: none of it", False, id="not that line"),
    ],
)
def test_what_ships_is_told(project: Path, changed: list[str], message: str, *, told: bool) -> None:
    def git(*arguments: str) -> None:
        author = ("-c", "user.name=t", "-c", "user.email=t@example.com")
        subprocess.run(["git", *author, *arguments], cwd=project, check=True, capture_output=True)

    git("init", "--initial-branch=main")
    git("add", "--all")
    git("commit", "--message=begin")
    git("checkout", "-b", "work")
    for name in changed:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("changed\n", encoding="utf-8")
    git("add", "--all")
    git("commit", f"--message={message}")
    problems = list(release.untold(project, "main"))
    assert (problems == []) is told, problems


# --- the workflows


def _workflow(name: str) -> dict[str, Any]:
    loaded = yaml.safe_load((WORKFLOWS / name).read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


@pytest.mark.parametrize("name", ["ci.yml", "release.yml"])
def test_actions_of_others_are_pinned_and_say_their_version(name: str) -> None:
    text = (WORKFLOWS / name).read_text(encoding="utf-8")
    for used, comment in re.findall(r"uses: (\S+)(.*)", text):
        if used != "./":
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", used), used
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), used


def test_an_action_has_one_version_everywhere() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in WORKFLOWS.glob("*.yml"))
    seen = {line.split("@")[0]: line for line in re.findall(r"uses: (\S+@.*)", text)}
    for used in re.findall(r"uses: (\S+@.*)", text):
        assert seen[used.split("@")[0]] == used


def test_a_release_has_no_secret_and_each_job_only_its_rights() -> None:
    workflow = _workflow("release.yml")
    assert workflow["permissions"] == {}
    assert "secrets." not in (WORKFLOWS / "release.yml").read_text(encoding="utf-8")
    jobs = workflow["jobs"]
    for name, job in jobs.items():
        assert "permissions" in job, name
        # What runs the project's code and its tests cannot sign or publish.
        assert name == "packages" or not (
            "id-token" in job["permissions"]
            and any("make" in step.get("run", "") or ".ci/run" in step.get("run", "") for step in job["steps"])
        ), name  # fmt: skip
    assert jobs["pypi"]["permissions"] == {"id-token": "write"}


def test_nothing_is_published_before_everything_is_made() -> None:
    jobs = _workflow("release.yml")["jobs"]

    def before(name: str) -> set[str]:
        needs = jobs[name].get("needs", [])
        needs = [needs] if isinstance(needs, str) else needs
        return set(needs).union(*(before(each) for each in needs))

    assert before("publish") == {"check", "packages", "image"}
    assert "publish" in before("pypi")
    assert "pypi" in before("page")


@pytest.mark.parametrize("name", ["release.yml"])
def test_a_workflow_is_clean(name: str) -> None:
    tools = ROOT / ".venv/ci-tools/bin"
    path = os.pathsep.join((str(tools), os.environ["PATH"]))
    actionlint = shutil.which("actionlint", path=path)
    if actionlint is None:
        pytest.skip("there is no actionlint here: `make ci-tools` installs it")
    done = subprocess.run(
        [actionlint, "-no-color", WORKFLOWS / name], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


# --- what the image is made of


def _pins(path: Path) -> dict[str, str]:
    found = re.findall(r"^([\w.-]+)==(\S+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


def _project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_image_has_every_package_that_the_webhook_needs() -> None:
    """`make pins` writes them; this tells when a dependency has come that has no pin."""
    project = _project()["project"]
    extras = project["optional-dependencies"]
    pins = _pins(PINS)
    for text in [*project["dependencies"], *extras["webhook"], *extras["otel"]]:
        needed = Requirement(text)
        if needed.name != "rke2-lint":
            pinned = pins.get(canonicalize_name(needed.name))
            assert pinned is not None, f"{needed.name} has no pin: run `make pins`"
            assert needed.specifier.contains(pinned), f"{text}, but {pinned} is pinned: `make pins`"


def test_the_image_has_no_package_that_nobody_needs() -> None:
    """Each pin says who needs it, and that one is pinned, too, or asked for by this project."""
    text = PINS.read_text(encoding="utf-8")
    pins = _pins(PINS)
    for block in re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]:
        users = re.findall(
            r"^ +# +(?:via +)?([\w.-]+)(?: \(.*)?$", block.replace("# via\n", ""), re.MULTILINE
        )
        assert users, block
        for user in users:
            assert user == "rke2-lint" or canonicalize_name(user) in pins, (
                f"{user} is gone: `make pins`"
            )


def test_the_wheel_of_the_image_is_built_with_what_the_project_names() -> None:
    pins = _pins(ROOT / "webhook/build-requirements.txt")
    for text in _project()["build-system"]["requires"]:
        needed = Requirement(text)
        assert needed.specifier.contains(pins[canonicalize_name(needed.name)])


@pytest.mark.parametrize("name", ["requirements.txt", "build-requirements.txt"])
def test_every_pin_has_hashes(name: str) -> None:
    text = (ROOT / "webhook" / name).read_text(encoding="utf-8")
    for block in re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), block


# --- the Dockerfile


def _instructions() -> list[tuple[str, str]]:
    text = (ROOT / "webhook/Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in joined.splitlines()) if word]  # fmt: skip


def _of_the_image() -> list[tuple[str, str]]:
    instructions = _instructions()
    last = max(number for number, (word, _) in enumerate(instructions) if word == "FROM")
    return instructions[last:]


def test_the_image_begins_with_nothing_and_runs_as_nobody() -> None:
    image = _of_the_image()
    assert image[0] == ("FROM", "scratch")
    assert "RUN" not in [word for word, _ in image]
    said = dict(image)
    assert said["USER"] == "65532:65532"
    values = yaml.safe_load((ROOT / "charts/rke2-webhook/values.yaml").read_text(encoding="utf-8"))
    assert values["podSecurityContext"]["runAsUser"] == 65532
    assert json.loads(said["ENTRYPOINT"])[1:] == ["-I", "-m", "rke2_webhook"]
    assert json.loads(said["CMD"]) == ["serve"]
    settings = Settings.model_fields
    assert said["EXPOSE"].split() == [str(settings[name].default) for name in ("review_port", "probe_port")]  # fmt: skip


def test_every_package_of_the_image_is_checked_by_its_hash() -> None:
    runs = [rest for word, rest in _instructions() if word == "RUN"]
    assert all("set -eu" in run for run in runs), "a step that fails ends the build"
    installs = [run for run in runs if "pip install" in run or "$pip install" in run]
    assert installs
    for run in installs:
        assert "--require-hashes" in run or "--no-index" in run, run
    assert not [word for word, _ in _instructions() if word in ("ADD", "SHELL")]


def test_the_context_holds_what_is_copied_and_nothing_else() -> None:
    ignored = (ROOT / "webhook/Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignored[1] == "*"
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    copied = {
        source.split("/")[0]
        for word, rest in _instructions()
        if word == "COPY" and "--from" not in rest
        for source in rest.split()[:-1]
    }
    assert copied == let_in


def test_hadolint_has_nothing_to_say() -> None:
    hadolint = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if hadolint is None:
        pytest.skip("there is no hadolint here: the extra `dev` installs it")
    done = subprocess.run([hadolint, ROOT / "webhook/Dockerfile"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
