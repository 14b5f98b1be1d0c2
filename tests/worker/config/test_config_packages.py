"""Third parties' packages are described by a process of their own: what it may say, and what becomes of one that misbehaves."""

from __future__ import annotations

import json
import subprocess
import sys

import msgspec
import pytest
from hostile_package import WELL, left
from third_party import install
from waiting import until

from providers import registry
from providers.errors import ConfigError
from providers.provider import Description
from providers.variables import Variable
from worker.config import package_files
from worker.config.environment import SettingsError
from worker.config.foreign import Packages
from worker.config.settings import load

# --- variables


def library(*variables: str, name: str = "library") -> Description:
    own = tuple(Variable(name=one, field=f"f{place}") for place, one in enumerate(variables))
    return Description(
        name=name,
        title="L",
        operator=own,
        package="hash",
        config={"type": "object", "properties": {"key": {"type": "string", "secret": True}}},
    )


@pytest.mark.parametrize(
    "found",
    [
        library("DATABASE_URL"),
        library("AWS_SECRET_ACCESS_KEY"),
        library("ELDER_SECRET_KEYS"),
        library("LDAP_BIND_PASSWORD"),
        library("SECRET_KEYS", name="elder"),
        library("DATABASE_URL", name="database"),
        library("AWS_SECRET_ACCESS_KEY", name="aws_secret"),
        library("AWS_SECRET_ACCESS_KEY", name="aws-secret"),
        library("GOOGLE_WORKSPACE_CREDENTIALS_FILE", name="google"),
        library("GOOGLE_APPLICATION_CREDENTIALS", name="google"),
        library("LD_PRELOAD", name="ld"),
    ],
    ids=lambda found: f"{found.name} {found.operator[0].name}",
)
def test_case_sec_2_a_package_reads_nobody_elses_variable(found):
    """Its value would be handed to the package's job as a setting of its own."""
    variable = found.operator[0].name
    settings = load({variable: "canary" if variable.isupper() else ""} if variable.startswith("LIBRARY") else {}, Packages((found,)))
    assert found.name not in settings.sources
    assert any(f"provider '{found.name}' cannot be used" in warning for warning in settings.warnings)
    with pytest.raises(SettingsError, match="ENABLED is set, and provider"):
        load({f"{found.prefix}ENABLED": "true"}, Packages((found,)))


def test_a_package_reads_its_own_variables():
    settings = load({"LIBRARY_HOST": "x"}, Packages((library("LIBRARY_HOST"),)))
    assert settings.sources["library"].operator == {"f0": "x"}


# --- processes


@pytest.fixture
def describing(tmp_path):
    """What becomes of a package with that module: (descriptions' titles, problems, processes of the marker that are left)."""

    def describe_all(module: str, *, providers=None, more=None, environ=None, seconds=60) -> dict:
        files = {"elder_odd.py": module, **(more or {})}
        path = install(tmp_path / "site", providers or {"odd": "elder_odd:Odd"}, files, name="elder-odd")
        code = (
            "import json, sys\nfrom worker.config import packages\npackages.SECONDS = float(sys.argv[1])\nfound = packages.installed()\n"
            "print(json.dumps([[one.title for one in found.descriptions], found.problems, 'elder_odd' in sys.modules]))"
        )
        env = {"PYTHONPATH": path, "PYTHONTESTMARK": tmp_path.name, "DATABASE_URL": "postgresql://canary", **(environ or {})}
        done = subprocess.run([sys.executable, "-c", code, str(seconds)], env=env, capture_output=True, text=True, check=False, timeout=100)
        assert done.returncode == 0, done.stderr
        until(lambda: not left(tmp_path.name), "no process is left")
        titles, problems, imported = json.loads(done.stdout.splitlines()[-1])
        assert not imported
        return {"titles": titles, "problems": problems}

    return describe_all


def test_a_package_is_described(describing):
    assert describing("print('hello', flush=True)\n" + WELL) == {"titles": ["Odd"], "problems": {}}


def test_case_eng_4_where_nothing_can_be_written_a_package_is_not_described_and_the_worker_starts(describing, tmp_path):
    """A full disk at the start: the package's jobs wait for the next start, all others for room."""
    full = "import tempfile\ntempfile._candidate_tempdir_list = lambda: ['/proc']\n"
    path = install(tmp_path / "full", {}, {"sitecustomize.py": full}, name="full-disk").partition(":")[0]
    found = describing(WELL, environ={"PYTHONPATH": f"{path}:{tmp_path / 'site'}"})
    assert found["titles"] == []
    assert "provider 'odd' cannot be described: [Errno 2] No usable temporary directory found" in found["problems"]["odd"]


