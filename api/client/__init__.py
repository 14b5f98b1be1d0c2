"""``elder``: the command line of the Elder API, for people and scripts."""
