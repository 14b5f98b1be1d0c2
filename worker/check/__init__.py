"""The connectivity test: what it tries, and the transcript that it prints."""
