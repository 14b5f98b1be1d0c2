"""The job that misbehaves as it is told, and a writer that does what a test tells it. Entries for `SupervisorConfig`, run in real processes."""

from __future__ import annotations

import _posixsubprocess
import contextlib
import errno
import json
import os
import select
import signal
import sys
from pathlib import Path

import faults
import hogs

from supervisor import frames, published
from supervisor.channel import Channel
from supervisor.frames import ControlKind
from supervisor.messages import Drain, Exited, Spawned, ToWriter


def job(start: bytes, control: int, data: int) -> int:
    """Runs the fault that the START frame names."""
    order = json.loads(start)
    return (vars(hogs) | vars(faults))[order["fault"]](order, control, data) or 0


def writer(control: int, orders: int, answers: int, keep_data: bool = False) -> int:
    """A writer that passes the test's messages on, and tells it what comes back. Descriptors stay here: start pipes are written on request.

    `keep_data`: the data pipe of a job that has ended can still be read.
    """
    channel: Channel = Channel(control, ToWriter)
    start_pipes: dict[str, int] = {}
    data_pipes: dict[str, int] = {}
    poller = select.poll()
    poller.register(channel.fileno(), select.POLLIN)
    poller.register(orders, select.POLLIN)
    pending = b""
    running, draining = 0, False
    while not (draining and running == 0):
        for fd, _ in poller.poll():
            if fd == orders:
                pending += os.read(orders, 65536)
                *lines, pending = pending.split(b"\n")
                for line in lines:
                    code = _obey(json.loads(line), channel, start_pipes, data_pipes, answers)
                    if code is not None:
                        return code
            else:
                for message, descriptors in channel.receive():
                    if descriptors:
                        data_pipes[message.run], start_pipes[message.run] = descriptors
                    if isinstance(message, Exited):
                        _close(start_pipes.pop(message.run, None))
                        if not keep_data:
                            _close(data_pipes.pop(message.run, None))
                    _answer(answers, {"type": type(message).__name__, **{n: getattr(message, n) for n in message.__struct_fields__}})
                    draining |= isinstance(message, Drain)
                    running += isinstance(message, Spawned) - isinstance(message, Exited)
                if channel.closed:
                    return 0
        channel.flush()
    return 0


def _close(fd: int | None) -> None:
    if fd is not None:
        os.close(fd)


def _obey(order: dict, channel: Channel, start_pipes: dict, data_pipes: dict, answers: int) -> int | None:
    from supervisor import messages

    match order.pop("do"):
        case "send":
            channel.send(getattr(messages, order.pop("type"))(**order))
        case "begin":
            fd = start_pipes.pop(order["run"], -1)
            if fd >= 0:  # else an earlier writer's
                with contextlib.suppress(BrokenPipeError):  # it may be dead by now
                    os.write(fd, frames.encode(ControlKind.START, json.dumps(order["body"]).encode()))
                os.close(fd)
        case "read":
            fd = data_pipes[order["run"]]
            os.set_blocking(fd, False)
            try:
                got = os.read(fd, order["size"])
            except BlockingIOError:
                got = b""
            _answer(answers, {"type": "Data", "run": order["run"], "hex": got[:100].hex(), "size": len(got)})
        case "leave":
            return int(order["code"])
        case "raw":
            channel._socket.send(bytes.fromhex(order["hex"]))
    return None


def _answer(fd: int, message: dict) -> None:
    os.write(fd, json.dumps(message).encode() + b"\n")


def idle_service() -> int:
    """A service that does nothing until it is told to stop."""
    signal.sigwait({signal.SIGTERM})
    return 0


def broken_service(code: int) -> int:
    """A service that cannot live."""
    return code


def supervise(config: dict) -> int:
    """The supervisor's own process, started by the test."""
    import logging

    from supervisor.config import Service, SupervisorConfig
    from supervisor.supervisor import Supervisor

    if hold := os.environ.get("UNKILLABLE_WHILE"):
        _take_away_sigkill(hold)
    if short := os.environ.get("NO_MEMORY_WHILE"):
        _take_away_memory(short)
    logging.basicConfig(level=logging.INFO, format="%(name)s %(levelname)s %(message)s", stream=sys.stderr)
    services = tuple(Service(**service) for service in config.pop("services", ()))
    return Supervisor(SupervisorConfig(writer=Service(**config.pop("writer")), services=services, **config)).run()


def reap_one_job() -> None:
    """Prints whether a job that has ended is freed at once, with nobody who collects garbage."""
    import gc
    import weakref

    from supervisor import kernel
    from supervisor.config import Service, SupervisorConfig
    from supervisor.jobs import Jobs
    from supervisor.loop import Loop
    from supervisor.messages import Start

    gc.disable()
    kernel.adopt_orphans()
    loop = Loop()
    config = SupervisorConfig(pools={"discovery": 1}, writer=Service(name="", entry=""), job_entry="programs:job", state=published.create())
    jobs = Jobs(config, loop, lambda _: None, list)
    job = weakref.ref(jobs.spawn(Start(run="1", pool="discovery", title="run 1", label={}, wall=600.0, idle=600.0, lease=30.0)))
    for fd in job().for_writer:  # it is never told to start, and ends
        os.close(fd)
    while len(jobs):
        loop.run_once()
    jobs.close()
    print("freed" if job() is None else gc.get_referrers(job()))


def _take_away_sigkill(hold: str) -> None:
    """What a process in state D is to its killer: SIGKILL is sent, and nothing happens, while the file `hold` is there."""
    send_to_one, send_to_group = signal.pidfd_send_signal, os.killpg

    def one(pidfd, number, *more):
        if number != signal.SIGKILL or not Path(hold).exists():
            send_to_one(pidfd, number, *more)

    def group(pgid, number):
        if number != signal.SIGKILL or not Path(hold).exists():
            send_to_group(pgid, number)

    signal.pidfd_send_signal, os.killpg = one, group


def _take_away_memory(short: str) -> None:
    """Starts of processes while the file `short` is there: with ``fork`` in it they fail, with ``start`` the new process fails at its beginning."""
    start = _posixsubprocess.fork_exec

    def fork_exec(*arguments):
        if not Path(short).exists():
            return start(*arguments)
        if Path(short).read_text() == "fork":
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
        command = list(arguments[0])
        command[[os.fsdecode(word) for word in command].index("-c") + 1] = b"raise MemoryError"
        return start(command, *arguments[1:])

    _posixsubprocess.fork_exec = fork_exec


if __name__ == "__main__":
    sys.exit(supervise(json.loads(sys.argv[1])))
