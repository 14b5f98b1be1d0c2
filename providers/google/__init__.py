"""Signing in to Google and reading its refusals: shared by gcp and google_workspace."""
