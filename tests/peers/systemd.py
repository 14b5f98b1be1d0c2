"""systemd itself, as the first process of namespaces of its own: units are started by what starts them on a server.

Its files are the machine's own below a layer that is thrown away, its control groups are below one that is removed; the network is the machine's.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import signal
import subprocess
import uuid

import pytest
from peers import mortal
from peers.absent import missing
from waiting import until

CGROUPS = pathlib.Path("/sys/fs/cgroup")
SYSTEMD = "/lib/systemd/systemd"
BOOT = r"""set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
if [ -e sys/fs/cgroup/cgroup.controllers ]; then
    mount -t cgroup2 cgroup2 sys/fs/cgroup
else
    mount -t tmpfs tmpfs sys/fs/cgroup
    for name in $2; do
        mkdir "sys/fs/cgroup/$name"
        case $name in
            unified) mount -t cgroup2 cgroup2 sys/fs/cgroup/unified ;;
            systemd) mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd ;;
            *) mount -t cgroup -o "$name" cgroup "sys/fs/cgroup/$name" ;;
        esac
    done
fi
mount -t tmpfs tmpfs run
shift 2
for pair; do
    mkdir -p ".${pair#*:}"
    mount --bind "${pair%%:*}" ".${pair#*:}"
done
mount -t tmpfs tmpfs tmp
printf '[Unit]\nDefaultDependencies=no\n' >etc/systemd/system/quiet.target
mkdir old
pivot_root . old
umount -l old
mount --make-rshared /
exec env -i container=elder PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --unit=quiet.target --log-target=console
"""
"""usage: FOLDER NAMES [SOURCE:TARGET ...]. NAMES are the hierarchies of control groups of version 1; each SOURCE appears at its TARGET."""


class Machine:
    """A machine on which systemd runs, and of all the units that are installed none but those that are started."""

    def __init__(self, folder: pathlib.Path, mounts: dict[pathlib.Path, str]) -> None:
        name = f"elder-test-{uuid.uuid4().hex[:12]}"
        unified = (CGROUPS / "cgroup.controllers").exists()
        hierarchies = [CGROUPS] if unified else [path for path in sorted(CGROUPS.iterdir()) if (path / "cgroup.procs").exists()]
        self._groups = [path / name for path in hierarchies]
        self.log = folder / "systemd.log"
        root = folder / "root"
        root.mkdir()
        for group in self._groups:
            group.mkdir()
        if (inherited := CGROUPS / "cpuset" / name).exists():
            for file in ("cpuset.cpus", "cpuset.mems"):
                (inherited / file).write_text((inherited.parent / file).read_text())
        joined = "".join(f"echo $$ >{group}/cgroup.procs; " for group in self._groups)
        command = f'{joined} exec unshare --mount --pid --fork --cgroup --uts --ipc --kill-child sh -c "$0" sh "$@"'
        pairs = [f"{source}:{target}" for source, target in mounts.items()]
        names = " ".join(path.name for path in hierarchies)
        with self.log.open("wb") as log:
            started = ["sh", "-ec", command, BOOT, str(root), names, *pairs]
            self._process = mortal.start(started, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self._init = until(self._child, self.log.read_text)
            until(lambda: self.run("systemctl", "is-system-running").stdout.strip() in ("running", "degraded"), self.log.read_text)
        except BaseException:
            self.close()
            raise

    def run(self, *command: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """A command of root's on that machine."""
        inside = ["nsenter", f"--target={self._init}", "--mount", "--pid", "--cgroup", "--uts", "--ipc", "--root", "--wd", *command]
        known = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
        return subprocess.run(inside, input=given, env=known, capture_output=True, text=True, timeout=300)

    def close(self) -> None:
        """Kills the first process, and with it every other; returns when none is left, and no control group."""
        self._process.poll()
        if getattr(self, "_init", 0):
            os.kill(self._init, signal.SIGKILL)
        else:
            self._process.kill()
        self._process.wait(60)
        for group in self._groups:
            until(lambda group=group: self._removed(group), f"{group} is in use")

    @staticmethod
    def _removed(group: pathlib.Path) -> bool:
        for path in [*sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True), group]:
            try:
                path.rmdir()
            except OSError:
                return False
        return True

    def _child(self) -> int:
        """The process that unshare has forked, once it is systemd."""
        assert self._process.poll() is None, self.log.read_text()
        with open(f"/proc/{self._process.pid}/task/{self._process.pid}/children") as children:
            found = children.read().split()
        return int(found[0]) if found and os.path.realpath(f"/proc/{found[0]}/exe") == os.path.realpath(SYSTEMD) else 0


def tools_needed() -> None:
    """Skips the test where systemd is not installed."""
    if not shutil.which("systemd-analyze") or not os.path.exists(SYSTEMD):
        missing("systemd is not installed")


def needed() -> None:
    """Skips the test where systemd cannot be started."""
    tools_needed()
    if os.geteuid() != 0:
        pytest.skip("systemd is started as root")
    home = CGROUPS if (CGROUPS / "cgroup.controllers").exists() else CGROUPS / "systemd"
    if not os.access(home / "cgroup.procs", os.W_OK):
        pytest.skip("this machine lets nobody make control groups, without which systemd does not start")
