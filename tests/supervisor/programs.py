"""Job programs that misbehave, and a writer that does what a test tells it. Entries for `SupervisorConfig`, run in real processes."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

from supervisor import frames
from supervisor.channel import Channel
from supervisor.frames import Kind
from supervisor.messages import Drain, Exited, Spawned, ToWriter

FOREVER = 3600


def job(start: bytes, control: int, data: int) -> int:
    """Runs the misdeed that the START frame names."""
    order = json.loads(start)
    return MISDEEDS[order["misdeed"]](order, control, data) or 0


def complete(_order, _control, data):
    os.write(data, frames.encode(Kind.COMPLETE, b"{}"))


def sleep(_order, _control, _data):
    time.sleep(FOREVER)


def ignore_sigterm(_order, control, _data):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    tell(control, "ignoring")
    while True:
        time.sleep(FOREVER)


def endless_handler(_order, control, _data):
    def handler(*_):
        while True:
            time.sleep(0.1)

    signal.signal(signal.SIGTERM, handler)
    tell(control, "handling")
    time.sleep(FOREVER)


def c_call(_order, control, _data):
    tell(control, "computing")
    hashlib.pbkdf2_hmac("sha256", b"x", b"y", 80_000_000)


def gil_hog(_order, control, _data):
    tell(control, "hogging")
    ctypes.PyDLL(None).sleep(60)


def stop_itself(_order, control, _data):
    tell(control, "stopping")
    os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(FOREVER)


def children(order, control, _data):
    for _ in range(order.get("count", 50)):
        subprocess.Popen(["sleep", str(FOREVER)])
    tell(control, "parent")
    time.sleep(FOREVER)


def escape(_order, control, _data):
    """A grandchild in its own session, doubly forked."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(FOREVER)
        os._exit(0)
    os.wait()
    tell(control, "escaped")
    time.sleep(FOREVER)


def fork_storm(_order, control, _data):
    tell(control, "storming")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if os.fork() == 0:
                os.setsid()
                for _ in range(20):
                    with contextlib.suppress(OSError):
                        if os.fork() == 0:
                            time.sleep(FOREVER)
                time.sleep(FOREVER)
        time.sleep(0.02)


def fork_to_the_end(order, control, _data):
    """As many children as it is given, then tells how many, and why no more."""

    def fork() -> None:
        if os.fork() == 0:
            signal.pause()

    number, reason = _count(fork, order["most"])
    tell(control, f"{number} {reason}")
    time.sleep(FOREVER)


def respawning_pair(_order, control, _data):
    """Two processes that start each other again."""
    program = (
        "import os, sys, time\n"
        "while True:\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        os.setsid(); time.sleep(0.05)\n"
        "        if os.fork() == 0: os.execv(sys.executable, [sys.executable, '-S', '-c', sys.argv[1], sys.argv[1]])\n"
        "        os._exit(0)\n"
        "    os.waitpid(pid, 0)\n"
        "    time.sleep(3600)\n"
    )
    subprocess.Popen([sys.executable, "-S", "-c", program, program])
    tell(control, "paired")
    time.sleep(FOREVER)


def leave_pipe_open(_order, control, data):
    """Dies in the middle of a frame; its child keeps the pipes."""
    tell(control, "leaving")
    os.write(data, b"\x00\x00\x10\x00\x12half")
    if os.fork() == 0:
        time.sleep(FOREVER)
    os._exit(0)


def exit_at(order, control, data):
    """Success, at an instant of the monotonic clock."""
    while (left := order["at"] - time.monotonic()) > 0:
        time.sleep(left)
    complete(order, control, data)


def exit_with(order, _control, _data):
    return order["code"]


def complete_then_exit(order, control, data):
    complete(order, control, data)
    return order["code"]


def kill_itself(_order, _control, _data):
    os.kill(os.getpid(), signal.SIGKILL)


def garbage_on_control(order, control, _data):
    os.write(control, bytes.fromhex(order["bytes"]))
    time.sleep(FOREVER)


def pickle_on_control(order, control, _data):
    """A pickle whose loading would create a file, as a frame of a kind that exists."""
    import pickle

    class Bomb:
        def __reduce__(self):
            return os.system, (f"touch {order['canary']}",)

    os.write(control, frames.encode(Kind.PROGRESS, pickle.dumps(Bomb())))
    time.sleep(FOREVER)


