"""The writer process: claims jobs, renews leases, schedules connectors and stores results.

It is the only process of a worker that has database credentials.
"""

from __future__ import annotations

from providers import third_party

third_party.keep_out()  # before the libraries that the modules of this package import


def main(
    control: int, settings: int, once: bool = False, job: int | None = None, unstored: int | None = None, state: int | None = None
) -> int:
    """Entry point of the process. `control` is its end of the supervisor's channel; `settings` is a descriptor that holds the settings.

    `unstored` is a descriptor of memory in which a writer keeps outcomes that are not stored yet for the next one, `state` of
    what the supervisor publishes.
    """
    from worker.writer.process import run  # noqa: PLC0415 - the package's pure modules are used without all of it

    return run(control, settings, once, job, unstored, state)
