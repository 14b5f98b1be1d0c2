"""The writer put together, in this process; the test is its supervisor."""

from __future__ import annotations

import threading

from waiting import CAP, until

from supervisor import channel
from supervisor.channel import Channel
from supervisor.messages import FromWriter, Slots, Start, ToWriter
from worker.config.settings import Settings
from worker.writer.process import Writer


def test_a_run_under_way_is_not_given_back_by_a_writer_that_stops(workbench):
    """The run's process may still be alive: no other worker may have the job before the lease ends."""
    job = workbench.job(provider="aws", regions=["eu-west-1"])
    near, far = channel.pair()
    supervisor, ours = Channel(near, FromWriter), Channel(far, ToWriter)
    thread = threading.Thread(target=Writer(Settings(database_url=workbench.url), ours, once=False, job=None).run)
    thread.start()
    try:
        supervisor.send(Slots(free={"discovery": 1}))
        until(lambda: any(isinstance(message, Start) for message, _ in supervisor.receive()), "the job's process is asked for")
    finally:
        supervisor.close()
        thread.join(CAP)
        ours.close()
    assert not thread.is_alive()

    assert workbench.one("select status from discovery_jobs where id = %s", job) == "running"
    assert workbench.one("update elder_worker.claims set owner = null where job_id = %s returning true", job), "it was claimed still"
