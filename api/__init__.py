"""The Elder API and its web pages."""
