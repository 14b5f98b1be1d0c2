{{- define "elder.mounts" -}}
{{- $part := index . 0 }}{{ $values := index . 1 }}{{ $names := list }}
{{- range $values.extraVolumes }}{{ $names = append $names .name }}{{ end }}
{{- range $values.extraVolumeMounts }}
{{- if not (has .name $names) }}{{ fail (printf "%s.extraVolumeMounts names the volume %s, which is not in %s.extraVolumes" $part .name $part) }}{{ end }}
{{- end }}
{{- toYaml $values.extraVolumeMounts }}
{{- end -}}
