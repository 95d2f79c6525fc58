"""The product as its operator runs it: commands and a serving process over one SQLite file."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from cryptography.fernet import Fernet

ROOT = Path(__file__).resolve().parents[2]
START_S = 30.0
STOP_S = 20.0


@dataclass(frozen=True, kw_only=True)
class Installed:
    """What `ponte installation add --json` tells."""

    installation_id: str
    webhook_url: str = field(repr=False)
    flow_api_url: str = field(repr=False)
    outage_api_url: str
    outage_api_key: str = field(repr=False)
    readiness: Any


class Ponte:
    """One data directory, its settings, and at most one serving process."""

    def __init__(self, home: Path, *, huggy_api_url: str, private_hosts: Sequence[str]) -> None:
        self._home = home
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{self._port}"
        self.log = home / "ponte.log"
        self.database = home / "ponte.db"
        self.key = Fernet.generate_key().decode()
        self._environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(home),
            "PYTHONUNBUFFERED": "1",
            "PONTE_DATABASE_URL": f"sqlite:///{self.database}",
            "PONTE_SECRET_KEYS": self.key,
            "PONTE_PUBLIC_URL": self.url,
            "PONTE_HUGGY_API_URL": huggy_api_url,
            "PONTE_PRIVATE_HOSTS": ",".join(private_hosts),
            "PONTE_LOG_FORMAT": "json",
        }

    @property
    def environment(self) -> Mapping[str, str]:
        return self._environment

    def run(self, *arguments: str, secrets: Mapping[str, str] | None = None) -> str:
        """A command that must succeed; what it printed. Its words go to the log as well."""
        done = subprocess.run(
            [*_command(), *arguments],
            cwd=ROOT, env=self._environment | dict(secrets or {}), capture_output=True, timeout=START_S * 2, check=False,
        )  # fmt: skip
        with self.log.open("ab") as log:
            log.write(done.stderr)
        assert done.returncode == 0, (
            f"ponte {arguments[0]} ended with {done.returncode}:\n{done.stderr.decode()[-2000:]}"
        )
        return done.stdout.decode()

    def install(self, arguments: Sequence[str], *, erp_token: str, huggy_token: str) -> Installed:
        secrets = {"PONTE_ERP_TOKEN": erp_token, "PONTE_HUGGY_TOKEN": huggy_token}
        told = json.loads(self.run("installation", "add", *arguments, "--json", secrets=secrets))
        return Installed(
            installation_id=told["installation_id"],
            webhook_url=told["webhook_url"],
            flow_api_url=told["flow_api_url"],
            outage_api_url=told["outage_api_url"],
            outage_api_key=told["outage_api_key"],
            readiness=told["readiness"],
        )

    def serve(self) -> None:
        """Returns when the service says that it is ready."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*_command(), "serve", "--host", "127.0.0.1", "--port", str(self._port)],
                cwd=ROOT, env=self._environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self._wait_until_ready(self._process)

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise AssertionError(f"ponte serve ended with {process.returncode}:\n{self._last_words()}")
            if self._is_ready():
                return
            time.sleep(0.02)
        raise AssertionError(f"not ready within {START_S:g} s:\n{self._last_words()}")

    def kill(self) -> None:
        """SIGKILL, in the middle of whatever it does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(STOP_S)
            self._process = None

    def stop(self) -> None:
        """SIGTERM; the service must end by itself and in peace."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_S)
            raise AssertionError(f"ponte serve did not stop within {STOP_S:g} s of SIGTERM") from None

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health/ready", timeout=5, trust_env=False).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def _last_words(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]


def _command() -> list[str]:
    script = Path(sys.executable).with_name("ponte")
    return [str(script)] if script.exists() else [sys.executable, "-m", "entrypoints.cli"]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
