"""The chart's native policies: what `rke2-lint export` writes, with the chart's own names and values.

`write_chart.py` writes them, and a test compares what Helm makes of them with what is exported.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rke2_lint.export import mutating, validating
from rke2_lint.export.wanted import filled, wanted
from rke2_policies import pin
from rke2_policies.policy import DEFAULT

_WORDS = {
    "NAME": "{{ $name }}",
    "VERSION": "{{ $.Chart.AppVersion }}",
    "ITEM": f"{pin.VARIABLE}={{{{ $backend }}}}",
    "BACKEND": "{{ $backend }}",
    "OTHER": "{{ $other }}",
    "MEANINGS": "{{ $meanings }}",
    "USERS": "[{{ $users }}]",
}
_BEGIN = """\
{{{{- /* Written by {written}, from rke2_lint.export. */}}}}
{{{{- if .Values.nativePolicies.{value} }}}}
{{{{- if semverCompare "<{kubernetes}.0-0" .Capabilities.KubeVersion.Version }}}}
{{{{- fail "nativePolicies.{value} needs Kubernetes {kubernetes}: older ones do not know {kind}, or not as stable" }}}}
{{{{- end }}}}
{{{{- include "rke2-webhook.nativePolicyGuard" . }}}}
{guard}{{{{- $name := include "rke2-webhook.fullname" . }}}}
{{{{- $backend := include "rke2-webhook.backend" . }}}}
{{{{- $words := dict{meanings} }}}}
{{{{- $meanings := get $words $backend }}}}
{{{{- $other := eq $backend "nft" | ternary "legacy" "nft" }}}}
{{{{- $users := include "rke2-webhook.ignoredUsersInCel" . }}}}
"""
_INJECTS = """\
{{- with include "rke2-webhook.injectsNotFor" . }}
{{- fail (printf "nativePolicies.mutating: nothing is to be injected, for the policy's %s" .) }}
{{- end }}
"""
_MATCH = """\
  {{- with include "rke2-webhook.nativeMatch" $ }}
  {{- . | nindent 2 }}
  {{- end }}
"""
_VARIABLES, _CONDITIONS = (
    "  variables:\n",
    """\
    {{- with include "rke2-webhook.nativeConditions" $ }}
    {{- . | nindent 4 }}
    {{- end }}
  variables:
""",
)
_META, _LABELLED = (
    "metadata:\n  name: @NAME@\n",
    'metadata:\n  name: @NAME@\n  labels: {{- include "rke2-webhook.labels" $ | nindent 4 }}\n',
)
_BOUND = "  policyName: @NAME@\n"


def templates(folder: Path, written: str) -> Mapping[Path, str]:
    """Return the templates, by their paths in the chart's folder of templates."""
    return {
        folder / "mutating-policy.yaml": _template(
            mutating.template(DEFAULT),
            value="mutating",
            kind="MutatingAdmissionPolicy",
            kubernetes="1.36",
            guard=_INJECTS,
            written=written,
        ),
        folder / "validating-policy.yaml": _template(
            validating.template(DEFAULT),
            value="validating",
            kind="ValidatingAdmissionPolicy",
            kubernetes="1.30",
            guard="",
            written=written,
        ),
    }


def _template(text: str, **begin: str) -> str:
    meanings = "".join(
        f' "{each.backend}" "{"|".join(sorted(each.meanings))}"' for each in pin.WANTED.values()
    )
    text = text.replace(_META, _LABELLED).replace(_BOUND, _BOUND + _MATCH)
    text = text.replace(_VARIABLES, _CONDITIONS)
    words = {**wanted(DEFAULT).words(), **_WORDS}
    return f"{_BEGIN.format(meanings=meanings, **begin)}{filled(text, words)}{{{{- end }}}}\n"
