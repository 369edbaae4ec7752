"""Write the log: text for people or one JSON object a line, bounded, with ids and without credentials.

Import this where a process begins to work, not where a command is parsed: structlog costs a tenth of a second.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, TextIO

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger

from keelway.core.errors import YourFault
from keelway.telemetry.bound import ids
from keelway.telemetry.hide import Hide

FILE_BYTES_MAX, FILES_KEPT = 10_000_000, 3
"""The log takes at most 40 MB: the file that grows and three older ones."""

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
FORMATS = ("text", "json")

_CHATTY = {
    "alembic": logging.WARNING,
    "httpx2": logging.WARNING,
    "httpcore2": logging.WARNING,
    "urllib3": logging.WARNING,
}
"""Libraries that tell every little thing, whatever level was asked for."""

_DBOS_NOISE = ("applicationID", "applicationVersion", "executorID", "traceId")
_NAME = "keelway-log"
_FIRST = ("at", "level", "logger", "message", "task", "run", "stage", "attempt")


@dataclass(frozen=True)
class LogTo:
    """Say where the log goes: to a file that is turned over, to a stream, or to both."""

    file: Path | None = None
    stream: TextIO | None = None


def open_log(
    level: str,
    form: str,
    to: LogTo,
    *,
    vault: Callable[[str], str] = str,
    known: Iterable[str] = (),
) -> None:
    """Send every record of this process to the log, those of the standard library included; a later call replaces it.

    Args:
        level: the least important level that is written, a key of ``LEVELS``.
        form: ``text`` or ``json``.
        to: where it goes; one process writes to one file, workers of one home take a file each.
        vault: ``ports.vault.Vault.redact``.
        known: further values that must never be written.

    Raises:
        YourFault: there is no such level or form, or the file cannot be opened.
    """
    if level not in LEVELS or form not in FORMATS:
        raise YourFault(
            "log_unknown",
            f"There is no log of the level {level!r} and the format {form!r}.",
            f"set log.level to {', '.join(LEVELS)} and log.format to {' or '.join(FORMATS)}",
        )
    formatter = _formatter(form, Hide(vault, known))
    handlers: list[logging.Handler] = []
    if to.file is not None:
        handlers.append(_file(to.file))
    if to.stream is not None:
        handlers.append(logging.StreamHandler(to.stream))
    close_log()
    root = logging.getLogger()
    for handler in handlers:
        handler.setFormatter(formatter)
        handler.set_name(_NAME)
        root.addHandler(handler)
    root.setLevel(LEVELS[level])
    for name, least in _CHATTY.items():
        logging.getLogger(name).setLevel(max(least, LEVELS[level]))
    _adopt("dbos")


def close_log() -> None:
    """Take the handlers of the log away and close their files."""
    root = logging.getLogger()
    for handler in [each for each in root.handlers if each.get_name() == _NAME]:
        root.removeHandler(handler)
        with contextlib.suppress(OSError):  # a full disk must not spoil the way out
            handler.close()


class _Turning(RotatingFileHandler):
    """Write to a file that is turned over; a disk that is full is told once and ends nothing."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            path, maxBytes=FILE_BYTES_MAX, backupCount=FILES_KEPT, encoding="utf-8", errors="replace"
        )
        self._told = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name in the standard library
        """Say once that the log cannot be written, instead of once a record."""
        del record
        if self._told:
            return
        self._told = True
        error = sys.exc_info()[1]
        sys.stderr.write(
            f"The log {self.baseFilename} cannot be written ({type(error).__name__}: {error}).\n"
        )


def _file(path: Path) -> logging.Handler:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _Turning(path)
    except OSError as error:
        raise YourFault(
            "log_unusable", f"The log {path} cannot be opened: {error}.", "free space, or set KEELWAY_HOME"
        ) from error


def _adopt(name: str) -> None:
    """Make a library that writes to the terminal by itself use the log; it adds no handler where there is one."""
    logger = logging.getLogger(name)
    logger.handlers = [logging.NullHandler()]
    logger.propagate = True


def _formatter(form: str, hide: Hide) -> logging.Formatter:
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _with_ids,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    write: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False) if form == "json" else _for_people
    )
    return ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[ProcessorFormatter.remove_processors_meta, _Tidy(hide), write],
        keep_exc_info=False,
    )


def _with_ids(_logger: WrappedLogger, _name: str, record: EventDict) -> EventDict:
    """Add the ids of this place; what the record says itself wins."""
    for name, value in ids().items():
        record.setdefault(name, value)
    return record


class _Tidy:
    """Order the fields of a record, leave noise out and hide credentials."""

    def __init__(self, hide: Hide) -> None:
        self._hide = hide

    def __call__(self, _logger: WrappedLogger, _name: str, record: EventDict) -> EventDict:
        """Return the record as it may be written."""
        fields: MutableMapping[str, Any] = {**record}
        fields["message"] = fields.pop("event", "")
        run = fields.pop("operationUUID", "")
        if run:
            fields.setdefault("run", run)
        for name in _DBOS_NOISE:
            fields.pop(name, None)
        ordered = {name: fields.pop(name) for name in _FIRST if name in fields}
        return self._hide.fields({**ordered, **fields})


_SHOWN_BESIDE = ("at", "level", "logger", "message", "exception", "stack")
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), 127, *range(0x80, 0xA0), 0x2028, 0x2029)}
_CONTROL |= {ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t"}


def _for_people(_logger: WrappedLogger, _name: str, record: EventDict) -> str:
    """Write a record as one line, a traceback below it, indented: text from outside cannot pose as a record."""
    at = str(record.get("at", ""))[:19].replace("T", " ")
    pairs = "".join(f" {name}={_one(value)}" for name, value in record.items() if name not in _SHOWN_BESIDE)
    head = f"{at}Z {record.get('level', ''):<8}{record.get('logger', '')}: {_one(record['message'])}{pairs}"
    below = "\n".join(str(record[name]) for name in ("exception", "stack") if record.get(name))
    rows = [f"    {_one(row)}" for row in below.splitlines()]
    return "\n".join([head, *rows])


def _one(value: object) -> str:
    return str(value).translate(_CONTROL)
