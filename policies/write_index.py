"""Write `policies/README.md`, the index of rules, from the rules themselves.

python policies/write_index.py            write it
python policies/write_index.py --check    say whether it is stale, and end with 1 if so
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from rke2_policies.catalog import live_rules, rules
from rke2_policies.rule import AnyRule

INDEX = Path(__file__).parent / "README.md"
HEAD = """\
# The rules

<!-- Written by policies/write_index.py from the rules' own pages: change those, then run `make docs`. -->

`rke2-lint rule NAME` prints a rule's page: why it matters, with examples of what it finds and what the fix makes of it.
A rule's name stays what it is once it has been released.

"""
TABLE = """\
| Rule | Severity | |
|---|---|---|
"""
LIVE = """
## About live nodes

`rke2-lint node` and `rke2-lint verify` ask these. A policy gives their levels, too; an exemption's `where` is a node's name.

"""


def render() -> str:
    """Return the index: every rule with its severity and the first sentence of its page."""
    files = HEAD + TABLE + _rows(rules().values(), "rules")
    return files + LIVE + TABLE + _rows(live_rules().values(), "live_rules")


def _rows(found: Iterable[AnyRule], package: str) -> str:
    return "".join(
        f"| [{rule.id}](rke2_policies/{package}/{rule.id.replace('-', '_')}.py) "
        f"| {rule.severity.name.lower()} | {_cell(rule.summary)} |\n"
        for rule in found
    )


def _cell(sentence: str) -> str:
    return sentence.replace("|", "\\|").replace("<", "&lt;")


def main() -> int:
    """Return 1 where `--check` finds the index stale."""
    if "--check" not in sys.argv[1:]:
        INDEX.write_text(render(), encoding="utf-8", newline="\n")
        return 0
    if INDEX.exists() and INDEX.read_text(encoding="utf-8") == render():
        return 0
    sys.stderr.write("policies/README.md is stale: run `make docs`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