def doomed(order, control, _data):
    """A child of a child that comes and goes; nobody waits for it."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    child = subprocess.Popen(["sleep", str(FOREVER)], start_new_session=True)
    tell(control, str(child.pid))
    time.sleep(FOREVER)


def orphans(order, control, _data):
    """Children of children that end as soon as they have lost their parent; of a shell, whose forks are cheap."""
    subprocess.run(["sh", "-c", f"i=0; while [ $i -lt {order['count']} ]; do (: &); i=$((i+1)); done"], check=True)
    tell(control, "orphaned")
    time.sleep(FOREVER)


def big(order, control, _data):
    """Holds so many MB, each page touched."""
    hoard = bytearray(order["mb"] << 20)
    hoard[::4096] = b"x" * len(hoard[::4096])
    tell(control, "big")
    time.sleep(FOREVER)


def hog_the_gil_in_turns(order, control, _data):
    """Reports, holds the GIL longer than it may be idle, and reports again."""
    for number in range(FOREVER):
        tell(control, f"turn {number}")
        ctypes.PyDLL(None).usleep(int(order["hold"] * 1e6))


def compute(order, control, _data):
    """One call that holds the GIL and takes the CPU, and never ends."""
    tell(control, "computing")
    pow(3, 10**9, 10**400_000)


def drip(order, control, data):
    """A frame, byte by byte, on each pipe."""
    frame = frames.encode(Kind.PROGRESS, b'{"scope": "%s"}' % (b"x" * 10_000))
    tell(control, "dripping")
    for byte in frame:
        os.write(control, bytes([byte]))
        os.write(data, bytes([byte]))
        time.sleep(order["pause"])


def leak(order, control, _data):
    """So many MB a second, of shared memory: RLIMIT_DATA does not count that, so that it is the watch which finds it."""
    import mmap

    tell(control, "leaking")
    hoard = []
    while True:
        hoard.append(mmap.mmap(-1, 1 << 20))
        hoard[-1].write(bytes(1 << 20))
        time.sleep(1 / order["mb_per_second"])


def swallow(_order, control, _data):
    """Catches every MemoryError and goes on."""
    tell(control, "hungry")
    hoard = []
    while True:
        try:
            hoard.append(bytearray(b"x") * (8 << 20))
        except MemoryError:
            continue


def take_everything(order, control, _data):
    """Descriptors, threads, disk: as many as it is given. Says how far it came."""
    import threading

    found = {"files": _count(lambda: os.open(os.devnull, os.O_RDONLY), order["files"])}
    os.closerange(max(control, _data) + 1, 1_000_000)
    found["threads"] = _count(lambda: threading.Thread(target=time.sleep, args=(FOREVER,), daemon=True).start(), order["threads"])
    found["one file"] = _count(lambda: _append("one", 1 << 20), order["mb"])
    Path("one").unlink()
    found["disk"] = _count(lambda: Path(f"{time.monotonic_ns()}").write_bytes(b"x" * (1 << 20)), order["mb"])
    print("SEEN", json.dumps(found), flush=True)


def _append(name: str, size: int) -> None:
    with Path(name).open("ab") as file:
        file.write(b"x" * size)


def _count(deed, most: int) -> list:
    """[how often it worked, why it stopped]"""
    for number in range(most):
        try:
            deed()
        except (OSError, RuntimeError, MemoryError) as error:
            return [number, getattr(error, "strerror", None) or str(error)]
    return [most, ""]


def greedy(_order, control, _data):
    tell(control, "hungry")
    hoard = []
    try:
        while True:
            hoard.append(bytearray(b"x") * (8 << 20))
    except MemoryError:
        hoard.append(None)
        time.sleep(FOREVER)


def greedy_grandchild(_order, control, _data):
    tell(control, "hungry")
    for _ in range(4):  # each below the cap, all of them over it
        subprocess.Popen([sys.executable, "-S", "-c", "x = bytearray(b'x') * (60 << 20); import time; time.sleep(3600)"])
    time.sleep(FOREVER)


def greedy_unseen(order, control, _data):
    """Memory that is in no process's resident set: a file in memory, written and not mapped."""
    tell(control, "hungry")
    fd = os.memfd_create("unseen")
    for _ in range(order["mb"]):
        os.write(fd, bytes(1 << 20))
    time.sleep(FOREVER)


