"""The health endpoints: what the supervisor publishes, over HTTP. No credentials, no database, nothing that could block."""

from __future__ import annotations


def main(state: int, settings: int) -> int:
    """Entry point of the process: `state` is a descriptor of the published state, `settings` one of the settings without secrets."""
    from worker.web.server import serve  # noqa: PLC0415 - Flask is loaded by this process only

    return serve(state, settings)
