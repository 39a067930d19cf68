"""Real public files, where they are at hand: nothing falls over, nothing else is touched.

The files are not part of this project; `../shared/corpus` holds them, with an index that says what
each of them is. Where that folder is absent the tests are skipped.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml

from rke2_lint.cli import main

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"
KEY = "kube-proxy-extra-env"
PIN = "IPTABLES_MODE=nft"


def names(folders: str) -> list[str]:
    """Return the files of some of the corpus' folders, as `folder/name`."""
    found = [path for folder in folders for path in sorted((CORPUS / folder).glob("*"))]
    return [path.relative_to(CORPUS).as_posix() for path in found]


def classes() -> dict[str, str]:
    """Return what the index says that each file is."""
    index = CORPUS / "index.jsonl"
    lines = index.read_text(encoding="utf-8").splitlines() if index.exists() else []
    return {entry["file"]: entry["klass"] for entry in map(json.loads, lines)}


CLASSES = classes()
ALL = names("abcefghj")
pytestmark = pytest.mark.skipif(not ALL, reason="the corpus is not at ../shared/corpus")

Checked: TypeAlias = dict[str, Any]
Ask: TypeAlias = Callable[..., Checked]


@pytest.fixture(autouse=True)
def _where_the_corpus_is(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if CORPUS.exists():
        monkeypatch.chdir(CORPUS)
    yield
    gc.enable()  # The command line, which runs once in a process, does without.


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    def asked(command: str, *arguments: str) -> Checked:
        status = main([command, "--output-format", "json", *arguments])
        out, errors = capsys.readouterr()
        assert status in (0, 1), errors
        told: Checked = json.loads(out)
        return told

    return asked


def of_severity(told: Checked, *severities: str) -> list[str]:
    return [
        f"{one['line']}: {one['severity']} {one['rule']}: {one['message']}"
        for one in told["findings"]
        if one["severity"] in severities
    ]


@pytest.mark.parametrize("name", ALL)
def test_every_file_is_answered(name: str, ask: Ask) -> None:
    ask("check", name)
    ask("effective", name)


def test_all_of_them_at_once_say_the_same_as_each_alone(ask: Ask) -> None:
    yamls = [name for name in ALL if name.endswith((".yaml", ".yml", ".json"))]
    together = {(one["path"], one["line"], one["rule"]) for one in ask("check", ".")["findings"]}
    alone = {
        (one["path"], one["line"], one["rule"])
        for name in yamls
        for one in ask("check", name)["findings"]
    }
    assert together == alone


@pytest.mark.parametrize("name", names("fgh"))
def test_other_kinds_of_clusters_have_no_errors(name: str, ask: Ask) -> None:
    told = ask("check", name)
    assert not of_severity(told, "error")
    if not name.startswith("f/"):
        assert not told["findings"]


@pytest.mark.parametrize("name", [name for name in names("f") if CLASSES.get(name) == "k3s"])
def test_k3s_is_left_alone(name: str, ask: Ask) -> None:
    told = ask("check", name)
    assert not told["findings"]
    assert {one["verdict"] for one in ask("effective", name)["machines"]} <= {"not-applicable"}


@pytest.mark.parametrize("name", names("a"))
def test_every_cluster_without_the_pin_is_found(name: str, ask: Ask) -> None:
    found = [one for one in ask("check", name)["findings"] if one["rule"] == "missing-nft-pin"]
    machines = ask("effective", name)["machines"]
    assert len(found) == 1
    assert {one["name"] for one in machines} == set(found[0]["machines"])
    verdicts = {one["verdict"] for one in machines}
    assert verdicts == ({"unpinned"} if found[0]["severity"] == "error" else {"unknown"})


@pytest.mark.parametrize("name", names("c"))
def test_what_a_template_decides_is_no_missing_pin(name: str, ask: Ask) -> None:
    told = ask("check", name)
    assert not [one for one in told["findings"] if one["rule"] == "missing-nft-pin"]
    assert {one["verdict"] for one in ask("effective", name)["machines"]} <= {"unknown"}
    assert not [one for one in told["findings"] if one["fix"]]


@pytest.mark.parametrize("options", ["", "--unsafe-fixes"], ids=["safe", "unsafe"])
@pytest.mark.parametrize("name", names("abcefgh"))
def test_fixes_are_minimal_and_converge(
    name: str, options: str, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (CORPUS / name).read_bytes()
    monkeypatch.chdir(tmp_path)
    copy = tmp_path / Path(name).name
    copy.write_bytes(before)
    told = ask("check", copy.name)
    allowed = {"safe", "unsafe"} if options else {"safe"}
    fixable = [one for one in told["findings"] if one["fix"] and one["fix"]["safety"] in allowed]
    ask("check", "--fix", *filter(None, [options]), copy.name)
    after = copy.read_bytes()
    if not fixable:
        assert after == before
        return
    assert {one["rule"] for one in fixable} <= {"missing-nft-pin", "pruned-field"}
    assert_only_inserted(before, after)
    assert_means_the_same_and_the_pin(before, after)
    ask("check", "--fix", *filter(None, [options]), copy.name)
    assert copy.read_bytes() == after, "fixing twice changes nothing more"
    machines = ask("effective", copy.name)["machines"]
    assert {one["verdict"] for one in machines} == {"pinned"}
    assert not [x for x in ask("check", copy.name)["findings"] if x["rule"] == "missing-nft-pin"]


def assert_only_inserted(before: bytes, after: bytes) -> None:
    """Require that whole lines came, and that in JSON, where a comma has to, nothing else did."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        gone, came = b"".join(old[a:b]), b"".join(new[c:d])
        commas = gone.rstrip() + b","
        is_json = before.lstrip().startswith(b"{")
        assert not gone or came.startswith(commas if is_json else gone), "nothing is taken away"


def assert_means_the_same_and_the_pin(before: bytes, after: bytes) -> None:
    """Require that without the pin the file means what it meant, read by a plain reader."""
    try:
        old = list(yaml.load_all(before.decode(), yaml.BaseLoader))
    except yaml.YAMLError:
        return  # What only we can read, such as a template, is proved by ourselves.
    new = list(yaml.load_all(after.decode(), yaml.BaseLoader))
    assert new != old
    assert [without_pin(one) for one in new] == old


def without_pin(value: Any) -> Any:
    """Return a value without the pin, and without the maps that were made for it."""
    if isinstance(value, list):
        return [without_pin(one) for one in value]
    if not isinstance(value, dict):
        return value
    kept = {k: without_pin(v) for k, v in value.items() if not (k == KEY and v == [PIN])}
    config = value.get("machineGlobalConfig")
    if config == {KEY: [PIN]}:
        del kept["machineGlobalConfig"]
    return kept