def greedy_shared(order, control, _data):
    """Shared memory, by mmap."""
    import mmap

    tell(control, "hungry")
    shared = mmap.mmap(-1, order["mb"] << 20)
    for _ in range(order["mb"]):
        shared.write(bytes(1 << 20))
        time.sleep(0.002)
    time.sleep(FOREVER)


def flood_stderr(order, control, _data):
    block = b"x" * 65536
    for _ in range(order["blocks"]):
        os.write(2, block)
    tell(control, "flooded")
    os.write(2, b"the end")


def dirty_log(_order, _control, _data):
    os.write(1, b'{"event": "one line of the job"}\n')
    os.write(1, b"\xff\x00 not text \x1b[31m\n")
    os.write(1, b"unfinished")


def progress_then_silence(order, control, _data):
    for number in range(order.get("beats", 3)):
        os.write(control, frames.encode(Kind.PROGRESS, json.dumps({"resources": number + 1}).encode()))
    time.sleep(FOREVER)


def fill_data_pipe(_order, control, data):
    """Writes more than anybody reads: stopped by back-pressure."""
    tell(control, "writing")
    block = frames.encode(Kind.RECORDS, b"x" * 100_000)
    while True:
        os.write(data, block)


def look_around(_order, control, _data):
    """Reports what it can see of itself and of others."""
    seen = {
        "fds": sorted(int(name) for name in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{name}")),
        "own": [0, 1, 2, control, _data],
        "environ": dict(os.environ),
        "cwd": os.getcwd(),
        "session": os.getsid(0) in (os.getpid(), 0),  # 0: its leader is outside of our PID namespace
        "core": __import__("resource").getrlimit(__import__("resource").RLIMIT_CORE)[1],
        "no_new_privs": "NoNewPrivs:\t1" in Path("/proc/self/status").read_text(),
        "oom": Path("/proc/self/oom_score_adj").read_text().strip(),
        "modules": sorted(sys.modules),
    }
    print("SEEN", json.dumps(seen), flush=True)


def try_doors(order, _control, _data):
    """Tries everything that a job must not be able to do; says what came of each."""
    found = {}
    for name, path in order["read"].items():
        found[name] = attempt(lambda path=path: Path(path).read_bytes())
    for name, path in order["write"].items():
        found[name] = attempt(lambda path=path: Path(path).write_text("x"))
    for pid in order["pids"]:
        for file in ("environ", "mem", "fd", "maps"):
            path = f"/proc/{pid}/{file}"
            found[f"{pid} {file}"] = attempt(lambda path=path: os.listdir(path) if path.endswith("fd") else Path(path).read_bytes())
        found[f"{pid} signal"] = attempt(lambda pid=pid: os.kill(pid, signal.SIGKILL))
    for module in order["modules"]:
        found[f"import {module}"] = attempt(lambda module=module: __import__(module))
    found["own folder"] = attempt(lambda: Path("mine").write_text("x"))
    found["system"] = attempt(lambda: Path("/etc/hosts").read_bytes())
    print("SEEN", json.dumps(found), flush=True)


def attempt(deed) -> str:
    """``done``, or why not."""
    try:
        deed()
    except (OSError, ImportError) as error:
        return type(error).__name__
    return "done"


def tell(control: int, what: str) -> None:
    """Evidence, for the test, that the misdeed has begun."""
    os.write(control, frames.encode(Kind.PROGRESS, json.dumps({"scope": what}).encode()))


MISDEEDS = {name: value for name, value in list(globals().items()) if callable(value) and getattr(value, "__module__", "") == __name__}


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
                    os.write(fd, frames.encode(Kind.START, json.dumps(order["body"]).encode()))
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
    logging.basicConfig(level=logging.INFO, format="%(name)s %(levelname)s %(message)s", stream=sys.stderr)
    services = tuple(Service(**service) for service in config.pop("services", ()))
    return Supervisor(SupervisorConfig(writer=Service(**config.pop("writer")), services=services, **config)).run()


def bury_one_job() -> None:
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
    config = SupervisorConfig(pools={"discovery": 1}, writer=Service(name="", entry=""), job_entry="programs:job", state_path="")
    jobs = Jobs(config, loop, lambda _: None, list)
    job = weakref.ref(jobs.spawn(Start(run="1", pool="discovery", label={}, wall=600.0, idle=600.0, lease=30.0)))
    for fd in job().for_writer:  # it is never told to start, and ends
        os.close(fd)
    while len(jobs):
        loop.turn()
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


if __name__ == "__main__":
    sys.exit(supervise(json.loads(sys.argv[1])))
