"""The writer: the only process that talks to the database. Claims, leases, schedules, and stores what the jobs find."""

from __future__ import annotations


def main(control: int, settings: int, once: bool = False, job: int | None = None) -> int:
    """The process's entry: `control` is its end of the supervisor's channel, `settings` a descriptor with the settings."""
    from worker.writer.process import run  # noqa: PLC0415 - the package's pure modules are used without all of it

    return run(control, settings, once, job)
