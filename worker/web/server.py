"""gunicorn around the health application: one worker process, a few threads, gone when its parent is."""

from __future__ import annotations

import gc
import socket
import struct
from typing import Any

import structlog
from flask import Flask
from gunicorn.app.base import BaseApplication

from supervisor import kernel
from supervisor.service import EXIT_CONFIG
from worker.config.sealed import unseal
from worker.config.settings import Settings
from worker.health.app import create_app
from worker.logs import structured as logs
from worker.web import heartbeat
from worker.web.connection import SILENCE
from worker.web.tls import Certificate

WEDGED = 4
"""Seconds after which a web worker that does nothing at all is replaced: what is served here is never slow."""

_log = structlog.get_logger("worker.web")


class Gunicorn(BaseApplication):  # type: ignore[misc]
    """Serves an application that is loaded before the worker forks, so that they share its memory."""

    def __init__(self, app: Flask, options: dict[str, Any]) -> None:
        self._app, self._options = app, options
        heartbeat.keep_in_memory()
        super().__init__()

    def load_config(self) -> None:
        """Gunicorn asks for it."""
        for name, value in self._options.items():
            if name in self.cfg.settings:  # older versions have no control socket to disable
                self.cfg.set(name, value)

    def load(self) -> Flask:
        """Gunicorn asks for it."""
        return self._app


def encrypted(certificate: Certificate, files: tuple[str, str]) -> dict[str, Any]:
    """The gunicorn settings of a service that speaks TLS with this certificate, whose files are named as well."""
    return {"certfile": files[0], "keyfile": files[1], "ssl_context": lambda _settings, _default: certificate.context()}


def options(address: str, *, threads: int, workers: int = 1, timeout: int = 30) -> dict[str, Any]:
    """The gunicorn settings of both services: log lines in our format, and workers that end with their master."""
    return {
        "bind": [address],
        "workers": workers,
        "threads": threads,
        "worker_class": "worker.web.buffering.ReceptionWorker",
        "preload_app": True,
        "timeout": timeout,
        "graceful_timeout": 5,
        "keepalive": 5,
        "limit_request_line": 8190,
        "forwarded_allow_ips": "",  # whoever calls from this machine is no proxy: no header of theirs says scheme or path
        "forwarder_headers": "",
        "logger_class": "worker.web.quiet.QuietLogger",
        "post_fork": _end_with_parent,
        "when_ready": _hurry,
        "pre_fork": _keep_shared,
        "proc_name": "elder-worker",
        "control_socket_disable": True,
    }


def _hurry(arbiter: Any) -> None:
    for listener in arbiter.LISTENERS:  # what is accepted inherits it
        for name in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            listener.sock.setsockopt(socket.SOL_SOCKET, name, struct.pack("ll", SILENCE, 0))


def _keep_shared(_arbiter: Any, _worker: Any) -> None:
    """The collector writes into what it looks at: what a worker inherits is left alone, and stays the memory of both."""
    gc.collect()
    gc.freeze()


def _end_with_parent(arbiter: Any, _worker: Any) -> None:
    kernel.die_with_parent(arbiter.pid)


def port_problem(host: str, port: int) -> str:
    """Why an address cannot be listened on, in a sentence; empty when it can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return f"{host}:{port} cannot be listened on: {error.strerror}"
    return ""


THREADS = 64
"""Made as they are needed: one is enough but for a crowd of slow ones."""


def serve(state: int, settings_fd: int) -> int:
    """Serves until a signal stops it."""
    settings = unseal(settings_fd, Settings)
    logs.configure(settings.log_level, settings.log_format)
    host, port = settings.health_check_host, settings.health_check_port
    problem = port_problem(host, port)
    if problem:
        _log.critical(f"{problem}; choose another with HEALTH_CHECK_PORT")
        return EXIT_CONFIG
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    Gunicorn(create_app(state, settings), options(address, threads=THREADS, timeout=WEDGED)).run()
    return 0
