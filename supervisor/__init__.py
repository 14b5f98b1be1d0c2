"""Spawns, counts, times and kills. Knows nothing of clouds, SQL or HTTP."""
