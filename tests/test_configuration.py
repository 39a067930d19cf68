"""Which configuration is in force for a file, what each key of it changes, and what is said of a wrong one?

All through the command line, as people meet it.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rke2_lint.files import Lookup
from rke2_lint.toml_lines import lines
from rke2_policies import catalog
from rke2_policies.policy_keys import keys
from rke2_policies.policy_schema import schema

posix = pytest.mark.skipif(os.name != "posix", reason="there are no such files on Windows")

PINNED = """\
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata:
  name: prod
  namespace: fleet-default
  labels: {hosts: old}
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
OFF = "levels: {missing-nft-pin: off}\n"
MISSING = ("missing-nft-pin", "error")


@pytest.fixture(autouse=True)
def no_repository_around(lint: Any) -> None:
    """Let the lookup end at the folder, whatever lies above temporary files."""
    (lint.folder / ".git").mkdir()


# --- the nearest one


def test_the_nearest_one_counts_and_no_other(lint: Any) -> None:
    lint.write(
        {
            ".rke2-lint.yaml": OFF,
            "a.yaml": UNPINNED,
            "deep/down/b.yaml": UNPINNED,
            "own/.rke2-lint.yaml": "levels: {missing-nft-pin: note}\n",
            "own/deep/c.yaml": UNPINNED,
        }
    )
    assert lint.found("--isolated").paths == ["a.yaml", "deep/down/b.yaml", "own/deep/c.yaml"]
    assert lint.found().found == [("own/deep/c.yaml", "missing-nft-pin", "note")]


@pytest.mark.parametrize("where", [".", "deep", "deep/down"])
def test_it_is_nearest_to_the_file_and_not_to_who_asks(lint: Any, where: str) -> None:
    lint.write({"deep/.rke2-lint.yaml": OFF, "deep/down/a.yaml": UNPINNED, "b.yaml": UNPINNED})
    lint.go_to(where)
    path = os.path.relpath(lint.folder / "deep/down/a.yaml")
    other = os.path.relpath(lint.folder / "b.yaml")
    assert lint.found(path).found == []
    assert lint.found(other).found == [(other, *MISSING)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".rke2-lint.yaml", OFF),
        (".rke2-lint.yml", OFF),
        ("pyproject.toml", '[tool.rke2-lint.levels]\nmissing-nft-pin = "off"\n'),
        ("pyproject.toml", '[tool."rke2-lint"]\nlevels = { missing-nft-pin = "off" }\n'),
        ("pyproject.toml", '[tool]\nrke2-lint.levels.missing-nft-pin = "off"\n'),
        ("pyproject.toml", 'tool = { rke2-lint = { levels = { missing-nft-pin = "off" } } }\n'),
    ],
)
def test_its_names(lint: Any, name: str, text: str) -> None:
    lint.write({"deep/a.yaml": UNPINNED})
    assert lint.found().found == [("deep/a.yaml", *MISSING)]
    lint.write({name: text})
    assert lint.found().found == []


@pytest.mark.parametrize(
    "text",
    [
        "[project]\nname = 'x'\n",
        "[dependency-groups]\nlint = ['rke2-lint==0.1']\n",
        "[tool.poetry.dependencies]\nrke2-lint = '^0.1'\n",
        "tool = 3 # rke2-lint =\n",
    ],
)
def test_a_pyproject_without_our_table_is_none(lint: Any, text: str) -> None:
    lint.write({".rke2-lint.yaml": OFF, "deep/pyproject.toml": text, "deep/a.yaml": UNPINNED})
    assert lint.found().found == []


def test_two_in_one_folder_are_an_error(lint: Any) -> None:
    table = "[tool.rke2-lint]\nexclude = []\n"
    lint.write({"a.yaml": PINNED, ".rke2-lint.yaml": OFF, "pyproject.toml": table})
    done = lint("a.yaml")
    assert (done.status, done.out) == (2, "")
    assert done.err == (
        "rke2-lint: error: .rke2-lint.yaml and pyproject.toml: a folder has one configuration; "
        "keep one of them\n"
    )


def test_the_root_of_a_work_tree_ends_the_search(lint: Any) -> None:
    """A clone says the same wherever it lies."""
    lint.write({".rke2-lint.yaml": OFF, "repo/a.yaml": UNPINNED, "plain/b.yaml": UNPINNED})
    lint.git("init", "--quiet", folder="repo")
    assert lint.found("repo").paths == ["repo/a.yaml"]
    assert lint.found("repo/a.yaml").paths == ["repo/a.yaml"]
    assert lint.found("plain").paths == []


def test_what_is_left_out_by_git_is_a_configuration_all_the_same(lint: Any) -> None:
    (lint.folder / ".git").rmdir()
    lint.git("init", "--quiet")
    lint.write({".gitignore": ".rke2-lint.yaml\n", ".rke2-lint.yaml": OFF, "a.yaml": UNPINNED})
    assert lint.found().found == lint.found("a.yaml").found == []


