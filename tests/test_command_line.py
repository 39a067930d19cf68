"""Does the command line keep its promises to the letter: exit codes, JSON, patches, secrets?"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from rke2_lint import cli
from rke2_lint.reporters import FORMATS
from rke2_policies.catalog import rules

UNPINNED = """\
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      cni: calico
    machinePools:
      - {name: all, quantity: 3, controlPlaneRole: true, etcdRole: true, workerRole: true}
"""
PIN = "      kube-proxy-extra-env:\n        - IPTABLES_MODE=nft\n"
PINNED = UNPINNED.replace("      cni: calico\n", f"      cni: calico\n{PIN}")
LEGACY = PINNED.replace("=nft", "=legacy")
UPPER = PINNED.replace("=nft", "=NFT")  # the fix is safe
MISSPELT = PINNED.replace("IPTABLES_MODE", "IPTABLE_MODE")  # the fix is unsafe
UNCLEAR = UNPINNED.replace("v1.33.4+rke2r1", "'{{ version }}'")  # may not be RKE2: a warning
NOTE = PINNED.replace("cni: calico", "disable-kube-proxy: true")
IRRELEVANT = "a: 1\n"
BASE = "etc/rancher/rke2/config.yaml"


class Run(NamedTuple):
    status: int
    out: bytes
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def lint(*arguments: str) -> Run:
    """Run the command line in this process."""
    out, err = io.BytesIO(), io.BytesIO()
    with (
        contextlib.redirect_stdout(io.TextIOWrapper(out, "utf-8", newline="")),
        contextlib.redirect_stderr(io.TextIOWrapper(err, "utf-8", newline="")),
    ):
        try:
            status = cli.main(arguments)
        finally:
            gc.enable()  # which the command line turns off for its own short life
        sys.stderr.flush()
        return Run(status, out.getvalue(), err.getvalue().decode())


def process(*arguments: str, stdin: bytes = b"", **environment: str) -> Run:
    """Run the command line in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "rke2_lint", *arguments],
        input=stdin,
        capture_output=True,
        env=os.environ | environment,
        timeout=60,
    )
    return Run(done.returncode, done.stdout, done.stderr.decode())


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(files: Mapping[str, str | bytes]) -> None:
    for path, text in files.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(text if isinstance(text, bytes) else text.encode())


def contents() -> dict[str, bytes]:
    return {
        path.as_posix(): path.read_bytes()
        for path in Path().rglob("*")
        if path.is_file() and ".git" not in path.parts
    }


# --- exit codes

EXITS: dict[str, tuple[dict[str, str], str, int]] = {
    "nothing of RKE2": ({"a.yaml": IRRELEVANT}, "", 0),
    "a note, with --fix": ({"a.yaml": NOTE}, "--fix", 0),
    "a note, with --diff": ({"a.yaml": NOTE}, "--diff", 0),
    "a warning": ({"a.yaml": UNCLEAR}, "", 1),
    "an error beside a note": ({"a.yaml": NOTE, "b.yaml": UNPINNED}, "", 1),
    "--exit-zero with --diff": ({"a.yaml": UNPINNED}, "--exit-zero --diff", 0),
    "--diff, nothing to show but an error": ({"a.yaml": LEGACY}, "--diff", 1),
    "--diff counts more than --fix": ({"a.yaml": UNPINNED}, "--diff --fix", 1),
    "--fix of nothing": ({"a.yaml": PINNED}, "--fix", 0),
    "--fix that leaves an error": ({"a.yaml": UNPINNED, "b.yaml": LEGACY}, "--fix", 1),
    "--fix that leaves a note": ({"a.yaml": UNPINNED, "b.yaml": NOTE}, "--fix", 0),
    "--exit-zero counts more": ({"a.yaml": UNPINNED}, "--fix --exit-non-zero-on-fix --exit-zero", 0),
    "--select of another rule": ({"a.yaml": UNPINNED}, "--select legacy-backend", 0),
    "--select of two": ({"a.yaml": UNPINNED}, "--select legacy-backend,missing-nft-pin", 1),
    "--ignore of another rule": ({"a.yaml": UNPINNED}, "--ignore legacy-backend", 1),
    "a missing path beside a good one": ({"a.yaml": PINNED}, "a.yaml b.yaml", 2),
    "a missing path, --fix": ({"a.yaml": UNPINNED}, "a.yaml b.yaml --fix", 2),
    "an option cut short": ({}, "--exit-z", 2),
    "effective, nothing to answer": ({"a.yaml": IRRELEVANT}, "effective a.yaml", 0),
    "broken YAML, ours by its path": ({BASE: "[\n"}, "", 1),
    "broken YAML, ours as --as says": ({"a.yaml": "[\n"}, "--as rke2-config a.yaml", 1),
    "broken YAML, a K3s file": ({"etc/rancher/k3s/config.yaml": "[\n"}, "", 0),
}  # fmt: skip


