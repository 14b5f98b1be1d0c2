"""Everything on one machine: an embedded PostgreSQL, the API and the worker in one foreground process."""
