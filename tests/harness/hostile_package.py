"""A hostile provider package: what it attempts, and processes that describe it.

Each attempt is an expression that is true when it reaches something.
"""

from __future__ import annotations

import json
import os
import pathlib
import platform
import subprocess
import sys
from collections.abc import Mapping

from third_party import install
from waiting import until

from supervisor import seccomp

CANARY = "hunter2-canary"
"""Stands in every secret that an attempt looks for."""

ATTEMPTS = {
    "the control": "os.getpid() > 0",
    "the control of other processes": "of_any(lambda pid: b'packages.installed()' in read(f'/proc/{pid}/cmdline'))",
    "its environment": "has(str(dict(os.environ)))",
    "its environment by /proc": "has(read('/proc/self/environ'))",
    "another process's environment": "of_any(lambda pid: read(f'/proc/{pid}/environ'))",
    "another process's secret arguments": "of_any(lambda pid: has(read(f'/proc/{pid}/cmdline')))",
    "another process's memory": "of_any(lambda pid: open(f'/proc/{pid}/mem', 'rb'))",
    "tracing another process": "of_any(lambda pid: c.ptrace(0x4206, pid, 0, 0) == 0)",
    "another process's descriptors": "any(os.access(path, os.F_OK) for pid in OTHERS for path in glob.glob(f'/proc/{pid}/fd/*'))",
    "a descriptor of another process by pidfd_getfd": "NUMBER['pidfd_getfd'] and of_any(takes_a_descriptor)",
    "a signal to another process": "of_any(lambda pid: os.kill(pid, 0) is None)",
    "another process's limits": "of_any(lambda pid: resource.prlimit(pid, 7, resource.prlimit(pid, 7)))",
    "another process's CPUs": "of_any(lambda pid: os.sched_setaffinity(pid, os.sched_getaffinity(pid)) is None)",
    "another process's scheduling": "of_any(lambda pid: os.sched_setscheduler(pid, os.sched_getscheduler(pid), os.sched_getparam(pid)) is None)",
    "another process's priority": "of_any(lambda pid: os.setpriority(os.PRIO_PROCESS, pid, os.getpriority(os.PRIO_PROCESS, pid)) is None)",
    "another process's priority at the disk": "of_any(lambda pid: c.syscall(NUMBER['ioprio_set'], 1, pid, 2 << 13 | 4) == 0)",
    "a sealed descriptor that it inherits": "any('memfd' in os.readlink(path) for path in glob.glob('/proc/self/fd/*'))",
    "a descriptor beside its pipes": "[fd for fd in range(3, 256) if is_open(fd) and not stat.S_ISFIFO(os.fstat(fd).st_mode)]",
    "a secret file": "has(read(SECRET))",
    "a secret file by /proc/self/root": "has(read(f'/proc/self/root{SECRET}'))",
    "a secret file by a child process": "has(subprocess.run(['cat', SECRET], capture_output=True).stdout)",
    "a secret file by a link": "os.symlink(SECRET, 'link') or has(read('link'))",
    "another job's folder": "os.listdir(os.path.dirname(SECRET))",
    "the folder of all jobs' folders": "os.listdir('/tmp')",
    "removing a file": "os.remove(SECRET) or True",
    "writing to the state folder": "open(SECRET + '.written', 'w')",
    "writing to the temporary folder": "open('/tmp/elder-hostile', 'w')",
    "writing shared memory": "open('/dev/shm/elder-hostile', 'w')",
    "writing its own module": "open(__file__, 'a')",
    "writing the worker's modules": "open(sys.modules['providers.registry'].__file__, 'a')",
    "the database's driver": "__import__('psycopg')",
    "a server that nobody gave it": "socket.create_connection(('127.0.0.1', PORT), 2)",
    "a server by a child process": "subprocess.run([sys.executable, '-S', '-c', CONNECT]).returncode == 0",
    "listening": "socket.create_server(('127.0.0.1', 0))",
    "a raw socket": "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)",
    "a packet socket": "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "a netlink socket": "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    "shared memory of System V": "c.shmget(0, 4096, 0o1600) >= 0",
    "a semaphore of System V": "c.semget(0, 1, 0o1600) >= 0",
    "a queue of System V": "c.msgget(0, 0o1600) >= 0",
    "a queue of POSIX": "c.syscall(NUMBER['mq_open'], b'elder-hostile', os.O_CREAT | os.O_RDWR, 0o600, None) >= 0",
    "a new namespace": "c.unshare(0x10000000) == 0",
    "a mount": "c.mount(b'none', b'/tmp', b'tmpfs', 0, 0) == 0",
    "io_uring": "c.syscall(NUMBER['io_uring_setup'], 8, ctypes.create_string_buffer(256)) >= 0",
    "another process's memory map": "of_any(lambda pid: read(f'/proc/{pid}/maps'))",
    "another process's working folder": "of_any(lambda pid: os.listdir(f'/proc/{pid}/cwd'))",
    "another process's root": "of_any(lambda pid: os.listdir(f'/proc/{pid}/root'))",
    "the writer's modules beside their driver": "__import__('worker.store.connection')",
    "a compiled module of the worker": "open(os.path.join(os.path.dirname(sys.modules['providers'].__file__), '__pycache__', 'x.pyc'), 'wb')",
    "a module for whoever comes next": "open(os.path.join(SITE, 'elder_next.py'), 'w')",
    "a file of start-up hooks": "open(os.path.join(SITE, 'elder_next.pth'), 'w')",
    "a core dump": "resource.getrlimit(resource.RLIMIT_CORE)[1] != 0",
    "more rights by a program that has them": "'NoNewPrivs:\\t1' not in open('/proc/self/status').read()",
    "being read by others of its user": "c.prctl(3, 0, 0, 0, 0) != 0",
    "bpf": "c.syscall(NUMBER['bpf'], 0, ctypes.create_string_buffer(128), 128) >= 0",
    "performance counters": "c.syscall(NUMBER['perf_event_open'], ctypes.create_string_buffer(128), 0, -1, -1, 0) >= 0",
    "userfaultfd": "c.syscall(NUMBER['userfaultfd'], 0) >= 0",
    "a keyring of its user": "c.syscall(NUMBER['add_key'], b'user', b'elder', b'x', 1, -4) >= 0",
    "any capability but to read": "[bits for bits in re.findall(r'Cap(?:Inh|Prm|Eff|Amb):\\t(\\w+)', open('/proc/self/status').read()) if int(bits, 16) & ~4]",
    "a device node": "os.mknod('disk', 0o600 | stat.S_IFBLK, os.makedev(7, 0)) or True",
    "another root": "os.chroot('.') or True",
    "another clock": "time.clock_settime(time.CLOCK_REALTIME, time.time()) or True",
    "a higher priority": "os.setpriority(os.PRIO_PROCESS, 0, -20) or True",
    "higher limits": "resource.setrlimit(resource.RLIMIT_NPROC, (1 << 20, 1 << 20)) or True",
    "a file of another user": "os.chown(os.open('own', os.O_CREAT), 65534, 65534) or True",
    "another user": "os.setuid(65534) or True",
    "another process's memory by process_vm_readv": "of_any(lambda pid: c.process_vm_readv(pid, None, 0, None, 0, 0) == 0)",
    "another process's memory by process_vm_writev": "of_any(lambda pid: c.process_vm_writev(pid, None, 0, None, 0, 0) == 0)",
    "a signal by a pidfd": "of_any(lambda pid: signal.pidfd_send_signal(os.pidfd_open(pid), 0) is None)",
    "a signal to the group of another process": "of_any(lambda pid: os.getpgid(pid) not in (0, os.getpgrp()) and os.killpg(os.getpgid(pid), 0) is None)",
    "an abstract socket": "socket.socket(socket.AF_UNIX).connect(f'\\0elder-hostile-{PORT}') is None",
    "a hard link to a secret file": "os.link(SECRET, 'hard') or has(read('hard'))",
    "moving a secret file": "os.rename(SECRET, 'moved') or True",
    "emptying a secret file": "os.truncate(SECRET, 0) or True",
    "a secret file by its handle": "by_handle(SECRET)",
    "watching another job's folder": "c.inotify_add_watch(c.inotify_init(), os.path.dirname(SECRET).encode(), 0xFFF) >= 0",
    "watching by the means of older programs": "fcntl.fcntl(os.open(SITE, os.O_RDONLY), fcntl.F_NOTIFY, fcntl.DN_CREATE) == 0",
    "watching all files": "c.fanotify_init(0x200, 0) >= 0",
    "a lease on a module of everybody": "fcntl.fcntl(os.open(__file__, os.O_RDONLY), fcntl.F_SETLEASE, fcntl.F_WRLCK) == 0",
    "a namespace of its own by clone": "cloned(NUMBER['clone'], 0x10000000)",
    "the namespaces of another process": "of_any(lambda pid: c.setns(os.open(f'/proc/{pid}/ns/mnt', os.O_RDONLY), 0) == 0)",
    "the scheduler of real time": "os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)) or True",
    "not being the first that the kernel ends": "open('/proc/self/oom_score_adj', 'w').write('0')",
    "a setting of the kernel": "open('/proc/sys/kernel/core_pattern', 'r+')",
    "a control group of its own": "os.mkdir('/sys/fs/cgroup/elder-hostile') or True",
    "the kernel's log": "c.klogctl(3, ctypes.create_string_buffer(256), 256) >= 0",
    "the kernel's log by its device": "open('/dev/kmsg', 'rb')",
    "the kernel's memory": "open('/proc/kcore', 'rb')",
    "a terminal": "open('/dev/tty')",
    "a socket to the host of a virtual machine": "socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)",
    "a socket of the kernel's ciphers": "socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)",
}
"""Name of an attempt -> the expression. One that raises has reached nothing, and one on another process changes nothing if it succeeds."""

