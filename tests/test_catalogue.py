"""The catalogue: what every case C01 to C66 comes to, who decides it, and what a fix makes of it.

One row a variant. A row says the files, the verdict on every machine, the findings (all of them:
severity, rule, and the line that the finding stands on), the line that decides, and what `--fix`
(`safe`) and `--unsafe-fixes` (`unsafe`) change, as the lines of a diff without their indents.

Every row is told twice: by the engine alone, and by the real command line.
"""

from __future__ import annotations

import base64
import gc
import json
import re
import subprocess
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import pytest

from rke2_lint.cli import main
from rke2_policies import environment_file, recognise
from rke2_policies.document import Place
from rke2_policies.edits.as_text import Change, rewrite_all
from rke2_policies.engine import Report, evaluate, plan
from rke2_policies.environment_file import EnvironmentFile
from rke2_policies.file import Broken, File
from rke2_policies.finding import Safety
from rke2_policies.yaml_source import Source

ANY: Any = object()
"""The texts do not decide it, so the table does not."""

COMMENT = re.compile(r"(?<!\S)#[^\n\"]*$", re.MULTILINE)
WHOLE = "the whole object"
CONFIG = "etc/rancher/rke2/config.yaml"
DROP_INS = "etc/rancher/rke2/config.yaml.d"
CLUSTER = "cluster.yaml"
POOLS = """
- name: cp
  controlPlaneRole: true
  machineConfigRef: {kind: VmwarevsphereConfig, name: demo-cp}
- name: etcd
  etcdRole: true
  machineConfigRef: {kind: VmwarevsphereConfig, name: demo-etcd}
- name: worker
  workerRole: true
  machineConfigRef: {kind: VmwarevsphereConfig, name: demo-worker}
"""
EDGE = """
- name: edge
  workerRole: true
  machineConfigRef: {kind: VmwarevsphereConfig, name: demo-edge}
"""
WINDOWS = """
- name: windows
  workerRole: true
  machineOS: windows
  machineConfigRef: {kind: VmwarevsphereConfig, name: demo-windows}
"""
CUSTOM = (
    "control-plane",
    "etcd",
    "worker",
    "control-plane+etcd",
    "control-plane+worker",
    "etcd+worker",
    "control-plane+etcd+worker",
)
PINNED = "machineGlobalConfig: {kube-proxy-extra-env: [IPTABLES_MODE=nft]}"

Verdicts: TypeAlias = str | Mapping[str, str]
Lines: TypeAlias = str | Mapping[str, str | None] | None


class Case(NamedTuple):
    """One variant of one case: files, and everything that is to be said of them."""

    id: str
    files: Mapping[str, str]
    effective: Mapping[str, str]
    """Machine → verdict."""
    finds: Sequence[str]
    """`severity rule @ line <- related line`, without order; the lines may be left out."""
    decides: Lines
    """The line that decides, of all machines or by machine; None where nobody says anything."""
    tells: Sequence[str]
    """What the messages say, among other things."""
    safe: Sequence[str] | None
    """What `--fix` changes; None: nothing."""
    unsafe: Sequence[str] | None
    """What `--fix --unsafe-fixes` changes; ANY: whatever, if it converges."""
    after: Mapping[str, str]
    """Machine → verdict after the fix."""
    stays: Sequence[str]
    """Errors that no fix takes away."""
    kind: str | None
    """What the user says that the files are (`--as`)."""


TABLE: list[Case] = []


def text(snippet: str) -> str:
    """Return a snippet without its common indent."""
    return textwrap.dedent(snippet).strip("\n") + "\n" if snippet.strip() else ""


def cluster(
    config: str = "", *, version: str | None = "v1.33.4+rke2r1", spec: str = "", pools: str = POOLS
) -> str:
    """Return a minimal Cluster: `config` stands below rkeConfig, `spec` below spec."""
    written = "apiVersion: provisioning.cattle.io/v1\nkind: Cluster\n"
    written += "metadata:\n  name: demo\n  namespace: fleet-default\nspec:\n"
    if version is not None:
        written += f"  kubernetesVersion: {version}\n"
    written += textwrap.indent(text(spec), "  ")
    written += "  rkeConfig:\n" + textwrap.indent(text(config), "    ")
    if pools:
        written += "    machinePools:\n" + textwrap.indent(text(pools), "      ")
    return written


def row(
    id: str,
    files: Mapping[str, str],
    names: Sequence[str],
    effective: Verdicts,
    finds: Sequence[str] = (),
    *,
    decides: Lines = ANY,
    tells: Sequence[str] = (),
    safe: Sequence[str] | None = None,
    unsafe: Sequence[str] | None = ANY,
    after: Verdicts | None = None,
    stays: Sequence[str] = (),
    kind: str | None = None,
) -> None:
    """Add one row to the table. A verdict for all machines may stand for itself."""

    def by_machine(verdicts: Verdicts) -> dict[str, str]:
        if isinstance(verdicts, str) or verdicts is ANY:
            return dict.fromkeys(names, verdicts)
        return {full(name, names): verdict for name, verdict in verdicts.items()}

    if isinstance(decides, Mapping):
        decides = {full(name, names): line for name, line in decides.items()}
    before = by_machine(effective)
    pinned = {
        name: verdict if verdict == "not-applicable" else "pinned"
        for name, verdict in before.items()
    }
    then = pinned if after is None else by_machine(after)
    files = {
        path: content if path.endswith(".json") else text(content)
        for path, content in files.items()
    }
    TABLE.append(Case(id, files, before, finds, decides, tells, safe, unsafe, then, stays, kind))


def full(name: str, names: Sequence[str]) -> str:
    """Return the whole name of a machine that is called by the end of it."""
    return next((one for one in names if one.endswith(f"/{name}")), name)


def in_cluster(
    id: str,
    config: str,
    effective: Verdicts,
    finds: Sequence[str] = (),
    *,
    version: str | None = "v1.33.4+rke2r1",
    spec: str = "",
    pools: str = POOLS,
    files: Mapping[str, str] | None = None,
    **more: Any,
) -> None:
    """Add a row about a Cluster."""
    found = re.findall(r"^- name: (.*)$", pools, re.MULTILINE)
    names = [f"fleet-default/demo/{name}" for name in found or CUSTOM]
    content = cluster(config, version=version, spec=spec, pools=pools)
    row(f"{id}, cluster", {CLUSTER: content, **(files or {})}, names, effective, finds, **more)


def in_files(
    id: str,
    files: str | Mapping[str, str],
    effective: Verdicts,
    finds: Sequence[str] = (),
    **more: Any,
) -> None:
    """Add a row about RKE2's own files: config.yaml, or several by their paths."""
    given = {CONFIG: files} if isinstance(files, str) else files
    names = list(effective) if isinstance(effective, Mapping) else [CONFIG]
    row(f"{id}, file", given, names, effective, finds, **more)


def in_both(id: str, settings: str, *arguments: Any, **more: Any) -> None:
    """Add two rows: settings in machineGlobalConfig, and in config.yaml."""
    config = "machineGlobalConfig:\n" + textwrap.indent(text(settings), "  ")
    in_cluster(id, config, *arguments, **more)
    in_files(id, settings, *arguments, **more)


# --- 9.1 Value and type forms --------------------------------------------------------------------

in_both(
    "C01 canonical",
    """
    kube-proxy-extra-env:
      - IPTABLES_MODE=nft
    """,
    "pinned",
    decides="- IPTABLES_MODE=nft",
)
in_both(
    "C01 flow list",
    "kube-proxy-extra-env: [IPTABLES_MODE=nft]",
    "pinned",
    decides="kube-proxy-extra-env: [IPTABLES_MODE=nft]",
)
in_cluster(
    "C01 the article's own snippet",
    """
    machineGlobalConfig:
      # existing configuration
      kube-proxy-extra-env:
      - IPTABLES_MODE=nft
    """,
    "pinned",
    decides="- IPTABLES_MODE=nft",
)
in_both(
    "C02 scalar",
    "kube-proxy-extra-env: IPTABLES_MODE=nft",
    "pinned",
    ["note scalar-pin @ kube-proxy-extra-env: IPTABLES_MODE=nft"],
    decides="kube-proxy-extra-env: IPTABLES_MODE=nft",
    unsafe=None,
)
in_both(
    "C02 scalar without the variable",
    "kube-proxy-extra-env: GODEBUG=netdns=go",
    "unpinned",
    ["error missing-nft-pin @ kube-proxy-extra-env: GODEBUG=netdns=go"],
    decides="kube-proxy-extra-env: GODEBUG=netdns=go",
    safe=[
        "-kube-proxy-extra-env: GODEBUG=netdns=go",
        "+kube-proxy-extra-env:",
        "+- GODEBUG=netdns=go",
        "+- IPTABLES_MODE=nft",
    ],
)
in_both(
    "C03 with other variables",
    "kube-proxy-extra-env: [GODEBUG=netdns=go, IPTABLES_MODE=nft]",
    "pinned",
    decides="kube-proxy-extra-env: [GODEBUG=netdns=go, IPTABLES_MODE=nft]",
)
in_both(
    "C03 the fix appends",
    """
    kube-proxy-extra-env:
      - GODEBUG=netdns=go   # split at the first = only
    """,
    "unpinned",
    ["error missing-nft-pin @ kube-proxy-extra-env:"],
    decides="kube-proxy-extra-env:",
    safe=["+- IPTABLES_MODE=nft"],
)
in_cluster(
    "C04 no machineGlobalConfig",
    "",
    "unpinned",
    ["error missing-nft-pin @ rkeConfig:"],
    decides=None,
    safe=["+machineGlobalConfig:", "+kube-proxy-extra-env:", "+- IPTABLES_MODE=nft"],
)
in_cluster(
    "C04 machineGlobalConfig without the key",
    """
    machineGlobalConfig:
      # the network
      cni: calico
      profile: cis
    """,
    "unpinned",
    ["error missing-nft-pin @ machineGlobalConfig:"],
    decides=None,
    safe=["+kube-proxy-extra-env:", "+- IPTABLES_MODE=nft"],
)
in_cluster(
    "C04 machineGlobalConfig null",
    "machineGlobalConfig: null",
    "unpinned",
    ["error missing-nft-pin @ machineGlobalConfig: null"],
    decides=None,
    safe=[
        "-machineGlobalConfig: null",
        "+machineGlobalConfig:",
        "+kube-proxy-extra-env:",
        "+- IPTABLES_MODE=nft",
    ],
)
in_cluster(
    "C04 machineGlobalConfig {}",
    "machineGlobalConfig: {}",
    "unpinned",
    ["error missing-nft-pin @ machineGlobalConfig: {}"],
    decides=None,
    safe=[
        "-machineGlobalConfig: {}",
        "+machineGlobalConfig:",
        "+kube-proxy-extra-env:",
        "+- IPTABLES_MODE=nft",
    ],
)
in_files(
    "C04 key absent",
    """
    # server of the first site
    token: abc   # not really
    cni: canal
    """,
    "unpinned",
    ["error missing-nft-pin"],
    decides=None,
    safe=["+kube-proxy-extra-env:", "+- IPTABLES_MODE=nft"],
)
in_files(
    "C04 only a drop-in, which does not name the key",
    {f"{DROP_INS}/10-cni.yaml": "cni: canal\n"},
    "unpinned",
    ["warning missing-nft-pin"],
    decides=None,
)
in_both(
    "C05 list without the variable",
    "kube-proxy-extra-env: [HTTP_PROXY=http://p:3128]",
    "unpinned",
    ["error missing-nft-pin @ kube-proxy-extra-env: [HTTP_PROXY=http://p:3128]"],
    decides="kube-proxy-extra-env: [HTTP_PROXY=http://p:3128]",
    safe=[
        "-kube-proxy-extra-env: [HTTP_PROXY=http://p:3128]",
        "+kube-proxy-extra-env: [HTTP_PROXY=http://p:3128, IPTABLES_MODE=nft]",
    ],
)
in_both(
    "C06 empty list",
    "kube-proxy-extra-env: []",
    "unpinned",
    ["error missing-nft-pin @ kube-proxy-extra-env: []"],
    tells=["empty"],
    decides="kube-proxy-extra-env: []",
    safe=["-kube-proxy-extra-env: []", "+kube-proxy-extra-env: [IPTABLES_MODE=nft]"],
)
in_both(
    "C06 null",
    "kube-proxy-extra-env: null",
    "unpinned",
    ["error missing-nft-pin @ kube-proxy-extra-env: null"],
    tells=["empty"],
    decides="kube-proxy-extra-env: null",
    safe=["-kube-proxy-extra-env: null", "+kube-proxy-extra-env:", "+- IPTABLES_MODE=nft"],
)
in_both(
    "C06 nothing behind the colon",
    "kube-proxy-extra-env:",
    "unpinned",
    ["error missing-nft-pin @ kube-proxy-extra-env:"],
    tells=["empty"],
    decides="kube-proxy-extra-env:",
    safe=["+- IPTABLES_MODE=nft"],
)
in_both(
    'C06 ""',
    'kube-proxy-extra-env: ""',
    "unpinned",
    ['error missing-nft-pin @ kube-proxy-extra-env: ""'],
    tells=["empty"],
    decides='kube-proxy-extra-env: ""',
    safe=['-kube-proxy-extra-env: ""', "+kube-proxy-extra-env:", '+- "IPTABLES_MODE=nft"'],
)
in_both(
    "C05 what an alias says is changed for nobody",
    """
    kube-apiserver-extra-env: &env [FOO=bar]
    kube-proxy-extra-env: *env
    """,
    "unpinned",
    ["error missing-nft-pin @ kube-proxy-extra-env: *env"],
    decides="kube-proxy-extra-env: *env",
    unsafe=None,
)
in_files(
    "C06 an empty list wipes earlier files",
    {
        CONFIG: "kube-proxy-extra-env: [IPTABLES_MODE=nft]\n",
        f"{DROP_INS}/20-proxy.yaml": "kube-proxy-extra-env: []\n",
    },
    "unpinned",
    [
        "error drop-in-drops-pin @ kube-proxy-extra-env: []"
        " <- kube-proxy-extra-env: [IPTABLES_MODE=nft]"
    ],
    decides="kube-proxy-extra-env: []",
    safe=["-kube-proxy-extra-env: []", "+kube-proxy-extra-env: [IPTABLES_MODE=nft]"],
)
for value in ("42", "true"):
    in_both(
        f"C06 {value}",
        f"kube-proxy-extra-env: {value}",
        "unpinned",
        ANY,
        decides=f"kube-proxy-extra-env: {value}",
    )