@pytest.mark.parametrize(
    ("files", "arguments", "status"), [pytest.param(*row, id=name) for name, row in EXITS.items()]
)
def test_exit_codes(files: dict[str, str], arguments: str, status: int) -> None:
    write(files)
    assert lint(*arguments.split()).status == status


@pytest.mark.parametrize("form", [one.name for one in FORMATS])
def test_the_format_does_not_change_the_exit_code(form: str) -> None:
    write({"a.yaml": UNPINNED})
    assert lint("--output-format", form).status == 1
    write({"a.yaml": NOTE})
    assert lint("--output-format", form).status == 0


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no such files on Windows")
def test_what_cannot_be_read_does_not_keep_others_from_being_checked() -> None:
    """A socket cannot be opened by anybody; permissions do not hold root back."""
    write({"a.yaml": UNPINNED})
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("b.yaml")
        done = lint("b.yaml", "a.yaml", "--output-format", "concise")
        assert done.status == 2
        assert b"a.yaml:7:5" in done.out
        assert "error: b.yaml: " in done.err
        assert lint("--fix", "b.yaml", "a.yaml").status == 2
        assert contents() == {"a.yaml": PINNED.encode()}
        assert lint().status == 0, "nobody named it"


def test_a_broken_file_does_not_keep_others_from_being_checked() -> None:
    write({"a.yaml": UNPINNED + "  [\n", "b.yaml": UNPINNED})
    found = lint("--output-format", "json").json["findings"]
    assert [(one["path"], one["rule"]) for one in found] == [
        ("a.yaml", "syntax"),
        ("b.yaml", "missing-nft-pin"),
    ]


# --- standard input and output

FIXED_STDIN: dict[str, tuple[bytes, bytes]] = {
    "nothing of RKE2": (b"a: 1\r\n", b"a: 1\r\n"),
    "what cannot be fixed": (LEGACY.encode(), LEGACY.encode()),
    "what cannot be read": (b"\xff\0[", b"\xff\0["),
    "CRLF and a mark": (
        b"\xef\xbb\xbf" + UNPINNED.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + PINNED.replace("\n", "\r\n").encode(),
    ),
}


@pytest.mark.parametrize(
    ("before", "after"), [pytest.param(*row, id=name) for name, row in FIXED_STDIN.items()]
)
def test_fixing_standard_input_prints_the_fixed_text(before: bytes, after: bytes) -> None:
    done = process("--fix", "-", stdin=before)
    assert done.out == after
    assert contents() == {}


def test_the_name_of_standard_input_is_not_written_to() -> None:
    write({"a.yaml": UNPINNED})
    done = process("--fix", "-", "--stdin-filename=a.yaml", stdin=UNPINNED.encode())
    assert done.out == PINNED.encode()
    assert contents() == {"a.yaml": UNPINNED.encode()}


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_of_few_characters_is_no_error(encoding: str) -> None:
    write({"ü/日本.yaml": UNPINNED.replace("      cni: calico", "      cni: calico  # Größe 日本")})
    for form in ("full", "concise", "github", "json", "sarif"):
        done = process("--output-format", form, PYTHONIOENCODING=encoding)
        assert done.status == 1
        assert "Traceback" not in done.err
        done.out.decode(encoding)
    assert process("effective", ".", PYTHONIOENCODING=encoding).status == 0


# --- JSON

