"""Log lines: structured, redacted, and free of control characters."""
