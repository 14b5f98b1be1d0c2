"""The resource types, by field."""
