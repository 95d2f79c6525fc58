"""The environment, read once and checked: the only reader of `os.environ`.

Every mistake is told in one go, each with the variable's name and what to do. Values never appear in a message,
because a key pasted into the wrong variable is still a key.
"""

import base64
import binascii
import os
from collections.abc import Mapping
from enum import StrEnum
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

from domain.identifiers import Personal, Secret

DATABASE_SCHEMES = ("sqlite", "postgresql")
NO_KEYS = "PONTE_SECRET_KEYS não está definida: crie uma chave com `ponte keys new` e guarde-a na variável"


class SettingsError(Exception):
    """What is wrong with the environment; one sentence per line, fit to be shown as it is."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class LogFormat(StrEnum):
    CONSOLE = "console"
    JSON = "json"


class Settings(Personal, frozen=True, kw_only=True):
    """What the process is told from outside; URLs come without a slash at the end."""

    safe = ("public_url", "host", "port", "huggy_api_url", "huggy_auth_url", "private_hosts", "log_format")

    database_url: str
    """`sqlite:///path` or `postgresql://…`; may hold a password"""
    public_url: str
    host: str
    port: int
    secret_keys: tuple[Secret, ...]
    """Fernet keys, the first encrypts, all decrypt; empty when none is set: see `keys()`"""
    huggy_api_url: str
    huggy_auth_url: str
    huggy_client_id: str
    huggy_client_secret: Secret | None
    smtp_url: Secret | None
    private_hosts: frozenset[str]
    """`host:port` in lower case"""
    log_format: LogFormat

    def keys(self) -> tuple[Secret, ...]:
        """At least one key, or a `SettingsError` that says how to get one."""
        if not self.secret_keys:
            raise SettingsError(NO_KEYS)
        return self.secret_keys


class OfferedTokens(Struct, frozen=True, kw_only=True):
    """Tokens of an installation that somebody hands to the command line by the environment."""

    erp: Secret | None = None
    huggy: Secret | None = None


def process_environment() -> Mapping[str, str]:
    return os.environ


def read_tokens(environ: Mapping[str, str]) -> OfferedTokens:
    return OfferedTokens(
        erp=_secret(environ.get("PONTE_ERP_TOKEN", "")), huggy=_secret(environ.get("PONTE_HUGGY_TOKEN", ""))
    )


def read_operator_password(environ: Mapping[str, str]) -> Secret | None:
    return _secret(environ.get("PONTE_OPERATOR_PASSWORD", ""))


def read_settings(environ: Mapping[str, str]) -> Settings:
    """An empty variable counts as one that is not set. `SettingsError` names every variable that is wrong."""
    reading = _Reading(environ)
    settings = Settings(
        database_url=reading.database_url("PONTE_DATABASE_URL", "sqlite:///var/ponte.db"),
        public_url=reading.http_url("PONTE_PUBLIC_URL", "http://127.0.0.1:8000"),
        host=reading.text("PONTE_HOST", "127.0.0.1"),
        port=reading.port("PONTE_PORT", 8000),
        secret_keys=reading.fernet_keys("PONTE_SECRET_KEYS"),
        huggy_api_url=reading.http_url("PONTE_HUGGY_API_URL", "https://api.huggy.app/v3"),
        huggy_auth_url=reading.http_url("PONTE_HUGGY_AUTH_URL", "https://auth.huggy.app"),
        huggy_client_id=reading.text("PONTE_HUGGY_CLIENT_ID", ""),
        huggy_client_secret=_secret(reading.text("PONTE_HUGGY_CLIENT_SECRET", "")),
        smtp_url=reading.smtp_url("PONTE_SMTP_URL"),
        private_hosts=reading.hosts("PONTE_PRIVATE_HOSTS"),
        log_format=reading.log_format("PONTE_LOG_FORMAT"),
    )
    if reading.problems:
        raise SettingsError(*reading.problems)
    return settings


class _Reading:
    """Reads one variable after the other and remembers what is wrong, so that one run tells all."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []

    def text(self, name: str, default: str) -> str:
        return self._environ.get(name, "").strip() or default

    def database_url(self, name: str, default: str) -> str:
        url = self.text(name, default)
        scheme, separator, rest = url.partition("://")
        if scheme not in DATABASE_SCHEMES or not separator or not rest.strip("/"):
            self._wrong(name, "use sqlite:///caminho/do/arquivo.db ou postgresql://usuario:senha@servidor/banco")
        return url

    def http_url(self, name: str, default: str) -> str:
        url = self.text(name, default).rstrip("/")
        parts = _split(url)
        if parts is None or parts.scheme not in {"http", "https"} or parts.username is not None or parts.query:
            self._wrong(name, "use um endereço completo, como https://ponte.exemplo.com.br")
        return url

    def smtp_url(self, name: str) -> Secret | None:
        url = self.text(name, "")
        parts = _split(url)
        if url and (parts is None or parts.scheme not in {"smtp", "smtps"}):
            self._wrong(name, "use smtp://usuario:senha@servidor:587 ou smtps://usuario:senha@servidor:465")
        return _secret(url)

    def port(self, name: str, default: int) -> int:
        port = _port(self.text(name, str(default)))
        if port is None:
            self._wrong(name, "use um número de 0 a 65535")
            return default
        return port

    def fernet_keys(self, name: str) -> tuple[Secret, ...]:
        keys = [key.strip() for key in self.text(name, "").split(",") if key.strip()]
        for position, key in enumerate(keys, start=1):
            if not _is_fernet_key(key):
                self._wrong(name, f"a {position}ª chave não é uma chave Fernet; crie uma com `ponte keys new`")
        return tuple(Secret(value=key) for key in keys)

    def hosts(self, name: str) -> frozenset[str]:
        entries = [entry.strip().lower() for entry in self.text(name, "").split(",") if entry.strip()]
        for position, entry in enumerate(entries, start=1):
            host, _, port = entry.rpartition(":")
            if not host or "/" in host or not _port(port):
                self._wrong(name, f"o {position}º item não tem a forma servidor:porta, como 127.0.0.1:9000")
        return frozenset(entries)

    def log_format(self, name: str) -> LogFormat:
        text = self.text(name, LogFormat.CONSOLE)
        if text not in set(LogFormat):
            self._wrong(name, "use console ou json")
            return LogFormat.CONSOLE
        return LogFormat(text)

    def _wrong(self, name: str, remedy: str) -> None:
        self.problems.append(f"{name}: {remedy}")


def _secret(text: str) -> Secret | None:
    return Secret(value=text.strip()) if text.strip() else None


def _split(url: str) -> SplitResult | None:
    """The parts of a URL that has a host and, if any, a port that is one."""
    try:
        parts = urlsplit(url)
        usable = parts.hostname and parts.port != 0
    except ValueError:
        return None
    return parts if usable else None


def _port(text: str) -> int | None:
    if not (text.isascii() and text.isdigit()) or len(text) > 5:
        return None
    return int(text) if int(text) <= 65535 else None


def _is_fernet_key(text: str) -> bool:
    """Url-safe base64 of 32 bytes."""
    try:
        return len(base64.b64decode(text, altchars=b"-_", validate=True)) == 32
    except (binascii.Error, ValueError):
        return False
