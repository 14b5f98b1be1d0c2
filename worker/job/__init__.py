"""Code of a job's process: the entry point, the sink that writes frames, and limits on files and network addresses."""
