{{- define "cluster.labels" -}}
team: {{ .Values.name | quote }}
{{- end -}}
