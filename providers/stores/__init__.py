"""Stores of secrets, which a job's process asks for what its config names: one module a store, loaded when a config names it."""