def test_config_names_one_for_all_files_seen_from_where_one_stands(lint: Any) -> None:
    lint.write(
        {
            "ci/lint.yaml": "exclude: [/vendor/, '*.old.yaml']\noverrides:\n- paths: [lab/**]\n  levels: {missing-nft-pin: note}\n",
            "own/.rke2-lint.yaml": OFF,
            "own/a.yaml": UNPINNED,
            "lab/b.yaml": UNPINNED,
            "vendor/c.yaml": UNPINNED,
            "own/d.old.yaml": UNPINNED,
        }
    )
    assert lint.found("--config", "ci/lint.yaml").found == [
        ("lab/b.yaml", "missing-nft-pin", "note"),
        ("own/a.yaml", *MISSING),
    ]


def test_config_takes_a_pyproject_too(lint: Any) -> None:
    lint.write({"a.yaml": UNPINNED, "x/y.toml": "[tool.rke2-lint]\nlevels.missing-nft-pin='off'\n"})
    assert lint.found("--config", "x/y.toml").found == []


def test_isolated_asks_none(lint: Any) -> None:
    lint.write({".rke2-lint.yaml": "wrong: [", "a.yaml": UNPINNED})
    assert lint.found("--isolated").found == [("a.yaml", *MISSING)]
    both = lint("--isolated", "--config", ".rke2-lint.yaml")
    assert both.status == 2
    assert "choose one" in both.err


def test_standard_input_is_governed_by_its_name(lint: Any) -> None:
    lint.write({"lab/.rke2-lint.yaml": OFF})
    assert lint.found("-", stdin=UNPINNED).found == [("-", *MISSING)]
    assert lint.found("-", "--stdin-filename", "lab/x.yaml", stdin=UNPINNED).found == []
    lint.write({".rke2-lint.yaml": OFF})
    assert lint.found("-", stdin=UNPINNED).found == []


def test_the_files_of_a_node_are_governed_by_its_config_file(lint: Any) -> None:
    node = "etc/rancher/rke2/config.yaml"
    drop_in = f"{node}.d/20-proxy.yaml"
    lint.write({node: "cni: calico\n", drop_in: "kube-proxy-extra-env: [A=b]\n"})
    assert lint.found(drop_in).status == 1
    lint.write(
        {
            "etc/rancher/rke2/.rke2-lint.yaml": "levels: {drop-in-drops-pin: off, missing-nft-pin: off}\n"
        }
    )
    lint.write({f"{node}.d/.rke2-lint.yaml": "extends: default\n"})
    assert lint.found(drop_in).status == 0


def test_a_wrong_one_of_a_node_is_told_before_anything_is_fixed(lint: Any) -> None:
    """Its config file need not be near the file that was named."""
    lint.write(
        {
            "a.yaml": UNPINNED,
            "etc/default/rke2-server": "IPTABLES_MODE=legacy\n",
            "etc/rancher/rke2/config.yaml": "cni: calico\n",
            "etc/rancher/rke2/.rke2-lint.yaml": "exclde: []\n",
        }
    )
    done = lint("--fix", "a.yaml", "etc/default/rke2-server")
    assert done.status == 2
    assert "etc/rancher/rke2/.rke2-lint.yaml:1: there is no key exclde" in done.err
    assert lint.read("a.yaml") == UNPINNED


# --- what it extends


def test_a_baseline(lint: Any) -> None:
    lint.write({"a.yaml": PINNED.replace("v1.33.4+rke2r1", "v1.33.4-rc1+rke2r1")})
    assert [one[2] for one in lint.found().found] == ["note"]
    lint.write({".rke2-lint.yaml": "extends: strict\n"})
    assert [one[2] for one in lint.found().found] == ["warning"]


