"""What the site says that stands elsewhere: the README, the rules, the parsers. A hook of MkDocs.

Nothing of this is kept in the repository, so nothing of it can be stale. Each example of a rule is
run: what its page shows below "Output" is what rke2-lint says of it now.
"""

from __future__ import annotations

import contextlib
import difflib
import io
import json
import os
import posixpath
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import yaml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from rke2_lint.cli import COMMANDS, main
from rke2_lint.command_line import Command, Option, commands
from rke2_lint.rule_page import readable
from rke2_policies.catalog import live_rules, rules
from rke2_policies.rule import AnyRule, Example

ROOT = Path(__file__).parents[1]

POLICY = ".rke2-lint.yaml"
BASELINE = "baseline.json"
# Documents of the repository that are pages, too.
PAGES = {
    "README.md": "index.md",
    "examples/README.md": "examples.md",
    "webhook/README.md": "webhook.md",
    "charts/rke2-webhook/README.md": "webhook-chart.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changes.md",
}
ALONE = "---\nhide: [navigation]\n---\n"
"""The beginning of the page that has no pages beside it."""
# What is a page for people who read the repository, and another one here.
ALSO = {"policies/README.md": "rules/index.md"}
LINK = re.compile(
    r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!https?:|mailto:|#)([^)\s#]+)(#[^)\s]*)?\)"
)
FENCE = re.compile(r"^(```+|~~~+).*?^\1 *$", re.MULTILINE | re.DOTALL)
MENDED = {
    '<div class="md-search" data-md-component="search" role="dialog">': (
        '<div class="md-search" data-md-component="search" role="dialog" aria-label="Search">'
    ),
}
CONTENTS = '<nav class="md-nav md-nav--secondary" aria-label="Table of contents">'
EMPTY_HEADING = re.compile(r"<th([^>]*)></th>")
FIXES = {
    "safe": "`--fix` mends it",
    "unsafe": "`--fix --unsafe-fixes` mends it",
    "shown": "the change is shown, and yours to make",
    "": "there is no fix",
}


# --- what MkDocs calls


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put a page for each rule below the index of rules."""
    for entry in config.nav or []:
        if isinstance(entry, dict) and "Rules" in entry:
            index = entry["Rules"]
            entry["Rules"] = [
                index,
                *_listed(rules().values()),
                {"Live nodes": _listed(live_rules().values())},
            ]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made of something else."""
    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        alone = ALONE if page == "index.md" else ""
        text = alone + _with_links(text, source, page, config)
        files.append(File.generated(config, page, content=text))
    for rule in _all():
        text = "\n\n".join(_rule_page(rule)) + "\n"
        files.append(File.generated(config, f"rules/{rule.id}.md", content=text))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, **_: object) -> str:
    """Fill in what is generated within a page, and let its links be right here as in the repository."""
    name = page.file.src_uri
    markdown = _with_links(markdown, f"docs/{name}", name, config)
    markdown = markdown.replace("<!-- the rules -->", _rule_index(rules().values()))
    markdown = markdown.replace("<!-- the live rules -->", _rule_index(live_rules().values()))
    markdown = markdown.replace("<!-- the action -->", "\n\n".join(_action()))
    return markdown.replace("<!-- the commands -->", "\n\n".join(_commands()))


def on_post_page(output: str, **_: object) -> str:
    """Mend what keeps a screen reader from telling what is there."""
    for theirs, ours in MENDED.items():
        if theirs not in output:
            raise PluginError(f"the theme writes no {theirs} any more: look whether it is mended")
        output = output.replace(theirs, ours)
    if output.count(CONTENTS) > 1:  # in the drawer of a phone, and beside the page
        output = output.replace(CONTENTS, CONTENTS.replace("Table of contents", "On this page"), 1)
    # A heading of a table that says nothing is none.
    return EMPTY_HEADING.sub(r"<td\1></td>", output)


# --- documents of the repository


def _with_links(text: str, source: str, page: str, config: MkDocsConfig) -> str:
    """Let the links of a document lead to pages, or to the repository, or nowhere."""

    def led(found: re.Match[str]) -> str:
        said, target, anchor = found[1], found[2], found[3] or ""
        there = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        to = PAGES.get(there) or ALSO.get(there)
        if to is None and there.startswith("docs/"):
            to = there.removeprefix("docs/")
        if to is not None:
            return f"[{said}]({posixpath.relpath(to, posixpath.dirname(page) or '.')}{anchor})"
        if config.repo_url:
            return f"[{said}]({config.repo_url.rstrip('/')}/blob/main/{there}{anchor})"
        return said

    written, end = "", 0
    for fence in FENCE.finditer(text):
        written += LINK.sub(led, text[end : fence.start()]) + fence[0]
        end = fence.end()
    return written + LINK.sub(led, text[end:])


# --- rules


def _listed(found: Iterable[AnyRule]) -> list[dict[str, str]]:
    return [{rule.id: f"rules/{rule.id}.md"} for rule in found]


def _all() -> list[AnyRule]:
    return [*rules().values(), *live_rules().values()]


def _rule_index(found: Iterable[AnyRule]) -> str:
    rows = [
        f"| [{rule.id}]({rule.id}.md) | {_severity(rule)} | {_cell(rule.summary)} |"
        for rule in found
    ]
    return "\n".join(["| Rule | Severity | |", "|---|---|---|", *rows])


