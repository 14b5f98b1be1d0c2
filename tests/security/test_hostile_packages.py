"""Attempts of a hostile provider package: at its import, by its description, by its metadata. Case sec-2."""

from __future__ import annotations

import socket

import pytest
from hostile_package import ATTEMPTS, CANARY, CONTROLS, DOCUMENTED, WELL, Describing, attempting, numbers

from providers import third_party
from supervisor import landlock

NEEDS_TCP_RULES = ("a server that nobody gave it", "a server by a child process")
"""Attempts that only the kernel's TCP rules (Linux 6.7) refuse."""

NEEDS_SCOPES = (
    "a signal to another process", "a signal by a pidfd", "a signal to the group of another process", "an abstract socket",
)  # fmt: skip
"""Attempts that only the kernel's rules for signals and abstract sockets (Linux 6.12) refuse, signals where there is no PID namespace."""


@pytest.fixture(scope="module", params=[True, False], ids=["namespaced", "without a PID namespace"])
def at_import(tmp_path_factory, request):
    """The attempts that reach something while the package is imported, all made by one process."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "state").mkdir()
    secret = folder / "state" / "secret"
    secret.write_text(CANARY)
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX) as abstract,
        socket.socket(socket.AF_UNIX) as named,
    ):
        for listener, name in ((abstract, f"\0elder-hostile-{server.getsockname()[1]}"), (named, f"{secret}.socket")):
            listener.bind(name)
            listener.listen(4)
        describing = Describing(folder)
        types = "tuple(ResourceType(f'odd_{n}', name, (), ()) for n, name in enumerate(FOUND))"
        module = f"{attempting(secret, server.getsockname()[1])}\nFOUND = reached()\n{WELL}    def resource_types(self): return {types}\n"
        describing.install(module)
        found, problems = describing.describe(namespaced=request.param)
    assert problems == {}
    assert secret.read_text() == CANARY
    assert sorted(path.name for path in secret.parent.iterdir()) == ["secret", "secret.socket"]
    return found["odd"]


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_case_sec_2_at_its_import_a_package_reaches_nothing(at_import, attempt):
    """Neither secrets, nor files of others, nor processes, nor servers; the controls show that what is reached is told."""
    if "NUMBER[" in ATTEMPTS[attempt] and not numbers():
        pytest.skip("the numbers of system calls are known for x86-64 and arm64 alone")
    if attempt in NEEDS_TCP_RULES and landlock.abi() < landlock.PORTS:
        pytest.skip("this kernel has no TCP rules: docs/security.md says so")
    if attempt in NEEDS_SCOPES and landlock.abi() < landlock.SIGNALS:
        pytest.skip("this kernel has no rules for signals and abstract sockets: docs/security.md says so")
    assert (attempt in at_import) == (attempt in CONTROLS)


@pytest.mark.parametrize("attempt", DOCUMENTED)
def test_what_nothing_refuses_a_package_is_what_the_threat_model_says(at_import, attempt):
    """One that is refused by now is an attempt like the others, and no part of "Not covered" any more."""
    assert attempt in at_import


@pytest.fixture
def describing(tmp_path):
    return Describing(tmp_path)


FORGED = """
import os, stat, msgspec
forged = b'{"name":"NAME","title":"Forged","config":{"type":"object","properties":{}},"files":["/"],"metadata_service":true}'
for fd in range(3, 64):
    try:
        if stat.S_ISFIFO(os.fstat(fd).st_mode): os.write(fd, forged)
    except OSError: pass
os._exit(0)
"""
PATCHED = """
import msgspec
from providers import described, registry
registry.BUILT_IN["aws"] = "elder_odd:Odd"
real = described.describe
described.describe = lambda provider: msgspec.structs.replace(real(provider), name="aws", title="Forged")
"""
FORKS = """
import os, time
for _ in range(6):
    if os.fork() == 0: os.setsid()
while True: time.sleep(600)
"""
TALKS = """
import os, stat, time
pipes = [fd for fd in range(3, 64) if os.path.exists(f"/proc/self/fd/{fd}") and stat.S_ISFIFO(os.fstat(fd).st_mode)]
for _ in range(6):
    if os.fork() == 0: os.setsid()
while True:
    for fd in pipes:
        try: os.write(fd, b" ")
        except OSError: pass
    time.sleep(0.05)
"""
HOARDS = """
import os, time
for _ in range(5):
    if os.fork() == 0:
        os.setsid()
        if os.fork(): os._exit(0)
        hoard = b"x" * (200 << 20)
        time.sleep(600)
