"""What the kernel refuses a job below Python: ports by Landlock, system calls by seccomp. Case sec-9."""

from __future__ import annotations

import errno
import json
import pathlib
import re
import subprocess
import sys

import pytest
from peers.absent import missing

from supervisor import landlock, seccomp

ROOT = pathlib.Path(__file__).resolve().parents[2]

HEADERS = {"x86_64": "/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "aarch64": "/usr/include/asm-generic/unistd.h"}


@pytest.mark.parametrize("machine", HEADERS)
def test_the_numbers_are_those_of_the_kernels_headers(machine):
    header = pathlib.Path(HEADERS[machine])
    if not header.exists():
        missing("the kernel's headers (linux-libc-dev) are not here")
    known = dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", header.read_text()))
    for names, numbers in zip(seccomp._NAMES, seccomp._NUMBERS[machine][1], strict=True):
        for name, number in zip(names, numbers, strict=True):
            assert known[name] == str(number), name


@pytest.mark.parametrize("machine", HEADERS)
def test_every_jump_of_the_filter_ends_inside_it(machine):
    code = seccomp.program(machine)
    steps = [code[at : at + 8] for at in range(0, len(code), 8)]
    assert len(steps) < 4096, "the kernel's limit"
    assert all(at + 1 + max(step[2], step[3]) < len(steps) for at, step in enumerate(steps[:-1]))
    assert steps[-1] == b"\x06\0\0\0" + (0x7FFF0000).to_bytes(4, "little")


CALLS = """
import ctypes, json, os, resource, subprocess, sys, threading
sys.path.insert(0, sys.argv[1])
from supervisor import kernel, seccomp
libc = ctypes.CDLL(None, use_errno=True)
def checked(value):
    if value < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
def made(name, *arguments):
    checked(libc.syscall(numbers[name], *arguments))
architecture, groups = seccomp._NUMBERS[os.uname().machine]
numbers = {name: number for names, values in zip(seccomp._NAMES, groups) for name, number in zip(names, values)}
limits = (ctypes.c_uint64 * 2)(*resource.getrlimit(resource.RLIMIT_NOFILE))
attributes = (ctypes.c_uint32 * 12)(48)
DEEDS = {
    "prlimit64": lambda pid: made("prlimit64", pid, resource.RLIMIT_NOFILE, limits, None),
    "sched_setaffinity": lambda pid: os.sched_setaffinity(pid, os.sched_getaffinity(0)),
    "sched_setattr": lambda pid: made("sched_setattr", pid, attributes, 0),
    "sched_setparam": lambda pid: os.sched_setparam(pid, os.sched_getparam(0)),
    "sched_setscheduler": lambda pid: os.sched_setscheduler(pid, os.SCHED_OTHER, os.sched_param(0)),
    "setpriority": lambda pid: os.setpriority(os.PRIO_PROCESS, pid, 5),
    "setpriority of a group": lambda pid: os.setpriority(os.PRIO_PGRP, pid, 5),
    "ioprio_set": lambda pid: made("ioprio_set", 1, pid, 2 << 13 | 7),
    "ioprio_set of a group": lambda pid: made("ioprio_set", 2, pid, 2 << 13 | 7),
}
other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True)
def attempted(pid):
    found = {}
    for name, deed in DEEDS.items():
        try:
            deed(pid)
            found[name] = 0
        except OSError as error:
            found[name] = error.errno
    return found
answers = [attempted(other.pid)]
kernel.forbid_new_privileges()
assert seccomp.restrict()
answers += [attempted(other.pid), attempted(0)]
other.communicate()
print(json.dumps(answers))
"""
"""A process that changes another one, before and after the filter is in force, and itself afterwards: the errors, 0 for none."""


def test_a_process_changes_the_limits_and_the_scheduling_of_itself_alone():
    """Or a job could end the writer by a limit of CPU time, where it has no PID namespace."""
    done = subprocess.run([sys.executable, "-c", CALLS, str(ROOT)], capture_output=True, text=True, check=True, timeout=60)
    before, of_another, of_itself = json.loads(done.stdout)
    assert set(before.values()) == {0}, "the control"
    assert set(of_another.values()) == {errno.EPERM}
    assert {name for name, error in of_itself.items() if error} == {"setpriority of a group", "ioprio_set of a group"}


METADATA = """
import ctypes, errno, fcntl, json, socket, struct, subprocess, sys, threading
sys.path.insert(0, sys.argv[1])
from supervisor import kernel, landlock, seccomp

def ioctl(code, name, data):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, code, struct.pack("16s16s", name.encode(), data))

ioctl(0x8914, "lo", struct.pack("H14x", 0x41))
for number, address in enumerate(("169.254.169.254", "169.254.170.2", "100.100.100.200", "10.9.8.7"), 1):
    ioctl(0x8916, f"lo:{number}", struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(address)))
subprocess.run(["ip", "address", "add", "fd00:ec2::254/128", "dev", "lo", "nodad"], check=True)  # else it cannot be bound to at once

received = []
def serve(family, address, port):
    server = socket.socket(family)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((address, port)); server.listen(64)
    def accept():
        while True:
            connection, _ = server.accept()
            received.append(address)
            connection.close()
    threading.Thread(target=accept, daemon=True).start()
TARGETS = [(socket.AF_INET, "169.254.169.254"), (socket.AF_INET, "169.254.170.2"), (socket.AF_INET, "100.100.100.200"),
           (socket.AF_INET6, "fd00:ec2::254")]
LISTENERS = [(address, 80) for _, address in TARGETS] + [("10.9.8.7", 443)]
for family, address in TARGETS:
    serve(family, address, 80)
serve(socket.AF_INET, "10.9.8.7", 443)

def heard(before):
    "Who was connected to since then: each listener has taken all earlier connections once it has ended one of ours."
    for address, port in LISTENERS:
        with socket.create_connection((address, port), 30) as fence:
            assert fence.recv(1) == b""
    found = received[before:]
    for address, _ in LISTENERS:
        found.remove(address)
    return found

JOB = '''
import ctypes, json, os, socket, struct, subprocess, sys
sys.path.insert(0, sys.argv[1])
from supervisor import kernel, landlock, seccomp
libc = ctypes.CDLL(None, use_errno=True)
results = {}
def attempt(name, function):
    try:
        function()
        results[name] = ""
    except OSError as error:
        results[name] = error.strerror
def checked(value):
    if value < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return value
def by_ctypes(address, family=2):
    fd = checked(libc.socket(family, 1, 0))
    packed = struct.pack("!H", 80) + socket.inet_pton(family, address) if family == 2 else struct.pack("!HI", 80, 0) + socket.inet_pton(family, address)
    name = struct.pack("=H", family) + packed + bytes(8)
    checked(libc.connect(fd, name, len(name) - (8 if family != 2 else 0)))
def by_child(address):
    code = "import socket,sys; socket.create_connection((sys.argv[1], 80), 5)"
    done = subprocess.run([sys.executable, "-c", code, address], capture_output=True, text=True)
    if done.returncode:
        raise OSError(0, done.stderr.strip().splitlines()[-1].partition("] ")[2])
def fast_open(address):
    fd = checked(libc.socket(2, 1, 0))
    name = struct.pack("=H", 2) + struct.pack("!H", 80) + socket.inet_aton(address) + bytes(8)
    checked(libc.sendto(fd, b"GET /", 5, 0x20000000, name, 16))
def everything(prefix):
    for address in ("169.254.169.254", "169.254.170.2", "100.100.100.200"):
        attempt(f"{prefix} python {address}", lambda: socket.create_connection((address, 80), 5).close())
        attempt(f"{prefix} ctypes {address}", lambda: by_ctypes(address))
        attempt(f"{prefix} child {address}", lambda: by_child(address))
    attempt(f"{prefix} ctypes fd00:ec2::254", lambda: by_ctypes("fd00:ec2::254", 10))
    attempt(f"{prefix} mapped", lambda: socket.create_connection(("::ffff:169.254.169.254", 80), 5).close())
    attempt(f"{prefix} fast open", lambda: fast_open("169.254.169.254"))
    attempt(f"{prefix} mptcp", lambda: socket.socket(2, 1, 262).connect(("169.254.169.254", 80)))
    attempt(f"{prefix} raw", lambda: socket.socket(2, 3, 6))
    attempt(f"{prefix} packet", lambda: socket.socket(17, 3, 0))
    attempt(f"{prefix} netlink", lambda: socket.socket(16, 3, 0))
    attempt(f"{prefix} uring", lambda: checked(libc.syscall(425, 1, ctypes.create_string_buffer(256))))
    attempt(f"{prefix} listen", lambda: socket.create_server(("127.0.0.1", 0)).close())
    attempt(f"{prefix} source", lambda: socket.create_connection(("10.9.8.7", 443), 5).close())
    attempt(f"{prefix} namespace", lambda: checked(libc.unshare(0x40000000)))
if sys.argv[2] == "open":
    everything("open")
else:
    kernel.forbid_new_privileges()
    landlock.confine((), (), files=False, ports=(443, 53))
    seccomp.restrict()
    everything("confined")
print(json.dumps(results))
'''
answers = {}
for mode in ("open", "confined"):
    before = len(received)
    done = subprocess.run([sys.executable, "-c", JOB, sys.argv[1], mode], capture_output=True, text=True)
    answers[mode] = [json.loads(done.stdout.splitlines()[-1]) if done.stdout else done.stderr, heard(before)]
print(json.dumps(answers))
"""
"""Run in a network of its own, in which the metadata services are listeners of ours: what a process reaches before and after."""


def test_case_sec_9_a_job_reaches_no_metadata_service_by_any_way(tmp_path):
    """By Python, ctypes, a child process, IPv6, a mapped address, fast open, MPTCP, raw and packet sockets; its own source it reaches."""
    if landlock.abi() < landlock.PORTS:
        missing("this kernel's Landlock has no rules for ports (Linux 6.7)")
    script = tmp_path / "script.py"
    script.write_text(METADATA)
    command = ["unshare", "--user", "--map-root-user", "--net", sys.executable, str(script), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if "unshare failed" in done.stderr:
        missing("a network namespace of our own is not to be had here")
    assert done.returncode == 0, done.stderr[-2000:]
    answers = json.loads(done.stdout.splitlines()[-1])

    reached, received = answers["open"]
    assert {name for name, refusal in reached.items() if not refusal} >= {
        name for name in reached if "uring" not in name and "mptcp" not in name
    }
    assert {"169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254", "10.9.8.7"} == set(received), "the control"

    reached, received = answers["confined"]
    assert [name for name, refusal in reached.items() if not refusal] == ["confined source"], reached
    assert received == ["10.9.8.7"]
