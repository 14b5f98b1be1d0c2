"""Jobs that do not end as they should, say what they may not say, or look where they may not look. Run in real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from evidence import FOREVER, DataKind, tell

from supervisor import frames
from supervisor.frames import ControlKind


def complete(_order, _control, data):
    os.write(data, frames.encode(DataKind.COMPLETE, b"{}"))


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

    os.write(control, frames.encode(ControlKind.PROGRESS, pickle.dumps(Bomb())))
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


def drip(order, control, data):
    """A frame, byte by byte, on each pipe."""
    frame = frames.encode(ControlKind.PROGRESS, b'{"scope": "%s"}' % (b"x" * 10_000))
    tell(control, "dripping")
    for byte in frame:
        os.write(control, bytes([byte]))
        os.write(data, bytes([byte]))
        time.sleep(order["pause"])


def dirty_log(_order, _control, _data):
    os.write(1, b'{"event": "one line of the job"}\n')
    os.write(1, b"\xff\x00 not text \x1b[31m\n")
    os.write(1, b"unfinished")


def progress_then_silence(order, control, _data):
    for number in range(order.get("beats", 3)):
        os.write(control, frames.encode(ControlKind.PROGRESS, json.dumps({"resources": number + 1}).encode()))
    time.sleep(FOREVER)


def fill_data_pipe(_order, control, data):
    """Writes more than anybody reads: stopped by back-pressure."""
    tell(control, "writing")
    block = frames.encode(DataKind.RECORDS, b"x" * 100_000)
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


def try_each_way_out(order, _control, _data):
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


def dig(order, _control, _data):
    """Folders in folders, far deeper than a path or Python's recursion goes, and rights that shut out whoever has them."""
    for number in range(order.get("depth", 2000)):
        Path("file").write_text("x")
        os.mkdir("down")
        os.chdir("down")
        if number % 100 == 99:
            os.chmod("..", 0)


def attempt(deed) -> str:
    """``done``, or why not."""
    try:
        deed()
    except (OSError, ImportError) as error:
        return type(error).__name__
    return "done"