in_both(
    "C07 mapping",
    "kube-proxy-extra-env: {IPTABLES_MODE: nft}",
    "unpinned",
    ["error map-instead-of-list @ kube-proxy-extra-env: {IPTABLES_MODE: nft}"],
    decides="kube-proxy-extra-env: {IPTABLES_MODE: nft}",
    safe=[
        "-kube-proxy-extra-env: {IPTABLES_MODE: nft}",
        "+kube-proxy-extra-env: [IPTABLES_MODE=nft]",
    ],
)
in_both(
    "C07 block mapping",
    """
    kube-proxy-extra-env:
      IPTABLES_MODE: nft
    """,
    "unpinned",
    ["error map-instead-of-list @ kube-proxy-extra-env:"],
    decides="kube-proxy-extra-env:",
    safe=["-IPTABLES_MODE: nft", "+- IPTABLES_MODE=nft"],
)
in_both(
    "C07 mapping with more in it",
    "kube-proxy-extra-env: {IPTABLES_MODE: nft, FOO: bar}",
    "unpinned",
    ["error map-instead-of-list @ kube-proxy-extra-env: {IPTABLES_MODE: nft, FOO: bar}"],
    decides="kube-proxy-extra-env: {IPTABLES_MODE: nft, FOO: bar}",
)
in_both(
    "C07 a comment above the entry stays",
    """
    kube-proxy-extra-env:
      # why we pin
      IPTABLES_MODE: nft
    """,
    "unpinned",
    ["error map-instead-of-list @ kube-proxy-extra-env:"],
    decides="kube-proxy-extra-env:",
    safe=["-IPTABLES_MODE: nft", "+- IPTABLES_MODE=nft"],
)
in_both(
    "C07 a comment inside",
    """
    kube-proxy-extra-env: {
      # why we pin
      IPTABLES_MODE: nft
    }
    """,
    "unpinned",
    ["error map-instead-of-list @ kube-proxy-extra-env: {"],
    decides="kube-proxy-extra-env: {",
)
in_both(
    "C08 list of mappings",
    """
    kube-proxy-extra-env:
      - IPTABLES_MODE: nft
    """,
    "unpinned",
    ["error map-entry @ - IPTABLES_MODE: nft"],
    safe=["-- IPTABLES_MODE: nft", "+- IPTABLES_MODE=nft"],
)
in_both(
    "C08 with another item",
    """
    kube-proxy-extra-env:
      - FOO=bar
      - IPTABLES_MODE: nft
    """,
    "unpinned",
    ["error map-entry @ - IPTABLES_MODE: nft"],
    safe=["-- IPTABLES_MODE: nft", "+- IPTABLES_MODE=nft"],
)
in_both(
    "C09 as Kubernetes writes it",
    """
    kube-proxy-extra-env:
      - name: IPTABLES_MODE
        value: nft
    """,
    "unpinned",
    ["error map-entry @ - name: IPTABLES_MODE"],
    safe=["-- name: IPTABLES_MODE", "-value: nft", "+- IPTABLES_MODE=nft"],
)
in_both(
    "C09 with a comment inside",
    """
    kube-proxy-extra-env:
      - name: IPTABLES_MODE
        # the one that the kernel uses
        value: nft
    """,
    "unpinned",
    ["error map-entry @ - name: IPTABLES_MODE"],
)
for value in ("${PROXY_ENV}", '"{{ .Values.proxyEnv }}"', "[<item>]", '["IPTABLES_MODE=${MODE}"]'):
    in_both(
        f"C05 what a template decides: {value}",
        f"kube-proxy-extra-env: {value}",
        "unknown",
        [f"note templated-pin @ kube-proxy-extra-env: {value}"],
        unsafe=None,
    )
for said in ("IPTABLES_MODE nft", "IPTABLES_MODE"):
    in_both(
        f"C10 {said}",
        f"""
        kube-proxy-extra-env:
          - {said}
        """,
        "unpinned",
        [f"error entry-without-equals @ - {said}"],
        unsafe=[f"-- {said}", "+- IPTABLES_MODE=nft"],
    )
in_both(
    "C11 quotes inside",
    """
    kube-proxy-extra-env:
      - IPTABLES_MODE="nft"
    """,
    "broken",
    ['error invalid-backend @ - IPTABLES_MODE="nft"'],
    decides='- IPTABLES_MODE="nft"',
    safe=['-- IPTABLES_MODE="nft"', "+- IPTABLES_MODE=nft"],
)
for said in ('"IPTABLES_MODE=nft"', "'IPTABLES_MODE=nft'"):
    in_both(
        f"C12 {said}",
        f"""
        kube-proxy-extra-env:
          - {said}
        """,
        "pinned",
        decides=f"- {said}",
    )
in_both(
    "C13 spaces around =",
    """
    kube-proxy-extra-env:
      - IPTABLES_MODE = nft
    """,
    "unpinned",
    ["error space-in-name @ - IPTABLES_MODE = nft"],
    unsafe=["-- IPTABLES_MODE = nft", "+- IPTABLES_MODE=nft"],
)
in_both(
    "C14 space after =",
    """
    kube-proxy-extra-env:
      - "IPTABLES_MODE= nft"
    """,
    "pinned",
    ['warning spaced-value @ - "IPTABLES_MODE= nft"'],
    decides='- "IPTABLES_MODE= nft"',
    safe=['-- "IPTABLES_MODE= nft"', '+- "IPTABLES_MODE=nft"'],
)
in_both(
    "C14 outer spaces are trimmed",
    """
    kube-proxy-extra-env:
      - " IPTABLES_MODE=nft "
    """,
    "pinned",
    decides='- " IPTABLES_MODE=nft "',
)
for case, value in (("C15", "NFT"), ("C16", "nftables"), ("C16", "nf_tables")):
    in_both(
        f"{case} {value}",
        f"""
        kube-proxy-extra-env:
          - IPTABLES_MODE={value}
        """,
        "broken",
        [f"error invalid-backend @ - IPTABLES_MODE={value}"],
        decides=f"- IPTABLES_MODE={value}",
        safe=[f"-- IPTABLES_MODE={value}", "+- IPTABLES_MODE=nft"],
    )
for case, value in (("C16", "iptables-nft"), ("C17", "auto"), ("C17", "unknown")):
    in_both(
        f"{case} {value}",
        f"""
        kube-proxy-extra-env:
          - IPTABLES_MODE={value}
        """,
        "broken",
        [f"error invalid-backend @ - IPTABLES_MODE={value}"],
        decides=f"- IPTABLES_MODE={value}",
        unsafe=[f"-- IPTABLES_MODE={value}", "+- IPTABLES_MODE=nft"],
    )
in_both(
    "C18 legacy",
    """
    kube-proxy-extra-env:
      - IPTABLES_MODE=legacy
    """,
    "legacy",
    ["error legacy-backend @ - IPTABLES_MODE=legacy"],
    decides="- IPTABLES_MODE=legacy",
    unsafe=None,
)
in_both(
    "C19 empty value",
    """
    kube-proxy-extra-env:
      - IPTABLES_MODE=
    """,
    "unpinned",
    ["error empty-backend @ - IPTABLES_MODE="],
    decides="- IPTABLES_MODE=",
    unsafe=["-- IPTABLES_MODE=", "+- IPTABLES_MODE=nft"],
)
for name in ("iptables_mode", "IPTABLE_MODE", "IPTABLES_BACKEND", "FELIX_IPTABLESBACKEND"):
    in_both(
        f"C20 {name}",
        f"""
        kube-proxy-extra-env:
          - {name}=nft
        """,
        "unpinned",
        [f"error misspelt-variable @ - {name}=nft"],
        tells=["IPTABLES_MODE"],
        unsafe=[f"-- {name}=nft", "+- IPTABLES_MODE=nft"],
    )
in_both(
    "C21 comma-joined, pin first",
    """
    kube-proxy-extra-env:
      - IPTABLES_MODE=nft,FOO=bar
    """,
    "broken",
    ["error comma-joined @ - IPTABLES_MODE=nft,FOO=bar"],
    decides="- IPTABLES_MODE=nft,FOO=bar",
    unsafe=["-- IPTABLES_MODE=nft,FOO=bar", "+- IPTABLES_MODE=nft", "+- FOO=bar"],
)
in_both(
    "C21 comma-joined scalar",
    "kube-proxy-extra-env: IPTABLES_MODE=nft,FOO=bar",
    "broken",
    ["error comma-joined @ kube-proxy-extra-env: IPTABLES_MODE=nft,FOO=bar"],
    decides="kube-proxy-extra-env: IPTABLES_MODE=nft,FOO=bar",
)
in_both(
    "C22 comma-joined, pin second",
    """
    kube-proxy-extra-env:
      - FOO=bar,IPTABLES_MODE=nft
    """,
    "unpinned",
    ["error comma-joined @ - FOO=bar,IPTABLES_MODE=nft"],
    unsafe=["-- FOO=bar,IPTABLES_MODE=nft", "+- FOO=bar", "+- IPTABLES_MODE=nft"],
)
in_both(
    "C23 legacy, then nft",
    """
    kube-proxy-extra-env:
      - IPTABLES_MODE=legacy
      - IPTABLES_MODE=nft
    """,
    "pinned",
    ["warning duplicate-variable @ - IPTABLES_MODE=legacy <- - IPTABLES_MODE=nft"],
    decides="- IPTABLES_MODE=nft",
    unsafe=None,
)
in_both(
    "C23 nft, then legacy",
    """
    kube-proxy-extra-env:
      - IPTABLES_MODE=nft
      - IPTABLES_MODE=legacy
    """,
    "legacy",
    [
        "error legacy-backend @ - IPTABLES_MODE=legacy",
        "warning duplicate-variable @ - IPTABLES_MODE=nft <- - IPTABLES_MODE=legacy",
    ],
    decides="- IPTABLES_MODE=legacy",
    unsafe=None,
)
in_both(
    "C24 two lines in a block scalar",
    """
    kube-proxy-extra-env:
      - |
        IPTABLES_MODE=nft
        FOO=bar
    """,
    "broken",
    ["error multi-line-entry"],
)
in_both(
    "C24 one line in a block scalar",
    """
    kube-proxy-extra-env:
      - |
        IPTABLES_MODE=nft
    """,
    "pinned",
)
in_both(
    "C25 nested list",
    """
    kube-proxy-extra-env:
      - [IPTABLES_MODE=nft]
    """,
    "pinned",
    ["warning nested-list @ - [IPTABLES_MODE=nft]"],
    decides="- [IPTABLES_MODE=nft]",
)
in_both(
    "C26 comment inside the quotes",
    """
    kube-proxy-extra-env:
      - "IPTABLES_MODE=nft # pin"
    """,
    "broken",
    ['error invalid-backend @ - "IPTABLES_MODE=nft # pin"'],
    decides='- "IPTABLES_MODE=nft # pin"',
    unsafe=['-- "IPTABLES_MODE=nft # pin"', '+- "IPTABLES_MODE=nft"'],
)
in_both(
    "C26 comment behind the item",
    """
    kube-proxy-extra-env:
      - IPTABLES_MODE=nft # pin
    """,
    "pinned",
    decides="- IPTABLES_MODE=nft # pin",
)