def test_a_file_seen_from_the_one_that_says_so(lint: Any) -> None:
    lint.write(
        {
            "org/base.yaml": "extends: more/off.yaml\nexclude: [vendor, /x, ../gone/]\n",
            "org/more/off.yaml": "levels: {missing-nft-pin: note}\n",
            "apps/.rke2-lint.yaml": "extends: ../org/base.yaml\n",
            "apps/deep/a.yaml": UNPINNED,
            "apps/vendor/b.yaml": UNPINNED,
            "apps/x/c.yaml": UNPINNED,
        }
    )
    lint.go_to("apps/deep")
    assert lint.found("..").found == [
        ("../deep/a.yaml", "missing-nft-pin", "note"),
        ("../x/c.yaml", "missing-nft-pin", "note"),
    ]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        pytest.param(
            {".rke2-lint.yaml": "extends: b.yaml\n", "b.yaml": "\nextends: c.yaml\n", "c.yaml": "extends: .rke2-lint.yaml\n"},
            "c.yaml:1: it extends itself: .rke2-lint.yaml → b.yaml → c.yaml → .rke2-lint.yaml",
            id="a circle",
        ),
        pytest.param(
            {".rke2-lint.yaml": "extends: .rke2-lint.yaml\n"},
            ".rke2-lint.yaml:1: it extends itself: .rke2-lint.yaml → .rke2-lint.yaml",
            id="itself",
        ),
        pytest.param(
            {".rke2-lint.yaml": "\nextends: strickt\n"},
            ".rke2-lint.yaml:2: there is no policy strickt to extend: "
            "No such file or directory; did you mean strict?",
            id="nothing",
        ),
        pytest.param(
            {".rke2-lint.yaml": "extends: ./x\n", "x/y": ""},
            ".rke2-lint.yaml:1: there is no policy ./x to extend: x: is not a file",
            id="a folder",
        ),
        pytest.param(
            {".rke2-lint.yaml": "extends: b.yaml\n", "b.yaml": "\n\nlevel: {}\n"},
            "b.yaml:3: there is no key level; did you mean levels?",
            id="a mistake in the other",
        ),
        pytest.param(
            {"pyproject.toml": "[tool.rke2-lint]\nextends = 'pyproject.toml'\n"},
            "pyproject.toml:2: it extends itself: pyproject.toml → pyproject.toml",
            id="a pyproject itself",
        ),
        pytest.param(
            {".rke2-lint.yaml": "extends: x/pyproject.toml\n", "x/pyproject.toml": "[tool.rke2-lint]\n"},
            ".rke2-lint.yaml:1: there is no policy x/pyproject.toml to extend: "
            "only YAML is extended, and this is TOML",
            id="TOML",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_extended(lint: Any, files: dict[str, str], message: str) -> None:
    lint.write({"d.yaml": UNPINNED, **files})
    done = lint("--fix", "d.yaml")
    assert (done.status, done.out, done.err) == (2, "", f"rke2-lint: error: {message}\n")
    assert lint.read("d.yaml") == UNPINNED


# --- wrong ones


LAUGHS = "a: &a [x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)},*{chr(97 + i)}]\n" for i in range(20)
)
WRONG = [
    pytest.param(".rke2-lint.yaml", b"exclude: [" + b"a," * 600_000 + b"]", "is larger than 1 MiB, which no configuration is", id="huge"),
    pytest.param(".rke2-lint.yaml", b"[" * 100_000, ":1: ", id="deep"),
    pytest.param(".rke2-lint.yaml", LAUGHS.encode(), "aliasing", id="aliases"),
    pytest.param(".rke2-lint.yaml", bytes(range(256)), ":1: ", id="binary"),
    pytest.param(".rke2-lint.yaml", b"\xff\xfeb\x00a\x00d\x00", ".rke2-lint.yaml:1: a policy is a mapping", id="UTF-16"),
    pytest.param(".rke2-lint.yaml", b"exclude: ['!a']", ".rke2-lint.yaml:1: exclude.0: a glob does not begin with !", id="a glob"),
    pytest.param(".rke2-lint.yaml", b"a: 1\n---\nb: 2\n", ".rke2-lint.yaml:3: a policy is one YAML document", id="two documents"),
    pytest.param("pyproject.toml", b"[tool.rke2-lint]\nx = \n", "pyproject.toml:2: Invalid value", id="TOML that is none"),
    pytest.param("pyproject.toml", b"[tool.rke2-lint]\nx = '\xff'\n", "pyproject.toml:2: is not UTF-8", id="TOML in Latin-1"),
    pytest.param("pyproject.toml", b"[tool.rke2-lint]\nx = " + b"[" * 50_000, "pyproject.toml: is nested too deeply", id="deep TOML"),
    pytest.param("pyproject.toml", b"[tool]\nrke2-lint = 3\n", "pyproject.toml:2: a policy is a mapping", id="no table"),
    pytest.param("pyproject.toml", b"[tool.rke2-lint]\n# x\n\nexclde = []\n", "pyproject.toml:4: there is no key exclde; did you mean exclude?", id="a key in TOML"),
    pytest.param("pyproject.toml", b"[tool.rke2-lint]\nexclude = [\n  'a',\n  '!b',\n]\n", "pyproject.toml:4: exclude.1: a glob does not begin with !", id="an item in TOML"),
    pytest.param("pyproject.toml", b"[[tool.rke2-lint.exempt]]\nrule='syntax'\nwhere='a'\nreason='b'\n[[tool.rke2-lint.exempt]]\nrule='syntax'\nwhere='a'\nreason='b'\nuntil = 2027\n", "pyproject.toml:9: ", id="an entry in TOML"),
    pytest.param("pyproject.toml", b"# tool.rke2-lint.x\n" * 80_000, "pyproject.toml: is larger than 1 MiB", id="huge TOML that may name us"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "message"), WRONG)
