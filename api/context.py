"""What every request needs: the database, the box for secrets, the settings."""

from __future__ import annotations

from worker.secretbox import SecretBox
from worker.settings import Settings
from worker.store.pool import Pool


class Context:
    """Of one process of the API."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.pool = Pool(settings.database_url)
        self.box = SecretBox(settings.elder_secret_keys)
