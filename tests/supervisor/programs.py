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


def writer(control: int, orders: int, answers: int) -> int:
    """A writer that passes the test's messages on, and tells it what comes back. Descriptors stay here: start pipes are written on request."""
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
                    _answer(answers, {"type": type(message).__name__, **{n: getattr(message, n) for n in message.__struct_fields__}})
                    draining |= isinstance(message, Drain)
                    running += isinstance(message, Spawned) - isinstance(message, Exited)
                if channel.closed:
                    return 0
        channel.flush()
    return 0


def _obey(order: dict, channel: Channel, start_pipes: dict, data_pipes: dict, answers: int) -> int | None:
    from supervisor import messages

    match order.pop("do"):
        case "send":
            channel.send(getattr(messages, order.pop("type"))(**order))
        case "begin":
            fd = start_pipes.pop(order["run"])
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
