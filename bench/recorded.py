"""An AWS that answers after a set time: what moto said once is said again, however many ask at once.

``python -m bench.recorded UPSTREAM`` prints its port. ``PUT /-/delay/MS`` sets the time and forgets the count, ``GET /-/calls`` tells it.
``PUT /-/volumes/N`` puts N volumes into every region, in pages of 1,000.
"""

from __future__ import annotations

import http.server
import re
import sys
import threading
import time
from typing import ClassVar

import urllib3

VOLUME = (
    "<item><volumeId>vol-{0:017x}</volumeId><size>8</size><snapshotId/><availabilityZone>us-east-1a</availabilityZone><status>in-use</status>"
    "<createTime>2026-01-01T00:00:00.000Z</createTime><attachmentSet><item><volumeId>vol-{0:017x}</volumeId><instanceId>i-{0:017x}</instanceId>"
    "<device>/dev/sda1</device><status>attached</status></item></attachmentSet><volumeType>gp3</volumeType><iops>3000</iops>"
    "<encrypted>true</encrypted><tagSet><item><key>Name</key><value>volume {0}</value></item></tagSet></item>"
)

SIGNED_FOR = re.compile(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/")


class Recorded(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    upstream = ""
    delay = 0.0
    calls = volumes = 0
    answers: ClassVar[dict[tuple[str, ...], tuple[int, dict[str, str], bytes]]] = {}
    lock = threading.Lock()
    pool = urllib3.PoolManager(retries=False)

    def do(self) -> None:
        """Answers, late."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/-/"):
            self._send(200, {}, self._own())
            return
        began = time.monotonic()
        signed = SIGNED_FOR.search(self.headers.get("Authorization", ""))
        key = (self.command, self.path, self.headers.get("X-Amz-Target", ""), body.decode("latin-1"), *(signed.groups() if signed else ()))
        with self.lock:
            Recorded.calls += 1
            found = self._volumes(key[3]) if self.volumes and "Action=DescribeVolumes" in key[3] else None
            found = found or self.answers.get(key) or self.answers.setdefault(key, self._ask(body))
        time.sleep(max(0.0, self.delay - (time.monotonic() - began)))
        self._send(*found)

    do_GET = do_POST = do_PUT = do_HEAD = do

    def _own(self) -> bytes:
        if "/delay/" in self.path:
            Recorded.delay, Recorded.calls = float(self.path.rpartition("/")[2]) / 1000, 0
        elif "/volumes/" in self.path:
            Recorded.volumes = int(self.path.rpartition("/")[2])
        return str(Recorded.calls).encode()

    def _volumes(self, body: str) -> tuple[int, dict[str, str], bytes]:
        token = re.search(r"NextToken=(\d+)", body)
        first = int(token[1]) if token else 0
        last = min(first + 1000, self.volumes)
        items = "".join(VOLUME.format(number) for number in range(first, last))
        more = f"<nextToken>{last}</nextToken>" if last < self.volumes else ""
        text = f'<DescribeVolumesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><volumeSet>{items}</volumeSet>{more}</DescribeVolumesResponse>'
        return 200, {"Content-Type": "text/xml"}, text.encode()

    def _ask(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        answer = self.pool.request(self.command, self.upstream + self.path, body=body, headers=headers, decode_content=False)
        kept = {name: value for name, value in answer.headers.items() if name.lower() in ("content-type", "x-amzn-errortype")}
        return answer.status, kept, answer.data

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


class Server(http.server.ThreadingHTTPServer):
    """Many at once."""

    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    Recorded.upstream = sys.argv[1]
    server = Server(("127.0.0.1", 0), Recorded)
    print(server.server_port, flush=True)
    server.serve_forever()
