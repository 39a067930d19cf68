"""Does the command line accept findings as it promises: ignores, --add-ignores, --no-ignores?"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from rke2_lint.cli import main
from rke2_policies.yaml_source import Source

CLEAN, FOUND, USAGE = 0, 1, 2
CONFIG = "etc/rancher/rke2/config.yaml"
REASON = "old hosts, OPS-112"
LEGACY = "# rke2-lint: ignore[legacy-backend] old hosts, OPS-112"
CLUSTER = """\
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata:
  name: prod
  namespace: fleet-default
spec:
  kubernetesVersion: v1.33.4-rc1+rke2r1   # next week
  rkeConfig:
    machineGlobalConfig:
      cni: calico
    machineSelectorConfig:
      - config:
          kube-proxy-extra-env: [IPTABLES_MODE=legacy, IPTABLES_MODE=legacy]
        machineLabelSelector:
          matchLabels: {rke.cattle.io/worker-role: "true"}
    machinePools:
      - {name: all, controlPlaneRole: true, etcdRole: true, workerRole: true, quantity: 3}
      - {name: more, workerRole: true, quantity: 3}
"""
UNPINNED = re.sub(
    r"    machineSelectorConfig:.*?(?=    machinePools)", "", CLUSTER, flags=re.DOTALL
)


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


Command = Callable[..., Run]


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


def write(files: dict[str, str | bytes]) -> None:
    for path, text in files.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(text if isinstance(text, bytes) else text.encode())


# --- what is accepted


def test_what_is_accepted_fails_no_build_and_is_not_fixed(run: Command) -> None:
    text = UNPINNED.replace(
        "    machineGlobalConfig:",
        "    # rke2-lint: ignore[missing-nft-pin] later\n    machineGlobalConfig:",
    )
    write({"a.yaml": text})
    done = run("--fix", ".")
    assert (done.status, done.rules) == (CLEAN, ["prerelease-version"])
    assert Path("a.yaml").read_text() == text
    assert "1 accepted" in done.err
    again = run("--no-ignores", ".")
    assert (again.status, "missing-nft-pin" in again.rules) == (FOUND, True)


def test_what_is_unused_is_fixed(run: Command) -> None:
    write({CONFIG: f"kube-proxy-extra-env: [IPTABLES_MODE=nft]  {LEGACY}\n"})
    assert run(".").rules == ["unused-ignore"]
    assert run("--fix", ".").status == CLEAN
    assert Path(CONFIG).read_text() == "kube-proxy-extra-env: [IPTABLES_MODE=nft]\n"


def test_a_fix_and_the_ignore_that_it_makes_useless_go_together(run: Command) -> None:
    write({CONFIG: f"kube-proxy-extra-env: [IPTABLES_MODE=NFT]  {LEGACY}\n"})
    assert run("--fix", ".").status == CLEAN
    assert Path(CONFIG).read_text() == "kube-proxy-extra-env: [IPTABLES_MODE=nft]\n"


def test_a_drop_in_alone_is_understood_with_its_neighbours(run: Command) -> None:
    drop_in = f"{CONFIG}.d/20-proxy.yaml"
    write(
        {
            CONFIG: f"kube-proxy-extra-env: [IPTABLES_MODE=nft]  {LEGACY}\n",
            drop_in: "kube-proxy-extra-env: [A=b]  # rke2-lint: ignore[drop-in-drops-pin] as it was\n",
        }
    )
    assert run(drop_in).status == CLEAN, "what is only read as context is not complained of"
    assert run(".").rules == ["unused-ignore"]


# --- --add-ignores


def data_of(path: str) -> list[object]:
    source = Source.read(path, Path(path).read_bytes())
    return [document.tree for document in source.documents]


@pytest.mark.parametrize("text", [CLUSTER, UNPINNED, f"# c\n---\n{CLUSTER}---\n{UNPINNED}"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_everything_is_ignored_once(run: Command, text: str, newline: str) -> None:
    before = text.replace("\n", newline).encode()
    write({"a.yaml": before})
    told = run(".")
    assert told.status == FOUND
    data = data_of("a.yaml")
    done = run("--add-ignores", REASON, ".")
    assert (done.status, done.rules) == (CLEAN, [])
    written = Path("a.yaml").read_bytes()
    assert data_of("a.yaml") == data
    # One comment a line, and nothing else.
    added = [line for line in written.decode().splitlines() if "rke2-lint" in line]
    assert len(set(re.findall(r"^(.*?):\d+", told.out, re.MULTILINE))) == 1
    lines = set(re.findall(r"^a.yaml:(\d+)", told.out, re.MULTILINE))
    assert len(added) == len(lines)
    left = [line for line in written.splitlines(keepends=True) if b"rke2-lint" not in line]
    assert b"".join(left) == before
    # Again it finds nothing to do.
    assert run(".").status == CLEAN
    assert run("--add-ignores", REASON, ".").status == CLEAN
    assert Path("a.yaml").read_bytes() == written


def test_all_rules_of_a_line_are_in_one_comment(run: Command) -> None:
    write({"a.yaml": CLUSTER})
    run("--add-ignores", REASON, ".")
    text = Path("a.yaml").read_text()
    assert f"          # rke2-lint: ignore[duplicate-variable,legacy-backend] {REASON}\n" in text


def test_a_comment_for_the_same_reason_takes_another_rule(run: Command) -> None:
    write(
        {CONFIG: f"kube-proxy-extra-env: [IPTABLES_MODE=legacy, IPTABLES_MODE=legacy]  {LEGACY}\n"}
    )
    run("--add-ignores", REASON, ".")
    assert Path(CONFIG).read_text() == (
        "kube-proxy-extra-env: [IPTABLES_MODE=legacy, IPTABLES_MODE=legacy]"
        f"  # rke2-lint: ignore[duplicate-variable,legacy-backend] {REASON}\n"
    )


def test_a_comment_for_another_reason_stays(run: Command) -> None:
    before = f"kube-proxy-extra-env: [IPTABLES_MODE=legacy, IPTABLES_MODE=legacy]  {LEGACY}\n"
    write({CONFIG: before})
    run("--add-ignores", "adopted", ".")
    comment = "# rke2-lint: ignore[duplicate-variable] adopted\n"
    assert Path(CONFIG).read_text() == comment + before


def test_a_reason_may_have_a_last_day(run: Command) -> None:
    write({CONFIG: "kube-proxy-extra-env: [IPTABLES_MODE=legacy]\n"})
    assert run("--add-ignores", f"until=2999-12-31  {REASON}", ".").status == CLEAN
    assert (
        Path(CONFIG)
        .read_text()
        .startswith(f"# rke2-lint: ignore[legacy-backend] until=2999-12-31 {REASON}\n")
    )
    assert run(".").status == CLEAN


@pytest.mark.parametrize("reason", ["", " ", "--", "until=2027-01-31", "until=spring old hosts"])
def test_a_reason_is_needed(run: Command, reason: str) -> None:
    write({"a.yaml": CLUSTER})
    done = run("--add-ignores", reason, ".")
    assert done.status == USAGE
    assert "--add-ignores" in done.err
    assert Path("a.yaml").read_text() == CLUSTER


def test_a_diff_shows_what_would_be_written(run: Command) -> None:
    write({"a.yaml": CLUSTER})
    done = run("--add-ignores", REASON, "--diff", ".")
    assert done.status == FOUND
    assert f"+          # rke2-lint: ignore[duplicate-variable,legacy-backend] {REASON}" in done.out
    assert not re.search(r"^-[^-]", done.out, re.MULTILINE)
    assert Path("a.yaml").read_text() == CLUSTER


def test_what_can_be_fixed_is_fixed_first(run: Command) -> None:
    write({"a.yaml": UNPINNED})
    assert run("--fix", "--add-ignores", REASON, ".").status == CLEAN
    text = Path("a.yaml").read_text()
    assert "IPTABLES_MODE=nft" in text
    assert "missing-nft-pin" not in text
    assert "ignore[prerelease-version]" in text


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        pytest.param(
            "a.json",
            json.dumps(Source.read("a.yaml", CLUSTER.encode()).documents[0].tree),
            f'give Cluster fleet-default/prod the annotation rke2-lint.dev/ignore: "'
            f'duplicate-variable,legacy-backend,prerelease-version {REASON}"',
            id="JSON",
        ),
        pytest.param(
            CONFIG, '{"kube-proxy-extra-env": ["IPTABLES_MODE=legacy"]}', "policy exempt", id="flow"
        ),
        pytest.param(
            "a.yaml", CLUSTER.replace("name: prod", "name: {{ .name }}"), "template", id="a template"
        ),
        pytest.param("etc/default/rke2-server", "RKE2_KUBE_PROXY_EXTRA_ENV=IPTABLES_MODE=legacy\n",
                     "environment files are not changed", id="an environment file"),
        pytest.param(CONFIG, "cni: [\n", "write the comment yourself", id="no YAML"),
    ],
)  # fmt: skip
def test_where_no_comment_can_stand_it_says_what_to_do(
    run: Command, path: str, text: str, said: str
) -> None:
    write({path: text})
    done = run("--add-ignores", REASON, ".")
    assert done.status == FOUND
    assert said in done.err
    assert Path(path).read_text() == text


def test_what_it_says_to_write_is_heard(run: Command) -> None:
    tree = Source.read("a.yaml", CLUSTER.encode()).documents[0].tree
    write({"a.json": json.dumps(tree)})
    [annotation] = re.findall(r'ignore: "(.*)"', run("--add-ignores", REASON, ".").err)
    tree["metadata"]["annotations"] = {"rke2-lint.dev/ignore": annotation}
    write({"a.json": json.dumps(tree)})
    assert run(".").status == CLEAN


TAKING = CLUSTER[: CLUSTER.index("    machineSelectorConfig")].replace("-rc1", "") + (
    "      kube-proxy-extra-env: [IPTABLES_MODE=nft]\n"
    "    machineSelectorFiles:\n      - fileSources:\n          - secret:\n"
    "              name: files\n              items:\n                - key: drop\n"
    "                  path: /etc/rancher/rke2/config.yaml.d/90-x.yaml\n"
)
SECRET = (
    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: files\n  namespace: fleet-default\n"
    '  annotations: {rke.cattle.io/object-authorized-for-clusters: "prod,more"}\nstringData:\n'
)


@pytest.mark.parametrize(
    ("clusters", "rules"), [(("prod",), []), (("prod", "more"), ["selector-drops-pin"])]
)
def test_what_is_exempt_for_one_cluster_counts_for_another(
    run: Command, clusters: tuple[str, ...], rules: list[str]
) -> None:
    """What both take from one Secret is a finding about both."""
    policy = "exempt: [{rule: selector-drops-pin, where: fleet-default/prod, reason: old}]\n"
    taking = "---\n".join(TAKING.replace("name: prod", f"name: {name}") for name in clusters)
    drop = "  drop: '{kube-proxy-extra-env: [A=b]}'\n"
    write({".rke2-lint.yaml": policy, "cluster.yaml": taking, "secret.yaml": SECRET + drop})
    assert run(".").rules == rules


@pytest.mark.skipif(os.name != "posix", reason="there is no such thing on Windows")
def test_what_stands_in_a_secret_can_be_accepted_there(run: Command) -> None:
    head, drop = SECRET, "  drop: '{kube-proxy-extra-env: [A=b]}'\n"
    write({"cluster.yaml": TAKING, "secret.yaml": head + drop})
    refused = run("--add-ignores", REASON, ".")
    assert refused.rules == ["selector-drops-pin"]
    assert "secret.yaml is only read for what a Cluster takes from it; write the comment" in (
        refused.err
    )
    comment = f"  # rke2-lint: ignore[selector-drops-pin] {REASON}\n"
    write({"secret.yaml": head + comment + drop})
    done = run("--fix", ".")
    assert (done.status, done.out) == (CLEAN, "")
    assert "1 accepted" in done.err
    assert Path("secret.yaml").read_text() == head + comment + drop


def test_nothing_is_written_through_a_link(run: Command) -> None:
    write({"there/a.yaml": CLUSTER, "here/x.txt": ""})
    Path("here/a.yaml").symlink_to("../there/a.yaml")
    done = run("--add-ignores", REASON, "here/a.yaml")
    assert "is a link" in done.err
    assert Path("there/a.yaml").read_text() == CLUSTER


def test_a_file_that_cannot_be_written_stays_whole(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    write({"a.yaml": CLUSTER})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    done = run("--add-ignores", REASON, ".")
    assert done.status == FOUND
    assert "No space left on device" in done.err
    assert sorted(map(str, Path().iterdir())) == ["a.yaml"]
    assert Path("a.yaml").read_text() == CLUSTER


def test_what_is_ignored_is_counted_as_it_was_found(run: Command) -> None:
    """One comment may be for two findings of one rule."""
    policy = (
        "levels: {missing-nft-pin: off}\nparams: {required-settings: {profile: cis, debug: true}}\n"
    )
    write({".rke2-lint.yaml": policy, CONFIG: "cni: canal\n"})
    found = run(".").rules.count("required-settings")
    assert found == 2
    done = run("--select", "required-settings", "--add-ignores", REASON, ".")
    assert "ignored 2 findings in 1 file, nothing left" in done.err
    assert Path(CONFIG).read_text().count("rke2-lint: ignore") == 1


def test_one_cannot_write_what_is_disregarded(run: Command) -> None:
    assert run("--add-ignores", REASON, "--no-ignores").status == USAGE


# --- exemptions of a policy


def test_no_ignores_leaves_the_policy_alone(run: Command) -> None:
    policy = "exempt:\n- {rule: legacy-backend, where: 'etc/', reason: old}\n"
    write({".rke2-lint.yaml": policy, CONFIG: "kube-proxy-extra-env: [IPTABLES_MODE=legacy]\n"})
    assert run("--no-ignores", ".").status == CLEAN
    assert run("--isolated", ".").status == FOUND


ENDED = (
    "levels: {syntax: error}\nexempt:\n- {rule: syntax, where: old/, until: 2020-01-01, reason: old}\n"
    "- rule: legacy-backend\n  where: %s\n  until: %s\n  reason: old\n"
)


@pytest.mark.parametrize(
    ("where", "until", "is_told"),
    [
        ("etc/", "2020-01-01", True),
        ("etc/", "2999-01-01", False),
        ("other/", "2020-01-01", False),
    ],
)
def test_an_exemption_that_has_ended_is_told_with_what_it_took_out(
    run: Command, where: str, until: str, *, is_told: bool
) -> None:
    write(
        {
            "team/.rke2-lint.yaml": "extends: ../org.yaml\n",
            "org.yaml": ENDED % (f"team/{where}", until),
            f"team/{CONFIG}": "kube-proxy-extra-env: [IPTABLES_MODE=legacy]\n",
        }
    )
    for arguments in (["."], [f"team/{CONFIG}"]):
        done = run(*arguments)
        assert done.rules == ([] if until > "2500" else ["legacy-backend"])
        told = [line for line in done.err.splitlines() if line.startswith("warning: ")]
        begin = "warning: org.yaml:4: the exemption of legacy-backend for team/etc/ ended with "
        assert [line.startswith(begin) for line in told] == ([True] if is_told else [])
        assert all(line.endswith("2020-01-01: renew it, or take it out") for line in told)


def test_exemptions_of_no_use_are_told_where_everything_was_looked_at(run: Command) -> None:
    policy = """\
exempt:
- {rule: legacy-backend, where: 'etc/', reason: old}
- {rule: syntax, where: 'old/', reason: gone}
- {rule: syntax, where: '*', until: 2020-01-01, reason: old}
"""
    write({".rke2-lint.yaml": policy, CONFIG: "kube-proxy-extra-env: [IPTABLES_MODE=legacy]\n"})
    done = run("--verbose", ".")
    assert done.status == CLEAN
    assert "the policy exempts syntax for old/: it takes nothing out" in done.err
    assert "the policy exempts syntax for *: it ended with 2020-01-01" in done.err
    assert "legacy-backend" not in done.err
    for arguments in ([CONFIG], ["--select", "legacy-backend"]):
        assert "exempts" not in run("--verbose", *arguments).err