# --- 9.2 Wrong key or wrong place ----------------------------------------------------------------

for key in (
    "kube-proxy-env",
    "kube_proxy_extra_env",
    "kubeproxy-extra-env",
    "kube-proxy-extra-envs",
    "Kube-Proxy-Extra-Env",
):
    in_both(
        f"C27 {key}",
        f"""
        {key}:
          - IPTABLES_MODE=nft
        """,
        "unpinned",
        [f"error misspelt-setting @ {key}:"],
        tells=["kube-proxy-extra-env"],
        unsafe=[f"-{key}:", "+kube-proxy-extra-env:"],
    )
in_cluster(
    "C28 plus key",
    """
    machineGlobalConfig:
      kube-proxy-extra-env+:
        - IPTABLES_MODE=nft
    """,
    "unpinned",
    ["error plus-key-in-cluster @ kube-proxy-extra-env+:"],
    unsafe=["-kube-proxy-extra-env+:", "+kube-proxy-extra-env:"],
)
in_files(
    "C28 plus key",
    """
    kube-proxy-extra-env+:
      - IPTABLES_MODE=nft
    """,
    "pinned",
    decides="- IPTABLES_MODE=nft",
)
in_both(
    "C29 in kube-proxy-arg",
    "kube-proxy-arg: [IPTABLES_MODE=nft]",
    "broken",
    ["error pin-in-arguments @ kube-proxy-arg: [IPTABLES_MODE=nft]"],
    decides="kube-proxy-arg: [IPTABLES_MODE=nft]",
)
for key in ("kube-apiserver-extra-env", "kubelet-arg", "etcd-extra-env"):
    in_both(
        f"C30 in {key}",
        f"{key}: [IPTABLES_MODE=nft]",
        "unpinned",
        [f"error pin-in-other-component @ {key}: [IPTABLES_MODE=nft]"],
        safe=ANY,
    )
in_cluster(
    "C31 IPTABLES_MODE in agentEnvVars",
    "",
    "unpinned",
    ["error pin-in-agent-variables @ - {name: IPTABLES_MODE, value: nft}"],
    spec="""
    agentEnvVars:
      - {name: IPTABLES_MODE, value: nft}
    """,
    safe=ANY,
)
in_cluster(
    "C31 RKE2_KUBE_PROXY_EXTRA_ENV in agentEnvVars",
    "",
    "pinned",
    ["note pin-in-agent-variables @ - {name: RKE2_KUBE_PROXY_EXTRA_ENV, value: IPTABLES_MODE=nft}"],
    spec="""
    agentEnvVars:
      - {name: RKE2_KUBE_PROXY_EXTRA_ENV, value: IPTABLES_MODE=nft}
    """,
    decides="- {name: RKE2_KUBE_PROXY_EXTRA_ENV, value: IPTABLES_MODE=nft}",
)
in_cluster(
    "C31 both",
    "",
    "pinned",
    [
        "warning pin-in-agent-variables @ - {name: IPTABLES_MODE, value: nft}",
        "note pin-in-agent-variables"
        " @ - {name: RKE2_KUBE_PROXY_EXTRA_ENV, value: IPTABLES_MODE=nft}",
    ],
    spec="""
    agentEnvVars:
      - {name: IPTABLES_MODE, value: nft}
      - {name: RKE2_KUBE_PROXY_EXTRA_ENV, value: IPTABLES_MODE=nft}
    """,
    decides="- {name: RKE2_KUBE_PROXY_EXTRA_ENV, value: IPTABLES_MODE=nft}",
)
in_cluster(
    "C31 replaced by the key, since v1.31.8, v1.32.4 and v1.33.0",
    "machineGlobalConfig: {kube-proxy-extra-env: [FOO=bar]}",
    "unpinned",
    ["error *"],
    spec="""
    agentEnvVars:
      - {name: RKE2_KUBE_PROXY_EXTRA_ENV, value: IPTABLES_MODE=nft}
    """,
    decides="machineGlobalConfig: {kube-proxy-extra-env: [FOO=bar]}",
    safe=[
        "-machineGlobalConfig: {kube-proxy-extra-env: [FOO=bar]}",
        "+machineGlobalConfig: {kube-proxy-extra-env: [FOO=bar, IPTABLES_MODE=nft]}",
    ],
)
for version in ("v1.30.5+rke2r1", "v1.31.7+rke2r1", "v1.32.3+rke2r1"):
    in_cluster(
        f"C31 added to the key, before: {version}",
        "machineGlobalConfig: {kube-proxy-extra-env: [FOO=bar]}",
        "pinned",
        ["note *"],
        version=version,
        spec="""
        agentEnvVars:
          - {name: RKE2_KUBE_PROXY_EXTRA_ENV, value: IPTABLES_MODE=nft}
        """,
    )
for version, verdict in (("v1.32.3+rke2r1", "pinned"), ("v1.32.4+rke2r1", "broken")):
    in_cluster(
        f"C31 commas in the variable, {version}",
        "",
        verdict,
        ["note *"] if verdict == "pinned" else ["error *"],
        version=version,
        spec="""
        agentEnvVars:
          - {name: RKE2_KUBE_PROXY_EXTRA_ENV, value: "IPTABLES_MODE=nft,FOO=bar"}
        """,
        safe=ANY,
        after=verdict,
    )
in_cluster(
    "C32 in chartValues",
    """
    chartValues:
      rke2-kube-proxy:
        extraEnv: [IPTABLES_MODE=nft]
    """,
    "unpinned",
    ["error pin-in-chart-values @ rke2-kube-proxy:"],
    safe=ANY,
)
in_cluster(
    "C32 in a HelmChartConfig",
    PINNED,
    "pinned",
    ["error pin-in-helm-chart-config @ name: rke2-kube-proxy"],
    files={
        "proxy.yaml": """
        apiVersion: helm.cattle.io/v1
        kind: HelmChartConfig
        metadata:
          name: rke2-kube-proxy
          namespace: kube-system
        spec:
          valuesContent: |-
            extraEnv:
              - IPTABLES_MODE=nft
        """
    },
)
in_cluster(
    "C33 directly under spec",
    "",
    "unpinned",
    ["error pruned-field @ kube-proxy-extra-env: [IPTABLES_MODE=nft]"],
    spec="kube-proxy-extra-env: [IPTABLES_MODE=nft]",
    safe=ANY,
)
in_cluster(
    "C33 directly under rkeConfig",
    "kube-proxy-extra-env: [IPTABLES_MODE=nft]",
    "unpinned",
    ["error pruned-field @ kube-proxy-extra-env: [IPTABLES_MODE=nft]"],
    safe=ANY,
)
for field in ("controlPlaneConfig", "workerConfig"):
    in_cluster(
        f"C34 in {field}",
        f"""
        {field}:
          kube-proxy-extra-env: [IPTABLES_MODE=nft]
        """,
        "unpinned",
        [f"error pruned-field @ {field}:"],
        safe=ANY,
    )
in_cluster(
    "C34 workerConfig as a list, as templates have it",
    """
    workerConfig:
      - config: {kube-proxy-extra-env: [IPTABLES_MODE=nft]}
    """,
    "unpinned",
    ["error pruned-field @ workerConfig:"],
    safe=ANY,
)
in_cluster(
    "C35 machineGlobalconfig",
    """
    machineGlobalconfig:
      kube-proxy-extra-env: [IPTABLES_MODE=nft]
    """,
    "unpinned",
    ["error pruned-field @ machineGlobalconfig:"],
    tells=["machineGlobalConfig"],
    unsafe=["-machineGlobalconfig:", "+machineGlobalConfig:"],
)
in_cluster(
    "C36 text",
    """
    machineGlobalConfig: |
      kube-proxy-extra-env:
        - IPTABLES_MODE=nft
    """,
    "unknown",
    ["error config-as-text @ machineGlobalConfig: |"],
    unsafe=None,
)
for path, role in (
    ("etc/default/rke2-server", "server"),
    ("etc/default/rke2-agent", "agent"),
    ("etc/sysconfig/rke2-agent", "agent"),
    ("usr/local/lib/systemd/system/rke2-server.env", "server"),
    ("var/lib/rancher/rke2/system-agent-installer/rke2-sa.env", ""),
):
    in_files(
        f"C37 {path}",
        {
            CONFIG: "cni: canal\n" if role == "server" else "node-label: [a=b]\n",
            path: "RKE2_KUBE_PROXY_EXTRA_ENV=IPTABLES_MODE=nft\n",
        },
        "pinned",
        ["note environment-file-pin @ RKE2_KUBE_PROXY_EXTRA_ENV=IPTABLES_MODE=nft"],
        decides="RKE2_KUBE_PROXY_EXTRA_ENV=IPTABLES_MODE=nft",
    )
in_files(
    "C37 replaced by the configuration",
    {
        CONFIG: "kube-proxy-extra-env: [FOO=bar]\n",
        "etc/default/rke2-server": "RKE2_KUBE_PROXY_EXTRA_ENV=IPTABLES_MODE=nft\n",
    },
    "unpinned",
    ["error *"],
    decides="kube-proxy-extra-env: [FOO=bar]",
    safe=[
        "-kube-proxy-extra-env: [FOO=bar]",
        "+kube-proxy-extra-env: [FOO=bar, IPTABLES_MODE=nft]",
    ],
)
in_files(
    "C37 said in both",
    {
        CONFIG: "kube-proxy-extra-env: [IPTABLES_MODE=nft]\n",
        "etc/default/rke2-server": "RKE2_KUBE_PROXY_EXTRA_ENV=IPTABLES_MODE=nft\n",
    },
    "pinned",
    ["note environment-file-pin @ RKE2_KUBE_PROXY_EXTRA_ENV=IPTABLES_MODE=nft"],
    decides="kube-proxy-extra-env: [IPTABLES_MODE=nft]",
)

# --- 9.3 Selectors, coverage, precedence (Rancher) -----------------------------------------------

in_cluster(
    "C38 pin only for workers",
    """
    machineSelectorConfig:
      - config: {kube-proxy-extra-env: [IPTABLES_MODE=nft]}
        machineLabelSelector: {matchLabels: {rke.cattle.io/worker-role: "true"}}
    """,
    {"cp": "unpinned", "etcd": "unpinned", "worker": "pinned"},
    ["error missing-nft-pin <- - config: {kube-proxy-extra-env: [IPTABLES_MODE=nft]}"],
    decides={
        "cp": None,
        "etcd": None,
        "worker": "- config: {kube-proxy-extra-env: [IPTABLES_MODE=nft]}",
    },
    safe=["+machineGlobalConfig:", "+kube-proxy-extra-env:", "+- IPTABLES_MODE=nft"],
)
in_cluster(
    "C38 a pin for every role",
    """
    machineSelectorConfig:
      - config: {kube-proxy-extra-env: [IPTABLES_MODE=nft]}
        machineLabelSelector: {matchLabels: {rke.cattle.io/control-plane-role: "true"}}
      - config: {kube-proxy-extra-env: [IPTABLES_MODE=nft]}
        machineLabelSelector:
          matchExpressions:
            - {key: rke.cattle.io/etcd-role, operator: Exists}
      - config: {kube-proxy-extra-env: [IPTABLES_MODE=nft]}
        machineLabelSelector:
          matchLabels: {rke.cattle.io/worker-role: "true"}
          matchExpressions:
            - {key: rke.cattle.io/control-plane-role, operator: DoesNotExist}
            - {key: rke.cattle.io/rke-machine-pool-name, operator: In, values: [worker, edge]}
    """,
    "pinned",
)
for selector in ("machineLabelSelector: null", "machineLabelSelector: {}", ""):
    in_cluster(
        f"C39 {selector or 'no machineLabelSelector'}",
        f"""
        machineSelectorConfig:
          - config:
              kube-proxy-extra-env: [IPTABLES_MODE=nft]
            {selector}
        """,
        "pinned",
        ["note selector-for-all @ kube-proxy-extra-env: [IPTABLES_MODE=nft]"],
        decides="kube-proxy-extra-env: [IPTABLES_MODE=nft]",
    )
