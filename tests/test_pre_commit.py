"""Do the hooks do their work under the real pre-commit, in a real git repository?"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
NODE = "nodes/server-1/etc/rancher/rke2"


class Repository:
    """A user's git repository with `.pre-commit-config.yaml` in it."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = environment
        folder.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )

    def git(self, *arguments: str) -> str:
        done = self.run("git", *arguments)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def add(self, *examples: str) -> None:
        """Copy files of examples/ and stage them."""
        for path in examples:
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(EXAMPLES / path, self.folder / path)
        self.git("add", "--", *examples)

    def pre_commit(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "pre_commit", "run", "--color=never", *arguments)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment variables for git and pre-commit: nothing of the user's own."""
    home = tmp_path_factory.mktemp("home")
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GIT_", "PRE_COMMIT"))
    }
    return {
        **own,
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "A. Tester",
        "GIT_AUTHOR_EMAIL": "tester@example.com",
        "GIT_COMMITTER_NAME": "A. Tester",
        "GIT_COMMITTER_EMAIL": "tester@example.com",
    }


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Repository:
    """Return this project as a git repository of one commit, with what is not committed yet."""
    repository = Repository(tmp_path_factory.mktemp("published") / "rke2-lint", environment)
    for name in ("linter", "policies", "webhook"):
        shutil.copytree(
            ROOT / name, repository.folder / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in (".pre-commit-hooks.yaml", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, repository.folder)
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "--message", "as it is now")
    return repository


@pytest.fixture
def repository(tmp_path: Path, published: Repository) -> Repository:
    """Return a new repository that uses both hooks."""
    made = Repository(tmp_path / "gitops", published.environment)
    config = made.folder / ".pre-commit-config.yaml"
    config.write_text(f"""\
repos:
  - repo: {published.folder.as_uri()}
    rev: {published.git("rev-parse", "HEAD").strip()}
    hooks:
      - id: rke2-lint
      - id: rke2-lint-fix
""")
    made.git("add", ".pre-commit-config.yaml")
    return made


def test_a_good_repository_passes_both_hooks(repository: Repository) -> None:
    repository.add("clusters/prod.yaml", "clusters/lab.yaml", "apps/shop/deployment.yaml")
    done = repository.pre_commit("--all-files", "--verbose")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("Passed") == 2


def test_nothing_to_check_is_skipped(repository: Repository) -> None:
    (repository.folder / "notes.txt").write_text("kind: Cluster\n")
    repository.git("add", "notes.txt")
    done = repository.pre_commit("--files", "notes.txt")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("Skipped") == 2


def test_the_check_fails_and_changes_nothing(repository: Repository) -> None:
    repository.add("clusters/staging.yaml")
    done = repository.pre_commit("rke2-lint", "--all-files")
    assert done.returncode == 1
    assert "clusters/staging.yaml:12" in done.stdout
    assert "exit code: 1" in done.stdout
    assert repository.git("diff") == ""


def test_the_fix_is_made_told_and_then_both_pass(repository: Repository) -> None:
    repository.add("clusters/staging.yaml", "clusters/prod.yaml")
    done = repository.pre_commit("rke2-lint-fix", "--all-files")
    assert done.returncode == 1
    assert "files were modified by this hook" in done.stdout
    assert repository.git("diff", "--numstat") == "2\t0\tclusters/staging.yaml\n"

    repository.git("add", "--all")
    assert repository.pre_commit("--all-files").returncode == 0
    assert repository.git("diff") == ""


def test_what_a_configuration_excludes_is_left_out_though_pre_commit_names_it(
    repository: Repository,
) -> None:
    repository.add("clusters/staging.yaml")
    (repository.folder / ".rke2-lint.yaml").write_text("exclude: [staging.yaml]\n")
    repository.git("add", ".rke2-lint.yaml")
    done = repository.pre_commit("--all-files", "--verbose")
    assert done.returncode == 0, done.stdout
    assert repository.git("diff") == ""
    (repository.folder / ".rke2-lint.yaml").write_text("exclde: [staging.yaml]\n")
    done = repository.pre_commit("rke2-lint", "--all-files")
    assert done.returncode == 1
    assert ".rke2-lint.yaml:1: there is no key exclde; did you mean exclude?" in done.stdout


def test_a_drop_in_alone_is_read_with_its_neighbours(repository: Repository) -> None:
    """Pre-commit hands over what has changed, and cuts long lists into batches."""
    repository.add(f"{NODE}/config.yaml")
    repository.git("commit", "--quiet", "--message", "a pinned server")
    repository.add(f"{NODE}/config.yaml.d/20-proxy.yaml")
    done = repository.pre_commit("rke2-lint")
    assert done.returncode == 1
    assert f"{NODE}/config.yaml.d/20-proxy.yaml:2" in done.stdout
    assert f"{NODE}/config.yaml:" in done.stdout  # where the pin was set

    repository.git("reset", "--quiet", "--hard")
    repository.add(NODE.replace("server", "agent") + "/config.yaml")
    repository.git("commit", "--quiet", "--message", "a pinned agent")
    repository.add(NODE.replace("server", "agent") + "/config.yaml.d/20-proxy.yaml")
    assert repository.pre_commit("rke2-lint").returncode == 0


def test_a_commit_is_stopped_until_it_is_fixed(repository: Repository) -> None:
    assert repository.run(sys.executable, "-m", "pre_commit", "install").returncode == 0
    repository.add("clusters/staging.yaml")
    assert repository.run("git", "commit", "--message", "a new cluster").returncode == 1

    repository.git("add", "--all")  # the second hook has mended it
    done = repository.run("git", "commit", "--message", "a new cluster")
    assert done.returncode == 0, done.stdout
