"""Does each rule about live nodes do what its page says? The blocks of its page are dumps.

`dump found FILE` must be found by the rule, `dump good FILE` must not; blocks that follow one another
are one node, or several where the files lie in folders.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rke2_lint.node.finding_nodes import find
from rke2_policies import catalog, live_rules
from rke2_policies.diagnose import NodeDiagnosis, diagnose
from rke2_policies.policy import DEFAULT
from rke2_policies.policy_file import read_policy
from rke2_policies.rule import AnyRule

BLOCK = re.compile(r"^```dump (found|good) (\S+)\n(.*?)^```$\n*", re.MULTILINE | re.DOTALL)
RULES = [pytest.param(rule, id=rule.id) for rule in catalog.live_rules().values()]
Example = tuple[str, dict[str, str]]


def examples(rule: AnyRule) -> Iterator[Example]:
    """Yield the examples of a page: files, each set of them of one kind."""
    kind, files, end = "", dict[str, str](), 0
    for block in BLOCK.finditer(rule.doc):
        # Prose, another kind, or a file that is there already: another example.
        if files and (block.start() != end or block[1] != kind or block[2] in files):
            yield kind, files
            files = {}
        kind, end = block[1], block.end()
        files[block[2]] = block[3]
    if files:
        yield kind, files


EXAMPLES = [
    pytest.param(rule, kind, files, id=f"{rule.id}-{number}-{kind}")
    for rule in catalog.live_rules().values()
    for number, (kind, files) in enumerate(examples(rule), start=1)
]


def nodes(files: dict[str, str], folder: Path, policy: str = "") -> tuple[NodeDiagnosis, ...]:
    """Diagnose the nodes that files are of."""
    for name, text in files.items():
        path = folder / "node" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    wanted = read_policy("policy.yaml", policy.encode()) if policy else DEFAULT
    evidence = [one.gather(wanted.params) for one in find(str(folder / "node"))]
    return diagnose(evidence, wanted, today="2026-11-23").nodes


@pytest.mark.parametrize(("rule", "kind", "files"), EXAMPLES)
def test_an_example_of_the_page(
    rule: AnyRule, kind: str, files: dict[str, str], tmp_path: Path
) -> None:
    found = {finding.rule for one in nodes(files, tmp_path) for finding in one.findings}
    assert (rule.id in found) == (kind == "found"), found


@pytest.mark.parametrize("rule", RULES)
def test_every_page_shows_what_is_found_and_what_is_not(rule: AnyRule) -> None:
    assert {kind for kind, _ in examples(rule)} == {"found", "good"}
    assert rule.summary.endswith(".")
    assert len(rule.summary) <= 110


@pytest.mark.parametrize(("rule", "kind", "files"), EXAMPLES)
def test_messages_and_remedies_are_plain(
    rule: AnyRule, kind: str, files: dict[str, str], tmp_path: Path
) -> None:
    for one in nodes(files, tmp_path):
        for finding in one.findings:
            for said in (finding.problem.message, finding.problem.remedy):
                assert said
                assert not said.endswith(".")
                assert "\n" not in said


def test_the_list_of_rules_is_the_folder() -> None:
    folder = Path(live_rules.__file__).parent
    there = sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")
    assert sorted(live_rules.__all__) == there


def test_the_catalog_knows_both_kinds_and_tells_them_apart() -> None:
    assert set(catalog.names()) == {*catalog.rules(), *catalog.live_rules()}
    assert not set(catalog.rules()) & set(catalog.live_rules())


# --- what a policy says counts here, too

LEGACY = "*filter\n" + "-A INPUT -s 192.0.2.1/32 -j DROP\n" * 12 + "COMMIT\n"
UNPINNED = {
    "iptables-legacy-save": LEGACY, "ip6tables-legacy-save": "", "iptables-nft-save": "", "ip6tables-nft-save": "",
    "env": "A=b\n",
}  # fmt: skip


def rules_of(diagnosis: NodeDiagnosis) -> dict[str, str]:
    return {one.rule: one.severity.name for one in diagnosis.findings}


def test_levels_count(tmp_path: Path) -> None:
    policy = "levels: {legacy-at-next-start: note}\n"
    [node] = nodes(UNPINNED, tmp_path, policy)
    assert (rules_of(node), node.verdict) == ({"legacy-at-next-start": "NOTE"}, "pass")


def test_a_rule_that_is_off_explains_nothing(tmp_path: Path) -> None:
    [node] = nodes(UNPINNED, tmp_path, "levels: {legacy-at-next-start: 'off'}\n")
    assert rules_of(node) == {"unpinned-kube-proxy": "WARNING"}


@pytest.mark.parametrize(
    ("where", "until", "counts"),
    [
        ("node", "", False), ("no*", "", False), ("other", "", True), ("node", "2026-11-23", False),
        ("node", "2026-11-22", True),
    ],
)  # fmt: skip
def test_an_exemption_is_for_a_node_by_its_name(
    where: str,
    until: str,
    counts: bool,  # noqa: FBT001
    tmp_path: Path,
) -> None:
    policy = f"exempt:\n- {{rule: legacy-at-next-start, where: '{where}', reason: it goes in spring"
    policy += f", until: {until}}}\n" if until else "}\n"
    [node] = nodes(UNPINNED, tmp_path, policy)
    assert (node.verdict == "error") == counts
    assert [one.exemption.reason for one in node.exempted] == (
        [] if counts else ["it goes in spring"]
    )
    assert bool(node.steps) == counts


def test_where_legacy_is_wanted_it_is_the_other_way_round(tmp_path: Path) -> None:
    policy = "params: {backend: legacy}\n"
    for number, (mode, verdict, expected) in enumerate(
        [
            ("legacy", "pass", {}),
            ("nft", "error", {"pinned-to-other-backend": "ERROR"}),
        ]
    ):
        files = {**UNPINNED, "env": f"IPTABLES_MODE={mode}\n", "iptables-legacy-save": LEGACY.replace(
            "*filter", "*nat\n:KUBE-SERVICES - [0:0]\nCOMMIT\n*filter"), "iptables-nft-save": "*nat\n:KUBE-SERVICES - [0:0]\nCOMMIT\n"}  # fmt: skip
        [node] = nodes(files, tmp_path / str(number), policy)
        assert (node.verdict, rules_of(node)) == (verdict, expected)


# --- the remedy, in order

KUBES = '*nat\n-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES\nCOMMIT\n'
CUSTOM = "*filter\n" + "".join(f"-A INPUT -s 192.0.2.{n}/32 -j DROP\n" for n in range(12)) + "COMMIT\n"  # fmt: skip
CALICO = "*raw\n-A PREROUTING -j cali-PREROUTING\nCOMMIT\n"
PIN, NO_PIN = "IPTABLES_MODE=nft\n", "A=b\n"
NO_POD = '{"kind": "List", "items": []}'
SERVICES = "*nat\n:KUBE-SERVICES - [0:0]\n-A KUBE-SERVICES -j RETURN\nCOMMIT\n"


@pytest.mark.parametrize(
    ("files", "steps"),
    [
        pytest.param({"env": PIN}, "", id="nothing is wrong"),
        pytest.param({"env": NO_PIN}, "pin restart check", id="unpinned"),
        pytest.param({"env": NO_PIN, "config.yaml": f"kube-proxy-extra-env: {PIN}"}, "restart check", id="C73: pinned, not restarted"),
        pytest.param({"env": PIN, "iptables-legacy-save": KUBES}, "reboot check", id="C74: stale rules"),
        pytest.param({"env": PIN, "iptables-legacy-save": CALICO}, "reboot pin-cni check", id="C75: Calico on legacy"),
        pytest.param({"env": NO_PIN, "iptables-legacy-save": CUSTOM}, "migrate pin restart check", id="C76: custom rules"),
        pytest.param({"env": NO_PIN, "iptables-legacy-save": CUSTOM + KUBES + CALICO}, "migrate pin restart reboot pin-cni check", id="all at once"),
        pytest.param({"env": "IPTABLES_MODE=NFT\n"}, "pin restart check", id="C78: a value that is none"),
        pytest.param({"env": PIN, "readlink": "xtables-legacy-multi"}, "restart reboot check", id="pinned, and legacy is in use all the same"),
        pytest.param({"env": PIN, "config.yaml": "kube-proxy-extra-env: 'IPTABLES_MODE=nft,A=b'"}, "pin restart check", id="the next start fails"),
        pytest.param({"env": NO_PIN, "config.yaml": "kube-proxy-extra-env: [a\n"}, "mend pin restart check", id="RKE2 cannot read its configuration"),
        pytest.param({"env": PIN, "config.yaml": "kube-proxy-arg: [IPTABLES_MODE=nft]\n"}, "mend pin restart check", id="RKE2 refuses its configuration"),
        pytest.param({"pod.json": NO_POD}, "find-kube-proxy check", id="C80: no kube-proxy"),
        pytest.param({"cgroup": "0::/\n"}, "find-pin check", id="nobody knows"),
        pytest.param({"iptables-legacy-save": CUSTOM}, "migrate find-pin pin restart check", id="nobody knows, and legacy is near"),
        pytest.param({"env": PIN, "host-iptables-version": "iptables v1.8.7 (legacy)"}, "host check", id="the host has another"),
    ],
)  # fmt: skip
def test_what_is_to_be_done_comes_in_order(
    files: dict[str, str], steps: str, tmp_path: Path
) -> None:
    dumps = {"ip6tables-legacy-save": "", "iptables-nft-save": SERVICES, "ip6tables-nft-save": ""}
    known = dumps if "env" in files else {}
    [node] = nodes({**known, "iptables-legacy-save": "", **files} if known else files, tmp_path)
    assert [step.id for step in node.steps] == steps.split()


def test_no_step_calls_the_bare_iptables(tmp_path: Path) -> None:
    """In kube-proxy's container it would make the choice."""
    everything = {"env": NO_PIN, "iptables-legacy-save": CUSTOM + KUBES + CALICO}
    [node] = nodes(everything, tmp_path)
    commands = [command for step in node.steps for command in step.on("node") if "exec" in command]
    assert commands
    assert not [
        one for one in commands if re.search(r"(?<![-/\w])ip6?tables(?!-(nft|legacy))", one)
    ]
