{{/* What both native policies ask of the chart's policy. */}}

{{/*
They are written for the default policy, and know of another one only what is said here. Whoever wants more of it exports
the policies: nothing is left out without a word.
*/}}
{{- define "rke2-webhook.nativePolicyGuard" -}}
{{- $instead := "write them with `rke2-lint export --format mutating-admission-policy` (or validating-admission-policy) and apply them yourself" -}}
{{- if .Values.existingPolicy.configMap -}}
{{- fail (printf "nativePolicies: the chart does not know what the ConfigMap %s says; %s" .Values.existingPolicy.configMap $instead) -}}
{{- end -}}
{{- $policy := default dict .Values.policy -}}
{{- range $key := list "exempt" "overrides" "fixable" "unfixable" -}}
{{- if get $policy $key -}}
{{- fail (printf "nativePolicies know nothing of policy.%s; %s" $key $instead) -}}
{{- end -}}
{{- end -}}
{{- $admission := default dict $policy.webhook -}}
{{- if hasKey $admission "patch" -}}
{{- fail (printf "nativePolicies know nothing of policy.webhook.patch; %s" $instead) -}}
{{- end -}}
{{- range $key := list "onCreate" "onUpdate" -}}
{{- if has (toString (get $admission $key)) (list "off" "false") -}}
{{- fail (printf "nativePolicies know nothing of policy.webhook.%s: off; %s" $key $instead) -}}
{{- end -}}
{{- end -}}
{{- range $rule := list "missing-nft-pin" "empty-backend" "legacy-backend" "invalid-backend" "map-instead-of-list" "map-entry" -}}
{{- if hasKey (default dict $policy.levels) $rule -}}
{{- fail (printf "nativePolicies know nothing of policy.levels.%s; %s" $rule $instead) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "rke2-webhook.ignoredUsersInCel" -}}
{{- range $number, $user := include "rke2-webhook.ignoredUsers" . | fromJsonArray -}}
{{- if $number }}, {{ end -}}
'{{ $user | replace "\\" "\\\\" | replace "'" "\\'" }}'
{{- end -}}
{{- end -}}

{{/* The selectors of the webhooks, for the bindings. That of the label that opts out is in the policies. */}}
{{- define "rke2-webhook.nativeMatch" -}}
{{- $namespaces := include "rke2-webhook.namespaceSelector" . | fromYaml -}}
{{- $objects := .Values.mutating.objectSelector -}}
{{- if or $namespaces $objects -}}
matchResources:
  {{- with $namespaces }}
  namespaceSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $objects }}
  objectSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
{{- end -}}

{{/* People's own conditions, beside those of the policies, which are no part of the webhooks' own. */}}
{{- define "rke2-webhook.nativeConditions" -}}
{{- with concat (default list .Values.mutating.matchConditions) (default list .Values.mutating.extraMatchConditions) -}}
{{- toYaml . -}}
{{- end -}}
{{- end -}}
