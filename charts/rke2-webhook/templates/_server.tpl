{{/* How the server is told what it has to know; tests hold this against the server's own settings. */}}

{{/* Names in the certificate beside the Service's, as a JSON array. */}}
{{- define "rke2-webhook.extraNames" -}}
{{- $names := .Values.tls.extraNames -}}
{{- with .Values.webhook.url -}}
{{- $names = append $names ((urlParse .).hostname | trimPrefix "[" | trimSuffix "]") -}}
{{- end -}}
{{- uniq $names | toJson -}}
{{- end -}}

{{- define "rke2-webhook.settings" -}}
POLICY: /etc/rke2-webhook/policy/{{ .Values.existingPolicy.key }}
REVIEW_PORT: {{ .Values.webhook.port | quote }}
PROBE_PORT: {{ .Values.webhook.probePort | quote }}
TLS_MODE: {{ .Values.tls.mode }}
TLS_MINIMUM: {{ .Values.tls.minVersion | quote }}
{{- with include "rke2-webhook.extraNames" . | fromJsonArray }}
TLS_NAMES: {{ join "," . | quote }}
{{- end }}
SERVICE: {{ include "rke2-webhook.fullname" . }}
NAMESPACE: {{ .Release.Namespace }}
MUTATING_CONFIGURATIONS: {{ include "rke2-webhook.configurationName" . }}
{{- if .Values.validating.enabled }}
VALIDATING_CONFIGURATIONS: {{ include "rke2-webhook.configurationName" . }}
{{- end }}
{{- if eq .Values.tls.mode "self" }}
CA_SECRET: {{ include "rke2-webhook.caSecretName" . }}
CA_LIFETIME: {{ .Values.tls.self.caLifetime }}
CA_OVERLAP: {{ .Values.tls.self.caOverlap }}
LEAF_LIFETIME: {{ .Values.tls.self.leafLifetime }}
SETTLE: {{ .Values.tls.self.settle }}
{{- else }}
TLS_DIRECTORY: /etc/rke2-webhook/tls
{{- end }}
{{- if ne .Values.tls.clientAuth.mode "off" }}
CLIENT_AUTH: {{ .Values.tls.clientAuth.mode }}
CLIENT_CA: /etc/rke2-webhook/client-ca/{{ .Values.tls.clientAuth.caKey }}
{{- with .Values.tls.clientAuth.names }}
CLIENT_NAMES: {{ join "," . | quote }}
{{- end }}
{{- end }}
MAX_BODY: {{ .Values.server.maxBody | int64 | quote }}
MAX_BUFFERED: {{ .Values.server.maxBuffered | int64 | quote }}
MAX_IN_FLIGHT: {{ .Values.server.maxInFlight | int64 | quote }}
MAX_CONNECTIONS: {{ .Values.server.maxConnections | int64 | quote }}
MAX_TIME: {{ .Values.server.maxTime }}
READ_DEADLINE: {{ .Values.server.readDeadline }}
KEEP_ALIVE: {{ .Values.server.keepAlive }}
DRAIN: {{ .Values.shutdown.delaySeconds }}s
GRACE: {{ include "rke2-webhook.grace" . }}s
LOG_LEVEL: {{ .Values.server.logLevel }}
{{- if .Values.server.tracing }}
TRACING: "true"
{{- end }}
{{- end -}}
