"""Connectors: when they sync, and the Elder API that they deliver to."""