DOCUMENTED = {
    "the size and times of a secret file": "os.stat(SECRET).st_size > 0",
    "the permissions of a secret file": "os.chmod(SECRET, 0o600) is None",
    "a datagram to anywhere": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', PORT)) == 1",
    "a port for datagrams": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).bind(('127.0.0.1', 0)) is None",
    "a socket in the file system": "socket.socket(socket.AF_UNIX).connect(SECRET + '.socket') is None",
    "the connections of the machine": "len(open('/proc/net/tcp').readlines()) > 1",
    "a folder of the system": "os.listdir('/etc')",
    "much of the disk": "os.posix_fallocate(os.open('much', os.O_CREAT | os.O_RDWR), 0, 64 << 20) is None and os.remove('much') is None",
}
"""Attempts that nothing refuses: "Not covered" in docs/security.md has each."""

CONTROLS = ("the control", "the control of other processes")
"""Attempts that must succeed: what is reached is told, and the process that asks for the description is among the others."""

ATTEMPTING = """
import ctypes, fcntl, glob, os, re, resource, signal, socket, stat, subprocess, sys, time
SECRET, PORT, NUMBER = {secret!r}, {port}, {numbers!r}
CONNECT = f"import socket; socket.create_connection(('127.0.0.1', {{PORT}}), 2)"
SITE = os.path.dirname(os.path.abspath(__file__))
c = ctypes.CDLL(None)
def has(found):
    return {canary!r} in (found if isinstance(found, str) else found.decode(errors="replace"))
def read(path):
    with open(path, "rb") as file:
        return file.read(1 << 20)
def outsiders():
    "The processes that /proc shows, by its numbers, and process 1; neither this one nor its threads. It has no children yet."
    own = {{os.getpid(), int(os.readlink("/proc/self"))}}
    return sorted({{1, *(int(name) for name in os.listdir("/proc") if name.isdigit())}} - own)
OTHERS = outsiders()
def of_any(attempt):
    for pid in OTHERS:
        try:
            if attempt(pid):
                return True
        except OSError:
            continue
    return False
def takes_a_descriptor(pid):
    held = os.pidfd_open(pid)
    try:
        return c.syscall(NUMBER['pidfd_getfd'], held, 0, 0) >= 0
    finally:
        os.close(held)
def by_handle(path):
    handle, mount = ctypes.create_string_buffer(136), ctypes.c_int()
    handle[0:4] = (128).to_bytes(4, sys.byteorder)
    if c.name_to_handle_at(-100, path.encode(), handle, ctypes.byref(mount), 0) != 0:
        return False
    opened = c.open_by_handle_at(os.open(SITE, os.O_RDONLY), handle, os.O_RDONLY)
    return opened >= 0 and has(os.read(opened, 64))
def cloned(number, flags):
    pid = c.syscall(number, flags | signal.SIGCHLD, None, None, None, None)
    if pid == 0:
        os._exit(0)
    return pid > 0
def is_open(fd):
    try:
        return bool(os.fstat(fd))
    except OSError:
        return False
def reached():
    found = []
    for name, expression in {attempts!r}.items():
        try:
            if eval(expression, globals()):
                found.append(name)
        except BaseException:
            continue
    return found
"""

