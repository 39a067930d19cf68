"""Does every command in the documents still print what stands below it, and is every file shown as it is?

A block that begins with three backticks and `console` is run, command by command, in a fresh copy
of `examples/`. A block below `<!-- the file PATH -->` is that file. To write both anew:
`python tests/test_docs.py`, or `make docs`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = (
    "README.md",
    "CONTRIBUTING.md",
    "examples/README.md",
    *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")),
)
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHOWN = re.compile(r"^<!-- the file (\S+) -->\n```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks() -> Iterator[tuple[str, int, str]]:
    """Yield the document, the line and the text of every block."""
    for name in DOCUMENTS:
        text = (ROOT / name).read_text(encoding="utf-8")
        for found in BLOCK.finditer(text):
            yield name, text.count("\n", 0, found.start()) + 1, found[1]


def as_run(block: str) -> str:
    """Run the commands of a block, and return it with what they print now."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "examples", Path(folder, "examples"))
        environment = {
            **os.environ,
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
            "LC_ALL": "C.UTF-8",
            "NO_COLOR": "1",
        }
        written = ""
        for command in re.findall(r"^\$ (.*\n)", block, re.MULTILINE):
            done = subprocess.run(
                ["sh", "-c", command],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
            )
            written += f"$ {command}{done.stdout}"
    return written


@pytest.mark.skipif(sys.platform == "win32", reason="the blocks are written for a POSIX shell")
@pytest.mark.parametrize(
    "block", [pytest.param(block, id=f"{name}:{line}") for name, line, block in blocks()]
)
def test_a_block_shows_what_its_commands_print(block: str) -> None:
    assert as_run(block) == block


def shown(found: re.Match[str]) -> str:
    """Return a block with what its file says now."""
    path, language, _ = found.groups()
    text = (ROOT / path).read_text(encoding="utf-8")
    return f"<!-- the file {path} -->\n```{language}\n{text}```"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_block_shows_its_file(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert text.count("<!-- the file ") == len(SHOWN.findall(text))
    assert SHOWN.sub(shown, text) == text


def test_every_file_for_ci_is_shown() -> None:
    text = (ROOT / "docs/ci.md").read_text(encoding="utf-8")
    files = {path for path, _, _ in SHOWN.findall(text)}
    assert files == {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "docs/ci").iterdir()
        if path.is_file() and path.suffix != ".py"
    }


def test_every_link_leads_somewhere() -> None:
    for name in DOCUMENTS:
        text = (ROOT / name).read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", text):
            assert ((ROOT / name).parent / target).exists(), f"{name}: {target}"


if __name__ == "__main__":
    for each in DOCUMENTS:
        document = ROOT / each
        old = document.read_text(encoding="utf-8")
        new = BLOCK.sub(lambda found: f"```console\n{as_run(found[1])}```", SHOWN.sub(shown, old))
        document.write_text(new, encoding="utf-8", newline="\n")