DROPPED = f"""
{PINNED}
machineSelectorConfig:
  - config: {{kube-proxy-extra-env: [HTTP_PROXY=http://p:3128]}}
    machineLabelSelector: {{matchLabels: {{rke.cattle.io/rke-machine-pool-name: edge}}}}
"""
in_cluster(
    "C40 selector replaces the list",
    DROPPED,
    {"cp": "pinned", "etcd": "pinned", "worker": "pinned", "edge": "unpinned"},
    [
        "error selector-drops-pin"
        f" @ - config: {{kube-proxy-extra-env: [HTTP_PROXY=http://p:3128]}} <- {PINNED}"
    ],
    pools=POOLS + EDGE,
    decides={
        "cp": PINNED,
        "etcd": PINNED,
        "worker": PINNED,
        "edge": "- config: {kube-proxy-extra-env: [HTTP_PROXY=http://p:3128]}",
    },
    safe=[
        "-- config: {kube-proxy-extra-env: [HTTP_PROXY=http://p:3128]}",
        "+- config: {kube-proxy-extra-env: [HTTP_PROXY=http://p:3128, IPTABLES_MODE=nft]}",
    ],
)
in_cluster(
    "C40 selector for a pool that is not there",
    DROPPED,
    "pinned",
    ["warning selector-never-matches"],
    decides=PINNED,
)
for value, fixed in (
    ("[]", ["+kube-proxy-extra-env: [IPTABLES_MODE=nft]"]),
    ("null", ["+kube-proxy-extra-env:", "+- IPTABLES_MODE=nft"]),
    ('""', ["+kube-proxy-extra-env:", '+- "IPTABLES_MODE=nft"']),
):
    in_cluster(
        f"C41 {value}",
        f"""
        machineGlobalConfig:
          kube-proxy-extra-env: [IPTABLES_MODE=nft]
        machineSelectorConfig:
          - config:
              kube-proxy-extra-env: {value}
            machineLabelSelector: {{matchLabels: {{rke.cattle.io/etcd-role: "true"}}}}
        """,
        {"cp": "pinned", "etcd": "unpinned", "worker": "pinned"},
        [
            f"error selector-drops-pin @ kube-proxy-extra-env: {value}"
            " <- kube-proxy-extra-env: [IPTABLES_MODE=nft]"
        ],
        decides={
            "cp": "kube-proxy-extra-env: [IPTABLES_MODE=nft]",
            "etcd": f"kube-proxy-extra-env: {value}",
            "worker": "kube-proxy-extra-env: [IPTABLES_MODE=nft]",
        },
        safe=[f"-kube-proxy-extra-env: {value}", *fixed],
    )
in_cluster(
    "C41 several fixes in one file",
    """
    machineGlobalConfig:
      kube-proxy-extra-env: [IPTABLES_MODE=NFT]   # of the first hour
    machineSelectorConfig:
      - config:
          kube-proxy-extra-env: [HTTP_PROXY=http://p:3128]   # for the workers
        machineLabelSelector: {matchLabels: {rke.cattle.io/worker-role: "true"}}
      - config:
          kube-proxy-extra-env:   # nothing
        machineLabelSelector: {matchLabels: {rke.cattle.io/etcd-role: "true"}}
    """,
    {"cp": "broken", "etcd": "unpinned", "worker": "unpinned"},
    ANY,
    safe=[
        "-kube-proxy-extra-env: [IPTABLES_MODE=NFT]   # of the first hour",
        "+kube-proxy-extra-env: [IPTABLES_MODE=nft]   # of the first hour",
        "-kube-proxy-extra-env: [HTTP_PROXY=http://p:3128]   # for the workers",
        "+kube-proxy-extra-env: [HTTP_PROXY=http://p:3128, IPTABLES_MODE=nft]   # for the workers",
        "+- IPTABLES_MODE=nft",
    ],
)
in_cluster(
    "C42 later selector takes an earlier one's pin",
    """
    machineSelectorConfig:
      - config:
          kube-proxy-extra-env: [IPTABLES_MODE=nft]
      - config:
          kube-proxy-extra-env: [FOO=bar]
        machineLabelSelector: {matchLabels: {rke.cattle.io/worker-role: "true"}}
    """,
    {"cp": "pinned", "etcd": "pinned", "worker": "unpinned"},
    [
        "error selector-drops-pin @ kube-proxy-extra-env: [FOO=bar]"
        " <- kube-proxy-extra-env: [IPTABLES_MODE=nft]",
        "note selector-for-all",
    ],
    decides={
        "cp": "kube-proxy-extra-env: [IPTABLES_MODE=nft]",
        "etcd": "kube-proxy-extra-env: [IPTABLES_MODE=nft]",
        "worker": "kube-proxy-extra-env: [FOO=bar]",
    },
    safe=[
        "-kube-proxy-extra-env: [FOO=bar]",
        "+kube-proxy-extra-env: [FOO=bar, IPTABLES_MODE=nft]",
    ],
)
in_cluster(
    "C42 later selector gives the pin back",
    """
    machineGlobalConfig:
      kube-proxy-extra-env: [IPTABLES_MODE=nft, GODEBUG=netdns=go]
    machineSelectorConfig:
      - config:
          kube-proxy-extra-env: [FOO=bar]
        machineLabelSelector: {matchLabels: {rke.cattle.io/worker-role: "true"}}
      - config:
          kube-proxy-extra-env: [IPTABLES_MODE=nft]
        machineLabelSelector: {matchLabels: {rke.cattle.io/rke-machine-pool-name: worker}}
    """,
    "pinned",
    decides={
        "cp": "kube-proxy-extra-env: [IPTABLES_MODE=nft, GODEBUG=netdns=go]",
        "etcd": "kube-proxy-extra-env: [IPTABLES_MODE=nft, GODEBUG=netdns=go]",
        "worker": "kube-proxy-extra-env: [IPTABLES_MODE=nft]",
    },
)


def selecting(selector: str, *, pin: bool, everywhere: bool) -> str:
    """Return configuration with a selector that sets the pin, or something else."""
    config = "kube-proxy-extra-env: [IPTABLES_MODE=nft]" if pin else "kubelet-arg: [max-pods=200]"
    return (f"{PINNED}\n" if everywhere else "") + (
        f"machineSelectorConfig:\n  - config:\n      {config}\n    {selector}\n"
    )


NEVER = {
    "C43 node-role.kubernetes.io/worker": 'matchLabels: {node-role.kubernetes.io/worker: "true"}',
    "C43 kubernetes.io/hostname": "matchLabels: {kubernetes.io/hostname: worker-1}",
    "C43 kubernetes.io/hostname In": (
        "matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [worker-1]}]"
    ),
    'C44 role "false"': 'matchLabels: {rke.cattle.io/control-plane-role: "false"}',
    "C44 machineDeploymentLabels": "matchLabels: {tier: front}",
}
DEPLOYMENT_LABELS = POOLS.rstrip() + "\n  machineDeploymentLabels: {tier: front}\n"
for case, selector in NEVER.items():
    in_cluster(
        f"{case}, the pin depends on it",
        selecting(f"machineLabelSelector: {{{selector}}}", pin=True, everywhere=False),
        "unpinned",
        ["error selector-never-matches"],
        pools=DEPLOYMENT_LABELS,
        safe=ANY,
    )
    in_cluster(
        f"{case}, the pin is in machineGlobalConfig",
        selecting(f"machineLabelSelector: {{{selector}}}", pin=False, everywhere=True),
        "pinned",
        ["warning selector-never-matches"],
        pools=DEPLOYMENT_LABELS,
        decides=PINNED,
    )
NOT_IN = "matchExpressions: [{key: rke.cattle.io/worker-role, operator: NotIn, values: ['%s']}]"
in_cluster(
    "C44 role NotIn true: every machine without the role",
    selecting(f"machineLabelSelector: {{{NOT_IN % 'true'}}}", pin=True, everywhere=False),
    {"cp": "pinned", "etcd": "pinned", "worker": "unpinned"},
    ["error missing-nft-pin", "warning selector-role-not-in"],
    safe=["+machineGlobalConfig:", "+kube-proxy-extra-env:", "+- IPTABLES_MODE=nft"],
)
in_cluster(
    "C44 role NotIn false: every machine",
    selecting(f"machineLabelSelector: {{{NOT_IN % 'false'}}}", pin=True, everywhere=False),
    "pinned",
    ["warning selector-role-not-in"],
)
row(
    "C44 role true, but a template makes the pools",
    {
        "templates/cluster.yaml": """
        apiVersion: provisioning.cattle.io/v1
        kind: Cluster
        metadata:
          name: demo
          namespace: fleet-default
        spec:
          kubernetesVersion: v1.33.4+rke2r1
          rkeConfig:
            machineGlobalConfig: {kube-proxy-extra-env: [IPTABLES_MODE=nft]}
            machineSelectorConfig:
              - config: {kubelet-arg: [max-pods=200]}
                machineLabelSelector: {matchLabels: {rke.cattle.io/worker-role: "true"}}
            machinePools:
            {{- range .Values.pools }}
              - name: {{ .name }}
                workerRole: {{ .worker }}
            {{- end }}
        """
    },
    [WHOLE],
    ANY,
    unsafe=None,
)
in_cluster(
    "C44 pool labels do match",
    selecting("machineLabelSelector: {matchLabels: {tier: front}}", pin=True, everywhere=False),
    {"cp": "unpinned", "etcd": "unpinned", "worker": "pinned"},
    ["error missing-nft-pin"],
    pools=POOLS.rstrip() + "\n  labels: {tier: front}\n",
    safe=["+machineGlobalConfig:", "+kube-proxy-extra-env:", "+- IPTABLES_MODE=nft"],
)
for field in ("selector", "labelSelector"):
    in_cluster(
        f"C45 {field}: the pin is for all",
        f"""
        machineSelectorConfig:
          - config:
              kube-proxy-extra-env: [IPTABLES_MODE=nft]
            {field}: {{matchLabels: {{rke.cattle.io/worker-role: "true"}}}}
        """,
        "pinned",
        [
            f'warning pruned-selector @ {field}: {{matchLabels: {{rke.cattle.io/worker-role: "true"}}}}'
        ],
        tells=["machineLabelSelector"],
        decides="kube-proxy-extra-env: [IPTABLES_MODE=nft]",
    )
    in_cluster(
        f"C45 {field}: all lose the pin",
        f"""
        machineGlobalConfig:
          kube-proxy-extra-env: [IPTABLES_MODE=nft]
        machineSelectorConfig:
          - config:
              kube-proxy-extra-env: [FOO=bar]
            {field}: {{matchLabels: {{rke.cattle.io/worker-role: "true"}}}}
        """,
        "unpinned",
        ["error pruned-selector", "error selector-drops-pin @ kube-proxy-extra-env: [FOO=bar]"],
        decides="kube-proxy-extra-env: [FOO=bar]",
        safe=[
            "-kube-proxy-extra-env: [FOO=bar]",
            "+kube-proxy-extra-env: [FOO=bar, IPTABLES_MODE=nft]",
        ],
    )
in_cluster(
    "C46 operator: Equals",
    f"""
    {PINNED}
    machineSelectorConfig:
      - config: {{kubelet-arg: [max-pods=200]}}
        machineLabelSelector:
          matchExpressions:
            - key: rke.cattle.io/worker-role
              operator: Equals
              values: ["true"]
    """,
    "unknown",
    ["error invalid-selector"],
    unsafe=None,
)
for wrong, selector in {
    "In without values": "{matchExpressions: [{key: a, operator: In}]}",
    "Exists with values": "{matchExpressions: [{key: a, operator: Exists, values: [b]}]}",
}.items():
    in_cluster(
        f"C46 {wrong}",
        f"""
        {PINNED}
        machineSelectorConfig:
          - config: {{kubelet-arg: [max-pods=200]}}
            machineLabelSelector: {selector}
        """,
        "unknown",
        ["error invalid-selector"],
        unsafe=None,
    )
in_cluster(
    "C47 Windows pool, pinned",
    PINNED,
    {"cp": "pinned", "etcd": "pinned", "worker": "pinned", "windows": "not-applicable"},
    pools=POOLS + WINDOWS,
)
in_cluster(
    "C47 Windows pool, not pinned",
    "",
    {"cp": "unpinned", "etcd": "unpinned", "worker": "unpinned", "windows": "not-applicable"},
    ["error missing-nft-pin"],
    pools=POOLS + WINDOWS,
    safe=["+machineGlobalConfig:", "+kube-proxy-extra-env:", "+- IPTABLES_MODE=nft"],
)


def files_of(path: str, *, selector: str = "", dynamic: bool = False, more: str = PINNED) -> str:
    """Return configuration that writes a Secret's key `proxy` to a file on the nodes."""
    return (
        f"{more}\n"
        "machineSelectorFiles:\n"
        "  - fileSources:\n"
        "      - secret:\n"
        "          name: proxy\n"
        f"          items: [{{key: proxy, path: {path}, dynamic: {str(dynamic).lower()}}}]\n"
        + (f"    machineLabelSelector: {selector}\n" if selector else "")
    )


def secret(content: str, kind: str = "Secret", field: str = "stringData") -> dict[str, str]:
    """Return a Secret or ConfigMap that may be given to the cluster's machines."""
    if field == "data" and kind == "Secret":
        content = base64.b64encode(content.encode()).decode()
    return {
        "secret.yaml": (
            f"apiVersion: v1\nkind: {kind}\nmetadata:\n  name: proxy\n  namespace: fleet-default\n"
            "  annotations: {rke.cattle.io/object-authorized-for-clusters: demo}\n"
            f"{field}:\n  proxy: {json.dumps(content)}\n"
        )
    }


