"""The commands of `elder-worker`, one module each, with ``main(options, environ) -> exit code``."""

from providers import third_party

third_party.keep_out()  # before the libraries that the modules of this package import
