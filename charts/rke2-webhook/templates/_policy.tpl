{{/* What the chart has to know of the policy. What somebody else's ConfigMap says, it does not know. */}}

{{- define "rke2-webhook.backend" -}}
{{- $params := default dict (default dict .Values.policy).params -}}
{{- default "nft" $params.backend -}}
{{- end -}}

{{/* Whether a new Cluster gets the pin: not empty if so. */}}
{{- define "rke2-webhook.injects" -}}
{{- $admission := default dict (default dict .Values.policy).webhook -}}
{{- if or (not (hasKey $admission "onCreate")) (eq (toString $admission.onCreate) "inject") }}yes{{ end -}}
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
