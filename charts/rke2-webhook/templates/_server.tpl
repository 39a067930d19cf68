{{/* How the server is told what it has to know; tests hold this against the server's own settings. */}}

{{/* Names in the certificate beside the Service's, as a JSON array. */}}
{{- define "rke2-webhook.extraNames" -}}
{{- $names := default list .Values.tls.extraNames -}}
{{- with .Values.webhook.url -}}
{{- $names = append $names ((urlParse .).hostname | trimPrefix "[" | trimSuffix "]") -}}
{{- end -}}
{{- uniq $names | toJson -}}
{{- end -}}

{{/* The seconds of a duration: `90s`, `1.5h`, `365d`, or cert-manager's `2160h30m`. */}}
{{- define "rke2-webhook.seconds" -}}
{{- $sizes := dict "ms" 0.001 "s" 1.0 "m" 60.0 "h" 3600.0 "d" 86400.0 -}}
{{- $seconds := 0.0 -}}
{{- range regexFindAll "[0-9.]+[a-z]+" (toString .) -1 -}}
{{- $unit := regexFind "[a-z]+" . -}}
{{- $seconds = addf $seconds (mulf (trimSuffix $unit . | float64) (get $sizes $unit)) -}}
{{- end -}}
{{- $seconds -}}
{{- end -}}

{{/* What the server refuses, too, but only when its pods start. */}}
{{- define "rke2-webhook.lifetimesFit" -}}
{{- $self := .Values.tls.self -}}
{{- $ca := include "rke2-webhook.seconds" $self.caLifetime | float64 -}}
{{- $leaf := include "rke2-webhook.seconds" $self.leafLifetime | float64 -}}
{{- $overlap := include "rke2-webhook.seconds" $self.caOverlap | float64 -}}
{{- $settle := include "rke2-webhook.seconds" $self.settle | float64 -}}
{{- if gt $leaf $ca -}}
{{- fail "tls.self.leafLifetime must not be longer than tls.self.caLifetime" -}}
{{- end -}}
{{- if le $leaf 0.0 -}}
{{- fail "tls.self.leafLifetime has to be longer than nothing" -}}
{{- end -}}
{{- if lt $overlap (mulf 4.0 $settle) -}}
{{- fail "tls.self.caOverlap has to be four times tls.self.settle at least" -}}
{{- end -}}
{{- end -}}

{{- define "rke2-webhook.settings" -}}
POLICY: /etc/rke2-webhook/policy/{{ .Values.existingPolicy.key }}
{{- if eq .Values.webhook.port .Values.webhook.probePort }}
{{- fail "webhook.port and webhook.probePort have to be two ports" }}
{{- end }}
REVIEW_PORT: {{ .Values.webhook.port | quote }}
PROBE_PORT: {{ .Values.webhook.probePort | quote }}
TLS_MODE: {{ .Values.tls.mode }}
TLS_MINIMUM: {{ .Values.tls.minVersion | quote }}
{{- with include "rke2-webhook.extraNames" . | fromJsonArray }}
TLS_NAMES: {{ join "," . | quote }}
{{- end }}
SERVICE: {{ include "rke2-webhook.fullname" . }}
NAMESPACE: {{ .Release.Namespace | quote }}
MUTATING_CONFIGURATIONS: {{ include "rke2-webhook.configurationName" . }}
{{- if .Values.validating.enabled }}
VALIDATING_CONFIGURATIONS: {{ include "rke2-webhook.configurationName" . }}
{{- end }}
{{- if eq .Values.tls.mode "self" }}
{{- include "rke2-webhook.lifetimesFit" . }}
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