EXAMPLES = [
    pytest.param(example.before or example.after, id=f"{rule.id}-{number}")
    for rule in rules().values()
    for number, example in enumerate(rule.examples, 1)
]
FOLDER = Path(__file__).parent.parent / "examples"
REPOSITORY = {
    path.relative_to(FOLDER).as_posix(): path.read_bytes().decode()
    for path in sorted(FOLDER.rglob("*.yaml"))
}
EVERYTHING = [*EXAMPLES, pytest.param(REPOSITORY, id="examples/")]

FINDING = {
    "rule", "severity", "message", "path", "document", "object", "pointer", "line", "column", "end_line",
    "end_column", "machines", "related", "fix", "refusal", "fingerprint",
}  # fmt: skip
MACHINE = {"name", "path", "document", "roles", "verdict", "value", "decided_by", "reason"}
VERDICTS = {"pinned", "unpinned", "legacy", "broken", "not-applicable", "unknown"}
ROLES = {"control-plane", "etcd", "worker", "server", "agent"}


def assert_place(one: Mapping[str, Any], files: Mapping[str, str]) -> None:
    lines = files[one["path"]].splitlines()
    assert 1 <= one["line"] <= len(lines) + 1
    assert 1 <= one["column"] <= len([*lines, ""][one["line"] - 1]) + 1