def test_a_wrong_one_is_told_and_nothing_is_done(
    lint: Any, name: str, data: bytes, message: str
) -> None:
    if "that may name us" in message or (name == "pyproject.toml" and len(data) > 1 << 20):
        data = b"[tool.rke2-lint]\n" + data
    lint.write({"a.yaml": UNPINNED, f"deep/{name}": data, "deep/b.yaml": UNPINNED})
    for arguments in (["."], ["a.yaml", "deep/b.yaml"], ["deep"]):
        done = lint("--fix", *arguments)
        assert (done.status, done.out) == (2, "")
        assert done.err.startswith(f"rke2-lint: error: deep/{name}")
        assert message in done.err
        assert done.err.count("\n") == 1
        assert len(done.err) < 500
    assert lint.read("a.yaml") == UNPINNED


@posix
@pytest.mark.parametrize("name", [".rke2-lint.yaml", "pyproject.toml"])
def test_what_is_no_file_is_told_and_not_waited_for(lint: Any, name: str) -> None:
    lint.write({"a.yaml": UNPINNED})
    path = lint.folder / name
    for make, message in [
        (lambda: os.mkfifo(path), "is not a file"),
        (lambda: path.mkdir(), "is not a file"),
        (lambda: path.symlink_to(name), "Too many levels of symbolic links"),
        (lambda: path.symlink_to("/dev/zero"), "is not a file"),
    ]:
        make()
        done = lint("a.yaml")
        assert (done.status, done.err) == (2, f"rke2-lint: error: {name}: {message}\n")
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


@posix
def test_a_link_to_nowhere_is_told(lint: Any) -> None:
    lint.write({"a.yaml": UNPINNED})
    (lint.folder / ".rke2-lint.yaml").symlink_to("nowhere")
    done = lint("a.yaml")
    assert (done.status, done.err) == (2, "rke2-lint: error: .rke2-lint.yaml: is a link that leads nowhere\n")  # fmt: skip


@posix
def test_a_link_is_followed_and_counts_where_it_is(lint: Any) -> None:
    lint.write({"shared/lint.yaml": "exclude: [/x/]\n", "x/a.yaml": UNPINNED, "b.yaml": UNPINNED})
    (lint.folder / ".rke2-lint.yaml").symlink_to("shared/lint.yaml")
    assert lint.found().paths == ["b.yaml"]


@posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("name", [".rke2-lint.yaml", "pyproject.toml"])
def test_one_that_may_not_be_read(lint: Any, name: str) -> None:
    lint.write({"a.yaml": UNPINNED, name: OFF})
    (lint.folder / name).chmod(0)
    done = lint("a.yaml")
    assert (done.status, done.err) == (2, f"rke2-lint: error: {name}: Permission denied\n")


def test_a_named_one_that_is_not_there(lint: Any) -> None:
    done = lint("--config", "nowhere.yaml")
    assert (done.status, done.err) == (2, "rke2-lint: error: nowhere.yaml: No such file or directory\n")  # fmt: skip
    assert lint("--config", "a\0b").status == 2


def test_a_wrong_one_is_told_whatever_else_is_there(lint: Any) -> None:
    """Also where no file matters: it is as wrong on the day on which one does."""
    lint.write({".rke2-lint.yaml": "exclde: []\n", "a.yaml": "kind: Deployment\n"})
    for arguments in (["a.yaml"], ["."], ["effective", "a.yaml"], ["files"], ["config"]):
        assert lint(*arguments).status == 2
    assert lint("-", stdin="a: 1\n").status == 2


def test_one_in_a_folder_that_is_left_out_is_not_read(lint: Any) -> None:
    lint.write(
        {".rke2-lint.yaml": "exclude: [vendor/]\n", "vendor/.rke2-lint.yaml": "[", "vendor/a.yaml": UNPINNED}
    )  # fmt: skip
    assert lint.found().found == []
    assert lint("vendor/a.yaml").status == 2  # whoever names the file wants it looked at


# --- what each key changes

