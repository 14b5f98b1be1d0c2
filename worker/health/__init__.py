"""The health endpoints' application: state as published by the supervisor, shown as JSON, metrics and a page."""
