{{/* What both webhook configurations have in common. */}}

{{/*
In mode `secret` the chart writes the caBundle itself, which is the server's field in mode `self`. Helm 4 stops at a
field of somebody else's in the middle of an upgrade: so the one mode's objects are not the other's.
*/}}
{{- define "rke2-webhook.configurationName" -}}
{{- include "rke2-webhook.fullname" . }}{{ if eq .Values.tls.mode "secret" }}-secret{{ end -}}
{{- end -}}

{{- define "rke2-webhook.clientConfig" -}}
{{- $root := .root -}}
{{- if $root.Values.webhook.url -}}
url: {{ printf "%s/%s" (trimSuffix "/" $root.Values.webhook.url) .path }}
{{- else -}}
service:
  name: {{ include "rke2-webhook.fullname" $root }}
  namespace: {{ $root.Release.Namespace | quote }}
  path: /{{ .path }}
  port: 443
{{- end }}
{{- /* In the other modes, the caBundle is another's: the server's own, or cert-manager's. */}}
{{- if and (eq $root.Values.tls.mode "secret") $root.Values.tls.secret.caBundle }}
caBundle: {{ printf "%s\n" (trim $root.Values.tls.secret.caBundle) | b64enc }}
{{- end }}
{{- end -}}

{{- define "rke2-webhook.namespaceSelector" -}}
{{- $selector := deepCopy (default dict .Values.mutating.namespaceSelector) -}}
{{- with .Values.rollout.namespaces -}}
{{- $only := dict "key" "kubernetes.io/metadata.name" "operator" "In" "values" . -}}
{{- $selector = set $selector "matchExpressions" (append (dig "matchExpressions" list $selector) $only) -}}
{{- end -}}
{{- toYaml $selector -}}
{{- end -}}

{{/* Exactly what the engine answers for; everything else is never asked about. */}}
{{- define "rke2-webhook.scope" -}}
rules:
  - apiGroups: [provisioning.cattle.io]
    apiVersions: [v1]
    operations: [CREATE, UPDATE]
    resources: [clusters]
    scope: Namespaced
matchPolicy: {{ .Values.mutating.matchPolicy }}
namespaceSelector: {{- include "rke2-webhook.namespaceSelector" . | nindent 2 }}
{{- $optedIn := dict "key" "rke2-lint.dev/webhook" "operator" "NotIn" "values" (list "off") }}
{{- $objects := deepCopy (default dict .Values.mutating.objectSelector) }}
{{- $objects = set $objects "matchExpressions" (append (dig "matchExpressions" list $objects) $optedIn) }}
objectSelector: {{- toYaml $objects | nindent 2 }}
matchConditions:
{{- with .Values.mutating.matchConditions }}
  {{- toYaml . | nindent 2 }}
{{- else }}
  {{- include "rke2-webhook.matchConditions" $ | nindent 2 }}
{{- end }}
{{- with .Values.mutating.extraMatchConditions }}
  {{- toYaml . | nindent 2 }}
{{- end }}
admissionReviewVersions: [v1]
sideEffects: None
{{- end -}}

{{/*
Calls that would change nothing. Each asks `has()` first: one that fails is a refusal under
`failurePolicy: Fail`, and a call less under `Ignore`; one that says no outweighs others that fail.
*/}}
{{- define "rke2-webhook.matchConditions" -}}
- name: rke2
  expression: >-
    has(object.spec) &&
    has(object.spec.rkeConfig) && object.spec.rkeConfig != null &&
    has(object.spec.kubernetesVersion) && object.spec.kubernetesVersion.contains('+rke2')
- name: not-being-deleted
  expression: "!has(object.metadata.deletionTimestamp)"
{{- /* The webhook knows its own policy; what another ConfigMap says, the chart does not know. */}}
{{- if not .Values.existingPolicy.configMap }}
{{- with include "rke2-webhook.ignoredUsers" . | fromJsonArray }}
- name: not-a-controller
  expression: >-
    request.operation != 'UPDATE' ||
    !(request.userInfo.username in {{ toJson . }})
{{- end }}
{{- end }}
- name: not-a-restore
  expression: >-
    !has(object.spec.rkeConfig.etcdSnapshotRestore) ||
    object.spec.rkeConfig.etcdSnapshotRestore == null ||
    !has(object.spec.rkeConfig.etcdSnapshotRestore.restoreRKEConfig) ||
    object.spec.rkeConfig.etcdSnapshotRestore.restoreRKEConfig != 'all'
{{- end -}}

{{- define "rke2-webhook.configurationAnnotations" -}}
{{- if eq .Values.tls.mode "cert-manager" -}}
annotations:
  cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/{{ include "rke2-webhook.tlsSecretName" . }}
{{- end }}
{{- end -}}
