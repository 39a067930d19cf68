{{/* The alerts, each with a heading of its own in docs/webhook-alerts.md. */}}
{{- define "rke2-webhook.alerts" -}}
{{- $ours := printf "job=\"%s\",namespace=\"%s\"" (include "rke2-webhook.fullname" .) .Release.Namespace -}}
{{- $self := eq .Values.tls.mode "self" -}}
- alert: Rke2WebhookDown
  severity: critical
  for: 5m
  expr: sum(rke2_webhook_ready{ {{- $ours -}} }) < 1 or absent(rke2_webhook_ready{ {{- $ours -}} })
  summary: No pod of the RKE2 webhook is ready
  description: >-
    {{ eq .Values.mutating.failurePolicy "Fail" | ternary "Nobody can create RKE2 clusters." "New RKE2 clusters are created without the pin of kube-proxy." }}
- alert: Rke2WebhookBypassed
  severity: warning
  expr: sum by (name) (increase(apiserver_admission_webhook_fail_open_count{name="clusters.rke2-lint.dev"}[15m])) > 0
  summary: The API server has let Clusters through without asking the RKE2 webhook
  description: Clusters that were created meanwhile may lack the pin. The runbook says how to find them.
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
    min by (certificate) (rke2_webhook_certificate_not_after_timestamp_seconds{certificate="leaf",{{ $ours }}} - time()) < {{ $self | ternary "6 * 3600" "7 * 86400" }}
    or min by (certificate) (rke2_webhook_certificate_not_after_timestamp_seconds{certificate="ca",{{ $ours }}} - time()) < {{ $self | ternary "1 * 86400" "14 * 86400" }}
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
