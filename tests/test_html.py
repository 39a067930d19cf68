"""Is the HTML report one sound page, whatever the files say?

How it looks and what it does is tested in a browser: tests/browser. What it says stands in
tests/golden/*/report.html, without the style and the script that every page has:
`pytest tests/test_html.py --regenerate` writes it anew.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rke2_lint import __version__
from rke2_lint.cli import main
from rke2_lint.files import discover
from rke2_lint.options import Options
from rke2_lint.outcome import Outcome
from rke2_lint.page import escape
from rke2_lint.page.excerpt import change, excerpt
from rke2_lint.page.filters import Choice, Facet, style
from rke2_lint.page.wording import sentence
from rke2_lint.remarks import Line, Region, Remark
from rke2_lint.reporters.html import render
from rke2_lint.work import Work, units

GOLDEN = Path(__file__).parent / "golden"
SCENARIOS = sorted(folder.name for folder in GOLDEN.iterdir() if (folder / "input").is_dir())
VOID = {"meta", "link", "input", "wbr", "br", "path"}
ALL = "".join(map(chr, range(0x110000)))


class Page(HTMLParser):
    """A page as a browser's parser sees it; every element has to be closed where it belongs."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.raw: dict[str, list[str]] = {"style": [], "script": []}
        self.policy = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        assert len(said) == len(attrs), f"an attribute stands twice in {tag}"
        self.attributes |= said.keys()
        if said.get("http-equiv") == "Content-Security-Policy":
            self.policy = said["content"] or ""
        for name, found in (("id", self.ids), ("href", self.links)):
            if said.get(name):
                found.append(str(said[name]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag != "path":
            assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag == "path"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in self.raw:
            self.raw[self.open[-1]].append(data)
        else:
            self.texts.append(data)


def report(*paths: str) -> str:
    main(["--output-format", "html=report.html", *(paths or (".",))])
    return Path("report.html").read_text(encoding="ascii")


@pytest.fixture(params=SCENARIOS)
def scenario(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Stand in a copy of a scenario's folder, and return the scenario's own."""
    folder = GOLDEN / str(request.param)
    shutil.copytree(folder / "input", tmp_path / "input")
    monkeypatch.chdir(tmp_path / "input")
    return folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- what it says


def test_what_the_page_says(scenario: Path, pytestconfig: pytest.Config) -> None:
    said = report().replace(__version__, "VERSION")
    said = re.sub(r"<(style|script)>.*?</\1>", r"<\1>…</\1>", said, flags=re.DOTALL)
    said = re.sub(r"'sha256-[^']+'", "'sha256-…'", said)
    golden = scenario / "report.html"
    if pytestconfig.getoption("regenerate"):
        golden.write_text(said, encoding="utf-8", newline="\n")
    assert said == golden.read_text(encoding="utf-8")


def test_the_same_files_give_the_same_bytes(scenario: Path) -> None:
    assert report() == report()


def test_machines_and_findings_lead_to_each_other(folder: Path) -> None:
    (folder / "one.yaml").write_text(cluster("one", "[IPTABLES_MODE=NFT]"))
    said = report()
    [machine] = re.findall(r'<tr role="row" id="([^"]+)"', said)
    [finding] = re.findall(r'<div class="inside" id="([^"]+)"', said)
    assert f'<a href="#{finding}">invalid-backend</a>' in said
    assert f'<a href="#{machine}">fleet-default/<wbr>one/<wbr>all</a>' in said


def test_addresses_stay_when_lines_move(folder: Path) -> None:
    path = folder / "one.yaml"
    path.write_text(cluster("one", "[IPTABLES_MODE=NFT]"))
    before = Page(report()).ids
    path.write_text(f"# moved\n\n{path.read_text()}")
    assert Page(report()).ids == before


@pytest.mark.parametrize(
    ("values", "headline"),
    [
        pytest.param([], "No machine here needs a pin", id="no machine"),
        pytest.param(["[IPTABLES_MODE=nft]"], "The one machine here is pinned to nft", id="one"),
        pytest.param(["[]"], "The one machine here is not pinned", id="one that is not"),
        pytest.param(["[IPTABLES_MODE=nft]"] * 2, "All 2 machines are pinned to nft", id="all"),
        pytest.param(
            ["[IPTABLES_MODE=nft]", "[]"], "1 of 2 machines is pinned to nft", id="not all"
        ),
    ],
)
def test_the_headline(folder: Path, values: list[str], headline: str) -> None:
    for number, value in enumerate(values):
        (folder / f"{number}.yaml").write_text(cluster(f"c{number}", value))
    said = report()
    assert f"<h1>{headline}</h1>" in said
    assert f"<title>{headline} &#183; rke2-lint</title>" in said


def test_the_headline_speaks_of_the_backend_that_is_wanted(folder: Path) -> None:
    (folder / "new.yaml").write_text(cluster("new", "[IPTABLES_MODE=nft]"))
    (folder / "old.yaml").write_text(cluster("old", "[IPTABLES_MODE=legacy]"))
    (folder / ".rke2-lint.yaml").write_text(
        "overrides: [{clusters: ['*/old'], params: {backend: legacy}, reason: RHEL 7}]\n"
    )
    assert "<h1>All 2 machines are pinned</h1>" in report()
    (folder / "new.yaml").unlink()
    assert "<h1>The one machine here is pinned to legacy</h1>" in report()


def test_what_could_not_be_read_stands_above_all(folder: Path) -> None:
    said = report("missing.yaml")
    assert said.index("1 path could not be read") < said.index("Clusters and machines")


def test_what_is_suppressed_is_folded_away_with_its_reason(folder: Path) -> None:
    class Told(NamedTuple):
        remark: Remark
        kind: str
        reason: str

    class WithSuppressed(Outcome):
        suppressed: Sequence[Told]

    (folder / "lab.yaml").write_text(cluster("lab", "[IPTABLES_MODE=legacy]"))
    work = Work(Options(pictures=True, machines=True))
    work.run(units(discover(["."], keep_link=lambda _: False).files))
    [remark] = work.outcome.remarks
    outcome = WithSuppressed()
    assert "Suppressed" not in render(outcome)
    outcome.suppressed = [
        Told(remark, "inSource", "old kernels <until May>"),
        Told(remark, "external", ""),
    ]
    said = render(outcome)
    page = Page(said)
    assert page.open == []
    assert len(set(page.ids)) == len(page.ids)
    assert "#suppressed" in page.links
    assert "Nothing was found." in said
    assert "Suppressed by a comment or an annotation: old kernels &lt;until May&gt;" in said
    assert "Suppressed by the policy or the baseline<" in said
    assert '<option value="legacy-backend">' in said


# --- one sound page


def cluster(name: str, value: str) -> str:
    return f"""\
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {{name: "{name}", namespace: fleet-default}}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: {value}
    machinePools:
      - {{name: all, controlPlaneRole: true, etcdRole: true, workerRole: true, quantity: 1}}
"""


def test_elements_are_closed_and_links_lead_somewhere(scenario: Path) -> None:
    page = Page(report())
    assert page.open == []
    assert len(set(page.ids)) == len(page.ids)
    targets = {link.removeprefix("#") for link in page.links if link.startswith("#")}
    assert targets <= set(page.ids)
    assert {link for link in page.links if not link.startswith("#")} == {"data:,"}


def test_the_policy_allows_what_is_in_the_page_and_nothing_else(scenario: Path) -> None:
    page = Page(report())
    directives = dict(each.strip().split(" ", 1) for each in page.policy.split(";"))
    assert directives == {
        "default-src": "'none'",
        "style-src": " ".join(map(hash_of, page.raw["style"])),
        "script-src": " ".join(map(hash_of, page.raw["script"])),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert not {name for name in page.attributes if name.startswith("on") or name == "style"}


def hash_of(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_no_secret_is_told(scenario: Path) -> None:
    secrets = ("hunter2", "correct-horse", "K10c0ffee", "s3cret", "AKIAEXAMPLE", "also-secret")
    said = report()
    assert [secret for secret in secrets if secret in said] == []


@given(name=st.text(), value=st.text())
@example(name="</script><script>alert(1)</script>", value="\u202e\u2066<!--")
@example(name="'\"><img src=x onerror=alert(1)>", value="\x00\x1b[31m\ud800&amp;&#60;")
def test_nothing_that_a_file_says_becomes_a_tag(name: str, value: str) -> None:
    region = Region(1, 1, 1, 3)
    html = (
        f"<p>{escape.text(name)}{escape.path(value)}{escape.prose(name)}</p>"
        f"{excerpt([Line(1, name), Line(2, value)], region)}{change([Line(1, name, '-')])}"
    )
    page = Page(html)
    assert page.open == []
    assert page.attributes <= {"class"}
    assert html.isascii()
    assert "".join(page.texts).replace("\n", "").isprintable()


def test_text_that_can_be_seen_is_told_as_it_is() -> None:
    said = "".join(character for character in ALL if character.isprintable())
    assert Page(escape.text(said)).texts == [said]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        pytest.param("a\u202eb", "aU+202Eb", id="bidirectional override"),
        pytest.param("a\u200bb", "aU+200Bb", id="zero width"),
        pytest.param("a\x1bb", "a\u241bb", id="control character"),
        pytest.param("a\nb", "a\u240ab", id="line feed"),
        pytest.param("a\tb", "a\u2192   b", id="tab"),
        pytest.param("a\udc80b", "aU+DC80b", id="byte of a file name"),
        pytest.param("a\U000e0041b", "aU+E0041b", id="tag character"),
        pytest.param("日本語", "日本語", id="letters of anywhere"),
    ],
)
def test_what_nobody_would_see_is_written_out(said: str, shown: str) -> None:
    assert "".join(Page(escape.text(said)).texts) == shown


def test_of_an_endless_line_what_lies_around_the_mark_is_shown() -> None:
    line = "x" * 50_000 + "HERE" + "y" * 50_000
    html = excerpt([Line(7, line)], Region(7, 50_001, 7, 50_005))
    assert "<mark>HERE</mark>" in html
    assert len(html) < 1_000


def test_a_change_has_its_signs_in_its_text() -> None:
    html = change([Line(1, "same"), Line(2, "old", "-"), Line(2, "new", "+")])
    assert "".join(Page(html).texts).split() == ["1", "same", "2-old", "2+new"]


def test_a_change_without_end_is_cut() -> None:
    html = change([Line(number, "x", "+") for number in range(1, 101)])
    assert html.count("<ins>") == 40
    assert "60 more lines" in html


@pytest.mark.parametrize("word", ['"]', "a b", "A", ""])
def test_a_filter_takes_words_only(word: str) -> None:
    with pytest.raises(ValueError, match="no word for a filter"):
        style([Facet("verdict", "Verdict", [Choice(word, 1)])], [])


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("nothing sets it", "Nothing sets it"),
        ("machineGlobalConfig says so", "machineGlobalConfig says so"),
        ("config.yaml replaces it", "config.yaml replaces it"),
        ("IPTABLES_MODE is legacy", "IPTABLES_MODE is legacy"),
        ("", ""),
    ],
)
def test_a_message_starts_as_a_sentence_does(said: str, told: str) -> None:
    assert sentence(said) == told
