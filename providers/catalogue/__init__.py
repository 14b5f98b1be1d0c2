"""Declarations of resource types, and how an item becomes a resource."""
