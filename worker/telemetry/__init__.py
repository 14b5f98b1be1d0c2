"""OpenTelemetry traces of runs, and metrics: loaded by the writer, and only where `OTEL_ENABLED` is set."""
