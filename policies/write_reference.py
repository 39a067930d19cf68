"""Write what is made from the table of a policy's keys: its JSON Schema, and its reference.

python policies/write_reference.py            write policy.schema.json and docs/configuration.md
python policies/write_reference.py --check    say which is stale, and end with 1 if one is
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from rke2_policies.policy_keys import (
    ByName,
    Glob,
    Key,
    LabelSelector,
    Many,
    RuleName,
    Section,
    Shape,
    Text,
    Values,
    Word,
    keys,
)
from rke2_policies.policy_schema import schema

HERE = Path(__file__).parent
SCHEMA = HERE / "rke2_policies" / "policy.schema.json"
STRICT = SCHEMA.with_name("baselines") / "strict.yaml"
REFERENCE = HERE.parent / "docs" / "configuration.md"
_AGAIN = "overrides[].params"
"""The key whose keys are told already, below `params`."""
HEAD = """\
# Configuration

<!-- Written by policies/write_reference.py from rke2_policies/policy_keys.py: change that, then run `make docs`. -->

A policy says what an organisation wants. The linter reads it from `.rke2-lint.yaml`, or from the
table `[tool.rke2-lint]` of a `pyproject.toml`, whichever is nearest to the file that it looks at;
the webhook reads the same file with `--policy`. Without one, the baseline `default` holds.

```yaml
# .rke2-lint.yaml
extends: strict
exclude: [vendor/]
params:
  required-settings:
    profile: cis
overrides:
  - labels: {matchLabels: {hosts: old}}
    params: {backend: legacy}
    reason: RHEL 7, whose iptables know nothing but legacy
exempt:
  - rule: prerelease-version
    where: fleet-default/lab
    reason: this cluster tries releases out
    until: 2027-03-31
```

Two baselines are built in. `default` is what holds where nobody says anything: each rule counts as
its page says. `strict` is for repositories in which nothing may stay undecided;
[its text](#the-baseline-strict) is below.

Globs of files count from the folder of the policy that says them: [which globs there
are](files.md#leaving-files-out). Those of a policy that is named with `--config` count from the
current folder, so that one policy may serve many repositories.

An error in a policy names the file, the line, the key and the nearest name that there is. Editors
check and complete one by its JSON Schema, which is in the package
(`rke2_policies/policy.schema.json`), and which `rke2-lint config --schema` prints:

```yaml
# yaml-language-server: $schema=policy.schema.json
```

"""


def render_schema() -> str:
    """Return the schema as it is published."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def render_reference() -> str:
    """Return the reference: every key with what it takes, what holds without it, and an example."""
    listed = "\n".join("\n".join(_key(name, key)) for name, key in keys() if not _is_again(name))
    strict = STRICT.read_text(encoding="utf-8")
    return f"{HEAD}{listed}\n## The baseline `strict`\n\n```yaml\n{strict}```\n"


def _key(name: str, key: Key) -> Iterator[str]:
    yield f"{'#' * min(2 + _depth(name), 4)} `{name}`"
    yield ""
    yield key.says
    yield ""
    takes = "what [`params`](#params) takes" if name == _AGAIN else _takes(key.shape)
    yield f"- **Takes**: {takes}"
    if key.required:
        yield "- **Required**"
    if key.default:
        word = isinstance(key.shape, Word) and key.default in key.shape.choices
        default = f"`{key.default}`" if word else key.default
        yield f"- **Without it**: {default}"
    yield ""
    yield "```yaml"
    yield yaml.safe_dump(
        _nested(name, key), default_flow_style=False, sort_keys=False, width=100
    ).rstrip("\n")
    yield "```"
    yield ""


def _depth(name: str) -> int:
    return name.count(".")


def _is_again(name: str) -> bool:
    """Return whether a key is told already: the params of an override are those of a policy."""
    return name.startswith(f"{_AGAIN}.")


def _nested(name: str, key: Key) -> object:
    """Return a whole example of a key, below the keys that lead to it."""
    *above, _ = name.split(".")
    order = [other.name for whole, other in keys() if whole.split(".")[:-1] == above]
    said = {**key.beside, key.name: key.example}
    tree: object = {one: said[one] for one in sorted(said, key=order.index)}
    for step in reversed(above):
        if step == "*":
            tree = {"profile": tree}
        elif step.endswith("[]"):
            tree = {step.removesuffix("[]"): [tree]}
        else:
            tree = {step: tree}
    return tree


def _takes(shape: Shape) -> str:
    match shape:
        case Section():
            return "a mapping of the keys below"
        case ByName("rule", value):
            return f"a mapping of rules; each takes {_takes(value)}"
        case ByName(_, value):
            return f"a mapping of RKE2's settings; each takes {_takes(value)}"
        case Many(Section()):
            return "a list of mappings with the keys below"
        case Many(item):
            return f"a list; each item is {_takes(item)}"
        case Word(choices):
            return "one of " + ", ".join(f"`{word}`" for word in choices)
        case RuleName():
            return "the name of a rule"
        case Glob():
            return "a glob, as in .gitignore"
        case Text(_, wanted):
            return wanted or "a text"
        case LabelSelector():
            return "a label selector of Kubernetes"
        case Values(in_full):
            plain = "a text, a whole number, `true`, `false`, or a list of texts"
            return f"{plain}; or a mapping of the keys below" if in_full else plain
        case _:
            raise TypeError(shape)


def main() -> int:
    """Return 1 where `--check` finds one of them stale."""
    stale = 0
    for path, text in ((SCHEMA, render_schema()), (REFERENCE, render_reference())):
        if "--check" not in sys.argv[1:]:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            sys.stderr.write(f"{path.name} is stale: run `make docs`\n")
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main())
