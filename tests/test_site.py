"""Is the site whole: every rule, option and key on it, every link leading somewhere, nothing from elsewhere?

How it looks and works in a browser: tests/browser/test_site.py.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
import yaml

from rke2_lint.cli import COMMANDS
from rke2_lint.command_line import commands
from rke2_policies.catalog import live_rules, rules

pytest.importorskip("material", reason="`make site` installs MkDocs")

ROOT = Path(__file__).parents[1]
RULES = [*rules().values(), *live_rules().values()]


def build(root: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8",
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = build(ROOT, folder)
    assert done.returncode == 0, done.stdout
    return folder


class Links(HTMLParser):
    """What a page refers to, what it loads, and the places that it has a name for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.loaded: list[str] = []
        self.names: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        self.names |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag == "a" and "href" in given:
            self.targets.append(given["href"])
        if tag == "link" and given.get("rel") not in ("canonical", "next", "prev"):
            self.loaded.append(given["href"])
        if "src" in given:
            self.loaded.append(given["src"])


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Links]:
    """Every page by its address on the site."""
    return {
        "/" + page.relative_to(site).as_posix().removesuffix("index.html"): Links(
            page.read_text(encoding="utf-8")
        )
        for page in site.rglob("*.html")
    }


def test_every_link_leads_to_a_page_and_a_place(site: Path, pages: dict[str, Links]) -> None:
    for address, page in pages.items():
        if address == "/404.html":  # its links are for whatever address was wrong
            continue
        for target in page.targets:
            parts = urlsplit(urljoin(f"https://site{address}", target))
            if parts.netloc != "site":
                continue
            there = pages.get(parts.path)
            if there is None:
                assert (site / unquote(parts.path).lstrip("/")).is_file(), f"{address}: {target}"
            elif parts.fragment:
                assert unquote(parts.fragment) in there.names, f"{address}: {target}"


def test_the_navigation_names_every_page_once() -> None:
    listed = re.findall(r"^ +- .*?([\w/-]+\.md)", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    assert len(listed) == len(set(listed))


def test_from_every_page_of_a_section_one_gets_to_the_others(site: Path) -> None:
    """The theme shows the pages of a section beside each of them, unless a page hides that."""
    hidden = {
        page.parent.relative_to(site).as_posix()
        for page in site.rglob("index.html")
        if re.search(r'data-md-type="navigation" hidden', page.read_text(encoding="utf-8"))
    }
    assert hidden == {"."}


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[str, Links]) -> None:
    for address, page in pages.items():
        for target in page.loaded:
            assert not urlsplit(target).netloc, f"{address}: {target}"
    for sheet in site.rglob("*.css"):
        for target in re.findall(r"url\(\s*['\"]?([^)'\"]+)", sheet.read_text(encoding="utf-8")):
            assert target.startswith(("data:", ".", "assets")), f"{sheet.name}: {target}"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_has_its_page(site: Path, rule: object) -> None:
    name = rule.id  # type: ignore[attr-defined]
    page = (site / "rules" / name / "index.html").read_text(encoding="utf-8")
    assert f'<h1 id="{name}">' in page
    for mark in ("```", "=== &quot;", "{ .facts }", "{ .summary }"):
        assert mark not in page, "Markdown that was not understood"
    for example in rule.examples:  # type: ignore[attr-defined]
        if example.before:
            assert f"[{name}]" in re.sub("<[^>]+>", "", page), "what is told of the example"


def test_every_option_is_on_the_page_of_the_command_line(site: Path) -> None:
    page = (site / "command-line/index.html").read_text(encoding="utf-8")
    for command in commands(tuple(COMMANDS)):
        for option in command.options:
            for name in option.names:
                assert f"<code>{name}" in page, f"{command.name} {name}"


def test_every_input_of_the_action_is_on_the_page_of_ci(site: Path) -> None:
    page = (site / "ci/index.html").read_text(encoding="utf-8")
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    for name in (*action["inputs"], *action["outputs"]):
        assert f"<code>{name}</code>" in page


def test_the_search_knows_rules_and_keys(site: Path) -> None:
    index = json.loads((site / "search/search_index.json").read_text(encoding="utf-8"))
    titles = {entry["title"] for entry in index["docs"]}
    assert {rule.id for rule in RULES} <= titles
    text = " ".join(entry["text"] for entry in index["docs"])
    assert "required-settings" in text


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the site is made of, to break it."""
    folder = tmp_path_factory.mktemp("copy")
    for name in ("docs", "examples", "webhook", "charts"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("mkdocs.yml", "action.yml", "README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        pytest.param("[x](nowhere.md)", "nowhere.md", id="a page that is not there"),
        pytest.param("[x](rules/index.md#nowhere)", "nowhere", id="a place that is not there"),
    ],
)
def test_a_mistake_stops_the_build(copy: Path, tmp_path: Path, broken: str, said: str) -> None:
    page = copy / "docs/ci.md"
    good = page.read_text(encoding="utf-8")
    page.write_text(f"{good}\n{broken}\n", encoding="utf-8")
    try:
        done = build(copy, tmp_path)
    finally:
        page.write_text(good, encoding="utf-8")
    assert done.returncode != 0
    assert said in done.stdout
