"""The HTTP client that all providers share, its retry policy and its TLS settings."""
