"""The states of a job's process tree and of a service, and the permitted transitions. Any other transition is a bug."""

from __future__ import annotations

import enum


class JobState(enum.StrEnum):
    """The state of a job's process tree."""

    STARTING = "starting"
    """Spawned; READY has not come."""
    RUNNING = "running"
    TERMINATING = "terminating"
    """SIGTERM was sent; it has its grace."""
    ABORTING = "aborting"
    """SIGABRT was sent: it writes its Python stacks."""
    KILLING = "killing"
    """SIGKILL was sent, or the leader is dead and what it left behind is being killed."""
    UNKILLABLE = "unkillable"
    """SIGKILL has not ended it yet (kernel state D): its slot stays taken."""
    DEAD = "dead"
    """Every process of the tree is proven dead."""


class ServiceState(enum.StrEnum):
    """The state of a service."""

    RUNNING = "running"
    BACKING_OFF = "backing off"
    STOPPING = "stopping"
    STOPPED = "stopped"


_JOB = {
    JobState.STARTING: {JobState.RUNNING, JobState.TERMINATING, JobState.ABORTING, JobState.KILLING},
    JobState.RUNNING: {JobState.TERMINATING, JobState.ABORTING, JobState.KILLING},
    JobState.TERMINATING: {JobState.ABORTING, JobState.KILLING},
    JobState.ABORTING: {JobState.KILLING},
    JobState.KILLING: {JobState.UNKILLABLE, JobState.DEAD},
    JobState.UNKILLABLE: {JobState.DEAD},
    JobState.DEAD: set[JobState](),
}
_SERVICE = {
    ServiceState.RUNNING: {ServiceState.BACKING_OFF, ServiceState.STOPPING, ServiceState.STOPPED},
    ServiceState.BACKING_OFF: {ServiceState.RUNNING, ServiceState.STOPPED},
    ServiceState.STOPPING: {ServiceState.STOPPED},
    ServiceState.STOPPED: set[ServiceState](),
}


def advance(now: JobState, to: JobState) -> JobState:
    """Returns `to` if a job may go there from `now`. Raises `ValueError` otherwise."""
    if to not in _JOB[now]:
        raise ValueError(f"a job cannot go from {now} to {to}")
    return to


def advance_service(now: ServiceState, to: ServiceState) -> ServiceState:
    """Returns `to` if a service may go there from `now`. Raises `ValueError` otherwise."""
    if to not in _SERVICE[now]:
        raise ValueError(f"a service cannot go from {now} to {to}")
    return to