LATE = "/etc/rancher/rke2/config.yaml.d/99-proxy.yaml"
EARLY = "/etc/rancher/rke2/config.yaml.d/10-proxy.yaml"
in_cluster(
    "C48 without the Secret",
    files_of(LATE),
    "unknown",
    ["warning file-may-override"],
)
in_cluster(
    "C48 without the Secret, for the workers",
    files_of(LATE, selector='{matchLabels: {rke.cattle.io/worker-role: "true"}}'),
    {"cp": "pinned", "etcd": "pinned", "worker": "unknown"},
    ["warning file-may-override"],
)
in_cluster(
    "C48 without the Secret, which is read before 50-rancher.yaml",
    files_of(EARLY),
    "pinned",
    decides=PINNED,
)
in_cluster(
    "C48 without the Secret, for another config",
    files_of("/etc/rancher/rke2/config.yaml", more=""),
    "unknown",
    ["warning file-may-override"],
)
in_cluster(
    "C48 without the Secret, some other file",
    files_of("/etc/motd"),
    "pinned",
    decides=PINNED,
)
for field in ("stringData", "data"):
    in_cluster(
        f"C48 with the Secret ({field}), which takes the pin away",
        files_of(LATE),
        "unpinned",
        ["error *"],
        files=secret("kube-proxy-extra-env: [FOO=bar]\n", field=field),
    )
    in_cluster(
        f"C48 with the Secret ({field}), which pins",
        files_of(LATE),
        "pinned",
        files=secret("kube-proxy-extra-env: [IPTABLES_MODE=nft]\n", field=field),
    )
in_cluster(
    "C48 with the Secret, which appends",
    files_of(LATE),
    "pinned",
    files=secret("kube-proxy-extra-env+: [FOO=bar]\n"),
)
in_cluster(
    "C48 with the Secret, which speaks of something else",
    files_of(LATE),
    "pinned",
    files=secret("kubelet-arg: [max-pods=200]\n"),
    decides=PINNED,
)
in_cluster(
    "C48 with the Secret, dynamic",
    files_of(LATE, dynamic=True, more=""),
    "pinned",
    ["warning file-may-override"],
    tells=["restart"],
    files=secret("kube-proxy-extra-env: [IPTABLES_MODE=nft]\n"),
)
in_cluster(
    "C48 with a ConfigMap, which takes the pin away from the workers",
    files_of(LATE, selector='{matchLabels: {rke.cattle.io/worker-role: "true"}}').replace(
        "secret:", "configMap:"
    ),
    {"cp": "pinned", "etcd": "pinned", "worker": "unpinned"},
    ["error *"],
    files=secret("kube-proxy-extra-env: [FOO=bar]\n", kind="ConfigMap", field="data"),
    safe=ANY,
    after=ANY,
)
RANCHERS = f"{DROP_INS}/50-rancher.yaml"
in_files(
    "C49 50-rancher.yaml sets the key",
    {
        CONFIG: "kube-proxy-extra-env: [IPTABLES_MODE=nft]\n",
        RANCHERS: '{\n  "cni": "calico",\n  "kube-proxy-extra-env": [\n    "FOO=bar"\n  ]\n}\n',
    },
    "unpinned",
    [
        'error drop-in-drops-pin @ "kube-proxy-extra-env": ['
        " <- kube-proxy-extra-env: [IPTABLES_MODE=nft]"
    ],
    decides='"kube-proxy-extra-env": [',
)
in_files(
    "C49 50-rancher.yaml does not set the key",
    {
        CONFIG: "kube-proxy-extra-env: [IPTABLES_MODE=nft]\n",
        RANCHERS: '{\n  "cni": "calico"\n}\n',
    },
    "pinned",
    ["note pin-beside-rancher @ kube-proxy-extra-env: [IPTABLES_MODE=nft]"],
    decides="kube-proxy-extra-env: [IPTABLES_MODE=nft]",
)

in_files(
    "C49 a later drop-in gives the pin back",
    {
        RANCHERS: '{"kube-proxy-extra-env": ["FOO=bar"]}\n',
        f"{DROP_INS}/60-proxy.yaml": "kube-proxy-extra-env: [IPTABLES_MODE=nft]\n",
    },
    "pinned",
    ["note pin-beside-rancher"],
    decides="kube-proxy-extra-env: [IPTABLES_MODE=nft]",
)
in_files(
    "C49 what Rancher wrote is right",
    {RANCHERS: '{"kube-proxy-extra-env": ["IPTABLES_MODE=nft"]}\n'},
    "pinned",
    decides='{"kube-proxy-extra-env": ["IPTABLES_MODE=nft"]}',
)

# --- 9.4 File mode specifics ---------------------------------------------------------------------

in_files(
    "C50 pinned on servers only",
    {
        f"server/{CONFIG}": "cni: canal\nkube-proxy-extra-env: [IPTABLES_MODE=nft]\n",
        f"agent/{CONFIG}": "server: https://10.0.0.1:9345\ntoken: abc\n",
    },
    {f"server/{CONFIG}": "pinned", f"agent/{CONFIG}": "unpinned"},
    ["error missing-nft-pin"],
    decides={
        f"server/{CONFIG}": "kube-proxy-extra-env: [IPTABLES_MODE=nft]",
        f"agent/{CONFIG}": None,
    },
    safe=["+kube-proxy-extra-env:", "+- IPTABLES_MODE=nft"],
)
in_files(
    "C50 Edge Image Builder's server.yaml and agent.yaml",
    {
        "kubernetes/config/server.yaml": "cni: cilium\nkube-proxy-extra-env: [IPTABLES_MODE=nft]\n",
        "kubernetes/config/agent.yaml": "selinux: true\n",
    },
    {"kubernetes/config/server.yaml": "pinned", "kubernetes/config/agent.yaml": "unpinned"},
    ["error missing-nft-pin"],
    kind="rke2-config",
    safe=["+kube-proxy-extra-env:", "+- IPTABLES_MODE=nft"],
)
in_files(
    "C51 drop-in without +",
    {
        CONFIG: "kube-proxy-extra-env:\n  - IPTABLES_MODE=nft\n",
        f"{DROP_INS}/20-proxy.yaml": "kube-proxy-extra-env:\n  - HTTP_PROXY=http://p:3128\n",
    },
    "unpinned",
    ["error drop-in-drops-pin @ kube-proxy-extra-env: <- - IPTABLES_MODE=nft"],
    decides="kube-proxy-extra-env:",
    safe=["+- IPTABLES_MODE=nft"],
)
in_files(
    "C52 drop-in with +",
    {
        CONFIG: "kube-proxy-extra-env:\n  - IPTABLES_MODE=nft\n",
        f"{DROP_INS}/20-proxy.yaml": "kube-proxy-extra-env+:\n  - HTTP_PROXY=http://p:3128\n",
    },
    "pinned",
    decides="- IPTABLES_MODE=nft",
)
in_files(
    "C52 drop-in with + brings the pin",
    {
        CONFIG: "kube-proxy-extra-env:\n  - HTTP_PROXY=http://p:3128\n",
        f"{DROP_INS}/20-proxy.yaml": "kube-proxy-extra-env+:\n  - IPTABLES_MODE=nft\n",
    },
    "pinned",
    decides="- IPTABLES_MODE=nft",
)
in_files(
    "C53 + first, plain later in the same file",
    """
    kube-proxy-extra-env+: [IPTABLES_MODE=nft]
    kube-proxy-extra-env: [FOO=bar]
    """,
    "unpinned",
    ["error * @ kube-proxy-extra-env: [FOO=bar] <- kube-proxy-extra-env+: [IPTABLES_MODE=nft]"],
    decides="kube-proxy-extra-env: [FOO=bar]",
    safe=[
        "-kube-proxy-extra-env: [FOO=bar]",
        "+kube-proxy-extra-env: [FOO=bar, IPTABLES_MODE=nft]",
    ],
)
in_files(
    "C53 + first, plain in a later file",
    {
        CONFIG: "kube-proxy-extra-env+: [IPTABLES_MODE=nft]\n",
        f"{DROP_INS}/20-proxy.yml": "kube-proxy-extra-env: [FOO=bar]\n",
    },
    "unpinned",
    [
        "error drop-in-drops-pin @ kube-proxy-extra-env: [FOO=bar]"
        " <- kube-proxy-extra-env+: [IPTABLES_MODE=nft]"
    ],
    decides="kube-proxy-extra-env: [FOO=bar]",
    safe=[
        "-kube-proxy-extra-env: [FOO=bar]",
        "+kube-proxy-extra-env: [FOO=bar, IPTABLES_MODE=nft]",
    ],
)
in_files(
    "C53 the plain value has the pin",
    {
        CONFIG: "kube-proxy-extra-env+: [FOO=bar]\n",
        f"{DROP_INS}/20-proxy.yaml": "kube-proxy-extra-env: [IPTABLES_MODE=nft]\n",
    },
    "pinned",
    decides="kube-proxy-extra-env: [IPTABLES_MODE=nft]",
)
in_files(
    "C54 10- is read before 9-, and loses",
    {
        CONFIG: "cni: canal\n",
        f"{DROP_INS}/10-a.yaml": "kube-proxy-extra-env: [IPTABLES_MODE=nft]\n",
        f"{DROP_INS}/9-b.yaml": "kube-proxy-extra-env: [FOO=bar]\n",
    },
    "unpinned",
    [
        "error drop-in-drops-pin @ kube-proxy-extra-env: [FOO=bar]"
        " <- kube-proxy-extra-env: [IPTABLES_MODE=nft]",
        "warning drop-in-order",
    ],
    decides="kube-proxy-extra-env: [FOO=bar]",
    safe=[
        "-kube-proxy-extra-env: [FOO=bar]",
        "+kube-proxy-extra-env: [FOO=bar, IPTABLES_MODE=nft]",
    ],
)
in_files(
    "C54 10- is read before 9-, which pins",
    {
        CONFIG: "cni: canal\n",
        f"{DROP_INS}/10-a.yaml": "kube-proxy-extra-env: [FOO=bar]\n",
        f"{DROP_INS}/9-b.yaml": "kube-proxy-extra-env: [IPTABLES_MODE=nft]\n",
    },
    "pinned",
    ["warning drop-in-order"],
    decides="kube-proxy-extra-env: [IPTABLES_MODE=nft]",
)
in_files(
    "C54 upper case is read before lower case",
    {
        CONFIG: "cni: canal\n",
        f"{DROP_INS}/Z.yaml": "kube-proxy-extra-env: [IPTABLES_MODE=nft]\n",
        f"{DROP_INS}/a.yaml": "kube-proxy-extra-env: [FOO=bar]\n",
    },
    "unpinned",
    ["error drop-in-drops-pin @ kube-proxy-extra-env: [FOO=bar]"],
    safe=[
        "-kube-proxy-extra-env: [FOO=bar]",
        "+kube-proxy-extra-env: [FOO=bar, IPTABLES_MODE=nft]",
    ],
)
for path in (
    f"{DROP_INS}/pin.yaml.disabled",
    f"{DROP_INS}/pin.yaml.bak",
    f"{DROP_INS}/pin.conf",
    f"{DROP_INS}/pin.json",
    f"{DROP_INS}/more/pin.yaml",
    "etc/rancher/rke2/config.d/pin.yaml",
):
    content = "kube-proxy-extra-env: [IPTABLES_MODE=nft]\n"
    if path.endswith(".json"):
        content = '{"kube-proxy-extra-env": ["IPTABLES_MODE=nft"]}\n'
    in_files(
        f"C55 {path.removeprefix('etc/rancher/rke2/')}",
        {CONFIG: "cni: canal\n", path: content},
        "unpinned",
        [f"error ignored-file @ {content.strip()}"],
        decides=None,
        safe=ANY,
    )
    in_files(
        f"C55 {path.removeprefix('etc/rancher/rke2/')}, pinned elsewhere",
        {CONFIG: "kube-proxy-extra-env: [IPTABLES_MODE=nft]\n", path: content},
        "pinned",
        [f"* ignored-file @ {content.strip()}"],
        decides="kube-proxy-extra-env: [IPTABLES_MODE=nft]",
    )
for name in (".50.yaml", "50.YAML", "50.yml", "50.Yml"):
    in_files(
        f"C55 {name} is read",
        {
            CONFIG: "cni: canal\n",
            f"{DROP_INS}/{name}": "kube-proxy-extra-env: [IPTABLES_MODE=nft]\n",
        },
        "pinned",
        decides="kube-proxy-extra-env: [IPTABLES_MODE=nft]",
    )
