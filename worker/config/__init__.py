"""Settings: read from the environment once, typed once, and handed to other processes sealed."""
