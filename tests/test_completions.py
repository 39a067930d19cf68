"""Do the completions work in the shells themselves?

bash and zsh run in a terminal: a line is typed with its tabs, and run, where `rke2-lint` is a
function that prints what it was given. fish tells by itself what it would offer.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rke2_lint.arguments import SHELLS, parser_of
from rke2_lint.cli import COMMANDS, main
from rke2_lint.command_line import UnknownValueError, commands
from rke2_policies.catalog import lint_names, names

ALL = "\x18a"  # ctrl-X a: put everything that would be offered into the line
# What each shell is told before the completions: no colours, no questions, and a key for ALL.
SETTINGS = {
    "bash": r"""
        bind 'set enable-bracketed-paste off'
        bind '"\C-xa": insert-completions'
        source ./completions
    """,
    "zsh": """
        unset zle_bracketed_paste
        unsetopt prompt_cr prompt_sp
        autoload -Uz compinit && compinit -u -D
        zle -C all-matches complete-word _generic
        bindkey '^Xa' all-matches
        zstyle ':completion:all-matches:*' insert true
        zstyle ':completion:all-matches::::' completer _all_matches _complete
        source ./completions
    """,
}
START = {"bash": ["bash", "--noprofile", "--norc", "-i"], "zsh": ["zsh", "-f", "-i"]}


def script(shell: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "rke2_lint", "completions", shell],
        capture_output=True, text=True, encoding="utf-8", check=True,
    )  # fmt: skip
    return done.stdout


class Terminal:
    """A shell in a terminal, which has read the completions in."""

    def __init__(self, shell: str, folder: Path) -> None:
        import pty  # Windows has none

        self.folder = folder
        self.given = folder / "given"
        setup = folder / "setup"
        setup.write_text(
            f"{SETTINGS[shell]}\n"
            f"rke2-lint() {{ printf '%s\\n' \"$@\" > {self.given}.new; mv {self.given}.new {self.given}; }}\n"
        )
        (folder / "completions").write_text(script(shell), encoding="utf-8")
        self.process, self.handle = pty.fork()
        if self.process == 0:  # pragma: no cover - this is the shell
            os.chdir(folder)
            os.environ.update(TERM="xterm", HOME=str(folder), ZDOTDIR=str(folder), LC_ALL="C.UTF-8")
            os.execvp(START[shell][0], START[shell])
        self._write(". ./setup\n")

    def _write(self, keys: str) -> None:
        os.write(self.handle, keys.encode())

    def arguments(self, line: str) -> list[str]:
        """Return what `rke2-lint` is given where this is typed."""
        self.given.unlink(missing_ok=True)
        self._write(f"{line}\n")
        shown, began, again = b"", time.monotonic(), 10.0
        while not self.given.exists():
            # Whoever does not read what a terminal shows makes its shell wait.
            if select.select([self.handle], [], [], 0.05)[0]:
                shown += os.read(self.handle, 65536)
            waited = time.monotonic() - began
            assert waited < 60, shown.decode(errors="replace")
            if waited > again:
                # zsh drops what is typed while it still computes the completion before it.
                self._write("\n")
                again += 10
        return self.given.read_text().splitlines()

    def close(self) -> None:
        os.kill(self.process, 9)
        os.close(self.handle)
        os.waitpid(self.process, 0)


@pytest.fixture(scope="module", params=START)
def terminal(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Terminal]:
    if sys.platform == "win32" or shutil.which(request.param) is None:
        pytest.skip(f"there is no {request.param} here")
    folder = tmp_path_factory.mktemp(request.param)
    files(folder)
    opened = Terminal(request.param, folder)
    with contextlib.closing(opened):
        yield opened


def files(folder: Path) -> None:
    (folder / "clusters").mkdir()
    (folder / "clusters/prod.yaml").touch()
    (folder / "my cluster.yaml").touch()
    quiet = {"cwd": folder, "check": True, "stdout": subprocess.DEVNULL}
    subprocess.run(["git", "init", "--quiet", "--initial-branch=trunk"], **quiet)
    author = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    subprocess.run(["git", *author, "commit", "--quiet", "--allow-empty", "-m", "first"], **quiet)


@pytest.mark.parametrize(
    ("typed", "given"),
    [
        pytest.param("--out\tconc\t", "--output-format concise", id="an option and its value"),
        pytest.param("--output-format=conc\t", "--output-format concise", id="behind the sign"),
        pytest.param("--output-format=sarif=clus\tpr\t", "--output-format sarif clusters/prod.yaml", id="a format's file"),
        pytest.param("rule missing\t", "rule missing-nft-pin", id="a rule"),
        pytest.param("rule syn\tlegacy-b\t", "rule syntax legacy-backend", id="a second rule"),
        pytest.param("rule --format mark\t", "rule --format markdown", id="an option of a command"),
        pytest.param("effective --out\tj\t", "effective --output-format json", id="another command's"),
        pytest.param("--select missing\t,legacy-b\t", "--select missing-nft-pin,legacy-backend", id="a list"),
        pytest.param("--ignore=syn\t,legacy-b\t", "--ignore syntax,legacy-backend", id="a list behind the sign"),
        pytest.param("check --as k3s\t", "check --as k3s-config", id="a kind"),
        pytest.param("eff\tclus\tpr\t", "effective clusters/prod.yaml", id="a command and a file"),
        pytest.param("my\t", "my cluster.yaml", id="a file with a blank"),
        pytest.param("--fix clus\tpr\t", "--fix clusters/prod.yaml", id="a file behind a flag"),
        pytest.param("completions z\t", "completions zsh", id="a shell"),
        pytest.param("--no-c\tmy\t", "--no-color my cluster.yaml", id="a long flag"),
        pytest.param("-- eff\t", "-- eff", id="no command behind two dashes"),
        pytest.param("--select zz\t", "--select zz", id="no file for a rule"),
    ],
)  # fmt: skip
def test_a_line_is_completed(terminal: Terminal, typed: str, given: str) -> None:
    """With `=` or a blank between an option and its value, as the shell likes it."""
    words = terminal.arguments(f"rke2-lint {typed}")
    assert re.sub("[= ]+", " ", " ".join(words)) == given


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        pytest.param("--select miss", "missing-nft-pin misspelt-setting misspelt-variable", id="rules"),
        pytest.param("rule near-l", "near-legacy", id="rules about live nodes"),
        pytest.param("--select near-l", "", id="which no file is asked about"),
        pytest.param("rule --f", "--format", id="options"),
        pytest.param("completions ", " ".join(SHELLS), id="words"),
        pytest.param("effective --output-format ", "json text", id="formats"),
    ],
)  # fmt: skip
def test_all_that_fits_is_offered(terminal: Terminal, typed: str, offered: str) -> None:
    words = terminal.arguments(f"rke2-lint {typed}{ALL}")
    found = {word.rstrip("=") for word in words} - set(typed.split())
    assert found == set(offered.split())


def test_every_rule_is_offered(terminal: Terminal) -> None:
    assert set(terminal.arguments(f"rke2-lint rule {ALL}")) == {"rule", *names()}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_offered(terminal: Terminal, command: str) -> None:
    long = {
        name
        for option in commands([command])[0].options
        for name in option.names
        if name.startswith("--")
    }
    words = terminal.arguments(f"rke2-lint {command} --{ALL}")
    assert {word.rstrip("=") for word in words} - {"--"} == long | {command}


# --- fish


@pytest.fixture(scope="module")
def fish(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("fish") is None:
        pytest.skip("there is no fish here")
    folder = tmp_path_factory.mktemp("fish")
    files(folder)
    (folder / "completions").write_text(script("fish"), encoding="utf-8")
    return folder


def offered_by_fish(folder: Path, line: str) -> set[str]:
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"source completions; complete -C 'rke2-lint {line}'"],
        cwd=folder, capture_output=True, text=True, check=True, timeout=60,
        env={**os.environ, "HOME": str(folder), "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert done.stderr == ""
    return {line.partition("\t")[0] for line in done.stdout.splitlines()}


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        pytest.param("--out", {"--output-format"}, id="an option"),
        pytest.param("--select miss", {"missing-nft-pin", "misspelt-setting", "misspelt-variable"}, id="rules"),
        pytest.param("--select=syntax,missing", {"--select=syntax,missing-nft-pin"}, id="a list"),
        pytest.param("--output-format sarif=clus", {"sarif=clusters/"}, id="a format's file"),
        pytest.param("rule --format ", {"text", "markdown", "json"}, id="the formats of a command"),
        pytest.param("completions ", set(SHELLS), id="words and no files"),
        pytest.param("rule syn", {"syntax"}, id="a rule"),
        pytest.param("rule near-l", {"near-legacy"}, id="a rule about live nodes"),
        pytest.param("eff", {"effective"}, id="a command"),
        pytest.param("clus", {"clusters/"}, id="a folder"),
        pytest.param("effective clusters/", {"clusters/prod.yaml"}, id="a file"),
    ],
)  # fmt: skip
def test_fish_offers(fish: Path, line: str, offered: set[str]) -> None:
    assert offered_by_fish(fish, line) == offered


def test_fish_offers_no_rule_that_no_file_is_asked_about(fish: Path) -> None:
    assert offered_by_fish(fish, "--select ") == set(lint_names())
    assert offered_by_fish(fish, "rule ") == set(names())


def test_fish_offers_no_rule_twice_in_a_list(fish: Path) -> None:
    assert "syntax,syntax" not in offered_by_fish(fish, "--select syntax,")
    assert "syntax,legacy-backend" in offered_by_fish(fish, "--select syntax,")


@pytest.mark.parametrize("command", COMMANDS)
def test_fish_offers_every_option(fish: Path, command: str) -> None:
    long = {name for one in commands([command])[0].options for name in one.names}
    assert offered_by_fish(fish, f"{command} -") == long


# --- what they are written from


def test_there_is_a_completion_for_every_command_and_every_value() -> None:
    """A new option whose value nobody has described would be an error for whoever wants completions."""
    told = commands(tuple(COMMANDS))
    assert [one.name for one in told] == list(COMMANDS)
    for one in told:
        names_ = {name for action in parser_of(one.name)._actions for name in action.option_strings}
        assert {name for option in one.options for name in option.names} == names_


def test_a_value_that_nobody_has_described_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rke2_lint.command_line._VALUES", {})
    with pytest.raises(UnknownValueError, match="paths, which is called PATHS"):
        commands(["check"])


@pytest.mark.parametrize("arguments", [[], ["tcsh"], ["bash", "zsh"]], ids=" ".join)
def test_a_shell_must_be_named(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completions", *arguments]) == 2
    assert "rke2-lint completions bash|zsh|fish" in capsys.readouterr().err


def test_the_script_for_bash_is_clean_for_shellcheck(tmp_path: Path) -> None:
    shellcheck = shutil.which(
        "shellcheck", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    )
    if shellcheck is None:
        pytest.skip("there is no shellcheck here")
    (tmp_path / "completions").write_text(script("bash"), encoding="utf-8")
    done = subprocess.run(
        [shellcheck, "--shell=bash", tmp_path / "completions"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
