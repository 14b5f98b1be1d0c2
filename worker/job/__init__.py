"""Inside a job's process: the entry point, the sink that writes frames, and what the process may open and connect to."""
