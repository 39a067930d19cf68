"""Every machine runs with the settings that the policy requires.

A hardening guide, a proxy, a flag that an auditor asks for: what an organisation wants on every
machine stands in its policy, and this rule looks for it where RKE2 takes it from. Without
`params.required-settings` it asks for nothing. A list says which items the list in force has to
hold: of a variable in an `*-extra-env` the last value counts, and of a flag in an `*-arg`, too,
unless its values add up (`A=true,B=true`). Only machines whose RKE2 knows the setting are asked:
no agents for what only servers know, no version to which Rancher does not pass it on
(rancher/kontainer-driver-metadata), and for a component only machines that run it. The backend of
kube-proxy is `params.backend`, and the matter of other rules.

The fix adds what is missing where it counts. It is safe for a variable that is not set yet, and
unsafe for all else, because only people know what another profile or flag does to their hosts. It
is only shown where it would reach machines of another role, too. Where a template may say more, it
is a note.

This policy asks for the examples:

```yaml policy
params:
  required-settings:
    profile: cis
    kube-apiserver-arg: [anonymous-auth=false]
    kube-apiserver-extra-env:
      value: [GODEBUG=netdns=go]
      reason: our resolver
```

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      profile: cis-1.23
      kube-apiserver-arg:
        - audit-log-maxage=30   # days
    machineSelectorConfig:
      - config:
          profile: etcd
        machineLabelSelector:
          matchLabels: {rke.cattle.io/rke-machine-pool-name: worker}
    machinePools:
      - {name: cp, controlPlaneRole: true, etcdRole: true}
      - {name: worker, workerRole: true}
```

```yaml after
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      profile: cis
      kube-apiserver-arg:
        - audit-log-maxage=30   # days
        - anonymous-auth=false
      kube-apiserver-extra-env:
        - GODEBUG=netdns=go
    machineSelectorConfig:
      - config:
          profile: cis
        machineLabelSelector:
          matchLabels: {rke.cattle.io/rke-machine-pool-name: worker}
    machinePools:
      - {name: cp, controlPlaneRole: true, etcdRole: true}
      - {name: worker, workerRole: true}
```

```yaml before agent/etc/rancher/rke2/config.yaml
server: https://10.0.0.1:9345
```

```yaml after agent/etc/rancher/rke2/config.yaml
server: https://10.0.0.1:9345
profile: cis
```

```yaml good agent/etc/rancher/rke2/config.yaml
server: https://10.0.0.1:9345
profile: cis
```

```yaml good server/etc/rancher/rke2/config.yaml
cni: canal
profile: cis
kube-apiserver-arg:
  - anonymous-auth=false
kube-apiserver-extra-env:
  - GODEBUG=netdns=cgo
  - GODEBUG=netdns=go
```
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rke2_policies.document import Place
from rke2_policies.edits import Append, Set
from rke2_policies.facts import rancher_knows, rke2_flags
from rke2_policies.finding import Fix, Problem, Safety, Severity
from rke2_policies.machine import Machine, Setting
from rke2_policies.pin import Entry
from rke2_policies.policy import RequiredSetting
from rke2_policies.route import Json, Templated
from rke2_policies.rule import rule

_ENVIRONMENT, _ARGUMENTS = "-extra-env", "-arg"
_OF_COMPONENTS = (_ENVIRONMENT, "-extra-mount", _ARGUMENTS)
# The components that do not run on every machine, and where they do.
_RUNS_ON = {
    "etcd": "etcd",
    "kube-apiserver": "control-plane",
    "kube-controller-manager": "control-plane",
    "kube-scheduler": "control-plane",
    "cloud-controller-manager": "control-plane",
    "kube-cloud-controller-manager": "control-plane",
}
# What Rancher (rancher/wrangler convert.ToBool) and Go (strconv.ParseBool) take for true.
_TRUE = frozenset({"true", "t", "yes", "y", "1"})


@rule(Machine, severity=Severity.ERROR)
def check(machine: Machine) -> Iterator[Problem]:
    for required in machine.params.required_settings.values():
        if _is_asked(machine, required):
            yield from _missing(machine, machine[required.name], required)


def _is_asked(machine: Machine, required: RequiredSetting) -> bool:
    """Return whether a machine has to have a setting: its role needs it, and its RKE2 knows it."""
    name, server = required.name, machine.is_server
    agent = bool(machine.roles) and not server
    if (required.role == "server" and not server) or (required.role == "agent" and not agent):
        return False
    if machine.verdict == "unknown" and not machine.settings and machine.origin == "file":
        return False  # Its file does not parse, or holds no settings.
    ending = next((ending for ending in _OF_COMPONENTS if name.endswith(ending)), "")
    component = name.removesuffix(ending) if ending else ""
    if component in _RUNS_ON and not {_RUNS_ON[component], "server"} & set(machine.roles):
        return False
    if ending and ending != _ARGUMENTS and machine.reason.startswith("Windows"):
        return False  # There are no static pods.
    if machine.origin == "rancher":
        return rancher_knows(name, machine.version, server=not agent)
    commands = rke2_flags()[name]
    return "agent" in commands if agent or not server else "server" in commands


def _missing(machine: Machine, setting: Setting, required: RequiredSetting) -> Iterator[Problem]:
    """Yield the problem of a setting that is not as it has to be."""
    wanted, name = required.value, required.name
    if isinstance(wanted, tuple):
        items = [item for item in wanted if not _is_held(item, name, setting.entries)]
        ok, as_said = not items, ", ".join(items)
    else:
        ok, items, as_said = _is_in_force(wanted, setting), [], _text(wanted)
    if ok:
        return
    place = _place(machine, setting)
    why = f" ({required.reason})" if required.reason else ""
    if _may_be_templated(machine, setting):
        message = f"a template decides {name}: the policy wants {as_said}{why}"
        yield machine.problem(message, place, severity=Severity.NOTE)
        return
    fix = _fix(machine, setting, required, items)
    message = f"{_what(setting, items)}: the policy wants {as_said}{why}"
    if machine.managed and fix is None:
        message += "; set it in the Cluster's machineGlobalConfig"
    yield machine.problem(message, place, fix=fix)


def _what(setting: Setting, items: Sequence[str]) -> str:
    if not setting.said:
        return f"nothing sets {setting.name}"
    if setting.dropped:
        return f"{setting.name} never arrives: {setting.dropped}"
    if items:
        return f"{setting.name} lacks {'an item' if len(items) == 1 else 'items'}"
    said = setting.entries[-1].text if setting.entries else ""
    return f"{setting.name} is {said!r}"


def _place(machine: Machine, setting: Setting) -> Place:
    if setting.said:
        return setting.said[-1].place.key
    return machine.home / setting.name if machine.home is not None else machine.place


def _may_be_templated(machine: Machine, setting: Setting) -> bool:
    if isinstance(setting.value, Templated):
        return True
    if any(isinstance(entry.text, Templated) for entry in setting.entries):
        return True
    return machine.open and not setting.said


def _is_in_force(wanted: Json, setting: Setting) -> bool:
    texts = [entry.text for entry in setting.entries]
    if setting.value is True or setting.value is False:
        texts = [_text(setting.value)]
    if isinstance(wanted, bool):
        return bool(texts) and (texts[-1].lower() in _TRUE) is wanted
    if isinstance(setting.value, list):
        return _text(wanted) in texts
    return bool(texts) and texts[-1] == _text(wanted)


def _text(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_held(item: str, name: str, entries: Sequence[Entry]) -> bool:
    """Return whether a list holds an item, and nothing after it takes that back."""
    before = _deciding(item, name, entries)
    return before is not None and _plain(before.text, name) == _plain(item, name)


def _deciding(item: str, name: str, entries: Sequence[Entry]) -> Entry | None:
    """Return the entry that decides about an item: it itself, or what has its name."""
    same = [entry for entry in entries if _plain(entry.text, name) == _plain(item, name)]
    named, value = _named(item, name)
    if not named:
        return same[-1] if same else None
    if same and name.endswith(_ARGUMENTS) and ("=" in value or "," in value):
        return same[-1]  # Lists and maps add up (spf13/pflag slices and component-base's flags).
    last = [entry for entry in entries if _named(entry.text, name)[0] == named]
    return last[-1] if last else None


def _named(item: str, name: str) -> tuple[str, str]:
    """Return the variable or flag that an item sets, and its value; "" where it sets none."""
    if not name.endswith((_ENVIRONMENT, _ARGUMENTS)):
        return "", ""
    key, _, value = _plain(item, name).partition("=")
    return key, value


def _plain(item: str, name: str) -> str:
    """Return an item without what makes no difference: the dashes before a flag."""
    return item.strip().lstrip("-") if name.endswith(_ARGUMENTS) else item.strip()


def _fix(
    machine: Machine, setting: Setting, required: RequiredSetting, items: Sequence[str]
) -> Fix | None:
    """Return the fix; None where what decides is not ours to write."""
    edits = list(_edits(machine, setting, required, items))
    if not edits:
        return None
    adds = all(isinstance(edit, Append) or isinstance(edit.value, list) for edit in edits)
    safe = adds and required.name.endswith(_ENVIRONMENT)
    safety = Safety.SAFE if safe else Safety.UNSAFE
    if required.role and machine.origin == "rancher":
        safety = Safety.SHOWN
    said = ", ".join(items) if items else _text(required.value)
    verb = f"add {said} to" if items else f"write {said} for"
    return Fix(f"{verb} {required.name}", tuple(edits), safety)


def _edits(
    machine: Machine, setting: Setting, required: RequiredSetting, items: Sequence[str]
) -> Iterator[Set | Append]:
    name, wanted = required.name, required.value
    if not isinstance(wanted, bool | str | tuple) and machine.origin == "rancher":
        wanted = str(wanted)  # Rancher drops numbers.
    if not setting.said:
        if machine.home is not None:
            value = list(wanted) if isinstance(wanted, tuple) else wanted
            yield Set((*machine.home.route, name), value)
        return
    last = setting.said[-1]
    if not last.by_configuration or machine.is_ranchers(last):
        return
    if not isinstance(wanted, tuple):
        if not isinstance(last.value, list | dict):
            yield Set(last.place.route, wanted)
        return
    if last.value in (None, "", []):
        yield Set(last.place.route, list(items))
        return
    if isinstance(last.value, str) and not isinstance(last.value, Templated):
        yield Set(last.place.route, [last.value, *items])
        return
    if not isinstance(last.value, list):
        return
    for item in items:
        held = _deciding(item, name, setting.entries)
        if held is not None and held.whole and isinstance(held.value, str):
            yield Set(held.place.route, item)
        else:
            yield Append(last.place.route, item)
