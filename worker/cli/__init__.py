"""One module a command; each has ``main(options, environ) -> exit code``."""
