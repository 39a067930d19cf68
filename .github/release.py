"""Hold the version and the CHANGELOG against each other, and against what has changed.

    python .github/release.py check v0.1.0     may this be released: one version, a section with a day, nothing left?
    python .github/release.py notes v0.1.0     print that section
    python .github/release.py changes main     does what has changed since `main` stand in the CHANGELOG?

What is wrong is printed, one line each, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
CHANGELOG = "CHANGELOG.md"
SHIPPED = ("linter/", "policies/", "webhook/", "charts/", "action.yml", ".pre-commit-hooks.yaml")
"""What a user gets. A change there is a line in the CHANGELOG, or says why not."""
SKIP = "Changelog: none"
"""A line in a commit's message for changes that nobody outside sees."""

_SECTION = re.compile(
    r"^## (?P<version>[^,\n]+)(?:, (?P<when>[^\n]+))?\n(?P<text>.*?)(?=^## |\Z)",
    re.MULTILINE | re.DOTALL,
)
_VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)
_CHART = re.compile(r'^(version|appVersion): "?([^"\n]+)"?$', re.MULTILINE)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_RELEASED = re.compile(r"\d+\.\d+\.\d+")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, and return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("check", "notes"):
        commands.add_parser(name).add_argument("tag", help="v and the version")
    commands.add_parser("changes").add_argument("base", help="what the work branched off from")
    given = parser.parse_args(arguments)
    if given.command == "changes":
        problems = list(untold(ROOT, given.base))
    elif given.command == "check":
        problems = list(unready(ROOT, given.tag))
    else:
        section = sections(ROOT).get(given.tag.removeprefix("v"))
        problems = [] if section else [f"{CHANGELOG}: no section for {given.tag}"]
        sys.stdout.write(section[1].strip() + "\n" if section else "")
    for problem in problems:
        sys.stderr.write(problem + "\n")
    return 1 if problems else 0


def sections(root: Path) -> dict[str, tuple[str, str]]:
    """Return when each version was released, as its heading says it, and what stands below."""
    text = (root / CHANGELOG).read_text(encoding="utf-8")
    return {one["version"]: (one["when"] or "", one["text"]) for one in _SECTION.finditer(text)}


def unready(root: Path, tag: str) -> Iterator[str]:
    """Yield why a tag must not be released."""
    version = tag.removeprefix("v")
    if not tag.startswith("v") or not _RELEASED.fullmatch(version):
        yield f"{tag}: a tag is v and a version, as in v1.2.3"
        return
    own = "linter/rke2_lint/__init__.py"
    [said] = _VERSION.findall((root / own).read_text(encoding="utf-8"))
    if said != version:
        yield f"{own}: the version is {said}, and not {version}"
    chart = "charts/rke2-webhook/Chart.yaml"
    for key, said in _CHART.findall((root / chart).read_text(encoding="utf-8")):
        if said != version:
            yield f"{chart}: {key} is {said}, and not {version}: run charts/write_chart.py"
    found = sections(root)
    if version not in found:
        yield f"{CHANGELOG}: there is no section for {version}"
    else:
        when, text = found[version]
        if not _DAY.fullmatch(when):
            yield f"{CHANGELOG}: the heading of {version} has no day, as in `## {version}, 2027-01-31`"
        if not re.search(r"^- \S", text, re.MULTILINE):
            yield f"{CHANGELOG}: nothing stands below {version}"
        if next(iter(found)) != version:
            yield f"{CHANGELOG}: {next(iter(found))} stands above {version}: what is told there is part of this release, or of none"


def untold(root: Path, base: str) -> Iterator[str]:
    """Yield what has changed since the work branched off from `base`, and is not told."""
    changed = _git(root, "diff", "--name-only", f"{base}...HEAD").splitlines()
    shipped = [path for path in changed if path.startswith(SHIPPED)]
    if not shipped or CHANGELOG in changed:
        return
    messages = _git(root, "log", "--format=%B", f"{base}..HEAD")
    if SKIP in messages.splitlines():
        return
    more = f" and {len(shipped) - 1} more" if len(shipped) > 1 else ""
    yield (
        f"{CHANGELOG} says nothing of {shipped[0]}{more}: "
        f"add a line, or `{SKIP}` to a commit's message where nobody outside sees a difference"
    )


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=root,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