in_files(
    "C56 second document",
    """
    cni: canal
    ---
    kube-proxy-extra-env: [IPTABLES_MODE=nft]
    """,
    "unpinned",
    ["error second-document @ kube-proxy-extra-env: [IPTABLES_MODE=nft]"],
    decides=None,
    safe=ANY,
)
in_both(
    "C57 said twice, the last pins",
    """
    kube-proxy-extra-env: [FOO=bar]
    kube-proxy-extra-env: [IPTABLES_MODE=nft]
    """,
    "pinned",
    [
        "warning duplicate-key @ kube-proxy-extra-env: [FOO=bar]"
        " <- kube-proxy-extra-env: [IPTABLES_MODE=nft]"
    ],
    decides="kube-proxy-extra-env: [IPTABLES_MODE=nft]",
    unsafe=None,
)
in_both(
    "C57 said twice, the last does not pin",
    """
    kube-proxy-extra-env: [IPTABLES_MODE=nft]
    kube-proxy-extra-env: [FOO=bar]
    """,
    "unpinned",
    ["error * @ kube-proxy-extra-env: [FOO=bar]", "warning duplicate-key"],
    decides="kube-proxy-extra-env: [FOO=bar]",
    safe=[
        "-kube-proxy-extra-env: [FOO=bar]",
        "+kube-proxy-extra-env: [FOO=bar, IPTABLES_MODE=nft]",
    ],
)
in_cluster(
    "C57 machineGlobalConfig twice",
    """
    machineGlobalConfig: {kube-proxy-extra-env: [IPTABLES_MODE=nft]}
    machineGlobalConfig:
      cni: calico
    """,
    "unpinned",
    [
        "warning duplicate-key"
        " @ machineGlobalConfig: {kube-proxy-extra-env: [IPTABLES_MODE=nft]}"
        " <- machineGlobalConfig:",
        "error missing-nft-pin @ machineGlobalConfig:",
    ],
    decides=None,
    safe=["+kube-proxy-extra-env:", "+- IPTABLES_MODE=nft"],
)
in_files(
    "C58 << holds the pin",
    """
    common: &common
      kube-proxy-extra-env: [IPTABLES_MODE=nft]
    cni: canal
    <<: *common
    """,
    "unpinned",
    ["error lost-merge-key @ <<: *common"],
    decides=None,
    safe=ANY,
)
in_files(
    "C58 << holds something else",
    """
    common: &common
      profile: cis
    kube-proxy-extra-env: [IPTABLES_MODE=nft]
    <<: *common
    """,
    "pinned",
    ["warning lost-merge-key @ <<: *common"],
    decides="kube-proxy-extra-env: [IPTABLES_MODE=nft]",
)
in_files(
    "C58 an alias as a value works",
    """
    common: &pin [IPTABLES_MODE=nft]
    kube-proxy-extra-env: *pin
    """,
    "pinned",
)
in_cluster(
    "C58 a Cluster keeps <<",
    """
    machineSelectorConfig:
      - config: &common
          kube-proxy-extra-env: [IPTABLES_MODE=nft]
        machineLabelSelector: {matchLabels: {rke.cattle.io/worker-role: "true"}}
    machineGlobalConfig:
      <<: *common
      cni: canal
    """,
    "pinned",
    decides="kube-proxy-extra-env: [IPTABLES_MODE=nft]",
)
in_files(
    "C59 disable-kube-proxy on an agent",
    {f"agent/{CONFIG}": "server: https://10.0.0.1:9345\ndisable-kube-proxy: true\n"},
    {f"agent/{CONFIG}": "unpinned"},
    ["warning server-only-setting @ disable-kube-proxy: true", "error missing-nft-pin"],
    kind="rke2-agent-config",
    decides=None,
    safe=["+kube-proxy-extra-env:", "+- IPTABLES_MODE=nft"],
)
in_files(
    "C60 drop-in is an audit policy",
    {
        CONFIG: "kube-proxy-extra-env: [IPTABLES_MODE=nft]\n",
        f"{DROP_INS}/92-audit-policy.yaml": """
        apiVersion: audit.k8s.io/v1
        kind: Policy
        omitStages: [ResponseStarted]
        rules:
          - level: Metadata
        """,
    },
    "pinned",
    decides="kube-proxy-extra-env: [IPTABLES_MODE=nft]",
)

# --- 9.5 Applicability ---------------------------------------------------------------------------

in_both(
    "C61 disable-kube-proxy: true",
    "disable-kube-proxy: true",
    "not-applicable",
    decides="disable-kube-proxy: true",
)
for value in ('"true"', '"True"', '"yes"', '"t"', '"y"'):
    in_cluster(
        f"C61 disable-kube-proxy: {value}",
        f"machineGlobalConfig: {{disable-kube-proxy: {value}}}",
        "not-applicable",
        decides=f"machineGlobalConfig: {{disable-kube-proxy: {value}}}",
    )
in_files(
    'C61 disable-kube-proxy: "true"',
    'disable-kube-proxy: "true"\n',
    "not-applicable",
    decides='disable-kube-proxy: "true"',
)
in_both(
    "C61 disable-kube-proxy: false",
    "disable-kube-proxy: false",
    "unpinned",
    ["error missing-nft-pin"],
    decides=None,
    safe=["+kube-proxy-extra-env:", "+- IPTABLES_MODE=nft"],
)
in_both(
    "C61 with the pin",
    """
    disable-kube-proxy: true
    kube-proxy-extra-env: [IPTABLES_MODE=nft]
    """,
    "not-applicable",
    ["note superfluous-pin @ kube-proxy-extra-env: [IPTABLES_MODE=nft]"],
    decides="disable-kube-proxy: true",
    unsafe=None,
)
for value in ("1", '"1"', '"on"', '"no"'):  # No number passes the filter, and no other word is yes.
    in_cluster(
        f"C61 disable-kube-proxy: {value}",
        f"machineGlobalConfig: {{disable-kube-proxy: {value}}}",
        "unpinned",
        ["error missing-nft-pin"],
        decides=None,
        safe=ANY,
    )
for where, selector in {
    "for all": "",
    "for the servers": (
        "machineLabelSelector: {matchExpressions: "
        "[{key: rke.cattle.io/worker-role, operator: DoesNotExist}]}"
    ),
}.items():
    in_cluster(
        f"C61 in a selector {where}",
        f"""
        machineSelectorConfig:
          - config:
              disable-kube-proxy: true
            {selector}
        """,
        "not-applicable",
        decides="disable-kube-proxy: true",
    )
in_cluster(
    "C61 in a selector for the workers: Rancher drops it there",
    """
    machineSelectorConfig:
      - config:
          disable-kube-proxy: true
        machineLabelSelector: {matchLabels: {rke.cattle.io/worker-role: "true"}}
    """,
    "unpinned",
    ["error missing-nft-pin"],
    decides=None,
    safe=["+machineGlobalConfig:", "+kube-proxy-extra-env:", "+- IPTABLES_MODE=nft"],
)
in_cluster(
    "C61 a selector disagrees, pinned",
    f"""
    {PINNED}
    machineSelectorConfig:
      - config:
          disable-kube-proxy: true
        machineLabelSelector: {{matchLabels: {{rke.cattle.io/control-plane-role: "true"}}}}
    """,
    ANY,
    ["error kube-proxy-disagreement @ disable-kube-proxy: true"],
    unsafe=None,
)
in_cluster(
    "C61 global and selector disagree",
    """
    machineGlobalConfig:
      disable-kube-proxy: true
    machineSelectorConfig:
      - config:
          disable-kube-proxy: false
        machineLabelSelector: {matchLabels: {rke.cattle.io/etcd-role: "true"}}
    """,
    ANY,
    ["error kube-proxy-disagreement @ disable-kube-proxy: false", "* missing-nft-pin"],
    safe=ANY,
    stays=["kube-proxy-disagreement"],
    after=ANY,
)
CILIUM = """
chartValues:
  rke2-cilium:
    kubeProxyReplacement: %s
"""
for value in ("true", "strict", '"true"'):
    in_cluster(
        f"C62 {value}, not pinned",
        CILIUM % value,
        "unpinned",
        [
            f"warning cilium-beside-kube-proxy @ kubeProxyReplacement: {value}",
            "error missing-nft-pin",
        ],
        safe=["+machineGlobalConfig:", "+kube-proxy-extra-env:", "+- IPTABLES_MODE=nft"],
    )
    in_cluster(
        f"C62 {value}, pinned",
        PINNED + CILIUM % value,
        "pinned",
        [f"warning cilium-beside-kube-proxy @ kubeProxyReplacement: {value}"],
        decides=PINNED,
    )
in_cluster(
    "C62 with disable-kube-proxy",
    "machineGlobalConfig: {disable-kube-proxy: true}" + CILIUM % "true",
    "not-applicable",
)
in_cluster(
    "C62 Cilium without replacement",
    PINNED + CILIUM % "false",
    "pinned",
)
for written in ("proxy-mode=nftables", "--proxy-mode=nftables"):
    in_both(
        f"C63 {written}",
        f"kube-proxy-arg: [{written}]",
        "not-applicable",
        [f"note nftables-proxy-mode @ kube-proxy-arg: [{written}]"],
        decides=f"kube-proxy-arg: [{written}]",
    )
in_both(
    "C63 of two modes the last counts",
    "kube-proxy-arg: [proxy-mode=nftables, proxy-mode=ipvs]",
    "unpinned",
    ["error missing-nft-pin"],
    safe=["+kube-proxy-extra-env:", "+- IPTABLES_MODE=nft"],
)
in_cluster(
    "C63 nftables for the workers",
    """
    machineSelectorConfig:
      - config: {kube-proxy-arg: [proxy-mode=nftables]}
        machineLabelSelector: {matchLabels: {rke.cattle.io/worker-role: "true"}}
    """,
    {"cp": "unpinned", "etcd": "unpinned", "worker": "not-applicable"},
    ["error missing-nft-pin", "note nftables-proxy-mode"],
    safe=["+machineGlobalConfig:", "+kube-proxy-extra-env:", "+- IPTABLES_MODE=nft"],
)
in_both(
    "C63 nftables and the pin",
    """
    kube-proxy-arg: [proxy-mode=nftables]
    kube-proxy-extra-env: [IPTABLES_MODE=nft]
    """,
    "not-applicable",
    ["note nftables-proxy-mode"],
)
for mode in ("ipvs", "iptables"):
    in_both(
        f"C63 {mode}",
        f"kube-proxy-arg: [proxy-mode={mode}]",
        "unpinned",
        ["error missing-nft-pin"],
        decides=None,
        safe=["+kube-proxy-extra-env:", "+- IPTABLES_MODE=nft"],
    )
in_both(
    "C63 ipvs, pinned",
    """
    kube-proxy-arg: [proxy-mode=ipvs]
    kube-proxy-extra-env: [IPTABLES_MODE=nft]
    """,
    "pinned",
)


def whole(id: str, files: str | Mapping[str, str], finds: Sequence[str] = (), **more: Any) -> None:
    """Add a row about an object or file that is not applicable as a whole."""
    given = {CLUSTER: files} if isinstance(files, str) else files
    row(id, given, [WHOLE], {WHOLE: "not-applicable"}, finds, unsafe=None, **more)


whole("C64 K3s cluster", cluster(version="v1.33.5+k3s1"))
whole(
    "C64 K3s cluster with the key",
    cluster(PINNED, version="v1.33.5+k3s1"),
    [f"warning k3s-setting @ {PINNED}"],
)
whole("C64 K3s file", {"etc/rancher/k3s/config.yaml": "write-kubeconfig-mode: '0644'\n"})
whole(
    "C64 K3s file with the key",
    {"etc/rancher/k3s/config.yaml": "kube-proxy-extra-env: [IPTABLES_MODE=nft]\n"},
    ["warning k3s-setting @ kube-proxy-extra-env: [IPTABLES_MODE=nft]"],
)
IMPORTED = """
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: c-abcde, namespace: fleet-default}
spec: %s
"""
whole("C65 imported", IMPORTED % "{}")
whole("C65 rkeConfig null", IMPORTED % "{rkeConfig: null}")
whole("C65 hosted", IMPORTED % "{localClusterAuthEndpoint: {}}")
OTHERS = {
    "management.cattle.io": "management.cattle.io/v3",
    "Cluster API": "cluster.x-k8s.io/v1beta1",
    "CloudNativePG": "postgresql.cnpg.io/v1",
    "kind": "kind.x-k8s.io/v1alpha4",
}
for other, version in OTHERS.items():
    whole(
        f"C65 {other}",
        f"apiVersion: {version}\nkind: Cluster\nmetadata: {{name: demo}}\nspec: {{}}\n",
    )
whole(
    "C65 RKE1",
    {
        "cluster.yml": """
        nodes:
          - address: 10.0.0.1
            user: ubuntu
            role: [controlplane, etcd, worker]
        services:
          kubeproxy: {}
        """
    },
)
for unclear in (None, '""', "foo", "1.33"):
    in_cluster(
        f"C66 version {'missing' if unclear is None else unclear}, not pinned",
        "",
        "unknown",
        ["warning unclear-version", "warning missing-nft-pin"],
        version=unclear,
        decides=None,
    )
    in_cluster(
        f"C66 version {'missing' if unclear is None else unclear}, pinned",
        PINNED,
        "pinned",
        ["warning unclear-version"],
        version=unclear,
        decides=PINNED,
    )
