"""The health endpoints: what the supervisor publishes, over HTTP. No credentials, no database, nothing that could block."""

from __future__ import annotations


def main(state: str, settings: int) -> int:
    """The process's entry: `state` is the path of the published state, `settings` a descriptor with settings without secrets."""
    from worker.web.server import serve  # noqa: PLC0415 - Flask is loaded by this process only

    return serve(state, settings)
