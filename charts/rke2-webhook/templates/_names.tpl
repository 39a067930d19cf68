{{/* Names and labels. */}}

{{- define "rke2-webhook.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 53 | trimSuffix "-" -}}
{{- end -}}

{{/* 53 characters: what is added to it, such as `-mutating`, has to fit into the 63 of a label. */}}
{{- define "rke2-webhook.fullname" -}}
{{- $name := include "rke2-webhook.name" . -}}
{{- $full := printf "%s-%s" .Release.Name $name -}}
{{- if .Values.fullnameOverride -}}
{{- $full = .Values.fullnameOverride -}}
{{- else if contains $name .Release.Name -}}
{{- $full = .Release.Name -}}
{{- end -}}
{{- $full = $full | trunc 53 | trimSuffix "-" -}}
{{- if not (regexMatch "^[a-z]([a-z0-9-]*[a-z0-9])?$" $full) -}}
{{- fail (printf "%s cannot be a Service's name: a letter first, then lower case letters, digits and dashes; set fullnameOverride" $full) -}}
{{- end -}}
{{- $full -}}
{{- end -}}

{{- define "rke2-webhook.selectorLabels" -}}
app.kubernetes.io/name: {{ include "rke2-webhook.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{/* Whatever labels people wish for, those that objects are found by stay. */}}
{{- define "rke2-webhook.labels" -}}
{{- $own := include "rke2-webhook.selectorLabels" . | fromYaml -}}
{{- $own = set $own "app.kubernetes.io/version" .Chart.AppVersion -}}
{{- $own = set $own "app.kubernetes.io/part-of" "rke2-lint" -}}
{{- $own = set $own "app.kubernetes.io/managed-by" .Release.Service -}}
{{- $own = set $own "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_") -}}
{{- merge $own (default dict .Values.commonLabels) | toYaml -}}
{{- end -}}

{{- define "rke2-webhook.podLabels" -}}
{{- $own := include "rke2-webhook.selectorLabels" . | fromYaml -}}
{{- $own = set $own "app.kubernetes.io/version" .Chart.AppVersion -}}
{{- merge $own (default dict .Values.podLabels) (default dict .Values.commonLabels) | toYaml -}}
{{- end -}}

{{- define "rke2-webhook.testPodLabels" -}}
app.kubernetes.io/name: {{ include "rke2-webhook.name" . }}-test
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "rke2-webhook.serviceAccountName" -}}
{{- default (include "rke2-webhook.fullname" .) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "rke2-webhook.caSecretName" -}}
{{- include "rke2-webhook.fullname" . }}-ca
{{- end -}}

{{- define "rke2-webhook.tlsSecretName" -}}
{{- if eq .Values.tls.mode "secret" -}}
{{- required "tls.mode secret needs tls.secret.name, the Secret with tls.crt and tls.key" .Values.tls.secret.name -}}
{{- else -}}
{{- include "rke2-webhook.fullname" . }}-tls
{{- end -}}
{{- end -}}

{{- define "rke2-webhook.policyName" -}}
{{- default (printf "%s-policy" (include "rke2-webhook.fullname" .)) .Values.existingPolicy.configMap -}}
{{- end -}}

{{- define "rke2-webhook.image" -}}
{{- $image := .Values.image -}}
{{- $registry := default $image.registry .Values.global.cattle.systemDefaultRegistry | default "" | trimSuffix "/" -}}
{{- $name := empty $registry | ternary $image.repository (printf "%s/%s" $registry $image.repository) -}}
{{- $tag := default (printf "v%s" .Chart.AppVersion) $image.tag -}}
{{- if $image.digest }}{{ printf "%s@%s" $name $image.digest }}{{ else }}{{ printf "%s:%s" $name $tag }}{{ end -}}
{{- end -}}

{{- define "rke2-webhook.pullSecrets" -}}
{{- $names := list -}}
{{- range concat (default list .Values.global.imagePullSecrets) (default list .Values.imagePullSecrets) -}}
{{- if kindIs "string" . }}{{ $names = append $names . }}{{ else }}{{ $names = append $names .name }}{{ end -}}
{{- end -}}
{{- with uniq $names }}
imagePullSecrets:
{{- range . }}
  - name: {{ . | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* What the server, in kubelet's seconds, has for the reviews in flight: the rest is for its end. */}}
{{- define "rke2-webhook.grace" -}}
{{- $left := sub .Values.shutdown.terminationGracePeriodSeconds (add .Values.shutdown.delaySeconds 10) | int -}}
{{- if lt $left 1 -}}
{{- fail "shutdown.terminationGracePeriodSeconds has to be eleven more than shutdown.delaySeconds at least" -}}
{{- end -}}
{{- $left -}}
{{- end -}}

{{/* How many pods there can be. */}}
{{- define "rke2-webhook.mostPods" -}}
{{- .Values.autoscaling.enabled | ternary .Values.autoscaling.maxReplicas .Values.replicaCount | int -}}
{{- end -}}

{{/* As kubelet would mount it, but for a token that lives an hour only: the server reads it again. */}}
{{- define "rke2-webhook.apiVolume" -}}
projected:
  defaultMode: 0440
  sources:
    - serviceAccountToken: {path: token, expirationSeconds: 3600}
    - configMap:
        name: kube-root-ca.crt
        items: [{key: ca.crt, path: ca.crt}]
    - downwardAPI:
        items: [{path: namespace, fieldRef: {fieldPath: metadata.namespace}}]
{{- end -}}
