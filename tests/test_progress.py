"""Does a long run show how far it is, to people at a terminal and to nobody else?

The terminal is a real one (a pseudo-terminal). A run is made long by a named pipe among the files,
which nobody writes to for a while.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pty = pytest.importorskip("pty", reason="there are no pseudo-terminals here")

CLUSTER = """\
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: prod, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: [IPTABLES_MODE=nft]
    machinePools:
      - {name: all, controlPlaneRole: true, etcdRole: true, workerRole: true, quantity: 1}
"""
IMPATIENT = "import rke2_lint.work as work; work._PATIENCE = 0.0\n"
PLAIN = "import sys; from rke2_lint.cli import main; sys.exit(main())"


def seen(
    folder: Path, *arguments: str, code: str = PLAIN, columns: int = 80, **environment: str
) -> tuple[str, str]:
    """Return what a terminal is sent as standard error, and what goes to standard output, a pipe."""
    ours, theirs = pty.openpty()
    import fcntl
    import struct
    import termios

    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", **environment},
    )
    os.close(theirs)
    told = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux says so when the other end is closed
            break
        if not part:
            break
        told += part
    os.close(ours)
    out = process.communicate()[0]
    return told.decode().replace("\r\n", "\n"), out.decode()


def left_on_screen(told: str) -> str:
    """Return what is to be read when everything is written, as a terminal writes it."""
    lines = []
    for line in told.split("\n"):
        shown: list[str] = []
        for part in line.split("\r"):
            shown[: len(part)] = part
        lines.append("".join(shown).rstrip())
    return "\n".join(lines).strip()


@pytest.fixture
def many(tmp_path: Path) -> Path:
    for number in range(400):
        (tmp_path / f"{number:03}.yaml").write_text("kind: Deployment\n")
    return tmp_path


@pytest.fixture
def slow(many: Path) -> tuple[Path, Callable[[], None]]:
    """A folder, and what lets the pipe in it be read after a bit more than a second."""
    pipe = many / "100-pipe.yaml"
    os.mkfifo(pipe)

    def write() -> None:
        with pipe.open("wb") as end:
            time.sleep(1.3)
            end.write(b"kind: Deployment\n")

    return many, threading.Thread(target=write, daemon=True).start


def named(folder: Path) -> list[str]:
    # A pipe is only waited for where it was named.
    return sorted(path.name for path in folder.iterdir())


def test_a_long_run_shows_a_bar_and_takes_it_away(
    slow: tuple[Path, Callable[[], None]],
) -> None:
    folder, start = slow
    start()
    told, _ = seen(folder, *named(folder))
    assert re.search(r"\[=+ +\] \d+ of 401 files", told)
    assert left_on_screen(told) == "Checked 401 files: no machines of RKE2 to check."


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [((), {"TERM": "dumb"}), (("--quiet",), {})],
    ids=["a dumb terminal", "--quiet"],
)
def test_a_long_run_shows_no_bar(
    slow: tuple[Path, Callable[[], None]],
    arguments: tuple[str, ...],
    environment: dict[str, str],
) -> None:
    folder, start = slow
    start()
    told, _ = seen(folder, *arguments, *named(folder), **environment)
    assert "of 401 files" not in told
    assert "\r" not in told


def test_colours_that_nobody_wants_say_nothing_about_the_bar(many: Path) -> None:
    told, _ = seen(many, ".", code=IMPATIENT + PLAIN, NO_COLOR="1")
    assert "of 400 files" in told


def test_a_short_run_shows_nothing(many: Path) -> None:
    told, _ = seen(many, ".")
    assert told == "Checked 400 files: no machines of RKE2 to check.\n"


def test_nothing_is_shown_in_a_pipe(many: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPATIENT + PLAIN, "."],
        cwd=many, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == "Checked 400 files: no machines of RKE2 to check.\n"


def test_nothing_is_loaded_before_a_second_has_passed(many: Path) -> None:
    code = (
        "import sys; from rke2_lint.cli import main\n"
        "main(['.'])\n"
        "sys.exit(2 if 'rke2_lint.progress' in sys.modules else print('not loaded'))"
    )
    assert "not loaded" in seen(many, code=code)[1]
    assert "not loaded" not in seen(many, code=IMPATIENT + code)[1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked here")
def test_the_work_of_other_processes_counts(tmp_path: Path) -> None:
    for number in range(600):
        (tmp_path / f"{number:03}.yaml").write_text(CLUSTER)
    code = (
        "import rke2_lint.work as work, rke2_lint.progress as progress, rke2_lint.cli as cli\n"
        "work._PATIENCE = progress._PAUSE = work._WORTH_A_PROCESS = 0.0\n"
        "cli.available = lambda: 4\n"
        "share = work.Work._share\n"
        "work.Work._share = lambda *all: (print('shared'), share(*all))[1]\n"
    )
    told, out = seen(tmp_path, ".", code=code + PLAIN)
    assert "shared" in out
    counts = [int(count) for count in re.findall(r"(\d+) of 600 files", told)]
    assert counts == sorted(counts)
    assert counts[-1] == 600
    assert left_on_screen(told) == "Checked 600 files with 600 machines: nothing found."


@pytest.mark.parametrize("columns", [80, 30, 12, 1])
def test_a_line_is_never_wider_than_the_terminal(many: Path, columns: int) -> None:
    told, _ = seen(many, ".", code=IMPATIENT + PLAIN, columns=columns)
    bar, _, _ = told.rpartition("\r")
    assert max(map(len, bar.split("\r"))) <= max(columns - 1, 0)


def test_a_run_that_is_broken_off_leaves_no_bar(many: Path) -> None:
    code = IMPATIENT + (
        "import rke2_lint.cli as cli\n"
        "def stop(*_): raise KeyboardInterrupt\n"
        "work.Work.finish = stop\n"
    )
    told, _ = seen(many, ".", code=code + PLAIN)
    assert "of 400 files" in told
    assert left_on_screen(told) == ""
