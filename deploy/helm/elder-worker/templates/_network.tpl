{{/* Everything but the metadata services of clouds, which give the machine's identity to whoever asks; all of it with `true`. */}}
{{- define "elder.network" -}}
- ipBlock: {cidr: 0.0.0.0/0 {{- if not . }}, except: [169.254.169.254/32, 169.254.170.2/32, 169.254.170.23/32, 100.100.100.200/32, 168.63.129.16/32, 192.0.0.192/32]{{ end }}}
- ipBlock: {cidr: "::/0" {{- if not . }}, except: ["fd00:ec2::254/128", "fd00:ec2::23/128"]{{ end }}}
{{- end }}
