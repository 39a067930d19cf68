{{/*
By how much one of the API server's counters has grown. Each of its series begins with what is counted first, of which
`increase` knows nothing; whether it is only Prometheus that is new tells `up`.
*/}}
{{- define "rke2-webhook.counted" -}}
(({{ . }} unless {{ . }} offset 15m) and on (job, instance) up offset 15m) or increase({{ . }}[15m])
{{- end -}}

{{/*
How many seconds before its end a certificate should have been renewed long ago. A renewal is due with a third of the life
left, or when cert-manager is told to; half of that is the latest.
*/}}
{{- define "rke2-webhook.leafEnds" -}}
{{- if eq .Values.tls.mode "self" -}}
{{- min 21600 (divf (include "rke2-webhook.seconds" .Values.tls.self.leafLifetime | float64) 6 | int64) -}}
{{- else if eq .Values.tls.mode "cert-manager" -}}
{{- min 604800 (divf (include "rke2-webhook.seconds" .Values.tls.certManager.renewBefore | float64) 2 | int64) -}}
{{- else -}}
604800
{{- end -}}
{{- end -}}

{{- define "rke2-webhook.caEnds" -}}
{{- if eq .Values.tls.mode "self" -}}
{{- min 86400 (divf (include "rke2-webhook.seconds" .Values.tls.self.caLifetime | float64) 6 | int64) -}}
{{- else -}}
1209600
{{- end -}}
{{- end -}}

{{/* The alerts, each with a heading of its own in docs/webhook-alerts.md. */}}
{{- define "rke2-webhook.alerts" -}}
{{- $ours := printf "job=\"%s\",namespace=\"%s\"" (include "rke2-webhook.fullname" .) .Release.Namespace -}}
- alert: Rke2WebhookDown
  severity: critical
  for: 5m
  expr: sum(rke2_webhook_ready{ {{- $ours -}} }) < 1 or absent(rke2_webhook_ready{ {{- $ours -}} })
  summary: No pod of the RKE2 webhook is ready
  description: >-
    {{ eq .Values.mutating.failurePolicy "Fail" | ternary "Nobody can create or change RKE2 clusters." "RKE2 clusters are created and changed without the webhook." }}
- alert: Rke2WebhookBypassed
  severity: warning
  expr: sum by (name) ({{ include "rke2-webhook.counted" "apiserver_admission_webhook_fail_open_count{name=\"clusters.rke2-lint.dev\"}" }}) > 0
  summary: The API server has let Clusters through without asking the RKE2 webhook
  description: Clusters that were created meanwhile may lack the pin. The runbook says how to find them.
- alert: Rke2WebhookBlocks
  severity: critical
  expr: sum by (name) ({{ include "rke2-webhook.counted" "apiserver_admission_webhook_rejection_count{name=\"clusters.rke2-lint.dev\",error_type!=\"no_error\"}" }}) > 0
  summary: The API server refuses Clusters because it gets no answer from the RKE2 webhook that it can use
  description: Nobody has decided so. The runbook says how to take the webhook out.
- alert: Rke2WebhookNotTrusted
  severity: critical
  for: 5m
  expr: min by (configuration) (rke2_webhook_cabundle_matches{ {{- $ours -}} }) == 0
  summary: The caBundle of {{ "{{ $labels.configuration }}" }} does not fit the certificate that is served
  description: The API server refuses every new connection to the webhook, or has nobody to connect to.
- alert: Rke2WebhookCertificateEnds
  severity: critical
  for: 10m
  expr: >-
    min by (certificate) (rke2_webhook_certificate_not_after_timestamp_seconds{certificate="leaf",{{ $ours }}} - time()) < {{ include "rke2-webhook.leafEnds" . }}
    or min by (certificate) (rke2_webhook_certificate_not_after_timestamp_seconds{certificate="ca",{{ $ours }}} - time()) < {{ include "rke2-webhook.caEnds" . }}
  summary: "A certificate of the RKE2 webhook ends soon, and was not renewed: {{ "{{ $labels.certificate }}" }}"
  description: It ends in {{ "{{ $value | humanizeDuration }}" }}.
- alert: Rke2WebhookFails
  severity: critical
  expr: sum(increase(rke2_webhook_errors_total{ {{- $ours -}} }[15m])) > 0
  summary: The RKE2 webhook could not answer by a fault of its own
  description: Its log has the traceback, without the object.
- alert: Rke2WebhookRefuses
  severity: warning
  for: 10m
  expr: >-
    sum by (code) (rate(rke2_webhook_requests_total{code!="200",{{ $ours }}}[5m]))
    / scalar(sum(rate(rke2_webhook_requests_total{ {{- $ours -}} }[5m]))) > 0.01
  summary: More than one in a hundred reviews ends with HTTP {{ "{{ $labels.code }}" }}
  description: 429 is too many at a time, 413 too large, 504 too slow.
- alert: Rke2WebhookSlow
  severity: warning
  for: 10m
  expr: histogram_quantile(0.99, sum by (le) (rate(rke2_webhook_request_duration_seconds_bucket{ {{- $ours -}} }[5m]))) > 0.25
  summary: One in a hundred reviews takes longer than a quarter of a second
  description: It takes {{ "{{ $value | humanizeDuration }}" }}, of the {{ .Values.mutating.timeoutSeconds }} seconds that the API server waits.
- alert: Rke2WebhookHandshakesFail
  severity: warning
  for: 10m
  expr: >-
    1 - sum(rate(rke2_webhook_tls_handshakes_completed_total{ {{- $ours -}} }[10m]))
    / sum(rate(rke2_webhook_tls_handshakes_started_total{ {{- $ours -}} }[10m])) > 0.1
  summary: TLS handshakes with the RKE2 webhook fail
  description: Somebody who connects does not trust its certificate, or does not speak TLS {{ .Values.tls.minVersion }}.
- alert: Rke2WebhookRepatches
  severity: warning
  expr: sum(increase(rke2_webhook_repatches_total{ {{- $ours -}} }[1h])) > 3
  summary: Somebody keeps taking the pin out that the RKE2 webhook puts in
  description: The log names the Clusters. Mostly it is a GitOps tool whose repository lacks the pin.
- alert: Rke2WebhookPolicyRefused
  severity: warning
  for: 5m
  expr: min(rke2_webhook_policy_current{ {{- $ours -}} }) == 0
  summary: The policy of the RKE2 webhook cannot be used
  description: The one before is in force. A pod that starts now does not come up.
{{- end -}}
