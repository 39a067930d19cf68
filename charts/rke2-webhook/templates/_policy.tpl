{{/* What the chart has to know of the policy. What somebody else's ConfigMap says, it does not know. */}}

{{- define "rke2-webhook.backend" -}}
{{- $params := default dict (default dict .Values.policy).params -}}
{{- default "nft" $params.backend -}}
{{- end -}}

{{/*
Why a new Cluster does not get the pin, as far as the values say it; empty if it does. A key without a value says nothing.
*/}}
{{- define "rke2-webhook.injectsNotFor" -}}
{{- $policy := default dict .Values.policy -}}
{{- $admission := default dict $policy.webhook -}}
{{- $rule := "missing-nft-pin" -}}
{{- $level := get (default dict $policy.levels) $rule | toString -}}
{{- if and (hasKey $admission "onCreate") (not (has (toString $admission.onCreate) (list "inject" "<nil>"))) -}}
webhook.onCreate is not `inject`
{{- else if has $level (list "off" "false") -}}
levels.{{ $rule }} is `off`
{{- else if and (kindIs "slice" $admission.patch) (not (has $rule $admission.patch)) -}}
webhook.patch does not name {{ $rule }}
{{- else if and (kindIs "slice" $policy.fixable) (not (has $rule $policy.fixable)) -}}
fixable does not name {{ $rule }}
{{- else if has $rule (default list $policy.unfixable) -}}
unfixable names {{ $rule }}
{{- end -}}
{{- end -}}

{{/* Who only keeps the books, as a JSON list. */}}
{{- define "rke2-webhook.ignoredUsers" -}}
{{- $default := list "system:serviceaccount:cattle-system:rancher" "system:serviceaccount:cattle-system:rancher-webhook-sudo" "system:serviceaccount:cattle-resources-system:rancher-backup" -}}
{{- $admission := default dict (default dict .Values.policy).webhook -}}
{{- hasKey $admission "ignoreUsers" | ternary $admission.ignoreUsers $default | toJson -}}
{{- end -}}

{{- define "rke2-webhook.testNamespace" -}}
{{- default (default (list "fleet-default") .Values.rollout.namespaces | first) .Values.tests.namespace -}}
{{- end -}}
