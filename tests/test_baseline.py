"""Does a baseline let nothing but the old through: moved, counted, repaired, and looked at in parts?"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rke2_lint.baseline_file import Baseline, read_entries, written
from rke2_lint.cli import main
from rke2_policies.baseline import Known, entries_of, match, place_of

CLEAN, FOUND, USAGE = 0, 1, 2
FILE = ".rke2-lint-baseline.json"
CONFIG = "node/etc/rancher/rke2/config.yaml"
LEGACY = "kube-proxy-extra-env:\n  - IPTABLES_MODE=legacy\n"
CLUSTER = """\
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: prod, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env:
        - IPTABLES_MODE=legacy
"""
UNPINNED = CLUSTER.replace("prod", "third").replace("legacy", "").replace("IPTABLES_MODE=", "A=1")
Command = Callable[..., "Run"]
Edit = tuple[int, int, str]
"""Where it begins and ends, and what is put there."""


class Run:
    """One run of the command line, and what it said."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status = status
        self.out = out
        self.err = err

    @property
    def rules(self) -> list[str]:
        """The rules in a report that is `concise`."""
        return re.findall(r"\(([a-z0-9-]+)\)(?: \[\*\])?$", self.out, re.MULTILINE)


@pytest.fixture
def run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Command:
    """Return what runs the command line in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str) -> Run:
        status = main(["--output-format", "concise", *arguments])
        return Run(status, *capsys.readouterr())

    return command


@pytest.fixture
def adopted(run: Command) -> Command:
    """A repository with a baseline of three findings."""
    write({"a.yaml": CLUSTER, CONFIG: LEGACY, "b.yaml": CLUSTER.replace("prod", "test")})
    done = run("--write-baseline", ".")
    assert done.status == CLEAN
    assert f"Wrote {FILE}." in done.err
    assert listed() == Counter(
        {
            ("a.yaml", "Cluster fleet-default/prod"): 1,
            ("b.yaml", "Cluster fleet-default/test"): 1,
            (CONFIG, CONFIG): 1,
        }
    )
    assert run("--baseline", FILE, ".").status == CLEAN
    return run


def write(files: dict[str, str]) -> None:
    for path, text in files.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text)


def listed(path: str = FILE) -> Counter[tuple[str, str]]:
    """Return what a baseline holds: files and objects."""
    entries = read_entries(path, Path(path).read_bytes())
    return Counter({(one.known.path, one.known.object): one.times for one in entries})


# --- what is old, and what is new


def test_a_baseline_is_sorted_and_has_one_line_for_each_entry(adopted: Command) -> None:
    text = Path(FILE).read_text()
    tree = json.loads(text)
    assert tree["version"] == 1
    lines = [line for line in text.splitlines() if '"rule"' in line]
    assert len(lines) == len(tree["findings"]) == 3
    assert tree["findings"] == sorted(tree["findings"], key=lambda one: one["path"])
    assert tree["findings"][0] == {
        "path": "a.yaml",
        "object": "Cluster fleet-default/prod",
        "place": "/spec/rkeConfig/machineGlobalConfig/kube-proxy-extra-env/*",
        "rule": "legacy-backend",
        "count": 1,
    }
    before = Path(FILE).read_bytes()
    assert adopted("--write-baseline", ".").status == CLEAN
    assert Path(FILE).read_bytes() == before


def test_without_the_option_it_is_not_used(adopted: Command) -> None:
    assert adopted(".").rules == ["legacy-backend"] * 3


def test_lines_and_numbers_of_items_may_change(adopted: Command) -> None:
    text = "# A new line.\n\n" + CLUSTER.replace(
        "        - IPTABLES", "        - A=b\n        - IPTABLES"
    )
    write({"a.yaml": text})
    assert adopted("--baseline", FILE, ".").status == CLEAN


def test_what_is_new_is_told(adopted: Command) -> None:
    write({"c.yaml": CLUSTER.replace("prod", "third")})
    done = adopted("--baseline", FILE, ".")
    assert (done.status, done.rules) == (FOUND, ["legacy-backend"])
    assert done.out.startswith("c.yaml:")
    assert "3 accepted" in done.err


def test_one_more_of_the_same_is_new(adopted: Command) -> None:
    write({"a.yaml": f"{CLUSTER}---\n{CLUSTER}"})
    done = adopted("--baseline", FILE, ".")
    assert (done.status, done.rules) == (FOUND, ["legacy-backend"])
    assert done.out.startswith("a.yaml:19:")


def test_an_object_takes_its_findings_to_another_file(adopted: Command) -> None:
    Path("clusters").mkdir()
    Path("a.yaml").rename("clusters/production.yaml")
    assert adopted("--baseline", FILE, ".").status == CLEAN
    assert adopted("--baseline", FILE, "clusters").status == CLEAN


def test_an_object_that_is_still_there_does_not_cover_its_copy(adopted: Command) -> None:
    write({"copy/a.yaml": CLUSTER})
    assert adopted("--baseline", FILE, ".").rules == ["legacy-backend"]
    done = adopted("--baseline", FILE, "copy")
    assert (done.status, done.rules) == (FOUND, ["legacy-backend"])


def test_a_node_s_files_are_known_by_their_path(adopted: Command) -> None:
    Path("node").rename("other")
    done = adopted("--baseline", FILE, ".")
    assert sorted(done.rules) == ["legacy-backend", "stale-baseline"]


def test_it_does_not_matter_where_one_stands(
    adopted: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path / "node")
    assert adopted("--baseline", f"../{FILE}", "..").status == CLEAN
    assert adopted("--baseline", str(tmp_path / FILE), str(tmp_path)).status == CLEAN
    assert adopted("--baseline", f"../{FILE}").status == CLEAN


def test_what_is_in_the_baseline_is_left_alone(adopted: Command) -> None:
    write({"d.yaml": CLUSTER.replace("=legacy", "=NFT")})
    adopted("--write-baseline", ".")
    before = Path("d.yaml").read_text()
    write({"e.yaml": before.replace("prod", "new")})
    done = adopted("--baseline", FILE, "--fix", ".")
    assert done.status == CLEAN
    assert Path("d.yaml").read_text() == before
    assert "IPTABLES_MODE=nft" in Path("e.yaml").read_text()
    adopted("--baseline", FILE, "--add-ignores", "old hosts", ".")
    assert Path("d.yaml").read_text() == before


# --- what is repaired


@pytest.fixture
def repaired(adopted: Command) -> Command:
    write({"a.yaml": CLUSTER.replace("=legacy", "=nft")})
    return adopted


def test_a_repaired_repository_does_not_fail(repaired: Command) -> None:
    done = repaired("--baseline", FILE, ".")
    assert (done.status, done.rules) == (CLEAN, ["stale-baseline"])
    assert done.out.startswith(f"{FILE}:4:5: note: the baseline could shrink: ")
    assert "legacy-backend in Cluster fleet-default/prod is gone" in done.out


def test_it_fails_where_the_policy_says_so(repaired: Command) -> None:
    write({".rke2-lint.yaml": "levels: {stale-baseline: error}\n"})
    assert repaired("--baseline", FILE, ".").status == FOUND
    write({".rke2-lint.yaml": "levels: {stale-baseline: off}\n"})
    assert repaired("--baseline", FILE, ".").rules == []
    assert repaired("--isolated", "--ignore", "stale-baseline", "--baseline", FILE, ".").rules == []


def test_a_fix_lets_it_shrink(repaired: Command) -> None:
    before = Path(FILE).read_text()
    shown = repaired("--baseline", FILE, "--diff", ".")
    assert Path(FILE).read_text() == before
    assert re.findall(r"^[-+] .*$", shown.out, re.MULTILINE) == [f"-{before.splitlines()[3]}"]
    done = repaired("--baseline", FILE, "--fix", ".")
    assert (done.status, done.rules) == (CLEAN, [])
    assert ("a.yaml", "Cluster fleet-default/prod") not in listed()
    assert len(listed()) == 2
    write({"a.yaml": CLUSTER})
    assert repaired("--baseline", FILE, ".").status == FOUND, "it is new then"


@pytest.mark.parametrize(
    "gone", [{"a.yaml"}, {CONFIG}, {"b.yaml", CONFIG}, {"a.yaml", "b.yaml", CONFIG}]
)
def test_what_is_told_is_what_the_fix_does(adopted: Command, gone: set[str]) -> None:
    for path in gone:
        Path(path).unlink()
    before = Path(FILE).read_text()
    edits = edits_told(adopted)
    assert len(edits) == len(gone)
    for number, edit in enumerate(edits):
        after = edited(before, [edit])
        takes_all = number == 0 and len(gone) == 3  # no list has as many commas as entries
        assert len(json.loads(after)["findings"]) == (0 if takes_all else 2)
        assert after.encode() == written(read_entries(FILE, after.encode()))


@pytest.mark.parametrize("kept", ["", "a", "b", "c", "d", "ab", "cd", "ac", "bd", "ad", "abc"])
def test_all_that_is_told_makes_the_bytes_of_the_fix(run: Command, kept: str) -> None:
    write({f"{name}.yaml": CLUSTER.replace("prod", name) for name in "abcd"})
    run("--write-baseline", ".")
    for name in set("abcd") - set(kept):
        Path(f"{name}.yaml").unlink()
    before = Path(FILE).read_text()
    made: list[Edit] = []
    for edit in edits_told(run):
        if not any(edit[0] < end and start < edit[1] for start, end, _ in made):
            made.append(edit)
    assert run("--baseline", FILE, "--fix", ".").status == CLEAN
    assert edited(before, made) == Path(FILE).read_text()


def edits_told(command: Command) -> list[Edit]:
    """Return the edits that a report tells for the baseline: one for each finding."""
    starts = [0]
    for line in Path(FILE).read_text().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    command("--baseline", FILE, "--output-format", "json=report.json", ".")
    report = json.loads(Path("report.json").read_text())
    found = []
    for one in report["findings"]:
        if one["rule"] == "stale-baseline":
            [edit] = one["fix"]["edits"]
            start, end = (
                starts[e["line"] - 1] + e["column"] - 1 for e in (edit["start"], edit["end"])
            )
            found.append((start, end, edit["text"]))
    return found


def edited(text: str, edits: list[Edit]) -> str:
    for start, end, inserted in sorted(edits, reverse=True):
        text = text[:start] + inserted + text[end:]
    return text


def test_a_count_shrinks_too(run: Command) -> None:
    two = "\n".join(f"---\n{CLUSTER}" for _ in range(2))
    write({"a.yaml": two})
    run("--write-baseline", ".")
    assert list(listed().values()) == [2]
    write({"a.yaml": CLUSTER})
    assert "1 of 2 are gone" in run("--baseline", FILE, ".").out
    run("--baseline", FILE, "--fix", ".")
    assert list(listed().values()) == [1]
    assert run("--baseline", FILE, ".").rules == []


def test_what_a_merge_has_written_twice_counts_twice(run: Command) -> None:
    write({"a.yaml": "\n".join(f"---\n{CLUSTER}" for _ in range(2))})
    run("--write-baseline", ".")
    [line] = [line for line in Path(FILE).read_text().splitlines() if '"rule"' in line]
    once = line.replace('"count": 2', '"count": 1')
    Path(FILE).write_text(Path(FILE).read_text().replace(line, f"{once},\n{once}"))
    done = run("--baseline", FILE, ".")
    assert (done.status, done.rules) == (CLEAN, [])
    write({"a.yaml": CLUSTER})
    assert run("--baseline", FILE, ".").rules == ["stale-baseline"]
    run("--baseline", FILE, "--fix", ".")
    assert list(listed().values()) == [1]


def test_a_check_never_lets_it_grow(adopted: Command) -> None:
    before = Path(FILE).read_bytes()
    write({"c.yaml": CLUSTER.replace("prod", "third")})
    adopted("--baseline", FILE, "--fix", "--unsafe-fixes", ".")
    assert Path(FILE).read_bytes() == before


SPACED = "kube-proxy-extra-env:\n  - IPTABLES_MODE =nft\n"


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--select", "missing-nft-pin"], id="another rule alone"),
        pytest.param(["--ignore", "space-in-name"], id="without the rule"),
        pytest.param(["--select", "missing-nft-pin", "--fix"], id="fixed"),
        pytest.param(["--select", "missing-nft-pin", "--write-baseline"], id="written anew"),
    ],
)
def test_what_another_rule_explains_is_not_new(run: Command, arguments: list[str]) -> None:
    """Asked alone, a rule finds what another one says better: that was there before, too."""
    write({CONFIG: SPACED})
    assert run(*arguments[:2], ".").rules == ["missing-nft-pin"]
    run("--write-baseline", ".")
    before = Path(FILE).read_text()
    assert '"rule": "space-in-name"' in before
    done = run("--baseline", FILE, *arguments, ".")
    assert (done.status, done.rules) == (CLEAN, [])
    assert (Path(CONFIG).read_text(), Path(FILE).read_text()) == (SPACED, before)


def test_a_rule_that_is_off_is_asked_beside_a_baseline_too(adopted: Command) -> None:
    write({".rke2-lint.yaml": "levels: {missing-nft-pin: off}\n", "c.yaml": UNPINNED})
    assert adopted("--baseline", FILE, ".").rules == []
    select = ("--select", "missing-nft-pin")
    assert adopted("--baseline", FILE, *select, ".").rules == ["missing-nft-pin"]
    assert adopted("--baseline", FILE, *select, "--ignore", "missing-nft-pin", ".").rules == []


# --- what was not looked at


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["b.yaml"], id="a named file"),
        pytest.param(["node"], id="another folder"),
        pytest.param([".", "--select", "missing-nft-pin"], id="another rule"),
        pytest.param([".", "--ignore", "legacy-backend"], id="without the rule"),
        pytest.param([".", "--exclude", "a.yaml"], id="without the file"),
    ],
)
def test_what_was_not_looked_at_is_not_stale(repaired: Command, arguments: list[str]) -> None:
    assert repaired("--baseline", FILE, *arguments).rules == []


def test_what_cannot_be_read_is_not_stale(adopted: Command) -> None:
    write({"a.yaml": CLUSTER.replace("metadata:", "metadata: [")})
    assert adopted("--baseline", FILE, ".").rules == ["syntax"]


def test_what_has_not_changed_since_is_not_stale(repaired: Command) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "all")
    write({"b.yaml": CLUSTER.replace("prod", "test").replace("=legacy", "=nft")})
    done = repaired("--baseline", FILE, "--since", "HEAD")
    assert "fleet-default/test is gone" in done.out
    assert "prod" not in done.out


def test_a_file_that_is_gone_is_stale(adopted: Command) -> None:
    Path("a.yaml").unlink()
    assert adopted("--baseline", FILE, ".").rules == ["stale-baseline"]
    assert adopted("--baseline", FILE, "node").rules == []


def test_a_part_is_written_into_the_whole(repaired: Command) -> None:
    write({"b.yaml": CLUSTER.replace("prod", "test").replace("=legacy", "=nft")})
    repaired("--write-baseline", "b.yaml")
    assert sorted(path for path, _ in listed()) == ["a.yaml", CONFIG]
    repaired("--write-baseline", "--select", "missing-nft-pin", ".")
    assert sorted(path for path, _ in listed()) == ["a.yaml", CONFIG]
    repaired("--write-baseline", ".")
    assert sorted(path for path, _ in listed()) == [CONFIG]


def test_another_file_may_be_named(run: Command) -> None:
    write({"a.yaml": CLUSTER})
    assert run("--baseline", "old.json", "--write-baseline", ".").status == CLEAN
    assert not Path(FILE).exists()
    assert len(listed("old.json")) == 1
    assert run("--baseline", "old.json", ".").status == CLEAN


def test_a_path_need_not_be_utf_8(run: Command) -> None:
    write({"by\udcffte.yaml": CLUSTER, "a.yaml": CLUSTER.replace("prod", "test")})
    assert run("--write-baseline", ".").status == CLEAN
    assert run("--baseline", FILE, ".").status == CLEAN
    Path("by\udcffte.yaml").unlink()
    assert "stale-baseline" in run("--baseline", FILE, ".").out
    assert run("--baseline", FILE, "--fix", ".").status == CLEAN
    assert len(listed()) == 1


# --- what can go wrong


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", CLUSTER),
        ("report.json", '{"version": 1, "findings": [{"rule": "x", "severity": "error"}]}'),
        ("notes.txt", "to do"),
        (FILE, None),
    ],
)
def test_what_is_no_baseline_keeps_what_it_holds(run: Command, name: str, text: str | None) -> None:
    path = Path(name)
    if text is None:
        write({"b.yaml": CLUSTER})
        path.symlink_to("b.yaml")
    else:
        write({"b.yaml": CLUSTER, name: text})
    before = path.read_text()
    done = run("--baseline", name, "--write-baseline", ".")
    assert done.status == USAGE
    assert f"{name} is there, and is no baseline: name another file" in done.err
    assert path.read_text() == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(None, "there is no such baseline", id="not there"),
        pytest.param("", "is JSON", id="empty"),
        pytest.param(
            '{"version": 1,\n<<<<<<< HEAD\n', f"{FILE}:2: a baseline is JSON", id="a conflict"
        ),
        pytest.param("[" * 100_000, "is JSON", id="deep"),
        pytest.param("[]", '"version" and "findings"', id="a list"),
        pytest.param(
            '{"version": 2, "findings": []}', "version 1 is needed, not 2", id="a version"
        ),
        pytest.param('{"version": 1}', '"version" and "findings"', id="no findings"),
        pytest.param('{"version": 1, "findings": [{}]}', "findings[0]", id="no fields"),
        pytest.param(
            '{"version": 1, "findings": [{"path": "a", "object": "b", "place": "", "rule": "c", "count": 0}]}',
            "findings[0]",
            id="none of them",
        ),
        pytest.param(
            '{"version": 1, "findings": [{"path": "a", "object": "b", "place": "", "rule": "c", "x": 1}]}',
            "findings[0]",
            id="a field too many",
        ),
    ],
)
def test_a_bad_baseline_is_said(run: Command, text: str | None, said: str) -> None:
    write({"a.yaml": CLUSTER})
    if text is not None:
        write({FILE: text})
    done = run("--baseline", FILE, ".")
    assert done.status == USAGE
    assert said in done.err
    assert "--write-baseline" in done.err
    assert run("--baseline", FILE, "--write-baseline", ".").status == CLEAN
    assert run("--baseline", FILE, ".").status == CLEAN


def test_a_folder_is_no_baseline(run: Command) -> None:
    Path(FILE).mkdir()
    assert "cannot be read" in run("--baseline", FILE, ".").err
    done = run("--write-baseline", ".")
    assert done.status == USAGE


def test_what_cannot_be_written_stays_as_it_was(
    repaired: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Path(FILE).read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    done = repaired("--write-baseline", ".")
    assert done.status == USAGE
    assert "No space left on device" in done.err
    assert Path(FILE).read_bytes() == before
    assert sorted(path.name for path in Path().iterdir()) == [FILE, "a.yaml", "b.yaml", "node"]
    assert repaired("--baseline", FILE, "--fix", ".").rules == ["stale-baseline"]


def test_one_cannot_show_what_is_written(run: Command) -> None:
    assert run("--write-baseline", "--diff").status == USAGE


# --- properties

KNOWN = st.builds(
    Known,
    st.sampled_from(["legacy-backend", "syntax"]),
    st.sampled_from(["Cluster a/b", "Cluster a/c"]),
    st.sampled_from(["/x", ""]),
    st.sampled_from(["a.yaml", "b.yaml", "c é.yaml", "by\udcffte.yaml", "new\nline.yaml"]),
)


@given(st.lists(KNOWN))
def test_what_is_written_is_read(found: list[Known]) -> None:
    entries = entries_of(found)
    assert read_entries("f", written(entries)) == entries
    assert sum(one.times for one in entries) == len(found)
    assert all(match(entries, found, lambda _: False).accepted)
    assert not any(match(entries, found, lambda _: False).unused)


@given(st.lists(KNOWN), st.lists(KNOWN), st.sets(st.sampled_from(["a.yaml", "b.yaml"])))
def test_a_baseline_accepts_as_many_as_it_has(
    old: list[Known], new: list[Known], moved: set[str]
) -> None:
    entries = entries_of(old)
    matched = match(entries, new, moved.__contains__)
    assert sum(matched.accepted) + sum(matched.unused) == len(old)
    told = Counter(one for one, known in zip(new, matched.accepted, strict=True) if not known)
    for known in told:
        # Nothing is told that the baseline still has a place for.
        left = [n for e, n in zip(entries, matched.unused, strict=True) if e.known == known]
        assert not any(left)
    kinds = Counter(known[:3] for known in new)
    for kind, count in Counter(known[:3] for known in old).items():
        taken = sum(a for one, a in zip(new, matched.accepted, strict=True) if one[:3] == kind)
        assert taken <= min(count, kinds[kind])


@pytest.mark.parametrize(
    ("pointer", "place"),
    [("", ""), ("/a/0/b/12", "/a/*/b/*"), ("/a~1b/c0", "/a~1b/c0"), ("/0", "/*")],
)
def test_places_have_no_numbers(pointer: str, place: str) -> None:
    assert place_of(pointer) == place


def test_a_path_is_seen_from_the_baseline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    known = Baseline("sub/base.json", ()).known("syntax", "a/config.yaml", "", "a/config.yaml")
    assert known == Known("syntax", "../a/config.yaml", "", "../a/config.yaml")