FLOOD = """
import os, stat, threading
def flood(fd):
    while True: os.write(fd, b"x" * 65536)
for fd in range(3, 30):
    try:
        if stat.S_ISFIFO(os.fstat(fd).st_mode): threading.Thread(target=flood, args=[fd]).start()
    except OSError: pass
"""
LEAVE = """
import subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
raise OSError("gone")
"""

MISDEEDS = {
    "does not import": ("import nothing_of_that_name", "cannot be loaded (ModuleNotFoundError"),
    "raises": ("raise SystemError('no')", "cannot be loaded (SystemError: no)"),
    "exits": ("import sys; sys.exit(3)", "cannot be used (SystemExit: 3)"),
    "dies": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "cannot be used"),
    "hangs": ("import time; time.sleep(600)", "is not done after 3 s"),
    "stops itself": ("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)", "is not done after 3 s"),
    "has another name": (WELL.replace('"odd", "Odd"', '"aws", "Odd"'), "it calls itself 'aws'"),
    "is not a provider": ("class Odd: pass", "cannot be used (AttributeError"),
    "floods stdout": ("import os\nwhile True: os.write(1, b'x' * 65536)", "is not done after 3 s"),
    "floods its pipes": (FLOOD, "cannot be"),
    "leaves a process": (LEAVE, "cannot be loaded (OSError: gone)"),
    "takes the memory": ("hoard = b'x' * (2 << 30)", "cannot be"),
}


@pytest.mark.parametrize(("module", "problem"), MISDEEDS.values(), ids=MISDEEDS)
def test_case_sec_2_a_package_that_misbehaves_at_its_import_harms_itself_alone(describing, module, problem):
    """It is named with its reason, the process that asked goes on, and nothing of it is left."""
    found = describing(module, seconds=3 if "is not done" in problem else 60)
    assert found["titles"] == []
    assert problem in found["problems"]["odd"]


def test_case_sec_2_at_its_import_a_package_has_no_secret_no_network_and_no_file_of_ours(describing, tmp_path):
    """What it reaches is in its title; the control is the file that it may read."""
    secret = tmp_path / "secret"
    secret.write_text("canary")
    tries = f"""
import os, socket, sys
found = []
def attempt(name, function):
    try:
        function(); found.append(name)
    except BaseException: pass
attempt("environment", lambda: os.environ["DATABASE_URL"])
attempt("parent's environment", lambda: open(f"/proc/{{os.getppid()}}/environ").read())
attempt("file", lambda: open({str(secret)!r}).read())
attempt("write", lambda: open({str(tmp_path / "written")!r}, "w"))
attempt("its own module", lambda: open(__file__, "a"))
attempt("network", lambda: socket.create_connection(("127.0.0.1", 9), 1))
attempt("raw", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
attempt("driver", lambda: __import__("psycopg"))
attempt("control", lambda: open("/etc/passwd").read())
""" + WELL.replace('"Odd", Config', '" ".join(["Odd", *found]), Config')

    assert describing(tries) == {"titles": ["Odd control"], "problems": {}}
    assert not (tmp_path / "written").exists()


@pytest.mark.parametrize("file", ["odd.pth", "sitecustomize.py", "usercustomize.py"])
def test_case_sec_2_a_package_whose_code_would_run_everywhere_is_named(describing, file):
    assert "is run by every Python process" in describing(WELL, more={file: "\n"})["problems"]["odd"]


def test_case_sec_2_a_package_takes_no_built_in_providers_name(describing):
    found = describing(WELL, providers={"aws": "elder_odd:Odd", "odd": "elder_odd:Odd"})
    assert found["titles"] == ["Odd"]
    assert ["the built-in one is used" in problem for problem in found["problems"].values()] == [True]


def test_a_package_that_has_changed_is_noticed(tmp_path, monkeypatch):
    path = install(tmp_path / "site", {"odd": "elder_odd:Odd"}, {"elder_odd.py": WELL}, name="elder-odd")
    monkeypatch.syspath_prepend(path.partition(":")[0])
    registry.installed.cache_clear()
    try:
        point = registry.installed().points["odd"]
        found = msgspec.structs.replace(library(name="odd"), package=package_files.package_hash(point))
        package_files.check_unchanged(found)
        package_files.check_unchanged(found)
        (tmp_path / "site" / "elder_odd.py").write_text(WELL + "# 2\n")
        with pytest.raises(ConfigError, match="has changed since this worker started"):
            package_files.check_unchanged(found)
    finally:
        registry.installed.cache_clear()
