"""Does the house still stand as it was drawn?"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from pre_commit.clientlib import load_manifest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PACKAGES = {
    "rke2_lint": ROOT / "linter/rke2_lint",
    "rke2_policies": ROOT / "policies/rke2_policies",
    "rke2_webhook": ROOT / "webhook/rke2_webhook",
}


def python(*arguments: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
    )


def modules_loaded_by(code: str, *arguments: str | Path) -> set[str]:
    """Return what Python has imported after `code`, without what it imports by itself."""
    write = "import sys; before = set(sys.modules)\n{}\nprint('\\0', *set(sys.modules) - before)"
    done = python("-c", write.format(code), *arguments)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("\0")[2].split())


# --- who imports whom


def test_the_import_contracts_are_kept() -> None:
    done = python(
        "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_linter_never_loads_the_web() -> None:
    loaded = modules_loaded_by("import rke2_lint.cli")
    assert not loaded & {"fastapi", "starlette", "uvicorn", "pydantic", "rke2_webhook"}


def test_a_file_that_has_nothing_to_do_with_rke2_costs_next_to_nothing() -> None:
    """Each of these imports costs as much as all of `python -c pass`, or half of it."""
    heavy = {
        "yaml", "ruamel", "dataclasses", "inspect", "tomllib", "pathlib", "logging", "json", "difflib",
        "subprocess", "multiprocessing", "importlib.metadata", "importlib.resources", "typing_extensions",
    }  # fmt: skip
    loaded = modules_loaded_by(
        "from rke2_lint.cli import main\nassert main(sys.argv[1:]) == 0",
        ROOT / "examples/apps/shop/deployment.yaml",
    )
    assert not loaded & heavy


# --- the wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    done = python("-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT)
    assert done.returncode == 0, done.stderr
    [built] = folder.glob("*.whl")
    return zipfile.ZipFile(built)


def test_the_wheel_holds_the_three_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    code = {
        name + "/" + path.relative_to(folder).as_posix()
        for name, folder in PACKAGES.items()
        for path in folder.rglob("*")
        if path.is_file()
        and not any(
            part == "__pycache__" or part[0] == "." for part in path.relative_to(folder).parts
        )
    }
    in_wheel = {name for name in wheel.namelist() if ".dist-info/" not in name}
    in_wheel.discard("rke2_lint/COMMIT")  # of a checkout: tests/test_version.py
    assert in_wheel == code
    assert {f"{name}/py.typed" for name in PACKAGES} <= in_wheel


def test_the_wheel_carries_the_licence(wheel: zipfile.ZipFile) -> None:
    [licence] = [name for name in wheel.namelist() if name.endswith("/LICENSE")]
    assert wheel.read(licence) == (ROOT / "LICENSE").read_bytes()


def test_the_linter_alone_needs_two_packages(wheel: zipfile.ZipFile) -> None:
    [name] = [name for name in wheel.namelist() if name.endswith("/METADATA")]
    metadata = Parser().parsestr(wheel.read(name).decode())
    always = [need for need in metadata.get_all("Requires-Dist", []) if "extra ==" not in need]
    assert sorted(need.split(">=")[0] for need in always) == ["pyyaml", "ruamel-yaml"]
    assert metadata["License-Expression"] == "Apache-2.0"


# --- the commands and the hooks


@pytest.mark.parametrize("command", PROJECT["scripts"])
def test_every_command_starts(command: str) -> None:
    module, _, function = PROJECT["scripts"][command].partition(":")
    done = python("-c", f"from {module} import {function} as main; main")
    assert done.returncode == 0, done.stderr


HOOKS = load_manifest(str(ROOT / ".pre-commit-hooks.yaml"))


def test_there_is_a_hook_that_checks_and_one_that_fixes() -> None:
    assert {hook["id"]: hook["entry"] for hook in HOOKS} == {
        "rke2-lint": "rke2-lint check --force-exclude",
        "rke2-lint-fix": "rke2-lint check --force-exclude --fix --exit-non-zero-on-fix",
    }


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_the_entry_of_a_hook_runs(hook: dict[str, str], tmp_path: Path) -> None:
    """With the interpreter that runs the tests: `tests/test_pre_commit.py` installs the hooks."""
    shutil.copy(ROOT / "examples/clusters/prod.yaml", tmp_path)
    program, *arguments = shlex.split(hook["entry"])
    module, _, function = PROJECT["scripts"][program].partition(":")
    code = f"import sys; from {module} import {function} as main; sys.exit(main())"
    done = python("-c", code, *arguments, "prod.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == "Checked 1 file with 2 machines: nothing found.\n"


# --- what is generated


def test_the_index_of_rules_is_fresh() -> None:
    done = python("policies/write_index.py", "--check")
    assert done.returncode == 0, done.stderr
