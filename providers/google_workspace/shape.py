"""How the Directory API spells ids."""

from __future__ import annotations

from providers.catalogue import shape


class DirectoryShape(shape.Shape):
    """Makes resources of items of the directory."""

    def spelling(self, external_id: str) -> str:
        """The id of a unit with its prefix once: some answers have it and others do not."""
        return external_id.replace("id:id:", "id:", 1)
