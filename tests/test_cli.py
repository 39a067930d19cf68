"""Does the command line do what it promises: exit codes, options, JSON, standard input, fixes?"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rke2_lint import __version__, cli, work
from rke2_lint.cli import main

posix = pytest.mark.skipif(os.name != "posix", reason="there is no such thing on Windows")

PINNED = """\
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata:
  name: prod
  namespace: fleet-default
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      cni: calico
      kube-proxy-extra-env:
        - IPTABLES_MODE=nft
    machinePools:
      - name: all
        controlPlaneRole: true
        etcdRole: true
        workerRole: true
        quantity: 3
"""
UNPINNED = PINNED.replace("      kube-proxy-extra-env:\n        - IPTABLES_MODE=nft\n", "")
LEGACY = PINNED.replace("=nft", "=legacy")
MISSPELT = PINNED.replace("kube-proxy-extra-env", "kube-proxy-extra-envs")
SHOWN = PINNED.replace("        - IPTABLES_MODE=nft\n", "        - IPTABLES_MODE=nft\n" * 2)
PRERELEASE = PINNED.replace("v1.33.4+rke2r1", "v1.33.4-rc1+rke2r1")
BROKEN = PINNED.replace("metadata:", "metadata: [")
ELSEWHERE = "kind: Deployment\nspec: [\n"
CONFIG = "etc/rancher/rke2/config.yaml"

CLEAN, FOUND, USAGE, BUG = 0, 1, 2, 3


class Run:
    """One run of the command line, and what it said."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status = status
        self.out = out
        self.err = err

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def rules(self) -> list[str]:
        """The rules of a report in JSON."""
        return [finding["rule"] for finding in self.json["findings"]]


class Command:
    """Runs the command line in a folder of its own."""

    def __init__(
        self,
        folder: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        self.folder = folder
        self._capsys = capsys
        self._monkeypatch = monkeypatch
        monkeypatch.chdir(folder)

    def write(self, files: Mapping[str, str]) -> None:
        for path, text in files.items():
            file = self.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode())

    def read(self, path: str) -> str:
        return (self.folder / path).read_bytes().decode()

    def __call__(self, *arguments: str, stdin: str | None = None) -> Run:
        if stdin is not None:
            reader, writer = os.pipe()
            os.write(writer, stdin.encode())
            os.close(writer)
            self._monkeypatch.setattr(cli, "read_stdin", lambda: os.read(reader, 1 << 20))
        status = main(arguments)
        out, err = self._capsys.readouterr()
        return Run(status, out, err)


@pytest.fixture
def run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Command:
    return Command(tmp_path, capsys, monkeypatch)


