"""The web pages, rendered here from what the JSON API answers: no build step, nothing from elsewhere, useful without scripts."""
