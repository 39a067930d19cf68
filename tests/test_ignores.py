"""Which comments and annotations accept which findings, and what is said of those that do not?"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rke2_policies import environment_file, recognise
from rke2_policies.edits import Annotate, EditError, Reword
from rke2_policies.edits.as_json_patch import json_patch
from rke2_policies.edits.as_text import Change, rewrite, rewrite_all
from rke2_policies.engine import Report, evaluate, plan
from rke2_policies.file import Broken, File
from rke2_policies.finding import Fix, Safety, Severity
from rke2_policies.ignore import ANNOTATION, read_annotation, read_comment, written
from rke2_policies.ignore_comments import ignores
from rke2_policies.policy import DEFAULT, Exemption, Policy
from rke2_policies.policy_file import read_policy
from rke2_policies.route import same
from rke2_policies.yaml_source import Source

CONFIG = "etc/rancher/rke2/config.yaml"
ENVIRONMENT = "etc/default/rke2-server"
TODAY = "2026-11-23"
LEGACY = "# rke2-lint: ignore[legacy-backend] old hosts"
MISSING = "# rke2-lint: ignore[missing-nft-pin] old hosts"


def look(
    text: str | bytes,
    path: str = CONFIG,
    policy: Policy = DEFAULT,
    *,
    today: str = TODAY,
    ignores_count: bool = True,
    given_by_somebody: bool = True,
) -> Report:
    """Return what the engine says of one file."""
    data = text if isinstance(text, bytes) else text.encode()
    reader = environment_file.read if recognise.is_environment(path) else Source.read
    source = reader(path, data)
    broken = tuple(Broken.at(path, one.document, one.span, one.message) for one in source.problems)
    file = File(path, source.documents, given_by_somebody, None, broken, "", ignores(source))
    return evaluate([file], policy, today=today, ignores=ignores_count)


def found(report: Report) -> list[str]:
    return [finding.rule for finding in report.findings]


def accepted(report: Report) -> list[str]:
    return [one.finding.rule for one in report.exempted]


def cluster(
    name: str = "shop", config: str = "[IPTABLES_MODE=legacy]", annotation: str = ""
) -> str:
    said = f"\n  annotations: {{{ANNOTATION}: {json.dumps(annotation)}}}" if annotation else ""
    return f"""\
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata:
  name: {name}
  namespace: fleet-default{said}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: {config}
