"""Does `--version` tell which state of the source is at work, wherever it was installed from?"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from rke2_policies.fingerprint import fingerprint

ROOT = Path(__file__).parents[1]
PACKAGES = ("linter", "policies")


def run(*command: str | Path, cwd: Path) -> str:
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        command,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**own, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def git(folder: Path, *arguments: str) -> str:
    return run("git", "-c", "user.name=t", "-c", "user.email=t@example.com", *arguments, cwd=folder)


def said(*paths: Path) -> str:
    """Return what `--version` says where the packages lie in these folders."""
    code = (
        f"import sys; sys.path[:0] = {[str(path) for path in paths]!r}\n"
        "from rke2_lint.cli import main; sys.exit(main(['--version']))"
    )
    return run(sys.executable, "-c", code, cwd=paths[0])


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project as a repository of one commit."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in (*PACKAGES, "webhook"):
        shutil.copytree(
            ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "COMMIT")
        )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    (folder / ".gitignore").write_text("__pycache__/\n")
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "as it is now")
    return folder


@pytest.fixture
def copy(checkout: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(checkout, tmp_path / "copy"))


def commit_of(checkout: Path) -> str:
    return git(checkout, "rev-parse", "--short=12", "HEAD").strip()


def built(checkout: Path, folder: Path) -> Path:
    """Build a wheel as pip does, and return the folder that it unpacks to."""
    run(
        sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps",
        "--wheel-dir", folder, checkout, cwd=folder,
    )  # fmt: skip
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


def test_a_checkout_is_asked_for_its_commit(copy: Path) -> None:
    paths = [copy / name for name in PACKAGES]
    first, second = said(*paths).splitlines()
    assert first.startswith(f"rke2-lint 0.1.0 (commit {commit_of(copy)}, rules ")
    assert f"Python {sys.version.split()[0]}, PyYAML " in second
    assert "libyaml" in second


def test_changes_since_the_commit_are_told(copy: Path) -> None:
    with (copy / "linter/rke2_lint/cli.py").open("a") as file:
        file.write("# changed\n")
    assert f"(commit {commit_of(copy)}-dirty, " in said(*(copy / name for name in PACKAGES))


def test_without_a_repository_there_is_no_commit(copy: Path) -> None:
    shutil.rmtree(copy / ".git")
    assert said(*(copy / name for name in PACKAGES)).startswith("rke2-lint 0.1.0 (rules ")


def test_a_repository_that_only_lies_around_it_is_not_meant(copy: Path) -> None:
    """A virtual environment in somebody's checkout has nothing to do with their commits."""
    place = copy / "venv/lib/python/site-packages"
    shutil.copytree(copy / "linter/rke2_lint", place / "rke2_lint")
    shutil.copytree(copy / "policies/rke2_policies", place / "rke2_policies")
    assert said(place).startswith("rke2-lint 0.1.0 (rules ")


def test_a_wheel_carries_its_commit_and_the_same_rules(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "wheel").mkdir()
    installed = built(copy, tmp_path / "wheel")
    assert said(installed) == said(*(copy / name for name in PACKAGES))
    assert git(copy, "status", "--porcelain") == "", "building leaves nothing behind"


def test_a_wheel_of_an_unpacked_archive_carries_what_the_archive_says(
    copy: Path, tmp_path: Path
) -> None:
    shutil.rmtree(copy / ".git")
    (copy / "linter/rke2_lint/COMMIT").write_text("0123456789ab\n")  # as an sdist has it
    (tmp_path / "wheel").mkdir()
    assert "(commit 0123456789ab, " in said(built(copy, tmp_path / "wheel"))


# --- the rules' fingerprint


def fingerprint_of(folder: Path) -> str:
    code = (
        f"import sys; sys.path.insert(0, {str(folder)!r})\n"
        "from rke2_policies.fingerprint import fingerprint; print(fingerprint(), end='')"
    )
    return run(sys.executable, "-c", code, cwd=folder)


@pytest.mark.parametrize(
    ("file", "old", "new", "same"),
    [
        pytest.param("rules/legacy_backend.py", b"", b"", True, id="nothing"),
        pytest.param("rules/legacy_backend.py", b"legacy", b"Legacy", False, id="a word of a rule"),
        pytest.param("facts/rke2_flags.json", b'"', b'"x', False, id="a fact"),
        pytest.param("baselines/default.yaml", b"\n", b"\n# x\n", False, id="a baseline"),
        pytest.param("py.typed", b"", b"x", True, id="a file that judges nothing"),
        pytest.param("rules/legacy_backend.py", b"\n", b"\r\n", True, id="line ends of a checkout"),
    ],
)
def test_the_fingerprint_knows_the_rules(
    tmp_path: Path, file: str, old: bytes, new: bytes, *, same: bool
) -> None:
    shutil.copytree(ROOT / "policies/rke2_policies", tmp_path / "rke2_policies")
    changed = tmp_path / "rke2_policies" / file
    changed.write_bytes(changed.read_bytes().replace(old, new))
    assert (fingerprint_of(tmp_path) == fingerprint()) is same


def test_a_file_that_moves_changes_the_fingerprint(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "policies/rke2_policies", tmp_path / "rke2_policies")
    rules = tmp_path / "rke2_policies/rules"
    (rules / "legacy_backend.py").rename(rules / "legacy.py")
    assert fingerprint_of(tmp_path) != fingerprint()
