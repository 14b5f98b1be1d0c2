"""``make chaos``: two workers, and everything that can happen to them, for as long as one likes; then every stored row is counted."""