def started(*arguments: str, cwd: Path, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run the command line as a process of its own."""
    command = [sys.executable, "-m", "rke2_lint", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, timeout=60, **options)


# --- exit codes


@pytest.mark.parametrize(
    ("files", "arguments", "status"),
    [
        pytest.param({"a.yaml": PINNED}, [], CLEAN, id="nothing to say"),
        pytest.param({}, [], CLEAN, id="nothing there"),
        pytest.param({"a.yaml": UNPINNED}, [], FOUND, id="an error"),
        pytest.param({"a.yaml": SHOWN}, [], FOUND, id="a warning"),
        pytest.param({"a.yaml": PRERELEASE}, [], CLEAN, id="a note changes nothing"),
        pytest.param({"a.yaml": UNPINNED}, ["--exit-zero"], CLEAN, id="exit zero"),
        pytest.param({"a.yaml": BROKEN}, [], FOUND, id="ours does not parse"),
        pytest.param({"a.yaml": ELSEWHERE}, [], CLEAN, id="other YAML does not parse"),
        pytest.param({}, ["nowhere.yaml"], USAGE, id="a named path is not there"),
        pytest.param({}, ["nowhere.yaml", "--exit-zero"], USAGE, id="nor does exit zero help"),
        pytest.param({}, ["--unknown"], USAGE, id="an unknown option"),
        pytest.param({}, ["--output-format", "xml"], USAGE, id="an unknown format"),
        pytest.param({}, ["--select", "no-such-rule"], USAGE, id="an unknown rule"),
        pytest.param({}, ["--ignore", "no-such-rule"], USAGE, id="an unknown rule to ignore"),
        pytest.param({}, ["--as", "ansible"], USAGE, id="an unknown kind"),
        pytest.param({}, ["--help"], CLEAN, id="help"),
        pytest.param({}, ["--stdin-filename", "a.yaml"], USAGE, id="a name for no input"),
        pytest.param({}, ["rule", "no-such-rule"], USAGE, id="an unknown rule to explain"),
        pytest.param({"a.yaml": UNPINNED}, ["--fix"], CLEAN, id="fixed"),
        pytest.param(
            {"a.yaml": UNPINNED}, ["--fix", "--exit-non-zero-on-fix"], FOUND, id="fixed, and told"
        ),
        pytest.param(
            {"a.yaml": PINNED}, ["--fix", "--exit-non-zero-on-fix"], CLEAN, id="nothing to fix"
        ),
        pytest.param({"a.yaml": LEGACY}, ["--fix"], FOUND, id="legacy is never fixed"),
        pytest.param({"a.yaml": UNPINNED}, ["--diff"], FOUND, id="a diff to show"),
        pytest.param({"a.yaml": PINNED}, ["--diff"], CLEAN, id="no diff to show"),
        pytest.param({"a.yaml": UNPINNED}, ["effective"], CLEAN, id="effective has its answer"),
        pytest.param({"a.yaml": BROKEN}, ["effective"], FOUND, id="effective cannot read"),
        pytest.param({}, ["effective", "nowhere.yaml"], USAGE, id="effective of nothing"),
    ],
)
def test_the_exit_code(
    run: Command, files: dict[str, str], arguments: list[str], status: int
) -> None:
    run.write(files)
    assert run(*arguments).status == status


def test_a_bug_of_ours_is_told_as_such(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def bug(*_: object) -> None:
        raise LookupError("the dog ate it")

    monkeypatch.setattr(work.Work, "_inspect", bug)
    run.write({"a.yaml": UNPINNED})
    done = run("a.yaml")
    assert done.status == BUG
    assert "LookupError: the dog ate it" in done.err
    assert "bug of rke2-lint" in done.err
    assert done.out == ""


def test_an_interrupt_ends_quietly(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(work.Work, "run", interrupt)
    done = run(".")
    assert (done.status, done.out, done.err) == (130, "", "")


@posix
def test_nobody_reads_on(tmp_path: Path) -> None:
    """`rke2-lint | head` ends without a traceback."""
    for number in range(300):
        (tmp_path / f"{number}.yaml").write_text(UNPINNED)
    command = f"'{sys.executable}' -m rke2_lint . | head -n 1"
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, timeout=60)
    assert done.stdout.count(b"\n") == 1
    assert done.stderr == b""


# --- JSON, to the letter


def test_the_json_of_check(run: Command) -> None:
    run.write({"a.yaml": UNPINNED, "b.yaml": "a: 1\n"})
    told = run("check", "--output-format", "json").json
    assert re.fullmatch("[0-9a-f]{64}", told["findings"][0].pop("fingerprint"))
    assert told == {
        "version": 1,
        "findings": [
            {
                "rule": "missing-nft-pin",
                "severity": "error",
                "message": "kube-proxy is not pinned to nft: nothing sets kube-proxy-extra-env",
                "path": "a.yaml",
                "document": 1,
                "object": "Cluster fleet-default/prod",
                "pointer": "/spec/rkeConfig/machineGlobalConfig/kube-proxy-extra-env",
                "line": 9,
                "column": 5,
                "end_line": 9,
                "end_column": 24,
                "machines": ["fleet-default/prod/all"],
                "related": [],
                "fix": {
                    "title": "add kube-proxy-extra-env: [IPTABLES_MODE=nft]",
                    "safety": "safe",
                    "edits": [
                        {
                            "start": {"line": 11, "column": 1},
                            "end": {"line": 11, "column": 1},
                            "text": "      kube-proxy-extra-env:\n        - IPTABLES_MODE=nft\n",
                        }
                    ],
                },
                "refusal": None,
            }
        ],
        "not_applicable": [],
        "unreadable": [],
        "warnings": [],
        "summary": {
            "files": 2,
            "documents": 1,
            "machines": 1,
            "errors": 1,
            "warnings": 0,
            "notes": 0,
            "fixable": 1,
        },
    }


def test_what_the_pin_means_nothing_for_is_told_in_json(run: Command) -> None:
    run.write({"a.yaml": f"kind: List\n---\n{UNPINNED.replace('+rke2r1', '+k3s1')}"})
    told = run("--output-format", "json").json
    assert told["findings"] == []
    [outside] = told["not_applicable"]
    assert outside.keys() == {"path", "document", "reason"}
    assert (outside["path"], outside["document"]) == ("a.yaml", 2)
    assert "K3s" in outside["reason"]


def test_related_places_in_json(run: Command) -> None:
    selector = "    machineSelectorConfig:\n      - config: {kube-proxy-extra-env: [A=b]}\n"
    run.write({"a.yaml": PINNED.replace("    machinePools:\n", f"{selector}    machinePools:\n")})
    [finding] = [
        finding
        for finding in run("--output-format", "json").json["findings"]
        if finding["rule"] == "selector-drops-pin"
    ]
    [related] = finding["related"]
    assert related.keys() == {"message", "path", "line", "column"}
    assert (related["path"], related["line"], related["column"]) == ("a.yaml", 12, 11)


def test_the_json_of_effective(run: Command) -> None:
    run.write({"a.yaml": PINNED, "b.yaml": UNPINNED})
    assert run("effective", "--output-format", "json").json == {
        "version": 1,
        "machines": [
            {
                "name": "fleet-default/prod/all",
                "path": "a.yaml",
                "document": 1,
                "roles": ["control-plane", "etcd", "worker"],
                "verdict": "pinned",
                "value": "nft",
                "decided_by": {"path": "a.yaml", "line": 12, "column": 11},
                "reason": "machineGlobalConfig says so",
            },
            {
                "name": "fleet-default/prod/all",
                "path": "b.yaml",
                "document": 1,
                "roles": ["control-plane", "etcd", "worker"],
                "verdict": "unpinned",
                "value": None,
                "decided_by": None,
                "reason": "nothing sets kube-proxy-extra-env",
            },
        ],
    }


def test_columns_count_code_points_and_documents_count_from_one(run: Command) -> None:
    text = '# 😀\n---\n{"cni": "😀", "kube-proxy-extra-env": "IPTABLES_MODE=NFT"}\n'
    run.write({CONFIG: text.replace("# 😀\n---\n", "")})
    [finding] = [
        one for one in run("--output-format", "json").json["findings"] if one["severity"] == "error"
    ]
    assert (finding["document"], finding["line"], finding["column"]) == (1, 1, 38)


def test_the_edits_of_a_fix_make_the_text_that_the_fix_writes(run: Command) -> None:
    run.write({"a.yaml": UNPINNED.replace("\n", "\r\n")})
    [finding] = run("--output-format", "json").json["findings"]
    lines = run.read("a.yaml").splitlines(keepends=True)
    for edit in reversed(finding["fix"]["edits"]):
        start, end = edit["start"], edit["end"]
        assert start == end
        line = lines[start["line"] - 1]
        at = start["column"] - 1
        lines[start["line"] - 1] = line[:at] + edit["text"] + line[at:]
    run("--fix")
    assert run.read("a.yaml") == "".join(lines)


# --- which files, and what they are


def test_without_a_path_the_folder_is_looked_at(run: Command) -> None:
    run.write({"deep/a.yaml": UNPINNED})
    assert "deep/a.yaml:9:5" in run().out


def test_a_command_is_the_first_word(run: Command) -> None:
    run.write({"a.yaml": UNPINNED})
    assert run("check", "a.yaml").out == run("a.yaml").out != ""


def test_options_may_stand_between_paths(run: Command) -> None:
    run.write({"a.yaml": UNPINNED, "b.yaml": UNPINNED})
    out = run("a.yaml", "--output-format", "concise", "b.yaml", "--no-color").out
    assert [line.partition(":")[0] for line in out.splitlines()] == ["a.yaml", "b.yaml"]


@pytest.mark.parametrize(
    "words", [["--"], ["--quiet", "--"], ["b.yaml", "--quiet", "--"], ["--quiet", "b.yaml", "--"]]
)
def test_behind_two_dashes_there_are_only_paths(run: Command, words: list[str]) -> None:
    run.write({"-a.yaml": UNPINNED, "b.yaml": UNPINNED})
    done = run(*words, "-a.yaml")
    assert ("--> -a.yaml:" in done.out, "--> b.yaml:" in done.out) == (True, "b.yaml" in words)
    assert "--fix: No such file" in run(*words, "--fix").err


def test_findings_come_by_path_line_column_and_rule(run: Command) -> None:
    run.write({"b.yaml": UNPINNED, "a.yaml": LEGACY + "---\n" + UNPINNED, "B.yaml": UNPINNED})
    out = run("b.yaml", ".", "--output-format", "concise").out
    places = [tuple(line.split(":")[:3]) for line in out.splitlines()]
    assert places == sorted(places, key=lambda place: (place[0], int(place[1]), int(place[2])))
    assert [place[0] for place in places] == ["B.yaml", "a.yaml", "a.yaml", "b.yaml"]


def test_a_drop_in_brings_its_neighbours_from_the_disk(run: Command) -> None:
    """pre-commit hands over what has changed, and cuts long lists into batches."""
    run.write(
        {
            CONFIG: "kube-proxy-extra-env: [IPTABLES_MODE=nft]\n",
            f"{CONFIG}.d/20-proxy.yaml": "kube-proxy-extra-env: [A=b]\n",
            f"{CONFIG}.d/30-last.yaml": "kube-proxy-extra-env+: [C=d]\n",
        }
    )
    done = run(f"{CONFIG}.d/20-proxy.yaml", "--output-format", "json")
    assert done.rules == ["drop-in-drops-pin"]
    assert done.json["findings"][0]["related"][0]["path"] == CONFIG
    assert done.json["summary"]["files"] == 1
    (run.folder / f"{CONFIG}.d/20-proxy.yaml").unlink()
    assert run(f"{CONFIG}.d/30-last.yaml").status == CLEAN


def test_a_base_file_brings_its_drop_ins_from_the_disk(run: Command) -> None:
    run.write(
        {
            CONFIG: "cni: canal\n",
            f"{CONFIG}.d/20-pin.yaml": "kube-proxy-extra-env: [IPTABLES_MODE=nft]\n",
        }
    )
    assert run(CONFIG).status == CLEAN


def test_what_is_only_read_as_context_is_not_changed(run: Command) -> None:
    """The base file lacks the pin; only a drop-in was given."""
    run.write({CONFIG: "cni: canal\n", f"{CONFIG}.d/20-x.yaml": "profile: cis\n"})
    done = run(f"{CONFIG}.d/20-x.yaml", "--fix")
    assert done.status == FOUND
    assert "is not among the files that were given" in done.out
    assert run.read(CONFIG) == "cni: canal\n"


def test_what_is_untidy_in_a_file_that_nobody_gave_is_not_told(run: Command) -> None:
    run.write(
        {
            CONFIG: "kube-proxy-extra-env: [IPTABLES_MODE=nft, IPTABLES_MODE=nft]\n",
            f"{CONFIG}.d/20-x.yaml": "profile: cis\n",
        }
    )
    assert run(f"{CONFIG}.d/20-x.yaml").out == ""
    assert run(CONFIG).status == FOUND


def test_a_secret_of_another_file_decides_with_a_cluster(run: Command) -> None:
    """machineSelectorFiles: the cluster waits until all files have been looked at."""
    entry = """\
    machineSelectorFiles:
      - fileSources:
          - secret:
              name: proxy
              items:
                - key: k
                  path: /etc/rancher/rke2/config.yaml.d/99-proxy.yaml
    machinePools:
"""
    secret = """\
apiVersion: v1
kind: Secret
metadata: {name: proxy, namespace: fleet-default}
stringData:
  k: "kube-proxy-extra-env: [A=b]"
"""
    run.write({"z/cluster.yaml": PINNED.replace("    machinePools:\n", entry), "a/s.yaml": secret})
    machines = run("effective", "--output-format", "json").json["machines"]
    assert [machine["verdict"] for machine in machines] == ["unpinned"]
    machines = run("effective", "--output-format", "json", "z").json["machines"]
    assert [machine["verdict"] for machine in machines] == ["unknown"]


@pytest.mark.parametrize(
    ("kind", "text", "rules"),
    [
        ("rke2-config", "tls-san: [a]\n", ["missing-nft-pin"]),
        ("rke2-server-config", "tls-san: [a]\n", ["missing-nft-pin"]),
        ("rke2-agent-config", "server: https://a:9345\n", ["missing-nft-pin"]),
        ("k3s-config", "cni: canal\n", []),
        (None, "tls-san: [a]\n", []),
    ],
)
def test_people_can_say_what_a_file_is(
    run: Command, kind: str | None, text: str, rules: list[str]
) -> None:
    run.write({"server.yaml": text})
    options = ["--as", kind] if kind else []
    assert run("--output-format", "json", "server.yaml", *options).rules == rules


def test_the_folder_where_somebody_stands_says_what_a_file_is(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.write({CONFIG: "tls-san: [a]\n", f"{CONFIG}.d/20-x.yaml": "tls-san: [b]\n"})
    monkeypatch.chdir(run.folder / "etc/rancher/rke2")
    told = run("effective", "config.yaml", "--output-format", "json").json["machines"]
    assert [(one["name"], one["verdict"]) for one in told] == [("config.yaml", "unpinned")]
    monkeypatch.chdir(run.folder / f"{CONFIG}.d")
    told = run("effective", "20-x.yaml", "--output-format", "json").json["machines"]
    assert [one["name"] for one in told] == ["../config.yaml"]


def test_effective_says_what_files_were_taken_for(run: Command) -> None:
    run.write({CONFIG: "cni: canal\n", "a.yaml": PINNED})
    out = run("effective").out
    assert f"{CONFIG}: RKE2 configuration: its path says so\n" in out
    assert "a.yaml: Rancher Cluster: its apiVersion and kind say so\n" in out


def test_a_doubtful_file_is_left_alone_and_that_is_said(run: Command) -> None:
    run.write({"values.yaml": "cni: canal\n"})
    assert "doubtful" in run("values.yaml").err
    assert "values.yaml: " in run("values.yaml", "--verbose").err
    assert run("values.yaml").status == CLEAN


def test_a_large_file_of_ours_is_a_finding_and_another_one_is_not(run: Command) -> None:
    filler = "# filler\n" * 2_000_000
    run.write({"ours.yaml": filler + PINNED, "other.yaml": filler + ELSEWHERE})
    done = run("--output-format", "json")
    assert [(one["path"], one["rule"]) for one in done.json["findings"]] == [
        ("ours.yaml", "syntax")
    ]


# --- which rules


def test_only_the_selected_rules_are_asked(run: Command) -> None:
    run.write({"a.yaml": SHOWN})
    assert run("--output-format", "json").rules == ["duplicate-variable"]
    assert run("--output-format", "json", "--select", "missing-nft-pin,syntax").rules == []
    both = ["--select", "syntax", "--select", "duplicate-variable"]
    assert run("--output-format", "json", *both).rules == ["duplicate-variable"]


def test_ignored_rules_are_not_asked(run: Command) -> None:
    run.write({"a.yaml": SHOWN})
    assert run("--ignore", "duplicate-variable").status == CLEAN


def test_a_slip_in_a_name_is_answered_with_the_right_one(run: Command) -> None:
    assert "did you mean missing-nft-pin?" in run("--select", "missing-ntf-pin").err
    assert "did you mean missing-nft-pin?" in run("rule", "missing-nft-pn").err
    assert "did you mean missing-nft-pin?" in run("rule", "missing").err
    assert "`rke2-lint rule` lists them" in run("rule", "misspelt").err
    assert "did you mean --unsafe-fixes?" in run("--unsave-fixes").err


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("rules", "rule"),
        ("completion", "completions"),
        ("verfy", "verify"),
        ("help", "--help"),
        ("version", "--version"),
    ],
)
def test_a_word_that_names_no_file_may_have_been_meant_as_a_command(
    run: Command, word: str, meant: str
) -> None:
    for arguments in ((word,), ("--quiet", word)):
        done = run(*arguments)
        assert (done.status, done.out) == (2, "")
        assert (
            done.err
            == f"rke2-lint: error: there is no file {word}; did you mean rke2-lint {meant}?\n"
        )


def test_a_file_may_be_called_like_a_command_nearly(run: Command) -> None:
    run.write({"rules": "a: 1\n"})
    assert run("rules").status == 0


# --- standard input


def test_standard_input_is_linted(run: Command) -> None:
    done = run("-", "--output-format", "concise", stdin=UNPINNED)
    assert done.status == FOUND
    assert done.out.startswith("-:9:5: error: ")


def test_standard_input_has_the_name_and_the_neighbours_that_it_is_given(run: Command) -> None:
    run.write(
        {CONFIG: "kube-proxy-extra-env: [IPTABLES_MODE=nft]\n", f"{CONFIG}.d/20.yaml": "a: 1\n"}
    )
    name = f"{CONFIG}.d/20.yaml"
    done = run("--stdin-filename", name, "-", stdin="kube-proxy-extra-env: [A=b]\n")
    assert done.status == FOUND
    assert f"{name}:1:1" in done.out
    assert (
        run("--stdin-filename", name, "-", stdin="kube-proxy-extra-env+: [A=b]\n").status == CLEAN
    )


def test_standard_input_takes_the_place_of_the_file_on_the_disk(run: Command) -> None:
    run.write({"a.yaml": UNPINNED})
    assert run(".", "-", "--stdin-filename", "./a.yaml", stdin=PINNED).status == CLEAN


def test_what_was_fixed_goes_to_standard_output(run: Command) -> None:
    run.write({"a.yaml": UNPINNED})
    done = run("--fix", "-", "--stdin-filename", "a.yaml", stdin=UNPINNED)
    assert (done.status, done.out) == (CLEAN, PINNED)
    assert run.read("a.yaml") == UNPINNED


@pytest.mark.parametrize("text", [PINNED, LEGACY, "a: 1\n", ""])
def test_what_needs_no_fix_goes_to_standard_output_as_it_is(run: Command, text: str) -> None:
    assert run("--fix", "-", stdin=text).out == text


def test_the_report_on_fixed_standard_input_goes_to_standard_error(run: Command) -> None:
    done = run("--fix", "-", "--output-format", "concise", stdin=LEGACY)
    assert done.status == FOUND
    assert "(legacy-backend)" in done.err


def test_bytes_go_through_as_they_are(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbf" + UNPINNED.replace("\n", "\r\n").encode().rstrip()
    done = started("--fix", "-", cwd=tmp_path, input=data)
    assert done.stdout.startswith(b"\xef\xbb\xbfapiVersion")
    assert b"\r\n        - IPTABLES_MODE=nft\r\n" in done.stdout
    assert not done.stdout.endswith(b"\n")


# --- fixing


def test_the_article_is_what_comes_of_the_fix(run: Command) -> None:
    run.write({"a.yaml": UNPINNED})
    assert run("--fix").status == CLEAN
    assert run.read("a.yaml") == PINNED
    assert run("--fix", "--exit-non-zero-on-fix").status == CLEAN


def test_what_is_not_asked_for_is_not_fixed(run: Command) -> None:
    run.write({"a.yaml": UNPINNED})
    run()
    run("--diff", "--fix")
    run("--unsafe-fixes")
    assert run.read("a.yaml") == UNPINNED


def test_unsafe_fixes_are_made_only_where_that_is_said(run: Command) -> None:
    run.write({"a.yaml": MISSPELT})
    done = run("--fix")
    assert done.status == FOUND
    assert run.read("a.yaml") == MISSPELT
    assert run("--fix", "--unsafe-fixes").status == CLEAN
    assert run.read("a.yaml") == PINNED


def test_shown_fixes_are_shown_and_never_made(run: Command) -> None:
    run.write({"a.yaml": SHOWN})
    [finding] = run("--output-format", "json").json["findings"]
    assert finding["fix"]["safety"] == "shown"
    run("--fix", "--unsafe-fixes")
    assert run.read("a.yaml") == SHOWN


def test_several_fixes_in_one_file(run: Command) -> None:
    text = UNPINNED + "---\n" + UNPINNED + "---\n" + PINNED.replace("=nft", "=NFT")
    run.write({"a.yaml": text})
    done = run("--fix")
    assert done.status == CLEAN
    assert run.read("a.yaml") == PINNED + "---\n" + PINNED + "---\n" + PINNED
    assert "fixed 3 problems in 1 file, nothing left" in done.err


def test_only_selected_rules_fix(run: Command) -> None:
    run.write({"a.yaml": UNPINNED})
    assert run("--fix", "--select", "syntax").status == CLEAN
    assert run.read("a.yaml") == UNPINNED


@posix
def test_the_mode_of_a_fixed_file_is_kept(run: Command) -> None:
    run.write({"a.yaml": UNPINNED})
    (run.folder / "a.yaml").chmod(0o640)
    run("--fix")
    assert (run.folder / "a.yaml").stat().st_mode & 0o777 == 0o640
    assert [path.name for path in run.folder.iterdir()] == ["a.yaml"]


@posix
def test_nothing_is_written_through_a_link(run: Command) -> None:
    run.write({"real/a.yaml": UNPINNED})
    (run.folder / "link.yaml").symlink_to("real/a.yaml")
    done = run("--fix", "link.yaml")
    assert done.status == FOUND
    assert "nothing is written through links" in done.out
    assert (run.folder / "link.yaml").is_symlink()
    assert run.read("real/a.yaml") == UNPINNED


def test_a_file_that_changes_meanwhile_is_left_alone(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rke2_lint.writing import replace

    def late(path: str, before: bytes, after: bytes) -> None:
        (run.folder / path).write_text("# somebody else was faster\n")
        replace(path, before, after)

    monkeypatch.setattr("rke2_lint.mending.replace", late)
    run.write({"a.yaml": UNPINNED})
    done = run("--fix")
    assert done.status == FOUND
    assert "a.yaml: not fixed: it has changed since it was read" in done.err
    assert run.read("a.yaml") == "# somebody else was faster\n"


def test_a_file_that_cannot_be_written_stays_a_finding(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    run.write({"a.yaml": UNPINNED})
    done = run("--fix", "--output-format", "json")
    assert (done.status, done.rules) == (FOUND, ["missing-nft-pin"])
    assert "a.yaml: not fixed: Permission denied" in done.err
    assert run.read("a.yaml") == UNPINNED


def test_a_fix_that_does_not_help_is_not_made_for_ever(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a rule's fix does, each one is made once."""
    from rke2_policies import pin
    from rke2_policies.edits import Append
    from rke2_policies.finding import Fix

    def useless(_pin: object, value: object, place: Any, *_: object) -> Fix:
        return Fix("add a comment", (Append(place.route, "A=b"),))

    monkeypatch.setattr(pin.Pin, "adding", useless)
    run.write({CONFIG: "kube-proxy-extra-env: [C=d]\n"})
    assert run("--fix").status == FOUND
    assert run.read(CONFIG) == "kube-proxy-extra-env: [C=d, A=b]\n"


# --- the diff


def test_a_diff_is_all_that_standard_output_holds_and_git_applies_it(run: Command) -> None:
    run.write({"sub/a b.yaml": UNPINNED, "c.yaml": LEGACY, "d.yaml": UNPINNED.rstrip()})
    done = run("--diff")
    assert done.status == FOUND
    assert "1 error left" in done.err
    subprocess.run(["git", "init"], cwd=run.folder, check=True, capture_output=True)
    patch = done.out.encode()
    subprocess.run(["git", "apply", "-"], cwd=run.folder, check=True, input=patch)
    assert run.read("sub/a b.yaml") == PINNED
    assert run.read("d.yaml") == PINNED.rstrip()


def test_a_diff_and_a_fix_say_the_same(run: Command) -> None:
    run.write({"a.yaml": UNPINNED + "---\n" + UNPINNED})
    patch = run("--diff").out.encode()
    run("--fix")
    fixed = run.read("a.yaml")
    run.write({"a.yaml": UNPINNED + "---\n" + UNPINNED})
    subprocess.run(["git", "init"], cwd=run.folder, check=True, capture_output=True)
    subprocess.run(["git", "apply", "-"], cwd=run.folder, check=True, input=patch)
    assert run.read("a.yaml") == fixed


# --- many files


def test_many_processes_say_what_one_says(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {f"{number % 7}/{number:03}.yaml": UNPINNED for number in range(200)}
    files[CONFIG] = "cni: canal\n"
    run.write(files)
    monkeypatch.setattr(cli, "available", lambda: 1)
    alone = run("--output-format", "json")
    monkeypatch.setattr(cli, "available", lambda: 3)
    monkeypatch.setattr(work, "_WORTH_A_PROCESS", 0)
    together = run("--output-format", "json")
    assert together.out == alone.out
    assert together.json["summary"]["errors"] == 201


@posix
def test_a_bug_in_another_process_is_a_bug(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    run.write({f"{number:03}.yaml": UNPINNED for number in range(200)})
    here = os.getpid()
    inspect = work.Work._inspect

    def bug(self: Any, *arguments: Any) -> None:
        if os.getpid() != here:
            raise LookupError("the dog ate it")
        inspect(self, *arguments)

    monkeypatch.setattr(work.Work, "_inspect", bug)
    monkeypatch.setattr(cli, "available", lambda: 2)
    monkeypatch.setattr(work, "_WORTH_A_PROCESS", 0)
    done = run(".")
    assert (done.status, done.err) == (BUG, "")  # the other process has said all there is to say


# --- rules, versions, words


def test_the_list_of_rules(run: Command) -> None:
    files, nodes = run("rule").out.split("\n\nAbout live nodes (rke2-lint node):\n\n")
    assert any(
        line.startswith("missing-nft-pin ") and " error " in line for line in files.split("\n")
    )
    assert any(
        line.startswith("legacy-in-use ") and " error " in line for line in nodes.split("\n")
    )
    for lines in (files.splitlines(), nodes.splitlines()):
        assert lines == sorted(lines)


def test_the_page_of_a_rule(run: Command) -> None:
    out = run("rule", "missing-nft-pin").out
    assert out.startswith("missing-nft-pin (error)\n\n")
    assert "Found, in `cluster.yaml`:\n\n```yaml\napiVersion:" in out
    assert "After the fix, in `cluster.yaml`:" in out


@pytest.mark.parametrize("command", sorted({*cli.COMMANDS} - {"lsp"}))
def test_the_help_on_a_command_says_how_it_ends(run: Command, command: str) -> None:
    told = run(command, "--help").out.partition("\nexit codes:\n")[2]
    codes = re.findall(r"^  (\d)  ", told, re.MULTILINE)
    assert codes == sorted(codes)
    assert {"0", "2", "3"} <= set(codes)


@pytest.mark.parametrize("command", [[], ["check"], ["effective"], ["rule"]])
def test_the_version(run: Command, command: list[str]) -> None:
    assert run(*command, "--version").out.startswith(f"rke2-lint {__version__} (")


def test_the_summary_counts(run: Command) -> None:
    run.write({"a.yaml": UNPINNED, "b.yaml": MISSPELT, "c.yaml": SHOWN, "d.yaml": "a: 1\n"})
    assert run().err == (
        "Checked 4 files with 3 machines: 2 errors, 1 warning. 1 can be fixed with --fix."
        " 1 more with --fix --unsafe-fixes.\n"
    )
    assert run("b.yaml").err.endswith(": 1 error. 1 can be fixed with --fix --unsafe-fixes.\n")


# --- colours and terminals


def test_there_are_colours_only_on_a_terminal(run: Command) -> None:
    run.write({"a.yaml": UNPINNED})
    done = run("a.yaml")
    assert "\x1b" not in done.out + done.err


@posix
@pytest.mark.parametrize(
    ("options", "environment", "coloured"),
    [
        ([], {}, True),
        (["--no-color"], {}, False),
        ([], {"NO_COLOR": "1"}, False),
        ([], {"NO_COLOR": ""}, True),
        ([], {"TERM": "dumb"}, False),
    ],
)
def test_on_a_terminal(
    run: Command, options: list[str], environment: dict[str, str], coloured: object
) -> None:
    import pty

    run.write({"a.yaml": UNPINNED})
    master, slave = pty.openpty()
    inherited = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TERM")}
    subprocess.run(
        [sys.executable, "-m", "rke2_lint", "a.yaml", *options],
        cwd=run.folder,
        stdout=slave,
        stderr=slave,
        env={**inherited, "TERM": "xterm", **environment},
        timeout=60,
    )
    os.close(slave)
    assert (b"\x1b[" in os.read(master, 1 << 16)) == coloured
    os.close(master)


def test_an_output_that_cannot_show_a_character_shows_its_number(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(UNPINNED.replace("cni: calico", "cni: calico # ünïcode"))
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = started("a.yaml", cwd=tmp_path, env=environment)
    assert done.returncode == FOUND
    assert rb"# \xfcn\xefcode" in done.stdout
