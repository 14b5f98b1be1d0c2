"""The commands of `elder-worker`, one module each, with ``main(options, environ) -> exit code``."""
