"""Logs: one line per event on standard error, for people or as JSON, with a last net under what must not be there.

Nothing personal should reach a log call in the first place: domain values mask themselves, URLs with keys are not
logged. `redact` catches what slips through all the same, and exceptions are told by type and place, never by their
words, because those may quote a customer.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from pathlib import PurePath
from traceback import extract_tb
from typing import Any

import structlog
from structlog.typing import ExcInfo, Processor

from entrypoints.settings import LogFormat

MASK = "***"

_NAMES = frozenset(
    (
        "address",
        "api_key",
        "authorization",
        "barcode",
        "body",
        "client_secret",
        "cnpj",
        "content",
        "cookie",
        "cpf",
        "cpf_cnpj",
        "customer",
        "description",
        "digitable_line",
        "document",
        "email",
        "key",
        "mobile",
        "name",
        "password",
        "payload",
        "phone",
        "pix",
        "pix_code",
        "raw",
        "secret",
        "tax_id",
        "text",
        "token",
        "url",
        "webhook_key",
    )
)
_NAME_ENDINGS = ("_key", "_name", "_password", "_phone", "_secret", "_text", "_token", "_url")
_PLAIN = frozenset({"chat_id", "installation_id", "level", "logger", "request_id", "timestamp"})
"""values that are ours and hold no personal data, however long their digits run"""

_SHAPES = re.compile(
    r"""
      \bbearer\s+[^\s,;\"']+
    | [\w.+-]+@[\w-]+(?:\.[\w-]+)+                                     # e-mail
    | \b[0-9a-z]{2}\.[0-9a-z]{3}\.[0-9a-z]{3}/[0-9a-z]{4}-[0-9]{2}\b   # CNPJ, with letters too
    | (?<![0-9])[0-9]{3}[. ]?[0-9]{3}[. ]?[0-9]{3}[- ]?[0-9]{2}(?![0-9])  # CPF
    | (?<![0-9])(?:\+?55\s?)?\(?[0-9]{2}\)?\s?9?[0-9]{4}-?[0-9]{4}(?![0-9])  # phone
    | [0-9]{9,}
    | (?=[a-z_-]*[0-9])[0-9a-z_-]{32,}                                 # key or token
    """,
    re.IGNORECASE | re.VERBOSE,
)
_LONGEST_PLAIN_NUMBER = 10**8


def configure_logging(log_format: LogFormat, *, level: int = logging.INFO) -> None:
    """Sends everything that is logged in this process, by libraries too, through one chain."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        tell_exception,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False, default=repr)
        if log_format is LogFormat.JSON
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    _tame_libraries()


def _tame_libraries() -> None:
    """Access lines hold webhook keys, and clients' request lines hold documents in their query strings."""
    logging.getLogger("uvicorn.access").disabled = True
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers = []
    logging.getLogger("uvicorn").propagate = True
    for name in (
        "uvicorn.error",
        "procrastinate",
        "psycopg",
        "httpx",
        "httpcore",
        "aiohttp",
        "sqlalchemy",
        "aiosqlite",
        "alembic",
        "asyncio",
    ):
        logging.getLogger(name).setLevel(logging.WARNING)


def tell_exception(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replaces `exc_info` by the exception's type and the lines that led to it."""
    error = _exception(event.pop("exc_info", None))
    if error is not None:
        frames = extract_tb(error.__traceback__)
        event["error"] = type(error).__name__
        event["trace"] = " > ".join(f"{PurePath(frame.filename).name}:{frame.lineno}" for frame in frames)
    return event


def _exception(exc_info: bool | BaseException | ExcInfo | None) -> BaseException | None:
    match exc_info:
        case BaseException():
            return exc_info
        case (_, BaseException() as error, _):
            return error
        case True:
            return sys.exception()
        case _:
            return None


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The last net: masks by the name of the field, and in every text what looks like a document, phone or key."""
    return {name: _redacted(name, value) for name, value in event.items()}


def _redacted(name: str, value: object) -> object:
    if name in _PLAIN or value is None or isinstance(value, bool | float):
        return value
    folded = name.lower().replace("-", "_")
    if folded in _NAMES or folded.endswith(_NAME_ENDINGS):
        return MASK
    if isinstance(value, int):
        return value if abs(value) < _LONGEST_PLAIN_NUMBER else MASK
    if isinstance(value, Mapping):
        return {str(key): _redacted(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted("", inner) for inner in value]
    return _SHAPES.sub(MASK, value if isinstance(value, str) else repr(value))
