"""Entry point of a job process, which reads one source and writes frames. It holds one job's secrets and no database credentials.

`main` is called by the supervisor's bootstrap, in a process of its own that may be killed at any instruction.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable

import msgspec
import structlog

from providers import progress, registry, runner, schema, secrecy
from providers.errors import ProviderError
from providers.provider import Source
from providers.records import MAX_TEXT
from worker.job.egress import allow_ports, forbid_metadata
from worker.job.secrets import with_secrets
from worker.job.sink import FrameSink, Ticker
from worker.logs import structured as logs
from worker.logs.redact import Redactor
from worker.logs.stdio import clean_outputs
from worker.run import wire

EXIT_COMPLETE, EXIT_FAILED, EXIT_NO_WRITER = 0, 1, 3

_log = structlog.get_logger("worker.job")


def main(start: bytes, control: int, data: int) -> int:
    """Runs the job in `start`. Everything that goes wrong becomes one FAILED frame; the exit code is 0 after COMPLETE alone."""
    redactor = Redactor()
    sink = FrameSink(data, _cleaner(redactor))
    try:
        try:
            _run(_decode(start), sink, control, redactor)
        except ProviderError as error:
            return _fail(sink, redactor, error.error_kind, str(error), error.detail)
        except MemoryError:
            return _fail(sink, redactor, "memory", "the job needs more memory than it may have: raise DISCOVERY_JOB_MEMORY_MB", "")
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001 - edge of the process: an unexpected error is reported
            sentence = f"the provider failed in a way it does not explain ({type(error).__name__})"
            return _fail(sink, redactor, "internal", sentence, traceback.format_exc())
    except BrokenPipeError:
        return EXIT_NO_WRITER  # the writer is gone: nothing can be reported
    return EXIT_COMPLETE


def _decode(start: bytes) -> wire.JobStart:
    try:
        job = msgspec.json.decode(start, type=wire.JobStart)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise ProviderError(f"the job's START frame cannot be read: {error}") from None
    if job.protocol != wire.PROTOCOL:
        raise ProviderError(f"the job's START frame speaks protocol {job.protocol}, this process speaks {wire.PROTOCOL}")
    return job


def _run(job: wire.JobStart, sink: FrameSink, control: int, redactor: Redactor) -> None:
    job = with_secrets(job, redactor)
    logs.configure(job.log_level, job.log_format, redactor=redactor, listener=sink.log)
    provider = registry.load(job.provider)
    redactor.add((*schema.secret_values(provider.config, job.config), *job.secrets))
    secrecy.add_listener(redactor.add)
    clean_outputs(redactor)
    if not provider.metadata_service:
        forbid_metadata()
    if job.ports is not None:
        allow_ports(job.ports)
    _log.debug(_describe(job, "reading"), provider=job.provider, kind=job.kind)
    before = progress.answers()
    source = registry.opened(provider, job.config, job.operator)
    try:
        with Ticker(control, lambda: sink.progress(progress.answers() - before)):
            tally = _read(job, source, sink)
    finally:
        source.close()
    sink.complete()
    if tally is not None:  # logged after COMPLETE, so that it is not kept with the run: the ledger says the same
        _log.info(_describe(job, "read"), scopes=tally.scopes, resources=tally.resources, outcomes=dict(tally.outcomes))


def _read(job: wire.JobStart, source: Source, sink: FrameSink) -> runner.Tally | None:
    if job.kind == "test":
        sink.identity(runner.test(source))
        return None
    return runner.run(source, sink, job.batch, job.attempted)


def _fail(sink: FrameSink, redactor: Redactor, error_kind: str, sentence: str, detail: str) -> int:
    clean = _cleaner(redactor)
    known = wire.FAILURE_KINDS.get(error_kind, "internal")  # a third-party provider may have its own kinds
    sink.failed(wire.Failed(error_kind=known, message=clean(sentence), detail=clean(detail)))
    return EXIT_FAILED


def _cleaner(redactor: Redactor) -> Callable[[str], str]:
    """Returns a function that redacts text, makes it valid UTF-8 without NUL, and cuts it to its last MAX_TEXT characters."""

    def clean(text: str) -> str:
        plain = text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
        return redactor.text(plain)[-MAX_TEXT:]

    return clean


def _describe(job: wire.JobStart, verb: str) -> str:
    return f"{verb} for job_id: {job.job_id}" if job.job_id is not None else f"{verb} for connector {job.provider}"
