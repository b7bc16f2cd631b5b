{{/*
Every object is called hostwright, or begins so, whatever the release is called: a cluster has one controller, and Helm
refuses a second release because these names are taken.
*/}}

{{/* The installation id, if it can be one and is still the same. */}}
{{- define "hostwright.installationId" -}}
{{- $id := .Values.installationId -}}
{{- $rule := "1 to 40 lower-case letters, digits and dashes, beginning and ending with a letter or digit" -}}
{{- $recorded := dig "data" "installationId" "" (lookup "v1" "ConfigMap" .Release.Namespace "hostwright-installation") -}}
{{- if not $id -}}
{{- fail (printf `

installationId is required and missing. Add, for example:

    --set installationId=%s

It names this installation, and is the first part of every server's id on the panels (prod-eu.NAMESPACE.NAME), by which
Hostwright finds its servers again. So choose it once: it never changes, also when the cluster is rebuilt, and no two clusters
that use the same panel share one. The name of the cluster or environment is a good choice:
%s.
` ($recorded | default "prod-eu") $rule) -}}
{{- else if not (regexMatch "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$" $id) -}}
{{- fail (printf "\n\ninstallationId is %q; expected: %s, such as prod-eu.\n" $id $rule) -}}
{{- else if and $recorded (ne $recorded $id) -}}
{{- fail (printf `

installationId is %q, but this installation is %q, says ConfigMap %s/hostwright-installation.

Servers on the panels carry the id: under another one none of them would be found again. Set it back:

    --set installationId=%s
` $id $recorded .Release.Namespace $recorded) -}}
{{- end -}}
{{- $id -}}
{{- end -}}

{{/* What Pods are selected by. It cannot be changed on a Deployment that exists. */}}
{{- define "hostwright.selector" -}}
app.kubernetes.io/name: hostwright
app.kubernetes.io/component: controller
{{- end -}}

{{/* Labels of every object. */}}
{{- define "hostwright.labels" -}}
app.kubernetes.io/name: hostwright
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The image, pinned where a digest is given. */}}
{{- define "hostwright.image" -}}
{{- with .Values.image -}}
{{- .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ with .digest }}@{{ . }}{{ end }}
{{- end -}}
{{- end -}}

{{/* Whom the controller's roles are bound to. */}}
{{- define "hostwright.subjects" -}}
- kind: ServiceAccount
  name: {{ .Values.serviceAccount.name }}
  namespace: {{ .Release.Namespace }}
{{- end -}}
