"""What all tests share: the option that writes expected outputs anew, and the command line."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes, or takes to be thought up, says more about the machine than about the project. In CI
# the examples are the same at every run: new ones are for those who can look at them.
settings.register_profile(
    "project",
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large,
    ],
    derandomize=bool(os.environ.get("CI")),
)  # fmt: skip
settings.load_profile("project")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--regenerate",
        action="store_true",
        help="write the expected outputs in tests/golden anew; read the diff before you commit it",
    )


class Run:
    """One run of the command line, and what it said."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status = status
        self.out = out
        self.err = err

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def found(self) -> list[tuple[str, str, str]]:
        """Path, rule and severity of what a report in JSON says."""
        return [(one["path"], one["rule"], one["severity"]) for one in self.json["findings"]]

    @property
    def paths(self) -> list[str]:
        """The files in which something was found, once each."""
        return sorted({path for path, _, _ in self.found})


class Lint:
    """Runs the command line in a folder of its own, which git may be asked about, too."""

    def __init__(
        self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.folder = folder
        self._capsys = capsys
        self._monkeypatch = monkeypatch
        self.go_to(".")
        # Nothing of the user's own, and no repository around the folder for temporary files.
        monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(folder.parent))
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        for role in ("AUTHOR", "COMMITTER"):
            monkeypatch.setenv(f"GIT_{role}_NAME", "A. Tester")
            monkeypatch.setenv(f"GIT_{role}_EMAIL", "tester@example.com")

    def write(self, files: Mapping[str, str | bytes]) -> None:
        for path, text in files.items():
            file = self.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text if isinstance(text, bytes) else text.encode())

    def read(self, path: str) -> str:
        return (self.folder / path).read_bytes().decode()

    def go_to(self, folder: str) -> None:
        self._monkeypatch.chdir(self.folder / folder)

    def git(self, *arguments: str, folder: str = ".") -> str:
        command = ["git", "-C", str(self.folder / folder), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def commit(self, folder: str = ".") -> None:
        self.git("add", "--all", folder=folder)
        self.git("commit", "--quiet", "--allow-empty", "--message", "as it is now", folder=folder)

    def __call__(self, *arguments: str, stdin: str | None = None) -> Run:
        from rke2_lint import cli

        if stdin is not None:
            self._monkeypatch.setattr(cli, "read_stdin", stdin.encode)
        status = cli.main(arguments)
        out, err = self._capsys.readouterr()
        return Run(status, out, err)

    def found(self, *arguments: str, stdin: str | None = None) -> Run:
        """Run it with a report in JSON."""
        return self("--output-format", "json", *arguments, stdin=stdin)


@pytest.fixture
def lint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Lint:
    """The command line, in an empty folder."""
    return Lint(tmp_path, capsys, monkeypatch)