WELL = """
import msgspec
from providers.provider import Provider, ResourceType
class Config(msgspec.Struct):
    a: str = ""
class Odd(Provider):
    name, title, config = "odd", "Odd", Config
    def open(self, config, operator): raise NotImplementedError
"""
"""A package that does as it should."""

DESCRIBE = """
import json, os, sys
from providers import registry
from worker.config import packages
from worker.config.sealed import seal
from worker.config.settings import Settings
packages.SECONDS = float(sys.argv[1])
sandbox = packages.Sandbox
packages.Sandbox = lambda *arguments, **more: sandbox(*arguments, **{**more, "namespaced": sys.argv[2] == "namespaced"})
descriptor = seal(Settings(database_url=os.environ["DATABASE_URL"]))
os.set_inheritable(descriptor, True)
found = packages.installed()
types = {one.name: [kind.entity_type for kind in one.resource_types] for one in found.descriptions}
print(json.dumps([types, found.problems, [name for name in sys.modules if name.startswith("elder_odd")], registry.get("aws").title]))
"""


def attempting(secret: pathlib.Path, port: int) -> str:
    """The code of a module that makes all attempts: `reached()` names those that reach something."""
    return ATTEMPTING.format(secret=str(secret), port=port, numbers=numbers(), canary=CANARY, attempts={**ATTEMPTS, **DOCUMENTED})