TWO = {"a.yaml": UNPINNED, "lab/b.yaml": UNPINNED}
CHANGES: dict[str, tuple[str, list[tuple[str, str, str]]]] = {
    "levels": (OFF, []),
    "extends": ("extends: base.yaml\n", []),
    "params": ("params: {}\n", [("a.yaml", *MISSING), ("lab/b.yaml", *MISSING)]),
    "overrides[].paths": (
        "overrides: [{paths: [lab/], levels: {missing-nft-pin: off}}]\n",
        [("a.yaml", *MISSING)],
    ),
    "overrides[].clusters": ("overrides: [{clusters: [prod], levels: {missing-nft-pin: off}}]\n", []),
    "overrides[].labels": (
        "overrides: [{labels: {matchLabels: {hosts: old}}, levels: {missing-nft-pin: off}}]\n",
        [],
    ),
    "overrides[].levels": (
        "overrides: [{paths: [lab/], levels: {missing-nft-pin: note}}]\n",
        [("a.yaml", *MISSING), ("lab/b.yaml", "missing-nft-pin", "note")],
    ),
    "include": ("include: [lab/]\n", [("lab/b.yaml", *MISSING)]),
    "exclude": ("exclude: [lab/]\n", [("a.yaml", *MISSING)]),
    "exempt": (
        "exempt: [{rule: missing-nft-pin, where: lab/, reason: x}]\n",
        [("a.yaml", *MISSING)],
    ),
    "exempt[].rule": (
        "exempt: [{rule: legacy-backend, where: lab/, reason: x}]\n",
        [("a.yaml", *MISSING), ("lab/b.yaml", *MISSING)],
    ),
    "exempt[].where": ("exempt: [{rule: missing-nft-pin, where: fleet-default/*, reason: x}]\n", []),
    "exempt[].until": (
        "exempt: [{rule: missing-nft-pin, where: lab/, reason: x, until: 2020-01-01}]\n",
        [("a.yaml", *MISSING), ("lab/b.yaml", *MISSING)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("key", CHANGES)
def test_a_key_changes_what_is_found(lint: Any, key: str) -> None:
    lint.write({**TWO, "base.yaml": OFF})
    assert lint.found().found == [("a.yaml", *MISSING), ("lab/b.yaml", *MISSING)]
    text, found = CHANGES[key]
    lint.write({".rke2-lint.yaml": text})
    assert [one for one in lint.found().found if one[1] == "missing-nft-pin"] == found


FIXES = {
    "fixable": ("fixable: [syntax]\n", UNPINNED),
    "unfixable": ("unfixable: [missing-nft-pin]\n", UNPINNED),
    "fixable by its name": ("fixable: [missing-nft-pin]\n", PINNED),
}


@pytest.mark.parametrize("key", FIXES)
def test_a_key_changes_what_is_fixed(lint: Any, key: str) -> None:
    text, after = FIXES[key]
    lint.write({"a.yaml": UNPINNED, ".rke2-lint.yaml": text})
    done = lint("--fix")
    assert lint.read("a.yaml") == after
    if after == UNPINNED:
        assert "the configuration leaves fixes of missing-nft-pin to people" in done.out
        assert "can be fixed" not in done.err


BACKENDS = {
    "params.backend": "params: {backend: legacy}\n",
    "overrides[].params.backend": "overrides: [{paths: [a.yaml], params: {backend: legacy}, reason: x}]\n",
    "overrides[].params": "overrides: [{labels: {matchLabels: {hosts: old}}, params: {backend: legacy}, reason: x}]\n",
}


@pytest.mark.parametrize("key", BACKENDS)
def test_a_key_changes_the_backend_that_is_wanted(lint: Any, key: str) -> None:
    lint.write({"a.yaml": LEGACY})
    assert lint.found().found == [("a.yaml", "legacy-backend", "error")]
    lint.write({".rke2-lint.yaml": BACKENDS[key]})
    assert lint.found().found == []
    lint.write({"a.yaml": UNPINNED})
    lint("--fix")
    assert lint.read("a.yaml") == LEGACY


REQUIRED = {
    "params.required-settings": ("profile: cis", True),
    "params.required-settings.*.value": ("profile: {value: cis}", True),
    "params.required-settings.*.role": ("profile: {value: cis, role: server}", True),
    "params.required-settings.*.role of others": ("profile: {value: cis, role: agent}", False),
    "params.required-settings.*.reason": ("profile: {value: cis, reason: our guide}", True),
}


@pytest.mark.parametrize("key", REQUIRED)
def test_a_key_requires_a_setting(lint: Any, key: str) -> None:
    said, found = REQUIRED[key]
    lint.write(
        {"a.yaml": PINNED, ".rke2-lint.yaml": f"params: {{required-settings: {{{said}}}}}\n"}
    )
    done = lint.found()
    assert ("required-settings" in [one[1] for one in done.found]) is found
    lint.write({".rke2-lint.yaml": f"overrides: [{{paths: [a.yaml], params: {{required-settings: {{{said}}}}}}}]\n"})  # fmt: skip
    assert ("required-settings" in [one[1] for one in lint.found().found]) is found
    if key.endswith("reason"):
        assert "our guide" in done.out


# Keys that are for the webhook, or for people, change what `rke2-lint config` says.
TOLD = {
    "name": ("name: platform team\n", "name", "platform team"),
    "overrides": ("overrides: [{clusters: [x], levels: {syntax: off}}]\n", "overrides.0", {"clusters": ["x"], "levels": {"syntax": "off"}}),
    "overrides[].reason": ("overrides: [{clusters: [x], levels: {syntax: off}, reason: why}]\n", "overrides.0", {"clusters": ["x"], "levels": {"syntax": "off"}, "reason": "why"}),
    "exempt[].reason": ("exempt: [{rule: syntax, where: x, reason: why}]\n", "exempt.0", {"rule": "syntax", "where": "x", "reason": "why"}),
    "webhook": ("webhook: {onCreate: off}\n", "webhook.onCreate", "off"),
    "webhook.onCreate": ("webhook: {onCreate: warn}\n", "webhook.onCreate", "warn"),
    "webhook.onUpdate": ("webhook: {onUpdate: warn}\n", "webhook.onUpdate", "warn"),
    "webhook.patch": ("webhook: {patch: [syntax]}\n", "webhook.patch", ["syntax"]),
    "webhook.deny": ("webhook: {deny: [syntax]}\n", "webhook.deny", ["syntax"]),
    "webhook.ignoreUsers": ("webhook: {ignoreUsers: [x]}\n", "webhook.ignoreUsers", ["x"]),
}  # fmt: skip


@pytest.mark.parametrize("key", TOLD)
def test_a_key_changes_what_is_in_force(lint: Any, key: str) -> None:
    text, name, value = TOLD[key]

    def told() -> Any:
        settings = lint("config", "--output-format", "json").json["settings"]
        return next((one for one in settings if one["key"] == name), {"from": None})

    before = told()
    assert before["from"] is None
    lint.write({".rke2-lint.yaml": f"# {key}\n{text}"})
    assert told() == {"key": name, "value": value, "from": ".rke2-lint.yaml:2"}
    assert before != told()


def test_each_documented_key_is_among_them() -> None:
    tested = {*CHANGES, *FIXES, *BACKENDS, *REQUIRED, *TOLD}
    tested -= {"fixable by its name", "params.required-settings.*.role of others"}
    inherited = {name for name, _ in keys() if name.startswith("overrides[].params.required")}
    assert tested | inherited == {name for name, _ in keys()}


def misspelt(name: str) -> str:
    """Return the key with two of its letters swapped."""
    for at in range(1, len(name) - 1):
        if name[at] != name[at + 1]:
            return name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    raise AssertionError(name)


def nested(name: str, value: str = "x") -> str:
    """Return a policy that says one key, given in full, as the only key on its line."""
    text = ""
    indent = ""
    for step in name.replace("[]", ".-").split("."):
        if step == "-":
            text = f"{text.removesuffix(chr(10))}\n{indent}- "
            indent += "  "
        else:
            step = "profile" if step == "*" else step
            lead = "" if text.endswith("- ") else indent
            text += f"{lead}{step}:\n"
            indent += "  "
    return text.removesuffix("\n") + f" {value}\n"


@pytest.mark.parametrize("name", [name for name, _ in keys()])
def test_a_misspelt_key_is_told_with_the_nearest_and_the_line(lint: Any, name: str) -> None:
    above, dot, last = name.rpartition(".")
    text = f"# a comment\n{nested(f'{above}{dot}{misspelt(last)}')}"
    lint.write({".rke2-lint.yaml": text, "a.yaml": PINNED})
    line = text.rstrip("\n").count("\n") + 1
    done = lint()
    assert done.status == 2
    assert (
        f".rke2-lint.yaml:{line}: there is no key {misspelt(last)}; did you mean {last}?"
        in done.err
    )


# --- with the command line


def test_select_and_ignore_are_laid_over_it(lint: Any) -> None:
    lint.write({"a.yaml": UNPINNED, "lab/b.yaml": UNPINNED, ".rke2-lint.yaml": OFF})
    assert lint.found("--select", "missing-nft-pin").found == [
        ("a.yaml", *MISSING),
        ("lab/b.yaml", *MISSING),
    ]
    lint.write(
        {
            ".rke2-lint.yaml": "levels: {missing-nft-pin: warning}\noverrides: [{paths: [lab/], levels: {missing-nft-pin: off}}]\n"
        }
    )
    # An override is about these files, whoever asks.
    assert lint.found("--select", "missing-nft-pin").found == [
        ("a.yaml", "missing-nft-pin", "warning")
    ]
    lint.write(
        {".rke2-lint.yaml": "overrides: [{paths: [lab/], levels: {missing-nft-pin: note}}]\n"}
    )
    assert lint.found("--ignore", "missing-nft-pin").found == []
    assert lint.found("--select", "syntax").found == []


def test_several_processes_know_it_too(lint: Any) -> None:
    files = {f"{n % 10}/{n}.yaml": "---\n".join([UNPINNED] * 4) for n in range(700)}
    lint.write({**files, "3/.rke2-lint.yaml": OFF, ".rke2-lint.yaml": "exclude: ['?/*5.yaml']\n"})
    wanted = [path for path in files if path[0] != "3" and not path.endswith("5.yaml")]
    done = lint.found()
    assert {path for path, _, _ in done.found} == set(wanted)


# --- `rke2-lint config`


def test_config_tells_what_is_in_force_and_who_says_so(lint: Any) -> None:
    lint.write(
        {
            "base.yaml": "levels:\n  syntax: warning\n  legacy-backend: note\nexclude: [vendor/]\n",
            ".rke2-lint.yaml": "extends: base.yaml\nlevels:\n  syntax: note\noverrides:\n- paths: [lab/]\n  levels: {missing-nft-pin: off}\n  params: {required-settings: {profile: cis}}\n",
        }
    )
    done = lint("config", "lab/a.yaml")
    assert done.status == 0
    lines = [line.split() for line in done.out.splitlines()]
    assert lines[0] == ["lab/a.yaml:", ".rke2-lint.yaml"]
    for row in (
        ["levels.syntax", "note", ".rke2-lint.yaml:3"],
        ["levels.legacy-backend", "note", "base.yaml:3"],
        ["levels.missing-nft-pin", "off", ".rke2-lint.yaml:5"],
        ["levels.scalar-pin", "note", "built", "in"],
        ["params.required-settings.profile", "cis", ".rke2-lint.yaml:5"],
        ["exclude", "vendor/", "base.yaml:4"],
        ["include", "every", "file", "built", "in"],
    ):
        assert row in lines
    assert ["levels.missing-nft-pin", "error", "built", "in"] in [
        line.split() for line in lint("config", "a.yaml").out.splitlines()
    ]
    assert "not looked at: excluded by base.yaml:4 (vendor/)" in lint("config", "vendor/x.yaml").out


def test_config_tells_what_waits_for_a_cluster(lint: Any) -> None:
    """A later override is laid over it, and so waits, too."""
    lint.write(
        {
            ".rke2-lint.yaml": "overrides:\n- {paths: [x], levels: {syntax: note}}\n"
            "- {clusters: [old], levels: {syntax: off}}\n- {paths: [lab/], levels: {syntax: warning}}\n"
        }
    )
    settings = lint("config", "--output-format", "json", "lab/a.yaml").json["settings"]
    told = {one["key"]: (one["value"], one["from"]) for one in settings}
    assert told["levels.syntax"] == ("error", None)
    assert told["overrides.1"] == (
        {"clusters": ["old"], "levels": {"syntax": "off"}},
        ".rke2-lint.yaml:3",
    )
    assert told["overrides.2"] == (
        {"paths": ["lab/"], "levels": {"syntax": "warning"}},
        ".rke2-lint.yaml:4",
    )
    assert "overrides.0" not in told


def test_config_writes_a_part_of_a_mapping_on_a_line_of_its_own(lint: Any) -> None:
    lint.write(
        {
            ".rke2-lint.yaml": "overrides:\n- labels:\n    matchLabels: {hosts: old}\n"
            "    matchExpressions:\n    - {key: env, operator: NotIn, values: [lab, test]}\n"
            "    - {key: a, operator: Exists}\n    - {key: b, operator: DoesNotExist}\n"
            "  params: {backend: legacy, required-settings: {kubelet-arg: [a=b, c=d]}}\n  reason: x\n"
        }
    )
    lines = [line.rstrip() for line in lint("config", "a.yaml").out.splitlines()]
    first = next(i for i, line in enumerate(lines) if line.startswith("overrides.0"))
    assert [re.sub("  +", "|", line) for line in lines[first : first + 3]] == [
        "overrides.0|labels: hosts=old, env notin (lab,test), a, !b|.rke2-lint.yaml:2",
        "|params: backend: legacy, required-settings: {kubelet-arg: [a=b, c=d]}",
        "|reason: x",
    ]


def test_config_tells_who_says_the_level_of_each_rule(lint: Any) -> None:
    told = "".join(f"  {name}: note\n" for name in catalog.names())
    lint.write({".rke2-lint.yaml": f"levels:\n{told}"})
    settings = lint("config", "--output-format", "json", "a.yaml").json["settings"]
    origins = [one["from"] for one in settings if one["key"].startswith("levels.")]
    assert None not in origins


def test_config_tells_what_overrides_say_of_the_clusters_in_a_file(lint: Any) -> None:
    other = UNPINNED.replace("hosts: old", "hosts: new").replace("prod", "other")
    lint.write(
        {
            ".rke2-lint.yaml": "params: {required-settings: {profile: cis}}\noverrides:\n"
            "- {paths: [lab/], levels: {syntax: note}}\n"
            "- labels: {matchLabels: {hosts: old}}\n"
            "  params: {backend: legacy, required-settings: {profile: null}}\n  reason: x\n"
            "- {clusters: [another], levels: {syntax: off}}\n",
            "lab/a.yaml": f"{other}---\n{UNPINNED}",
        }
    )
    told = lint("config", "--output-format", "json", "lab/a.yaml").json
    [cluster] = told["clusters"]
    assert cluster["name"] == "fleet-default/prod"
    assert cluster["settings"] == [
        {"key": "params.backend", "value": "legacy", "from": ".rke2-lint.yaml:4"},
        {"key": "params.required-settings.profile", "value": None, "from": ".rke2-lint.yaml:4"},
    ]
    lines = lint("config", "lab/a.yaml").out.splitlines()
    begin = lines.index("Cluster fleet-default/prod")
    assert [line.split() for line in lines[begin + 2 :]] == [
        ["KEY", "VALUE", "FROM"],
        ["params.backend", "legacy", ".rke2-lint.yaml:4"],
        ["params.required-settings.profile", "none", ".rke2-lint.yaml:4"],
    ]
    for path in ("lab", "lab/none.yaml"):
        assert lint("config", "--output-format", "json", path).json["clusters"] == []


def test_config_asks_a_folder_for_what_is_in_it(lint: Any) -> None:
    lint.write({"lab/.rke2-lint.yaml": OFF})
    assert lint("config", "lab").out.startswith("lab: lab/.rke2-lint.yaml\n")
    assert lint("config").out.startswith(".: no configuration\n")
    lint.go_to("lab")
    assert lint("config").out.startswith(".: .rke2-lint.yaml\n")
    assert lint("config", "--isolated").out.startswith(".: no configuration\n")
    assert lint("config", "--config", ".rke2-lint.yaml").out.startswith(".: .rke2-lint.yaml\n")
    assert lint("config", "a", "b").status == 2


def test_config_in_json(lint: Any) -> None:
    lint.write({"pyproject.toml": "[tool.rke2-lint]\nunfixable = ['syntax', 'scalar-pin']\n"})
    told = lint("config", "--output-format", "json", "x.yaml").json
    settings = told.pop("settings")
    assert told == {
        "version": 1,
        "path": "x.yaml",
        "configuration": "pyproject.toml",
        "excluded": None,
        "clusters": [],
    }
    assert {
        "key": "unfixable",
        "value": ["syntax", "scalar-pin"],
        "from": "pyproject.toml:2",
    } in settings
    assert {"key": "include", "value": None, "from": None} in settings


def test_config_prints_the_schema(lint: Any) -> None:
    assert lint("config", "--schema").json == schema()


# --- what it costs


def loaded_by(folder: Path, *arguments: str) -> set[str]:
    code = (
        "import sys\nfrom rke2_lint.cli import main\nmain(sys.argv[1:])\nprint('\\0', *sys.modules)"
    )
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return set(done.stdout.rpartition("\0")[2].split())


def test_without_one_nothing_is_imported_for_it(lint: Any) -> None:
    lint.write({"deep/a.yaml": "kind: Deployment\n", "pyproject.toml": "[project]\nname = 'x'\n"})
    ours = {"rke2_lint.configuration", "rke2_policies.policy_file", "tomllib", "yaml"}
    assert not loaded_by(lint.folder, "deep/a.yaml") & ours
    lint.write({".rke2-lint.yaml": "extends: default\n"})
    assert loaded_by(lint.folder, "deep/a.yaml") >= ours - {"tomllib"}


def test_each_folder_is_asked_once(lint: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = os.path.lexists
    monkeypatch.setattr(os.path, "lexists", lambda path: asked.append(str(path)) or real(path))
    lookup = Lookup()
    folder = lint.folder.as_posix()
    for name in ("x/y", "x/y", "x/z", "x"):
        assert lookup.nearest(f"{folder}/{name}") == ""
    assert len(asked) == len(set(asked)) == 4 * 3  # two names and .git in four folders


def test_the_lines_of_toml() -> None:
    text = """\
# tool.rke2-lint
[tool."rke2-lint"] # [x]
exclude = [ # ]
  "a]", 'b',
  '''
c''', "d\\"",
]
levels.'syntax' = "off"
until = 2027-03-31
webhook = { onCreate = "warn", patch = [
  "syntax" ] }
text = \"\"\"
[not.a.table]
\"\"\"
[[tool.rke2-lint.exempt]]
rule = 1
[[tool.rke2-lint.exempt]]
rule = 2
[tool.rke2-lint.exempt.deep]
x = 1
"""
    found = {route[2:]: line for route, line in lines(text).items() if len(route) > 2}
    assert found == {
        ("exclude",): 3, ("exclude", 0): 4, ("exclude", 1): 4, ("exclude", 2): 5, ("exclude", 3): 6,
        ("levels",): 8, ("levels", "syntax"): 8, ("until",): 9,
        ("webhook",): 10, ("webhook", "onCreate"): 10, ("webhook", "patch"): 10,
        ("webhook", "patch", 0): 11, ("text",): 12,
        ("exempt",): 15, ("exempt", 0): 15, ("exempt", 0, "rule"): 16,
        ("exempt", 1): 17, ("exempt", 1, "rule"): 18,
        ("exempt", 1, "deep"): 19, ("exempt", 1, "deep", "x"): 20,
    }  # fmt: skip


def test_a_file_that_is_ours_is_no_manifest(lint: Any) -> None:
    """pre-commit names it like any other YAML file."""
    lint.write({".rke2-lint.yaml": "name: IPTABLES_MODE\nlevels: {}\n"})
    mode = (lint.folder / ".rke2-lint.yaml").stat().st_mode
    assert stat.S_ISREG(mode)
    done = lint("-v", ".rke2-lint.yaml")
    assert done.status == 0
    assert "note: .rke2-lint.yaml: a configuration of rke2-lint\n" in done.err