def edited(text: str, edits: list[dict[str, Any]]) -> str:
    """Apply the edits of a fix as its readers are told to: from the last to the first."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for edit in reversed(edits):
        start, end = (
            starts[edit[side]["line"] - 1] + edit[side]["column"] - 1 for side in ("start", "end")
        )
        text = text[:start] + edit["text"] + text[end:]
    return text


@pytest.mark.parametrize("files", EVERYTHING)
def test_json_of_check_has_the_promised_keys(files: dict[str, str]) -> None:
    write(files)
    told = lint("--output-format", "json").json
    # What is accepted is told only where something is.
    accepted = told.pop("suppressed", [])
    assert told["summary"].pop("suppressed", 0) == len(accepted)
    assert " ".join(told) == "version findings not_applicable unreadable warnings summary"
    assert told["version"] == 1
    for one in accepted:
        assert set(one) == {*FINDING, "suppressed"}
        assert set(one["suppressed"]) == {"kind", "reason"}
    for one in told["findings"]:
        assert set(one) == FINDING
        assert one["severity"] in ("error", "warning", "note")
        assert one["document"] >= 1
        assert_place(one, files)
        assert (one["line"], one["column"]) <= (one["end_line"], one["end_column"])
        for related in one["related"]:
            assert set(related) == {"message", "path", "line", "column"}
            assert_place(related, files)
        fix = one["fix"]
        if fix is not None:
            assert set(fix) == {"title", "safety", "edits"}
            assert fix["safety"] in ("safe", "unsafe", "shown")
            for edit in fix["edits"]:
                assert set(edit) == {"start", "end", "text"}
                assert set(edit["start"]) == set(edit["end"]) == {"line", "column"}
    for one in told["not_applicable"]:
        assert set(one) == {"path", "document", "reason"}
        assert one["document"] >= 1
    severities = [one["severity"] for one in told["findings"]]
    summary = told["summary"]
    assert " ".join(summary) == "files documents machines errors warnings notes fixable"
    for severity in ("error", "warning", "note"):
        assert summary[f"{severity}s"] == severities.count(severity)


@pytest.mark.parametrize("files", EVERYTHING)
def test_json_of_effective_has_the_promised_keys(files: dict[str, str]) -> None:
    write(files)
    told = lint("effective", ".", "--output-format", "json").json
    assert list(told) == ["version", "machines"]
    for one in told["machines"]:
        assert set(one) == MACHINE
        assert one["verdict"] in VERDICTS
        assert set(one["roles"]) <= ROLES
        assert one["document"] >= 1
        if one["decided_by"] is not None:
            assert set(one["decided_by"]) == {"path", "line", "column"}
            assert_place(one["decided_by"], files)


@pytest.mark.parametrize("files", EVERYTHING)
def test_the_edits_say_what_fix_does(files: dict[str, str]) -> None:
    """All the fixes of a file at once: none of these overlap."""
    write(files)
    fixes: dict[str, list[Any]] = {path: [] for path in files}
    for one in lint("--output-format", "json").json["findings"]:
        fix = one["fix"]
        if fix and fix["safety"] != "shown" and fix["edits"] not in fixes[one["path"]]:
            fixes[one["path"]].append(fix["edits"])
    lint("--fix", "--unsafe-fixes")
    for path, text in files.items():
        edits = [edit for fix in fixes[path] for edit in fix]
        edits.sort(key=lambda edit: (edit["start"]["line"], edit["start"]["column"]))
        assert Path(path).read_bytes().decode() == edited(text, edits)


@pytest.mark.parametrize("files", EVERYTHING)
def test_fixing_twice_changes_nothing_more(files: dict[str, str]) -> None:
    write(files)
    lint("--fix", "--unsafe-fixes")
    once = contents()
    again = lint("--fix", "--unsafe-fixes")
    assert contents() == once
    assert "fixed" not in again.err.partition("left alone")[0]


def test_edits_apply_behind_characters_of_two_three_and_four_bytes() -> None:
    text = "{ü: é, 日本: '😀', kube-proxy-extra-env: [IPTABLES_MODE=NFT], cni: calico}\n"
    write({BASE: text})
    (one,) = lint("--output-format", "json").json["findings"]
    assert one["column"] == text.index("IPTABLES_MODE") + 1
    assert edited(text, one["fix"]["edits"]) == text.replace("NFT", "nft")


def test_json_is_plain_ascii_and_the_only_thing_on_standard_output() -> None:
    write({"ü.yaml": UNPINNED})
    done = lint("--output-format", "json", "ü.yaml", "missing.yaml")
    assert done.json["findings"][0]["path"] == "ü.yaml"
    assert done.out.isascii()
    assert "missing.yaml" in done.err


# --- effective

MACHINES: dict[str, tuple[dict[str, str], list[tuple[str, list[str], str]]]] = {
    "a base file": (
        {BASE: "kube-proxy-extra-env: [IPTABLES_MODE=nft]\n"},
        [(BASE, [], "pinned")],
    ),
    "drop-ins without their base file": (
        {f"{BASE}.d/10.yaml": "kube-proxy-extra-env: [IPTABLES_MODE=nft]\n"},
        [(BASE, [], "pinned")],
    ),
    "a base file and two drop-ins": (
        {
            BASE: "cni: calico\n",
            f"{BASE}.d/10.yaml": "kube-proxy-extra-env: [IPTABLES_MODE=nft]\n",
            f"{BASE}.d/20.yaml": "kube-proxy-extra-env: []\n",
        },
        [(BASE, ["server"], "unpinned")],
    ),
    "nothing of RKE2": ({"a.yaml": IRRELEVANT}, []),
    "an imported cluster": (
        {"a.yaml": UNPINNED.partition("spec:")[0] + "spec: {}\n"},
        [("fleet-default/shop", [], "not-applicable")],
    ),
}


@pytest.mark.parametrize(
    ("files", "expected"), [pytest.param(*row, id=name) for name, row in MACHINES.items()]
)
def test_machines_of_effective(
    files: dict[str, str], expected: list[tuple[str, list[str], str]]
) -> None:
    write(files)
    machines = lint("effective", ".", "--output-format", "json").json["machines"]
    assert [(one["name"], one["roles"], one["verdict"]) for one in machines] == expected


def test_custom_clusters_are_told_by_combinations_of_roles() -> None:
    write({"a.yaml": UNPINNED.partition("    machinePools")[0]})
    machines = lint("effective", "a.yaml", "--output-format", "json").json["machines"]
    assert "fleet-default/shop/etcd+worker" in {one["name"] for one in machines}


def test_the_table_of_effective_names_the_deciding_line() -> None:
    write({"a.yaml": PINNED})
    table = lint("effective", "a.yaml").out.decode()
    assert re.search(r"fleet-default/shop/all +pinned +nft +a\.yaml:10:11 ", table)
    assert "a.yaml: Rancher Cluster" in table


# --- patches

LONG = UNPINNED.replace("      cni: calico\n", "      cni: calico\n" + "      # a\n" * 9)
TOKEN = "K10abcdef0123456789::server:5ecret"
DIFFED: dict[str, dict[str, str | bytes]] = {
    "two files": {"a.yaml": UNPINNED, "b/c.yaml": LONG},
    "two documents": {"a.yaml": f"{UNPINNED}---\n{LONG}"},
    "two places": {"a.yaml": f"{UPPER}---\n{LONG}"},
    "CRLF": {"a.yaml": UNPINNED.replace("\n", "\r\n")},
    "no final newline": {BASE: "cni: calico"},
    "no final newline, and CRLF": {BASE: "token: x\r\ncni: calico"},
    "nothing but a flow mapping": {BASE: "{cni: calico}"},
    "a byte order mark": {"a.yaml": b"\xef\xbb\xbf" + UNPINNED.encode()},
    "a byte order mark beside the change": {BASE: b"\xef\xbb\xbfcni: calico\n"},
    "a byte order mark, no final newline": {BASE: b"\xef\xbb\xbfcni: calico"},
    "a path with spaces": {"a b/c  d.yaml": UNPINNED},
    "a path with an umlaut": {"größe/日本.yaml": UNPINNED},
    "a path with quotes": {'a "b"/c\\d.yaml': UNPINNED},
    "a path with a tab": {"a\tb.yaml": UNPINNED},
    "two files of a node": {
        BASE: "cni: calico\nkube-proxy-extra-env:\n  - A=b\n",
        f"{BASE}.d/10.yaml": "kube-proxy-extra-env:\n- B=c\n",
    },
    "a secret above": {BASE: f"token: {TOKEN}\ncni: calico\n"},
    "a secret two lines above": {BASE: f"a: 1\ntoken: {TOKEN}\nb: 2\ncni: calico\n"},
    "a secret below": {"a.yaml": f"{UNPINNED}# b\n# c\n# token: {TOKEN}\n"},
    "secrets on both sides": {
        "a.yaml": f"# token: {TOKEN}\n{UNPINNED}# password: {TOKEN}\n",
    },
}


@pytest.mark.skipif(os.name == "nt", reason="there are no such names on Windows")
@pytest.mark.parametrize("files", [pytest.param(row, id=name) for name, row in DIFFED.items()])
def test_git_applies_what_diff_shows(files: dict[str, str | bytes]) -> None:
    subprocess.run(["git", "-c", "init.defaultBranch=main", "init", "-q"], check=True)
    write(files)
    before = contents()
    shown = lint("--diff")
    assert shown.status == 1
    assert contents() == before, "it writes nothing"
    assert TOKEN.encode() not in shown.out
    subprocess.run(["git", "apply", "--check"], input=shown.out, check=True)
    subprocess.run(["git", "apply"], input=shown.out, check=True)
    by_patch = contents()
    write(files)
    assert lint("--fix").status == 0
    assert contents() == by_patch != before


def test_a_patch_that_would_show_a_secret_is_not_made_and_says_so() -> None:
    write({BASE: f"{{cni: calico, token: {TOKEN}}}\n"})
    shown = lint("--diff")
    assert (shown.status, shown.out) == (1, b"")
    assert f"{BASE}: no patch" in shown.err
    assert TOKEN not in shown.err


# --- secrets

SECRET = "s3cr3tValue0123456789"
WRONG = "kube-proxy-extra-env: [A b]\n"
HIDDEN: dict[str, dict[str, str]] = {
    "token": {BASE: f"token: {SECRET}\n{WRONG}"},
    "agent-token": {BASE: f"{WRONG}agent-token: '{SECRET}'\n"},
    "etcd-s3-*-key": {BASE: f"etcd-s3-secret-key: {SECRET}1\n{WRONG}etcd-s3-access-key: {SECRET}2\n"},
    "datastore-endpoint": {BASE: f'{WRONG}datastore-endpoint: "postgres://u:{SECRET}@h/db"\n'},
    "a block scalar": {BASE: f"{WRONG}token: |-\n  {SECRET}\n"},
    "on the same line": {BASE: f"{{token: {SECRET}, kube-proxy-extra-env: [A b]}}\n"},
    "JSON": {BASE: f'{{"kube-proxy-extra-env": ["A b"], "agent-token": "{SECRET}"}}\n'},
    "an alias": {BASE: f"x: &x {SECRET}\ntoken: *x\n{WRONG}"},
    "a comment": {BASE: f"{WRONG}# token: {SECRET}\n"},
    "a password in a URL": {BASE: f"kube-proxy-extra-env:\n- P=http://u:{SECRET}@p:1\n- A b\n"},
    "a password in the entry itself": {
        BASE: f"kube-proxy-extra-env: 'P=http://u:{SECRET}@p:1,IPTABLES_MODE=nft'\n"
    },
    "a password after a blank": {BASE: f"kube-proxy-extra-env: ['P =http://u:{SECRET}@p:1', A b]\n"},
    "a password in a map of variables": {
        BASE: f"kube-proxy-extra-env: {{P: 'http://u:{SECRET}@p:1', IPTABLES_MODE: nft}}\n"
    },
    "a repeated key": {BASE: f"token: a\n{WRONG}token: {SECRET}\n"},
    "broken YAML": {BASE: f"kube-proxy-extra-env: [\ntoken: {SECRET}\n]]\n"},
    "a Secret": {
        "a.yaml": f"{UNPINNED}---\napiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\n"
        f"stringData:\n  a: {SECRET}\ndata: {{b: {SECRET}}}\n"
    },
    "a Secret that holds a config file": {
        "a.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: node, namespace: fleet-default}\n"
        f"stringData:\n  config: |\n    kube-proxy-extra-env: [A={SECRET}]\n---\n"
        + PINNED.replace(
            "    machinePools",
            "    machineSelectorFiles:\n      - fileSources:\n          - secret:\n"
            "              name: node\n              items:\n                - key: config\n"
            "                  path: /etc/rancher/rke2/config.yaml.d/99-x.yaml\n    machinePools",
        )
    },
    "an environment file": {
        "etc/default/rke2-server": f"RKE2_TOKEN={SECRET}\nRKE2_KUBE_PROXY_EXTRA_ENV=IPTABLES_MODE=no\n"
    },
    "registries of a Cluster": {
        "a.yaml": UNPINNED.replace(
            "    machinePools", f"    registries: {{a: {{password: {SECRET}}}}}\n    machinePools"
        )
    },
}  # fmt: skip
WAYS = (
    "--output-format full", "--output-format concise", "--output-format json",
    "--output-format github", "--output-format sarif", "--unsafe-fixes", "--diff --unsafe-fixes",
    "--verbose", "effective .", "effective . --output-format json",
)  # fmt: skip


KINDS = {
    "a tag": "kind: !!str Secret",
    "an anchor": "kind: &kind Secret",
    "on the next line": "kind:\n  Secret",
    "a key of its own": "? kind\n: Secret",
    "an escape": 'kind: "\\u0053ecret"',
}
HIDDEN |= {
    f"a Secret that holds a config file, its kind with {name}": {
        path: text.replace("kind: Secret", kind) for path, text in files.items()
    }
    for name, kind in KINDS.items()
    for files in (HIDDEN["a Secret that holds a config file"],)
}


@pytest.mark.parametrize("files", [pytest.param(row, id=name) for name, row in HIDDEN.items()])
def test_secrets_are_never_shown(files: dict[str, str]) -> None:
    write(files)
    assert lint("--output-format", "json").json["findings"], "there is something to show"
    for way in WAYS:
        done = lint(*way.split())
        assert done.status in (0, 1), way
        assert SECRET not in done.out.decode() + done.err, way


OTHERS = [
    pytest.param("apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\n", id="a database"),
    pytest.param(UNPINNED.replace("+rke2r1", "+k3s1"), id="K3s"),
]


@pytest.mark.parametrize("text", OTHERS)
def test_what_is_no_machine_of_rke2_is_not_counted_as_one(text: str) -> None:
    write({"other.yaml": text})
    assert lint("other.yaml").err == "Checked 1 file: no machines of RKE2 to check.\n"
    write({"ours.yaml": UNPINNED})
    assert lint(".").err.startswith("Checked 2 files with 1 machine: ")