time.sleep(600)
"""
CHILD = """
import subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
"""
DEAF = """
import signal, time
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGABRT): signal.signal(number, signal.SIG_IGN)
time.sleep(600)
"""
CLOSES = "import os\nos.closerange(3, 256)\nimport time; time.sleep(600)"

REFUSED = {
    "a forged description of another provider": (FORGED.replace("NAME", "aws"), "it calls itself 'aws'"),
    "patched modules of the worker": (PATCHED + WELL, "it calls itself 'aws'"),
    "an exit with 0 and nothing said": ("import os; os._exit(0)", "its description cannot be read"),
    "an exit in the middle of a word": ("import os, atexit\nos.write(4, b'{'); os._exit(0)", "cannot be"),
    "64 processes in sessions of their own": (FORKS, "more than 32 processes"),
    "64 processes that talk all the time": (TALKS, "more than 32 processes"),
    "1 GB of memory in orphans of 200 MB": (HOARDS, "MB, over their cap of 512 MB"),
    "deafness to signals": (DEAF, "is not done after 5 s"),
    "closed pipes": (CLOSES, "its description cannot be read"),
    "1 GB of memory": ("hoard = bytearray(1 << 30)", "MemoryError"),
    "a name of another": (WELL.replace('"odd", "Odd"', '"okta", "Odd"'), "it calls itself 'okta'"),
    "a gigabyte of title": (WELL.replace('"Odd", Config', '"x" * (1 << 28), Config'), "cannot be used"),
}


@pytest.mark.parametrize(("module", "problem"), REFUSED.values(), ids=REFUSED)
def test_case_sec_2_what_a_package_does_at_its_import_disables_itself_alone(describing, module, problem):
    """The package beside it is described, the process that asked has its own modules, and no process is left."""
    describing.install(module)
    describing.install(
        providers={"even": "elder_even:Odd"}, name="elder-even", elder_even__py=WELL.replace('"odd"', '"even"'), module=module
    )
    found, problems = describing.describe(5 if "is not done" in problem else 60)
    assert "odd" not in found
    assert problem in problems["odd"]
    assert len(problems["odd"]) < 1300
    if "is not done" not in problem:
        assert found == {"even": []}


HARMLESS = {
    "a thread left behind": "import threading, time\nthreading.Thread(target=time.sleep, args=[600]).start()\n",
    "a hook at exit": "import atexit, time\natexit.register(time.sleep, 600)\n",
    "a process left behind": CHILD,
    "words on its outputs": "import os\nos.write(1, b'x' * 50_000); os.write(2, b'x' * 50_000)\n",
    "a description of its own by hand": FORGED.replace("NAME", "odd"),
}


@pytest.mark.parametrize("module", HARMLESS.values(), ids=HARMLESS)
def test_case_sec_2_what_a_package_leaves_behind_ends_with_its_process(describing, module):
    describing.install(module + WELL)
    assert describing.describe() == ({"odd": []}, {})


# --- metadata


def points(describing, text: bytes, name: str = "elder_bad") -> None:
    folder = describing.site / f"{name}-1.0.dist-info"
    folder.mkdir(parents=True)
    (folder / "entry_points.txt").write_bytes(text)


GROUP = b"[elder_worker.providers]\n"
METADATA = {
    "no equals sign": (GROUP + b"nonsense\n", "elder_bad-1.0", "its entry points cannot be read"),
    "no text": (GROUP + b"\xff\xfe\x00 = a:B\n", "elder_bad-1.0", "its entry points cannot be read"),
    "a megabyte": (GROUP + b"x = a:B\n" * 200_000, "elder_bad-1.0", "more than 65,536 bytes"),
    "a name with a way out": (GROUP + b"../../x = a:B\n", "../../x", "its name has not"),
    "a built-in provider's name": (GROUP + b"aws = elder_odd:Odd\n", "elder_bad-1.0:aws", "the built-in one is used"),
    "another package's name": (GROUP + b"odd = elder_bad:Bad\n", "odd", "two packages name a provider so"),
}


@pytest.mark.parametrize(("text", "name", "problem"), METADATA.values(), ids=METADATA)
def test_case_sec_2_metadata_that_mislead_stop_nobody(describing, text, name, problem):
    """No process fails with them, no name is taken from a built-in provider, and of a name that two packages claim neither is used."""
    describing.install()
    points(describing, text)
    found, problems = describing.describe()
    assert problem in problems[name]
    assert found == ({} if name == "odd" else {"odd": []})


@pytest.mark.parametrize("file", ["odd__pth", "sitecustomize__py", "usercustomize__py"])
def test_case_sec_2_a_package_that_brings_code_for_every_process_is_refused(describing, file):
    """That code has run by then: the sentence names it, so that a person removes the package."""
    describing.install(**{file: "\n"})
    found, problems = describing.describe()
    assert (found, "is run by every Python process of this environment" in problems["odd"]) == ({}, True)


def test_case_sec_2_a_thousand_providers_are_not_a_thousand_processes(describing, monkeypatch):
    points(describing, GROUP + b"".join(b"a%d = a:B\n" % number for number in range(1000)))
    monkeypatch.syspath_prepend(str(describing.site))
    found = third_party.installed({})
    assert len(found.points) == third_party.MOST_PROVIDERS
    assert "packages name more than 20 providers" in found.problems["a999"]
