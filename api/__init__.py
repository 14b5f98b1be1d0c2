"""The Elder API and its web pages."""

from providers import third_party

third_party.keep_out()  # before the libraries that the modules of this package import
