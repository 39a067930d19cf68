"""Write what is generated of the chart: values.yaml, values.schema.json, the table in its README.

All three come from `rke2-webhook-values.yaml`, the schema of policies from `rke2_policies`, and the
version from the package. `python charts/write_chart.py` writes them; a test says when they are stale.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from native_policies import templates

from rke2_lint import __version__
from rke2_policies.policy_schema import schema as policy_schema

HERE = Path(__file__).parent
SOURCE = HERE / "rke2-webhook-values.yaml"
CHART = HERE / "rke2-webhook"

Schema = dict[str, Any]

_BEGIN, _END = "<!-- values: begin -->\n", "<!-- values: end -->\n"
_WRITTEN = "charts/write_chart.py, from charts/rke2-webhook-values.yaml"
_WIDTH = 100


def main() -> None:
    """Write everything anew."""
    for path, text in written().items():
        path.write_text(text, encoding="utf-8", newline="\n")


def written() -> Mapping[Path, str]:
    """Return the generated files, as they should be."""
    source = yaml.safe_load(SOURCE.read_text("utf-8"))
    readme = CHART / "README.md"
    about = CHART / "Chart.yaml"
    return {
        CHART / "values.yaml": _values(source),
        CHART / "values.schema.json": json.dumps(values_schema(source), indent=1) + "\n",
        readme: _with_table(readme.read_text("utf-8"), source),
        about: _with_version(about.read_text("utf-8")),
        **templates(CHART / "templates", "charts/write_chart.py"),
    }


# The schema. Draft 7, because Helm before 3.18 knows none that is younger.


def values_schema(source: Schema) -> Schema:
    """Return the JSON Schema of the values."""
    definitions = {name: _closed(each) for name, each in source["definitions"].items()}
    definitions |= _policy_definitions()
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$comment": f"Written by {_WRITTEN}.",
        "title": "Values of the chart rke2-webhook",
        **_closed({"properties": source["properties"]}),
        "definitions": definitions,
    }


def _closed(schema: Schema) -> Schema:
    """Return a schema as JSON Schema has it, in which objects with properties take no others."""
    told = {key: schema[key] for key in ("description", "default", "examples") if key in schema}
    if "$ref" in schema:
        # Beside others, draft 7 does not see a `$ref`.
        reference = {"$ref": f"#/definitions/{schema['$ref']}"}
        return {**told, "allOf": [reference]} if told else reference
    rest = {key: value for key, value in schema.items() if key not in (*told, "open")}
    if "properties" in rest:
        rest["type"] = "object"
        rest["properties"] = {name: _closed(each) for name, each in rest["properties"].items()}
        rest["additionalProperties"] = schema.get("open", False)
    for key in ("items", "additionalProperties"):
        if isinstance(rest.get(key), dict):
            rest[key] = _closed(rest[key])
    for key in ("anyOf", "allOf"):
        if key in rest:
            rest[key] = [_closed(each) for each in rest[key]]
    return {**told, **rest}


def _policy_definitions() -> Schema:
    whole = policy_schema()
    own = {f"policy-{name}": _inlined(each) for name, each in whole["$defs"].items()}
    return {**own, "policy": _inlined({"anyOf": whole["anyOf"]})}


def _inlined(schema: Any) -> Any:
    """Return a part of the policies' schema as a part of another one, for readers written in Go."""
    match schema:
        case {"$ref": str(name), **rest}:
            reference = {"$ref": name.replace("#/$defs/", "#/definitions/policy-")}
            return {**rest, "allOf": [reference]} if rest else reference
        case {"pattern": str(pattern), **rest} if "(?=" in pattern or "(?!" in pattern:
            return {**rest, "allOf": list(without_lookahead(pattern))}
        case dict():
            return {key: _inlined(each) for key, each in schema.items()}
        case list():
            return [_inlined(each) for each in schema]
        case _:
            return schema


