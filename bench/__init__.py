"""Benchmarks: our number beside its limit and beside what a user would pick instead, measured side by side in one run."""
