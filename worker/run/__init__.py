"""Types that all processes share: messages, fingerprints, outcomes, and the interfaces of inventory and queue."""