def without_lookahead(pattern: str) -> Iterator[Schema]:
    """Yield schemas for a pattern with lookaheads, which Go's regular expressions do not have.

    Those at the beginning become schemas of their own. Those further in are left out: then the
    schema takes some that the server, which reads the policy in the end, refuses.
    """
    rest = pattern.removeprefix("^")
    anchored = len(rest) < len(pattern)
    while anchored and rest.startswith(("(?=", "(?!")):
        end = _closing(rest)
        ahead = {"pattern": f"^(?:{rest[3:end]})"}
        yield ahead if rest[2] == "=" else {"not": ahead}
        rest = rest[end + 1 :]
    kept = ""
    while found := re.search(r"\(\?[=!]", rest):
        kept += rest[: found.start()]
        rest = rest[found.start() :]
        rest = rest[_closing(rest) + 1 :]
    yield {"pattern": f"{'^' if anchored else ''}{kept}{rest}"}


def _closing(pattern: str) -> int:
    """Return where the group ends with which a pattern begins."""
    depth, inside = 0, False
    for found in re.finditer(r"\\.|[\[\]()]", pattern):
        match found[0]:
            case "[" if not inside:
                inside = True
            case "]":
                inside = False
            case "(" if not inside:
                depth += 1
            case ")" if not inside:
                depth -= 1
                if depth == 0:
                    return found.start()
    raise ValueError(f"unbalanced: {pattern}")


# values.yaml


def _values(source: Schema) -> str:
    head = f"# Written by {_WRITTEN}.\n"
    return head + "\n" + "\n".join(_section(source["properties"], 0))


def _section(properties: Schema, depth: int) -> Iterator[str]:
    indent = "  " * depth
    for name, schema in properties.items():
        lines = _comment(schema, indent)
        if "properties" in schema and "default" not in schema:
            below = "".join(_section(schema["properties"], depth + 1))
            yield f"{lines}{indent}{name}:\n{below}"
        else:
            yield lines + textwrap.indent(_entry(name, schema["default"]), indent)


def _comment(schema: Schema, indent: str) -> str:
    wrapped = textwrap.wrap(schema["description"], _WIDTH - len(indent) - 2)
    if "enum" in schema:
        wrapped.append(" | ".join(map(str, schema["enum"])))
    for example in schema.get("examples", ()):
        wrapped += ["For example:", *textwrap.indent(_dumped(example), "  ").splitlines()]
    return "".join(f"{indent}# {line}\n" for line in wrapped)


def _entry(name: str, value: Any) -> str:
    if not isinstance(value, (dict, list)):
        return f"{name}: {json.dumps(value)}\n"
    dumped = _dumped(value)
    if dumped.count("\n") == 1 and dumped[0] in "[{":
        return f"{name}: {dumped}"
    return f"{name}:\n{textwrap.indent(dumped, '  ')}"


def _dumped(value: Any) -> str:
    dumped: str = yaml.safe_dump(value, sort_keys=False, width=_WIDTH, default_flow_style=None)
    return dumped


# The README


def _with_table(readme: str, source: Schema) -> str:
    before, _, rest = readme.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    table = "".join(_rows(source["properties"], ()))
    return f"{before}{_BEGIN}<!-- {_WRITTEN} -->\n\n{table}\n{_END}{after}"


def _rows(properties: Schema, above: tuple[str, ...]) -> Iterator[str]:
    if not above:
        yield "| Key | Default | |\n|---|---|---|\n"
    for name, schema in properties.items():
        path = (*above, name)
        key = f"`{'.'.join(path)}`"
        said = schema["description"].replace("|", "\\|")
        if "properties" in schema and "default" not in schema:
            yield f"| **{key}** | | {said} |\n"
            yield from _rows(schema["properties"], path)
            continue
        if "enum" in schema:
            said += f" One of {', '.join(f'`{each}`' for each in schema['enum'])}."
        default = json.dumps(schema["default"]).replace("|", "\\|")
        yield f"| {key} | `{default}` | {said} |\n"


def _with_version(chart: str) -> str:
    chart = re.sub(r"(?m)^version: .*$", f"version: {__version__}", chart)
    return re.sub(r"(?m)^appVersion: .*$", f'appVersion: "{__version__}"', chart)


if __name__ == "__main__":
    main()
