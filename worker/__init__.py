"""The service around the engine: settings, the writer process, the store, the health endpoints, the command line."""