def numbers() -> dict[str, int]:
    """The numbers of this machine's system calls, as the filter has them; empty where it has none."""
    _, groups = seccomp._NUMBERS.get(platform.machine(), (0, ()))
    return {name: number for names, values in zip(seccomp._NAMES, groups, strict=False) for name, number in zip(names, values, strict=True)}


class Describing:
    """A folder of packages, and a process with secrets that has them described."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder, self.site = folder, folder / "site"

    def install(self, module: str = WELL, *, name: str = "elder-odd", providers: Mapping[str, str] | None = None, **more: str) -> str:
        """Installs a package; `more` are further files, with ``__`` for the dot. Returns a PYTHONPATH."""
        files = {"elder_odd.py": module, **{file.replace("__", "."): text for file, text in more.items()}}
        return install(self.site, providers or {"odd": "elder_odd:Odd"}, files, name=name)

    def describe(self, seconds: float = 60, *, namespaced: bool = True) -> tuple[dict[str, list[str]], dict[str, str]]:
        """Has all packages described: the types of each provider, and the problem of each other. No process is left.

        Without `namespaced`, the describing process enters no PID namespace, as where the kernel permits none.
        """
        path = os.pathsep.join((str(self.site), str(pathlib.Path(__file__).resolve().parents[2])))
        env = {"PYTHONPATH": path, "PYTHONTESTMARK": self.folder.name, "DATABASE_URL": f"postgresql://x:{CANARY}@h/x", "AWS_KEY": CANARY}
        command = [sys.executable, "-c", DESCRIBE, str(seconds), "namespaced" if namespaced else ""]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=200)
        assert done.returncode == 0, done.stderr
        until(lambda: not left(self.folder.name), "no process is left")
        types, problems, imported, title = json.loads(done.stdout.splitlines()[-1])
        assert (imported, title) == ([], "AWS")
        return types, problems


def left(mark: str) -> list[str]:
    """The processes that bear the mark of a test in their environment."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if f"PYTHONTESTMARK={mark}".encode() in (folder / "environ").read_bytes():
                found.append(folder.name)
        except OSError:
            continue
    return found