"""


# --- where a comment counts


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"kube-proxy-extra-env:\n  - IPTABLES_MODE=legacy  {LEGACY}\n", id="its line"),
        pytest.param(f"kube-proxy-extra-env:\n  {LEGACY}\n  - IPTABLES_MODE=legacy\n", id="above"),
        pytest.param(f"kube-proxy-extra-env:  {LEGACY}\n  - IPTABLES_MODE=legacy\n", id="the key"),
        pytest.param(
            f"{LEGACY}\nkube-proxy-extra-env:\n  - IPTABLES_MODE=legacy\n", id="above the key"
        ),
        pytest.param(f"kube-proxy-extra-env: [IPTABLES_MODE=legacy]  {LEGACY}\n", id="brackets"),
        pytest.param(
            f"kube-proxy-extra-env: [\n  IPTABLES_MODE=legacy  {LEGACY}\n]\n", id="in brackets"
        ),
        pytest.param(
            f"kube-proxy-extra-env: [\n  {LEGACY}\n  IPTABLES_MODE=legacy\n]\n",
            id="above, in brackets",
        ),
        pytest.param(f"kube-proxy-extra-env: IPTABLES_MODE=legacy  {LEGACY}\n", id="a scalar"),
        pytest.param(
            f'kube-proxy-extra-env: ["IPTABLES_MODE=\\\n  legacy"]  {LEGACY}\n',
            id="behind a text of two lines",
        ),
        pytest.param(
            f"kube-proxy-extra-env:\n  -  {LEGACY}\n    IPTABLES_MODE=legacy\n", id="behind a dash"
        ),
        pytest.param(
            f"kube-proxy-extra-env:\n  {LEGACY}\n  -\n    IPTABLES_MODE=legacy\n",
            id="above a dash",
        ),
        pytest.param(
            f"kube-proxy-extra-env:\n  {LEGACY}\n  -  # here\n    IPTABLES_MODE=legacy\n",
            id="above a dash with a comment",
        ),
        pytest.param(
            f"{LEGACY}\n\n# Another comment.\n\nkube-proxy-extra-env: [IPTABLES_MODE=legacy]\n",
            id="with lines between",
        ),
        pytest.param(
            f"kube-proxy-extra-env: [IPTABLES_MODE=legacy] # for now {LEGACY}\n",
            id="behind another comment",
        ),
        pytest.param(f"# for now {LEGACY}\nkube-proxy-extra-env: [IPTABLES_MODE=legacy]\n", id="…"),
        pytest.param(
            f"--- {LEGACY}\ncni: canal\nkube-proxy-extra-env: IPTABLES_MODE=legacy\n", id="---"
        ),
        pytest.param(
            f"{LEGACY}\n---\ncni: canal\nkube-proxy-extra-env: IPTABLES_MODE=legacy\n",
            id="above ---",
        ),
        pytest.param(
            "# Ours.\n# rke2-lint: ignore-file[legacy-backend] old hosts\n\n"
            "cni: canal\nkube-proxy-extra-env: IPTABLES_MODE=legacy\n",
            id="the file",
        ),
        pytest.param(
            "---\n# rke2-lint: ignore-file[legacy-backend] old hosts\n"
            "cni: canal\nkube-proxy-extra-env: IPTABLES_MODE=legacy\n",
            id="the file, below ---",
        ),
        pytest.param(f"kube-proxy-extra-env: IPTABLES_MODE=legacy  {LEGACY}\r\n", id="CRLF"),
        pytest.param(
            f"cni: canal\r{LEGACY}\rkube-proxy-extra-env: IPTABLES_MODE=legacy\r", id="CR"
        ),
        pytest.param(
            f"\ufeffkube-proxy-extra-env: IPTABLES_MODE=legacy  {LEGACY}", id="BOM, no end"
        ),
        pytest.param(
            "kube-proxy-extra-env: IPTABLES_MODE=legacy  "
            "#rke2-lint:ignore[ legacy-backend , syntax]: old hosts\n",
            id="blanks",
        ),
        pytest.param(
            f"base: &env  {LEGACY}\n  - IPTABLES_MODE=legacy\nkube-proxy-extra-env: *env\n",
            id="the anchor",
        ),
    ],
)
def test_a_comment_counts(text: str) -> None:
    report = look(text)
    assert "legacy-backend" in accepted(report)
    assert "legacy-backend" not in found(report)
    assert "missing-nft-pin" not in found(report), "what is accepted still explains"
    assert "legacy-backend" in found(look(text, ignores_count=False))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            f"{LEGACY}\ncni: canal\nkube-proxy-extra-env: IPTABLES_MODE=legacy\n", id="too high"
        ),
        pytest.param(
            f"cni: canal  {LEGACY}\nkube-proxy-extra-env: IPTABLES_MODE=legacy\n", id="beside"
        ),
        pytest.param(f"kube-proxy-extra-env: IPTABLES_MODE=legacy\n{LEGACY}\n", id="below"),
        pytest.param(
            f"kube-proxy-extra-env: [\n  IPTABLES_MODE=legacy\n]  {LEGACY}\n", id="behind brackets"
        ),
        pytest.param(
            f"kube-proxy-extra-env:\n  - GOGC=50  {LEGACY}\n  - IPTABLES_MODE=legacy\n",
            id="another item",
        ),
        pytest.param(
            "kube-proxy-extra-env: IPTABLES_MODE=legacy # see rke2-lint: ignore[legacy-backend] x\n",
            id="only words",
        ),
        pytest.param(
            f"cni: |\n  {LEGACY}\nkube-proxy-extra-env: IPTABLES_MODE=legacy\n", id="a block scalar"
        ),
        pytest.param(
            f'cni: "\n  {LEGACY}\n  "\nkube-proxy-extra-env: IPTABLES_MODE=legacy\n', id="quotes"
        ),
        pytest.param(
            "kube-proxy-extra-env: IPTABLES_MODE=legacy#rke2-lint:ignore[legacy-backend] x\n",
            id="no comment at all",
        ),
        pytest.param(
            "cni: canal\n# rke2-lint: ignore-file[legacy-backend] x\n"
            "kube-proxy-extra-env: IPTABLES_MODE=legacy\n",
            id="ignore-file, not at the top",
        ),
    ],
)
def test_a_comment_that_does_not_count(text: str) -> None:
    report = look(text)
    assert accepted(report) == []
    assert {"legacy-backend", "invalid-backend"} & set(found(report))


def test_a_text_that_looks_like_a_comment_is_none() -> None:
    text = (
        f"cni: |\n  {LEGACY}\n  # rke2-lint: nonsense\nkube-proxy-extra-env: [IPTABLES_MODE=nft]\n"
    )
    assert found(look(text)) == []


def test_documents_are_apart() -> None:
    here, there = cluster("here"), cluster("there")
    report = look(f"{here}--- {LEGACY}\n{there}", "clusters.yaml")
    assert found(report) == ["legacy-backend"]
    assert [one.finding.problem.place.document.number for one in report.exempted] == [1]
    [one] = report.exempted
    assert one.exemption.reason == "old hosts"
    assert one.exemption.place is not None


@pytest.mark.parametrize("line", [3, 8])
def test_a_key_of_an_item_of_a_list(line: int) -> None:
    objects = [cluster("here"), cluster("there")]
    text = "apiVersion: v1\nkind: List\nitems:\n" + "".join(
        "  - " + one.replace("\n", "\n    ").rstrip(" ") for one in objects
    )
    lines = text.splitlines()
    lines[line] += f"  {LEGACY}"
    report = look("\n".join(lines) + "\n", "clusters.yaml")
    assert accepted(report) == ["legacy-backend"]
    assert found(report) == ["legacy-backend"]


def test_a_template_is_heard_like_any_file() -> None:
    text = cluster("{{ .Values.name }}").replace(
        "    machineG", f"    {LEGACY}\n    {{{{- if x }}}}\n    machineG"
    )
    assert accepted(look(text, "cluster.yaml")) == ["legacy-backend"]


def test_a_file_that_says_nothing() -> None:
    assert accepted(look(f"# Nothing yet.\n{MISSING}\n")) == ["missing-nft-pin"]
    assert accepted(look(f"---\n{MISSING}\n")) == ["missing-nft-pin"]


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        pytest.param(
            "# rke2-lint: ignore[environment-file-pin] our way\n"
            "RKE2_KUBE_PROXY_EXTRA_ENV=IPTABLES_MODE=nft\n",
            ["environment-file-pin"],
            id="above",
        ),
        pytest.param(
            "# rke2-lint: ignore-file[environment-file-pin] our way\nA=b\n"
            "RKE2_KUBE_PROXY_EXTRA_ENV=IPTABLES_MODE=nft\n",
            ["environment-file-pin"],
            id="the file",
        ),
        pytest.param(
            "# rke2-lint: ignore[environment-file-pin] our way\nA=b\n"
            "RKE2_KUBE_PROXY_EXTRA_ENV=IPTABLES_MODE=nft\n",
            [],
            id="too high",
        ),
        pytest.param(
            'A="\n# rke2-lint: ignore[environment-file-pin] our way\n"\n'
            "RKE2_KUBE_PROXY_EXTRA_ENV=IPTABLES_MODE=nft\n",
            [],
            id="in a value",
        ),
    ],
)
def test_environment_files(text: str, rules: list[str]) -> None:
    assert accepted(look(text, ENVIRONMENT)) == rules


def test_what_does_not_parse_may_be_accepted() -> None:
    text = "# rke2-lint: ignore-file[syntax] made by a tool\ncni: [\n"
    assert accepted(look(text)) == ["syntax"]
    assert found(look("cni: canal\nb: c: d  # rke2-lint: ignore[syntax] x\n")) == []
    assert found(look("cni: canal\n# rke2-lint: ignore[syntax] x\n\nb: c: d\n")) == []


# --- annotations


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        pytest.param("legacy-backend old hosts", [], id="one rule"),
        pytest.param(
            "legacy-backend,missing-nft-pin old hosts", ["unused-ignore"], id="one too many"
        ),
        pytest.param("legacy-backend, syntax old", ["unused-ignore"], id="a blank"),
        pytest.param("legacy-backend until=2026-11-23 old hosts", [], id="its last day"),
        pytest.param(
            "legacy-backend old hosts until=2026-11-22",
            ["expired-ignore", "legacy-backend"],
            id="over",
        ),
        pytest.param("legacy-backend", ["invalid-ignore"], id="no reason"),
        pytest.param("old hosts", ["invalid-ignore", "legacy-backend"], id="no rule"),
        pytest.param(" ", ["invalid-ignore", "legacy-backend"], id="nothing"),
    ],
)
def test_annotations(text: str, rules: list[str]) -> None:
    assert sorted(found(look(cluster(annotation=text), "cluster.yaml"))) == rules
    tree: Any = Source.read("c.yaml", cluster(annotation=text).encode()).documents[0].tree
    assert sorted(found(look(json.dumps(tree), "cluster.json"))) == rules


def test_an_annotation_is_for_its_object() -> None:
    text = f"{cluster('here', annotation='legacy-backend old hosts')}---\n{cluster('there')}"
    report = look(text, "clusters.yaml")
    assert accepted(report) == found(report) == ["legacy-backend"]


@pytest.mark.parametrize("value", ["[legacy-backend]", "{{ .Values.ignore }}", "5"])
def test_an_annotation_that_is_no_text(value: str) -> None:
    text = cluster().replace(
        "  namespace", f"  annotations: {{{ANNOTATION}: {value}}}\n  namespace"
    )
    assert "legacy-backend" in found(look(text, "cluster.yaml"))


# --- what is said of ignores


@pytest.mark.parametrize(
    ("comment", "said"),
    [
        pytest.param("# rke2-lint: ignore[legacy-backend]", "why", id="no reason"),
        pytest.param("# rke2-lint: ignore[legacy-backend] --", "why", id="no letter of a reason"),
        pytest.param(
            "# rke2-lint: ignore[legacy-backend] until=2027-01-31", "why", id="only a day"
        ),
        pytest.param("# rke2-lint: ignore old hosts", "which rules", id="no list"),
        pytest.param(
            "# rke2-lint: ignore[legacy-backend old hosts", "which rules", id="an open list"
        ),
        pytest.param("# rke2-lint: ignore[] old hosts", "list is empty", id="an empty list"),
        pytest.param("# rke2-lint: ignore[,] old hosts", "list is empty", id="a comma"),
        pytest.param(
            "# rke2-lint: ignores[legacy-backend] x", "did you mean", id="a misspelt word"
        ),
        pytest.param("# rke2-lint: disable=all", "did you mean", id="another linter's word"),
        pytest.param("# rke2-lint:", "this says nothing", id="nothing"),
        pytest.param("# rke2-lint: ignore[legacy] x", "there is no rule legacy", id="no rule"),
        pytest.param(
            "# rke2-lint: ignore[legacy-backends] x", "mean legacy-backend", id="misspelt"
        ),
        pytest.param("# rke2-lint: ignore[unused-ignore] x", "no ignore takes out", id="itself"),
        pytest.param("# rke2-lint: ignore[legacy-backend] until=spring x", "one day", id="no day"),
        pytest.param(
            "# rke2-lint: ignore[legacy-backend] until=2026-02-30 x", "one day", id="30 Feb"
        ),
        pytest.param(
            "# rke2-lint: ignore[legacy-backend] until=2027-01-01 until=2027-01-02 x",
            "one day",
            id="two",
        ),
        pytest.param(
            "# rke2-lint: ignore-file[legacy-backend] x", "at the top", id="not at the top"
        ),
    ],
)
def test_what_is_wrong_is_said(comment: str, said: str) -> None:
    report = look(f"cni: canal\nkube-proxy-extra-env: IPTABLES_MODE=legacy  {comment}\n")
    told = [one for one in report.findings if one.rule == "invalid-ignore"]
    assert [said for one in told if said in one.problem.message] == [said]
    for one in told:
        assert one.severity == Severity.WARNING
        assert one.problem.place.span is not None


def test_nothing_is_said_of_what_may_be_no_comment() -> None:
    assert found(look("cni: canal\n# rke2-lint: nonsense\nb: [\n")) == ["syntax"]


def test_nothing_is_unused_where_somebody_else_is_to_look() -> None:
    text = f"kube-proxy-extra-env: [IPTABLES_MODE=nft]  {LEGACY}\n"
    assert found(look(text)) == ["unused-ignore"]
    assert found(look(text, given_by_somebody=False)) == []
    assert found(look(text, policy=DEFAULT._replace(levels={"legacy-backend": None}))) == []
    assert found(look(text, ignores_count=False)) == []


def test_nothing_is_unused_where_a_file_of_the_cluster_is_not_there() -> None:
    text = cluster(config="[IPTABLES_MODE=nft]", annotation="selector-drops-pin old") + (
        "    machineSelectorFiles:\n      - fileSources:\n          - secret:\n"
        "              name: more\n              items:\n                - key: a\n"
        "                  path: /etc/rancher/rke2/config.yaml.d/90.yaml\n"
    )
    assert "unused-ignore" not in found(look(text, "cluster.yaml"))
    assert "unused-ignore" in found(look(text.replace("90.yaml", "90.txt"), "cluster.yaml"))


@pytest.mark.parametrize("kind", ["Secret", "ConfigMap"])
@pytest.mark.parametrize(
    ("annotations", "comment"),
    [
        ("", "  # rke2-lint: ignore[selector-drops-pin] old hosts"),
        ("  annotations: {rke2-lint.dev/ignore: selector-drops-pin old hosts}\n", ""),
    ],
    ids=["a comment", "an annotation"],
)
def test_nothing_is_unused_in_what_clusters_elsewhere_take_files_from(
    kind: str, annotations: str, comment: str
) -> None:
    text = (
        f"apiVersion: v1\nkind: {kind}\nmetadata:\n  name: files\n{annotations}"
        f"stringData:\n  drop: '{{kube-proxy-extra-env: [A=b]}}'{comment}\n"
    )
    assert found(look(text, "files.yaml")) == []
    beside = "---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n  annotations:\n"
    beside += "    rke2-lint.dev/ignore: selector-drops-pin old hosts\n"
    assert found(look(text + beside, "files.yaml")) == ["unused-ignore"]


def test_an_override_turns_a_rule_off_where_a_comment_stands() -> None:
    policy = read_policy(
        "p.yaml",
        b"overrides: [{clusters: [fleet-default/shop], levels: {legacy-backend: off}, reason: x}]",
    )
    text = cluster(config="[IPTABLES_MODE=nft]", annotation="legacy-backend old hosts")
    assert found(look(text, "cluster.yaml")) == ["unused-ignore"]
    assert found(look(text, "cluster.yaml", policy)) == []


# --- policies exempt, too


@pytest.mark.parametrize(
    ("where", "until", "rules"),
    [
        pytest.param("fleet-default/shop", None, [], id="by name"),
        pytest.param("fleet-default/*", None, [], id="by pattern"),
        pytest.param("clusters/", None, [], id="by folder"),
        pytest.param("clusters/*.yaml", None, [], id="by path"),
        pytest.param("fleet-default/other", None, ["legacy-backend"], id="another one"),
        pytest.param("fleet-default/shop", "2026-11-23", [], id="its last day"),
        pytest.param("fleet-default/shop", "2026-11-22", ["legacy-backend"], id="over"),
    ],
)
def test_a_policy_exempts(where: str, until: str | None, rules: list[str]) -> None:
    policy = DEFAULT._replace(exempt=(Exemption("legacy-backend", where, "old hosts", until),))
    report = look(cluster(), "clusters/a.yaml", policy)
    assert found(report) == rules
    assert found(look(cluster(), "clusters/a.yaml", policy, ignores_count=False)) == rules


def test_a_policy_exempts_what_is_said_of_ignores() -> None:
    policy = DEFAULT._replace(exempt=(Exemption("unused-ignore", CONFIG, "generated", None),))
    report = look(f"kube-proxy-extra-env: [IPTABLES_MODE=nft]  {LEGACY}\n", policy=policy)
    assert found(report) == []
    assert accepted(report) == ["unused-ignore"]


# --- fixes


def fixed(text: str, path: str = CONFIG, allow: Safety = Safety.SAFE) -> str:
    """Return a file after the fixes of what is said of its ignores."""
    source = Source.read(path, text.encode())
    told = [one for one in look(text, path).findings if one.rule.endswith("-ignore")]
    for document, fixes in plan(told, allow).items():
        source = rewrite_all(source, [Change(document.number, fix.edits) for fix in fixes]).source
    return source.data.decode()


PINNED = "kube-proxy-extra-env: [IPTABLES_MODE=nft]"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(f"{PINNED}  {LEGACY}\n", f"{PINNED}\n", id="trailing"),
        pytest.param(f"{PINNED}\t {LEGACY}  \ncni: a\n", f"{PINNED}  \ncni: a\n", id="blanks"),
        pytest.param(f"{PINNED}  {LEGACY}", PINNED, id="no line break at the end"),
        pytest.param(f"{LEGACY}\n{PINNED}\n", f"{PINNED}\n", id="own line"),
        pytest.param(f"cni: a\n  {LEGACY}\n\n{PINNED}\n", f"cni: a\n\n{PINNED}\n", id="indented"),
        pytest.param(f"{PINNED}\n{LEGACY}", PINNED, id="the last line"),
        pytest.param(f"{PINNED}\r\n{LEGACY}", PINNED, id="the last line, CRLF"),
        pytest.param(f"a: b\r\n{LEGACY}\r\n{PINNED}\r\n", f"a: b\r\n{PINNED}\r\n", id="CRLF"),
        pytest.param(f"\ufeff{LEGACY}\n{PINNED}\n", f"\ufeff{PINNED}\n", id="BOM"),
        pytest.param(f"{PINNED} # why {LEGACY}\n", f"{PINNED} # why\n", id="behind words"),
        pytest.param(
            f"# why {LEGACY}\n{PINNED}\n", f"# why\n{PINNED}\n", id="behind words, own line"
        ),
        pytest.param(f"{LEGACY}\n{LEGACY}\n{PINNED}\n", f"{PINNED}\n", id="twice"),
        pytest.param(f"{PINNED} {LEGACY} {MISSING}\n", f"{PINNED}\n", id="twice on a line"),
        pytest.param(
            "kube-proxy-extra-env: IPTABLES_MODE=legacy "
            "# rke2-lint: ignore[ syntax, legacy-backend,nested-list] old  hosts\n",
            "kube-proxy-extra-env: IPTABLES_MODE=legacy # rke2-lint: ignore[legacy-backend] old  hosts\n",
            id="two of three",
        ),
        pytest.param(
            f"{PINNED} # rke2-lint: ignore[no-such, legacy-backend] old hosts\n",
            f"{PINNED} # rke2-lint: ignore[no-such] old hosts\n",
            id="what is unknown stays",
        ),
        pytest.param(
            f"{PINNED}  # rke2-lint: ignore[legacy-backend] until=2026-01-01 old\n",
            f"{PINNED}\n",
            id="over",
        ),
        pytest.param(
            "kube-proxy-extra-env: IPTABLES_MODE=legacy # rke2-lint: ignore[legacy-backend] until=2026-01-01 x\n",
            "kube-proxy-extra-env: IPTABLES_MODE=legacy # rke2-lint: ignore[legacy-backend] until=2026-01-01 x\n",
            id="over, and missed",
        ),
        pytest.param(
            f"data: &a {{\n  k: v,  {LEGACY}\n  # Keep.\n}}\n{PINNED}\n",
            f"data: &a {{\n  k: v,\n  # Keep.\n}}\n{PINNED}\n",
            id="in brackets",
        ),
        pytest.param(
            f"t: |  {LEGACY}\n  # text\n{PINNED}\n", f"t: |\n  # text\n{PINNED}\n", id="block"
        ),
    ],
)
def test_what_is_unused_goes_and_nothing_else(before: str, after: str) -> None:
    assert fixed(before) == after
    assert fixed(after) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            "legacy-backend,syntax old  hosts", "legacy-backend old  hosts", id="one of two"
        ),
        pytest.param("syntax, legacy-backend old", "legacy-backend old", id="the other one"),
        pytest.param("syntax old", "", id="all"),
    ],
)
def test_what_is_unused_in_an_annotation_goes(before: str, after: str) -> None:
    assert fixed(cluster(annotation=before), "c.yaml") == cluster(annotation=after)


def test_other_annotations_stay() -> None:
    text = cluster(config="[IPTABLES_MODE=nft]").replace(
        "  namespace", f"  annotations:\n    a: b\n    {ANNOTATION}: syntax old\n  namespace"
    )
    assert fixed(text, "c.yaml") == text.replace(f"    {ANNOTATION}: syntax old\n", "")


def test_a_comment_that_has_moved_is_not_changed() -> None:
    source = Source.read("a.yaml", b"a: b  # c\n")
    [one] = [Reword((6, 9), "# d")]  # type: ignore[arg-type]
    with pytest.raises(EditError):
        rewrite(source, 0, [one])


def test_comments_mean_nothing_as_json() -> None:
    tree = {"a": 1}
    edits = [Annotate(("a",), "# c"), *(fix_of(f"{PINNED}  {LEGACY}\n").edits)]
    assert json_patch(tree, edits) == []


def fix_of(text: str) -> Fix:
    [finding] = look(text).findings
    assert finding.problem.fix is not None
    return finding.problem.fix


# --- properties


PARTS = [
    *"#[]:,=-\n\r\t \"'|>{}&*!%@`abc\u2028\x85é",
    "rke2-lint:",
    "ignore",
    "until=",
    "ignore[syntax]",
]
TEXTS = st.lists(st.sampled_from(PARTS), max_size=25).map("".join)


@given(TEXTS)
@example("[")
@example("until=until=")
def test_any_comment_can_be_read(text: str) -> None:
    read_comment("# rke2-lint:" + text)
    read_annotation(text)
    look(f"kube-proxy-extra-env: IPTABLES_MODE=legacy  # rke2-lint:{text}\n")
    look(f"# rke2-lint: ignore{text}\n" + cluster(annotation=text), "c.yaml")
    look(f"A=b\n# rke2-lint: ignore{text}\nC=d\n", ENVIRONMENT)


PLAIN = st.sampled_from(
    ["a", "b c", '"q"', "'s'", '"two\n      lines"', "|\n      text\n      # text", ">-\n      folded",
     "[x, y]", "[\n        x,\n        y\n      ]", "{k: v}", "", "*anchor", "~"]
)  # fmt: skip
TAILS = st.sampled_from(["", "  # a comment", " #", "\t# tab"])


@st.composite
def files(draw: st.DrawFn) -> tuple[str, tuple[str | int, ...]]:
    """A file with comments, values over several lines and several documents, and a route in it."""
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    lines = ["first: &anchor x"]
    names = draw(st.lists(st.sampled_from("klmno"), min_size=1, unique=True))
    for name in names:
        value = draw(PLAIN)
        tail = "" if "\n" in value else draw(TAILS)
        lines += [draw(st.sampled_from(["", "# above", "\n# apart"]))] * draw(st.booleans())
        lines += [f"{name}:", f"    {name}: {value}{tail}"]
    text = "\n".join(lines)
    if draw(st.booleans()):
        text = "# top\n---\n" + text
    if draw(st.booleans()):
        text += "\n---\nanother: document"
    text += draw(st.sampled_from(["", "\n", "\n# end\n"]))
    name = draw(st.sampled_from(names))
    return text.replace("\n", newline), (name, name)


@settings(max_examples=200)
@given(files(), st.booleans())
def test_adding_changes_no_data_and_removing_is_its_opposite(
    drawn: tuple[str, tuple[str | int, ...]],
    on_key: bool,  # noqa: FBT001 - hypothesis gives it
) -> None:
    text, route = drawn
    before = Source.read("f.yaml", text.encode())
    comment = written(["legacy-backend"], "old hosts, OPS-112")
    try:
        added = rewrite(before, 0, [Annotate(route, comment, on_key)]).source
    except EditError:
        return
    assert len(added.text) > len(before.text)
    for one, other in zip(before.documents, added.documents, strict=True):
        assert same(one.tree, other.tree)
    [ignore] = ignores(added)
    assert ignore.text == comment
    assert ignore.place.span is not None
    removed = rewrite(added, 0, [Reword(ignore.place.span, ignore.text)]).source
    assert removed.data == before.data


def test_most_places_take_a_comment() -> None:
    text = 'a: "two\n  lines"\nb: {c: d, e: "two\n  lines", f: g}\nh: [i] # j\n'
    source = Source.read("f.yaml", text.encode())
    for route in [("a",), ("b", "c"), ("b", "f"), ("h", 0)]:
        done = rewrite(source, 0, [Annotate(route, LEGACY)]).source
        assert LEGACY in done.text


PAGE = Path(__file__).parents[1] / "docs" / "suppressions.md"
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", BLOCKS, ids=lambda text: text.splitlines()[0])
def test_what_the_page_shows_is_accepted(text: str) -> None:
    report = look(text, "cluster.yaml" if "apiVersion" in text else CONFIG)
    assert found(report) == []
    assert accepted(report)
