"""OpenTelemetry traces of runs: loaded by the writer, and only where `OTEL_ENABLED` is set."""