def _rule_page(rule: AnyRule) -> Iterator[str]:
    parts = rule.parts
    ran = {
        id(part): _ran(rule, part) for part in parts if not isinstance(part, str) and part.before
    }
    fixes = {fix for _, found in ran.values() for fix in found}
    yield f"---\ndescription: {json.dumps(rule.summary)}\n---"
    yield f"# {rule.id}"
    first, *others = [text for kind, text in FIXES.items() if kind in fixes] or [""]
    mended = f"{first}; in other cases {' or '.join(others)}" if others else first
    yield f"{_severity(rule)} {mended}\n{{ .facts }}"
    yield f"{_prose(rule.summary)}\n{{ .summary }}"
    bad = good = 0
    for part in parts:
        if isinstance(part, str):
            yield readable(part)
        elif part.before:
            bad += 1
            yield f"## Found{f': example {bad}' if bad > 1 else ''}"
            yield from _bad(part, ran[id(part)][0])
        else:
            good += 1
            yield f"## Not found{f': example {good}' if good > 1 else ''}"
            yield from (_file(path, text) for path, text in part.after.items())


def _severity(rule: AnyRule) -> str:
    name = rule.severity.name.lower()
    return f'<span class="severity {name}">{name}</span>'


def _bad(example: Example, told: str) -> Iterator[str]:
    """Yield an example as tabs: the files, what is told of them, and what the fix changes."""
    yield _tab("Files", [_file(path, text) for path, text in example.before.items()])
    yield _tab("Output", [_fenced("text", told)])
    if example.after:
        patches = [_patch(path, example) for path in example.after]
        yield _tab("Fix", patches)
        yield _tab("After", [_file(path, text) for path, text in example.after.items()])


def _tab(name: str, blocks: list[str]) -> str:
    inside = "\n\n".join(blocks)
    indented = "\n".join(f"    {line}" if line else "" for line in inside.split("\n"))
    return f'=== "{name}"\n\n{indented}'


def _file(path: str, text: str) -> str:
    return _fenced(f'yaml title="{path}"', text)


def _patch(path: str, example: Example) -> str:
    before = example.before.get(path, "").splitlines()
    after = example.after[path].splitlines()
    lines = difflib.unified_diff(before, after, n=3, lineterm="")
    shown = [line for line in lines if not line.startswith(("---", "+++"))]
    return _fenced(f'diff title="{path}"', "\n".join(shown))


def _fenced(info: str, text: str) -> str:
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{' ' if len(info.split()) > 1 else ''}{info}\n{text.rstrip(chr(10))}\n{fence}"


def _ran(rule: AnyRule, example: Example) -> tuple[str, list[str]]:
    """Return what rke2-lint says of an example, and how safe each fix is."""
    files = dict(example.before)
    given = [f"--baseline={path}" for path in files if path.endswith(BASELINE)]
    given.append(f"--config={POLICY}" if rule.policy else "--isolated")
    if rule.policy:
        files[POLICY] = rule.policy
    with _folder(files):
        # What is never found need not be accepted: rules about that find something among others.
        for options in ([*given, f"--select={rule.id}"], given):
            found = json.loads(_said(*options, "--output-format=json", "."))["findings"]
            ours = [one for one in found if one["rule"] == rule.id]
            if ours:
                told = _said(*options, "--no-color", ".")
                return told, [one["fix"]["safety"] if one["fix"] else "" for one in ours]
    raise PluginError(f"{rule.id}: what its page shows is not found")


@contextlib.contextmanager
def _folder(files: Mapping[str, str]) -> Iterator[None]:
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            file = Path(folder, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="")
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(here)


def _said(*arguments: str) -> str:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(["check", *arguments])
    if status not in (0, 1):
        raise RuntimeError(f"rke2-lint {' '.join(arguments)} ended with {status}: {err.getvalue()}")
    return out.getvalue()


# --- the command line


def _commands() -> Iterator[str]:
    for command in commands(tuple(COMMANDS)):
        yield f"## `{_title(command)}`"
        yield command.description
        yield _fenced("text", command.usage)
        if command.positional is not None:
            one = command.positional
            yield f"`{one.metavar}`: {_cell(one.help)}"
        groups = dict.fromkeys(option.group for option in command.options)
        for group in groups:
            if len(groups) > 1:
                yield f"### {_capital(group)} {{ #{command.name}-{group.replace(' ', '-')} }}"
            rows = [_row(option) for option in command.options if option.group == group]
            yield "\n".join(["| Option | |", "|---|---|", *rows])
        if command.epilog:
            yield _fenced("text", command.epilog)


def _title(command: Command) -> str:
    return "rke2-lint" if command.name == "check" else f"rke2-lint {command.name}"


def _row(option: Option) -> str:
    value = f" {option.metavar}" if option.metavar else ""
    names = "<br>".join(f"`{name}{value}`" for name in option.names)
    return f"| {names} | {_cell(option.help)} |"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# --- the action


def _action() -> Iterator[str]:
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    rows = [
        f"| `{name}` | {_cell(one['description'])} | {_default(str(one['default']))} |"
        for name, one in action["inputs"].items()
    ]
    yield "\n".join(["| Input | | Default |", "|---|---|---|", *rows])
    rows = [
        f"| `{name}` | {_cell(one['description'])} |" for name, one in action["outputs"].items()
    ]
    yield "\n".join(["| Output | |", "|---|---|", *rows])


def _default(text: str) -> str:
    return f"`{text}`" if text else ""


# --- words


def _cell(sentence: str) -> str:
    return _prose(sentence).replace("|", "\\|")


def _prose(text: str) -> str:
    """Return prose with `<` outside of code written so that it is none of HTML."""
    parts = re.split(r"(`[^`\n]+`)", text)
    return "".join(part if part.startswith("`") else part.replace("<", "&lt;") for part in parts)