in_cluster(
    "C66 version v1.33.7-rke2r1, which names the runtime",
    "",
    "unpinned",
    ["error missing-nft-pin"],
    version="v1.33.7-rke2r1",
    safe=["+machineGlobalConfig:", "+kube-proxy-extra-env:", "+- IPTABLES_MODE=nft"],
)
for version in (
    "'{{ .Values.version }}'",
    "${KUBERNETES_VERSION}",
    "<required>",
    "%VERSION%",
    "@VERSION@",
):
    in_cluster(
        f"C66 version {version}, not pinned",
        "",
        "unknown",
        ["warning missing-nft-pin"],
        version=version,
        decides=None,
    )
    in_cluster(f"C66 version {version}, pinned", PINNED, "pinned", version=version, decides=PINNED)
for version in (
    "v1.20.15+rke2r2",
    "v1.21.3+rke2r1",
    "v1.21.3+rke2r2",
    "v1.22.0+rke2r1",
    "v1.22.2+rke2r2",
):
    in_cluster(f"C66 {version} is too old", "", "not-applicable", version=version)
    in_cluster(
        f"C66 {version} is too old for the key",
        PINNED,
        ANY,
        [f"error version-too-old @ {PINNED}"],
        version=version,
        unsafe=None,
    )
for version in (
    "v1.21.4+rke2r1",
    "v1.21.4+rke2r2",
    "v1.22.3+rke2r1",
    "v1.23.1+rke2r1",
    "v1.25.3+rke2r1",
    "v1.34.0+rke2r1",
    "v1.36.3+rke2r1",
    "v1.40.0+rke2r1",
):
    in_cluster(f"C66 {version} knows the key", PINNED, "pinned", version=version, decides=PINNED)
for version in (
    "v1.33.4-rc1+rke2r1",
    "v1.34.0-alpha1+rke2r1",
    "v1.34.0-beta1+rke2r1",
    "v1.33.4+rke2r1-rc1",
):
    in_cluster(
        f"C66 {version}",
        PINNED,
        "pinned",
        [f"note prerelease-version @ kubernetesVersion: {version}"],
        version=version,
    )

# --- Other forms of the same objects -------------------------------------------------------------

LIST = "apiVersion: v1\nkind: List\nitems:\n" + textwrap.indent(cluster(), "  ").replace(
    "  api", "- api", 1
)
row(
    "form: kind List",
    {"clusters.yaml": LIST},
    [f"fleet-default/demo/{name}" for name in ("cp", "etcd", "worker")],
    "unpinned",
    ["error missing-nft-pin @ rkeConfig:"],
    safe=["+machineGlobalConfig:", "+kube-proxy-extra-env:", "+- IPTABLES_MODE=nft"],
)


def payload(**config: Any) -> dict[str, Any]:
    """Return a cluster as Rancher's own API takes it."""
    pools = [{"name": "all", "controlPlaneRole": True, "etcdRole": True, "workerRole": True}]
    return {
        "type": "provisioning.cattle.io.cluster",
        "metadata": {"name": "demo", "namespace": "fleet-default"},
        "spec": {
            "kubernetesVersion": "v1.33.4+rke2r1",
            "rkeConfig": {"machinePools": pools, **config},
        },
    }


ONE = ["fleet-default/demo/all"]
SAYS = {"machineGlobalConfig": {"kube-proxy-extra-env": ["IPTABLES_MODE=nft"]}}
row("form: type payload, pinned", {"a.json": json.dumps(payload(**SAYS), indent=2)}, ONE, "pinned")
row(
    "form: type payload",
    {"a.json": json.dumps(payload(machineGlobalConfig={"cni": "calico"}), indent=2)},
    ONE,
    "unpinned",
    ['error missing-nft-pin @ "machineGlobalConfig": {'],
    safe=ANY,
)
COLLECTION = {"type": "collection", "resourceType": "provisioning.cattle.io.cluster"}
row(
    "form: collection",
    {"a.json": json.dumps({**COLLECTION, "data": [payload(machineGlobalConfig={})]}, indent=2)},
    ONE,
    "unpinned",
    ["error missing-nft-pin"],
    safe=ANY,
)
row(
    "form: collection, pinned",
    {"a.json": json.dumps({**COLLECTION, "data": [payload(**SAYS)]})},
    ONE,
    "pinned",
)
CONTROL_PLANE = """
apiVersion: rke.cattle.io/v1
kind: RKEControlPlane
metadata:
  name: demo
  namespace: fleet-default
spec:
  clusterName: demo
  kubernetesVersion: v1.33.4+rke2r1
"""
SEVEN = [f"fleet-default/demo/{roles}" for roles in CUSTOM]
row(
    "form: RKEControlPlane",
    {"a.yaml": CONTROL_PLANE},
    SEVEN,
    "unpinned",
    ["error missing-nft-pin @ spec:"],
    safe=["+machineGlobalConfig:", "+kube-proxy-extra-env:", "+- IPTABLES_MODE=nft"],
)
row(
    "form: RKEControlPlane, pinned",
    {"a.yaml": CONTROL_PLANE + textwrap.indent(PINNED, "  ")},
    SEVEN,
    "pinned",
    decides=PINNED,
)
in_cluster(
    "form: custom",
    "machineGlobalConfig: {cni: calico}",
    "unpinned",
    ["error missing-nft-pin @ machineGlobalConfig: {cni: calico}"],
    pools="",
    safe=[
        "-machineGlobalConfig: {cni: calico}",
        "+machineGlobalConfig: {cni: calico, kube-proxy-extra-env: [IPTABLES_MODE=nft]}",
    ],
)
in_cluster(
    "form: custom, C38",
    """
    machineSelectorConfig:
      - config: {kube-proxy-extra-env: [IPTABLES_MODE=nft]}
        machineLabelSelector: {matchLabels: {rke.cattle.io/worker-role: "true"}}
    """,
    {
        f"fleet-default/demo/{roles}": "pinned" if "worker" in roles else "unpinned"
        for roles in CUSTOM
    },
    ["error missing-nft-pin"],
    pools="",
    safe=["+machineGlobalConfig:", "+kube-proxy-extra-env:", "+- IPTABLES_MODE=nft"],
)
in_cluster(
    "form: custom, C40 with a label that may be given at registration",
    f"""
    {PINNED}
    machineSelectorConfig:
      - config: {{kube-proxy-extra-env: [FOO=bar]}}
        machineLabelSelector: {{matchLabels: {{site: edge}}}}
    """,
    "pinned",
    [f"warning selector-may-drop-pin @ - config: {{kube-proxy-extra-env: [FOO=bar]}} <- {PINNED}"],
    pools="",
    decides=PINNED,
    safe=[
        "-- config: {kube-proxy-extra-env: [FOO=bar]}",
        "+- config: {kube-proxy-extra-env: [FOO=bar, IPTABLES_MODE=nft]}",
    ],
)


# --- What is asked of every row ------------------------------------------------------------------

Files: TypeAlias = dict[str, str]


class Told(NamedTuple):
    """What was said of some files, in the words of the JSON outputs."""

    machines: list[dict[str, Any]]
    findings: list[dict[str, Any]]


class ByEngine:
    """Asks the engine itself."""

    def __init__(self, kind: str | None) -> None:
        self.kind = kind

    def tell(self, files: Files) -> Told:
        sources = {path: self.read(path, content) for path, content in files.items()}
        report = self.report(sources)

        def at(place: Place) -> dict[str, Any]:
            source = sources[place.document.path]
            document = next((d for d in source.documents if d.id == place.document), None)
            span = document.span(place) if document is not None else place.span
            line, column = source.position(span.start) if span is not None else (1, 1)
            return {"path": place.document.path, "line": line, "column": column}

        machines = [
            {
                "name": machine.name,
                "verdict": machine.verdict,
                "decided_by": at(machine.decided_by) if machine.decided_by else None,
            }
            for machine in report.machines
        ]
        findings = [
            {
                "rule": finding.rule,
                "severity": finding.severity.name.lower(),
                "message": finding.problem.message,
                "machines": list(finding.machines),
                "related": [at(place) for place, _ in finding.problem.related],
                **at(finding.problem.place),
            }
            for finding in report.findings
        ]
        return Told(machines, findings)

    def fix(self, files: Files, *, unsafe: bool) -> Files:
        sources = {path: self.read(path, content) for path, content in files.items()}
        for _ in range(5):  # A fix that another one was in the way of has its turn later.
            chosen = plan(self.report(sources).findings, Safety.UNSAFE if unsafe else Safety.SAFE)
            for document, fixes in chosen.items():
                changes = [Change(document.number, fix.edits) for fix in fixes]
                source = sources[document.path]
                if isinstance(source, Source):
                    sources[document.path] = rewrite_all(source, changes).source
        return {path: source.text for path, source in sources.items()}

    def report(self, sources: Mapping[str, Source | EnvironmentFile]) -> Report:
        return evaluate([self.file(path, source) for path, source in sources.items()])

    def file(self, path: str, source: Source | EnvironmentFile) -> File:
        ours = recognise.is_ours(path, source.data)
        broken = [
            Broken.at(path, one.document, one.span, one.message) for one in source.problems if ours
        ]
        return File(path, source.documents, kind=self.kind, broken=tuple(broken))

    def read(self, path: str, content: str) -> Source | EnvironmentFile:
        if recognise.is_environment(path):
            return environment_file.read(path, content.encode())
        return Source.read(path, content.encode())


class ByCommand:
    """Asks the command line, in a folder that holds the files."""

    def __init__(self, kind: str | None, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.options = ["--as", kind] if kind else []
        self.folder = folder
        self.capsys = capsys

    def run(self, *arguments: str) -> tuple[int, str]:
        """Return the exit code, and what was printed on standard output."""
        self.capsys.readouterr()
        status = main([*arguments, *self.options, "."])
        out, errors = self.capsys.readouterr()
        assert status in (0, 1), errors
        return status, out

    def write(self, files: Files) -> None:
        for path, content in files.items():
            place = self.folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.encode())

    def read(self, files: Files) -> Files:
        return {path: (self.folder / path).read_bytes().decode() for path in files}

    def effective(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.run("effective", "--output-format", "json")[1])
        return told

    def check(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.run("check", "--output-format", "json")[1])
        return told

    def tell(self, files: Files) -> Told:
        self.write(files)
        return Told(self.effective()["machines"], self.check()["findings"])

    def fix(self, files: Files, *, unsafe: bool) -> Files:
        self.write(files)
        self.run("check", "--fix", *(["--unsafe-fixes"] if unsafe else []))
        return self.read(files)


Door: TypeAlias = ByEngine | ByCommand
Opened: TypeAlias = Callable[[Case], Door]
rows = pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in TABLE])


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[[Case], ByCommand]]:
    monkeypatch.chdir(tmp_path)
    yield lambda case: ByCommand(case.kind, tmp_path, capsys)
    gc.enable()  # The command line, which runs once in a process, does without.


@pytest.fixture(params=["engine", "command"])
def door(request: pytest.FixtureRequest) -> Opened:
    if request.param == "engine":
        return lambda case: ByEngine(case.kind)
    opened: Opened = request.getfixturevalue("command")
    return opened


@rows
def test_every_machine_gets_its_verdict_from_the_line_that_decides(
    case: Case, door: Opened
) -> None:
    machines = door(case).tell(dict(case.files)).machines
    assert_verdicts(machines, case.effective)
    if case.decides is ANY:
        return
    for machine in machines:
        expected = case.decides
        if isinstance(expected, Mapping):
            expected = expected[machine["name"]]
        decided_by = machine["decided_by"]
        line = line_of(case.files, decided_by) if decided_by else None
        assert line == expected, f"who decides {machine['name']}"


@rows
def test_everything_that_is_wrong_is_found_and_nothing_else(case: Case, door: Opened) -> None:
    told = door(case).tell(dict(case.files))
    left = [describe(case.files, finding) for finding in told.findings]
    if case.finds is ANY:
        assert left
        left = []
    for expected in case.finds if case.finds is not ANY else ():
        fitting = [one for one in left if fits(one, expected)]
        assert fitting, f"{expected} is not among {left}"
        left.remove(fitting[0])
    assert not left, "nobody asked for these"
    messages = " ".join(finding["message"] for finding in told.findings)
    for words in case.tells:
        assert words in messages
    in_trouble = {
        name
        for name, verdict in case.effective.items()
        if verdict in ("unpinned", "broken", "legacy")
    }
    named = {name for finding in told.findings for name in finding["machines"]}
    assert in_trouble <= named, "every machine in trouble is named"


