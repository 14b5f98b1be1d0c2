"""The application of the health endpoints: the state that the supervisor publishes, as JSON, metrics and a page."""
