"""The nouns that all processes share: messages, hashes, outcomes, and what an inventory and a queue can do."""