@rows
def test_safe_fixes_make_what_they_should_and_no_more(case: Case, door: Opened) -> None:
    fixed = fix_until_quiet(door(case), case, unsafe=False)
    if case.safe is not ANY:
        assert changes(case.files, fixed) == list(case.safe or ())
    if fixed != dict(case.files):
        told = door(case).tell(fixed)
        assert_verdicts(told.machines, case.after)
        left = {one["rule"] for one in told.findings if one["severity"] == "error"}
        assert left == set(case.stays)


@rows
def test_unsafe_fixes_make_what_they_should(case: Case, door: Opened) -> None:
    fixed = fix_until_quiet(door(case), case, unsafe=True)
    if case.unsafe is not ANY:
        assert changes(case.files, fixed) == list(case.unsafe or ())
    if case.unsafe is not ANY and case.unsafe:
        assert_verdicts(door(case).tell(fixed).machines, case.after)


def fix_until_quiet(door: Door, case: Case, *, unsafe: bool) -> Files:
    """Fix once, and show that fixing once more changes nothing."""
    fixed = door.fix(dict(case.files), unsafe=unsafe)
    assert door.fix(fixed, unsafe=unsafe) == fixed, "fixing twice changes nothing more"
    for path, content in case.files.items():
        assert COMMENT.findall(fixed[path]) == COMMENT.findall(content), "comments are kept"
    return fixed


def assert_verdicts(machines: list[dict[str, Any]], expected: Mapping[str, str]) -> None:
    verdicts = {machine["name"]: machine["verdict"] for machine in machines}
    if expected == {WHOLE: ANY}:
        return
    if ANY in expected.values() and len(set(expected.values())) == 1:
        assert set(verdicts) == set(expected)
    elif set(expected) == {WHOLE}:  # One row, whatever the object is called.
        assert list(verdicts.values()) == list(expected.values())
    else:
        assert verdicts == dict(expected)


def line_of(files: Mapping[str, str], at: Mapping[str, Any]) -> str:
    lines: list[str] = files[at["path"]].splitlines()
    return lines[int(at["line"]) - 1].strip()


def describe(
    files: Mapping[str, str], finding: Mapping[str, Any]
) -> tuple[str, str, str, list[str]]:
    related = [line_of(files, one) for one in finding["related"]]
    return finding["severity"], finding["rule"], line_of(files, finding), related


def fits(found: tuple[str, str, str, list[str]], expected: str) -> bool:
    severity, rule, line, related = found
    said, _, from_line = expected.partition(" <- ")
    what, _, at = said.partition(" @ ")
    wanted_severity, wanted_rule = what.split()
    return (
        wanted_severity in ("*", severity)
        and wanted_rule in ("*", rule)
        and (not at or at == line)
        and (not from_line or from_line in related)
    )


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Return the lines that went and came, without their indents."""
    told = []
    for path in before:
        old, new = before[path].splitlines(), after[path].splitlines()
        for _, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            if old[a:b] != new[c:d]:
                told += [f"-{line.strip()}" for line in old[a:b]]
                told += [f"+{line.strip()}" for line in new[c:d]]
    return told


# --- The shapes of the outputs -------------------------------------------------------------------

POSITION = {"line", "column"}
VERDICTS = {"pinned", "unpinned", "legacy", "broken", "not-applicable", "unknown"}


@rows
def test_effective_prints_the_json_that_is_promised(
    case: Case, command: Callable[[Case], ByCommand]
) -> None:
    by = command(case)
    by.write(dict(case.files))
    told = by.effective()
    assert set(told) == {"version", "machines"}
    assert told["version"] == 1
    for machine in told["machines"]:
        assert " ".join(machine) == "name path document roles verdict value decided_by reason"
        assert machine["path"] in {*case.files, CONFIG}
        assert machine["document"] >= 1
        assert set(machine["roles"]) <= {"control-plane", "etcd", "worker", "server", "agent"}
        assert machine["verdict"] in VERDICTS
        assert isinstance(machine["reason"], str)
        assert machine["reason"]
        if machine["verdict"] == "pinned":
            assert machine["value"].strip() == "nft"
        else:
            assert machine["value"] is None or isinstance(machine["value"], str)
        if machine["decided_by"] is not None:
            assert_place(case.files, machine["decided_by"], {"path", *POSITION})


@rows
def test_check_prints_the_json_that_is_promised(
    case: Case, command: Callable[[Case], ByCommand]
) -> None:
    by = command(case)
    by.write(dict(case.files))
    status, out = by.run("check", "--output-format", "json")
    told = json.loads(out)
    assert " ".join(told) == "version findings not_applicable unreadable warnings summary"
    assert told["version"] == 1
    severities = [finding["severity"] for finding in told["findings"]]
    assert status == (1 if {"error", "warning"} & set(severities) else 0)
    summary = told["summary"]
    assert " ".join(summary) == "files documents machines errors warnings notes fixable"
    assert summary["files"] == len(case.files)
    assert summary["documents"] >= len({(one["path"], one["document"]) for one in told["findings"]})
    for severity in ("error", "warning", "note"):
        assert summary[f"{severity}s"] == severities.count(severity)
    names = {machine["name"] for machine in by.effective()["machines"]}
    for finding in told["findings"]:
        assert " ".join(finding) == (
            "rule severity message path document object pointer line column end_line end_column"
            " machines related fix refusal fingerprint"
        )
        assert set(finding["machines"]) <= names
        assert finding["document"] >= 1
        start, end = (
            {"path": finding["path"], "line": finding[line], "column": finding[column]}
            for line, column in (("line", "column"), ("end_line", "end_column"))
        )
        assert_place(case.files, start, {"path", *POSITION})
        assert_place(case.files, end, {"path", *POSITION})
        assert (start["line"], start["column"]) <= (end["line"], end["column"])
        for related in finding["related"]:
            assert related["message"]
            assert_place(case.files, related, {"message", "path", *POSITION})
        if finding["fix"] is not None:
            assert list(finding["fix"]) == ["title", "safety", "edits"]
            assert finding["fix"]["safety"] in ("safe", "unsafe", "shown")
            assert finding["fix"]["edits"]
            edited(case.files[finding["path"]], finding["fix"]["edits"])
    for one in told["not_applicable"]:
        assert list(one) == ["path", "document", "reason"]
    inapplicable = set(case.effective.values()) & {"not-applicable"}
    assert bool(told["not_applicable"]) == bool(inapplicable) or ANY in case.effective.values()


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=case.id) for case in TABLE if case.safe and case.safe is not ANY]
)
def test_the_edits_that_are_told_make_the_bytes_that_fix_makes(
    case: Case, command: Callable[[Case], ByCommand]
) -> None:
    by = command(case)
    by.write(dict(case.files))
    told = [one for one in by.check()["findings"] if one["fix"] and one["fix"]["safety"] == "safe"]
    by_edits = dict(case.files)
    for path in {one["path"] for one in told}:
        edits = [edit for one in told if one["path"] == path for edit in one["fix"]["edits"]]
        edits.sort(key=lambda edit: (edit["start"]["line"], edit["start"]["column"]))
        by_edits[path] = edited(case.files[path], edits)
    assert by_edits == by.fix(dict(case.files), unsafe=False) != dict(case.files)


def assert_place(files: Mapping[str, str], at: Mapping[str, Any], keys: set[str]) -> None:
    """Require that a place has its keys, and is in its file."""
    assert set(at) == keys
    lines = [*files[at["path"]].split("\n"), ""]
    assert 1 <= at["line"] <= len(lines)
    assert 1 <= at["column"] <= len(lines[at["line"] - 1]) + 1


def edited(content: str, edits: Sequence[Mapping[str, Any]]) -> str:
    """Return a text with edits made, the last one first."""
    lines = content.splitlines(keepends=True)
    begins = [sum(map(len, lines[:i])) for i in range(len(lines) + 1)]

    def offset(at: Mapping[str, int]) -> int:
        assert set(at) == POSITION
        return begins[at["line"] - 1] + at["column"] - 1

    before = len(content)
    for edit in reversed(edits):
        assert set(edit) == {"start", "end", "text"}
        start, end = offset(edit["start"]), offset(edit["end"])
        assert start <= end <= before, "edits are in order, and apart from each other"
        content, before = content[:start] + edit["text"] + content[end:], start
    return content


def alone(files: Mapping[str, str]) -> Case:
    """Return a case that is asked about its files only."""
    return Case("", files, {}, (), ANY, (), None, None, {}, (), None)


def test_documents_lines_and_columns_count_from_one_and_in_code_points(
    command: Callable[[Case], ByCommand],
) -> None:
    flow = (
        "{apiVersion: provisioning.cattle.io/v1, kind: Cluster, "
        "metadata: {name: 🦊é, namespace: fleet-default}, "
        "spec: {kubernetesVersion: v1.33.4+rke2r1, rkeConfig: {machinePools: "
        "[{name: 🦊, workerRole: true}], "
        "machineGlobalConfig: {kube-proxy-extra-env: [IPTABLES_MODE=NFT]}}}}"
    )
    files = {"a.yaml": f"kind: ConfigMap\n---\n{flow}\n"}
    by = command(alone(files))
    by.write(files)
    (finding,) = by.check()["findings"]
    column = flow.index("IPTABLES_MODE") + 1
    assert (finding["document"], finding["line"], finding["column"]) == (2, 3, column)
    assert (finding["end_line"], finding["end_column"]) == (3, column + len("IPTABLES_MODE=NFT"))
    assert finding["machines"] == ["fleet-default/🦊é/🦊"]
    (machine,) = by.effective()["machines"]
    assert machine["document"] == 2
    assert machine["decided_by"] == {"path": "a.yaml", "line": 3, "column": column}
    fixed = edited(files["a.yaml"], finding["fix"]["edits"])
    assert fixed == files["a.yaml"].replace("=NFT", "=nft")
    assert by.fix(files, unsafe=False)["a.yaml"] == fixed


def test_a_commented_cluster_of_200_lines_gets_its_lines_and_loses_none(
    command: Callable[[Case], ByCommand],
) -> None:
    lines = cluster("machineGlobalConfig:\n  cni: canal   # as ever\n  # the rest is default\n")
    head, pools = lines.split("    machinePools:\n")
    notes = "".join(f"      # remark {i}\n" for i in range(60))
    many = "".join(
        f"      - name: pool{i}   # rack {i}\n        workerRole: true\n" for i in range(60)
    )
    files = {CLUSTER: f"{head}{notes}    machinePools:\n{pools}{many}"}
    assert files[CLUSTER].count("\n") >= 200
    by = command(alone(files))
    fixed = by.fix(files, unsafe=False)
    assert changes(files, fixed) == ["+kube-proxy-extra-env:", "+- IPTABLES_MODE=nft"]
    assert by.run("check") == (0, "")


def test_a_drop_in_alone_brings_its_siblings_in(
    command: Callable[[Case], ByCommand], capsys: pytest.CaptureFixture[str]
) -> None:
    drop_in = f"{DROP_INS}/20-proxy.yaml"
    files = {
        CONFIG: "kube-proxy-extra-env: [IPTABLES_MODE=nft]\n",
        f"{DROP_INS}/10-other.yaml": "kube-proxy-extra-env+: [FOO=bar]\n",
        drop_in: "kube-proxy-extra-env: [HTTP_PROXY=http://p:3128]\n",
    }
    command(alone(files)).write(files)
    assert main(["check", "--output-format", "json", drop_in]) == 1
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert (finding["rule"], finding["severity"]) == ("drop-in-drops-pin", "error")
    assert (finding["path"], finding["machines"]) == (drop_in, [CONFIG])
    assert finding["related"][0]["path"] == CONFIG
    assert main(["effective", "--output-format", "json", drop_in]) == 0
    (machine,) = json.loads(capsys.readouterr().out)["machines"]
    assert (machine["name"], machine["verdict"]) == (CONFIG, "unpinned")


def test_what_is_context_is_never_fixed(
    command: Callable[[Case], ByCommand], capsys: pytest.CaptureFixture[str]
) -> None:
    files = {
        CONFIG: "kube-proxy-extra-env: [IPTABLES_MODE=NFT]\n",
        f"{DROP_INS}/20-cni.yaml": "cni: canal\n",
    }
    by = command(alone(files))
    by.write(files)
    main(["check", "--fix", f"{DROP_INS}/20-cni.yaml"])
    assert by.read(files) == files


def test_git_applies_what_diff_prints(command: Callable[[Case], ByCommand], tmp_path: Path) -> None:
    files = {CLUSTER: cluster(), CONFIG: "cni: canal\ntoken: secret-of-ours\n"}
    by = command(alone(files))
    by.write(files)
    status, patch = by.run("check", "--diff")
    assert status == 1
    assert by.read(files) == files, "nothing is written"
    assert "secret-of-ours" not in patch
    (tmp_path / "its.patch").write_bytes(patch.encode())
    subprocess.run(["git", "apply", "--unidiff-zero", "its.patch"], check=True)
    applied = by.read(files)
    by.write(files)
    assert applied == by.fix(files, unsafe=False) != files
