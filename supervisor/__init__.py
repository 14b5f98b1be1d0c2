"""A supervisor of killable processes: it spawns, counts, times and kills them, and does not know what they are for."""
