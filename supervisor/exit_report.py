"""How a job ended: one cause, one sentence for the operator, and the detail for the engineer."""

from __future__ import annotations

import signal

from supervisor.messages import Cause, Exited


def exit_report(
    *,
    run: str,
    cause: Cause | None,
    sentence: str,
    exited: bool,
    status: int | None,
    detail: str,
    peak_bytes: int,
    seconds: float,
    kill_seconds: float | None,
    survivors: int,
) -> Exited:
    """The `Exited` message. `cause` is the supervisor's reason for the kill, or None; `exited` and `status` come from waitid."""
    name = "" if exited or status is None else signal.Signals(status).name
    if cause is None:
        cause = Cause.EXITED if exited else Cause.SIGNALLED
        sentence = _describe(exited, status, name)
    if survivors:
        sentence = f"{sentence}; {survivors} of its processes cannot be killed, and its slot stays taken"
    return Exited(
        run=run,
        cause=cause,
        exit_code=status if exited else None,
        signal=name,
        sentence=sentence,
        detail=detail,
        peak_bytes=peak_bytes,
        seconds=round(seconds, 3),
        kill_seconds=None if kill_seconds is None else round(kill_seconds, 4),
        survivors=survivors,
    )


def _describe(exited: bool, status: int | None, name: str) -> str:
    if exited:
        return f"the job's process left with exit code {status}"
    hint = ": the kernel does this when memory runs out, or somebody did" if name == "SIGKILL" else ""
    return f"the job's process was ended by {name}, which the worker did not send{hint}"
