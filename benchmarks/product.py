"""The product under measurement: real processes of `ponte` over a real database."""

import asyncio
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil  # type: ignore[import-untyped]
from cryptography.fernet import Fernet
from msgspec import Struct

from benchmarks.load import Target
from benchmarks.notifications import WEBHOOK_TOKEN
from benchmarks.stores import Store
from domain.identifiers import CompanyId, FlowId, InstallationId, Secret
from domain.installation import ErpAccess, ErpKind, FlowKey, Installation, Policies
from entrypoints.composition.commands import migrate, open_installations
from entrypoints.settings import Settings, read_settings

START_S = 60.0
STOP_S = 30.0


class Ponte:
    """Its processes while they run."""

    def __init__(self, port: int, targets: Sequence[Target], processes: Sequence[psutil.Process]) -> None:
        self.port = port
        self.targets = targets
        self._processes = processes

    def cpu_s(self) -> float:
        """Of all its processes since their start, in user and kernel."""
        return sum(sum(process.cpu_times()[:2]) for process in self._processes)

    def memory_mb(self) -> float:
        """Resident, of the largest of its processes."""
        return float(max(process.memory_info().rss for process in self._processes)) / 1024**2


class Site(Struct, frozen=True, kw_only=True):
    """How the product is installed: where it keeps things, which stand-ins it calls, for how many providers."""

    store: Store
    home: Path
    upstream_port: int
    installations: int = 1
    worker: bool = True
    commits_counted_in: Path | None = None
    erp_concurrency: int = 16
    reply_deadline_s: float = 3600
    """a backlog is to be worked off here, not turned away"""
    tells_outages: bool = False


@contextmanager
def running(site: Site) -> Iterator[Ponte]:
    with ExitStack() as stack:
        port = free_port()
        environment = _environment(site, stack.enter_context(site.store.fresh(site.home)))
        settings = read_settings(environment)
        migrate(settings)
        targets = asyncio.run(_install(settings, site))
        beside = site.store.workers if site.worker else 0
        alone = ["--no-worker"] if beside or not site.worker else []
        commands = [["serve", "--host", "127.0.0.1", "--port", str(port), *alone], *[["worker"]] * beside]
        log = stack.enter_context((site.home / "ponte.log").open("ab"))
        processes = [
            stack.enter_context(_process([*_ponte(site), *command], environment, log.fileno())) for command in commands
        ]
        wait_until_answers(f"http://127.0.0.1:{port}/health/ready", processes[0])
        yield Ponte(port, targets, [psutil.Process(process.pid) for process in processes])


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def module_running(module: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    with _process([sys.executable, "-m", module, *arguments], dict(os.environ), None) as process:
        yield process


def wait_until_answers(url: str, process: subprocess.Popen[bytes]) -> None:
    """Any answer will do but 503."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"a process ended with {process.returncode} before it answered")
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310  # our own address
        except urllib.error.HTTPError as answer:
            answer.close()
            if answer.code != 503:
                return
        except OSError:
            pass
        else:
            return
        time.sleep(0.02)
    raise RuntimeError(f"no answer within {START_S:g} s")


@contextmanager
def _process(
    command: Sequence[str], environment: Mapping[str, str], output: int | None
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)  # noqa: S603  # our own
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_S)


def _ponte(site: Site) -> list[str]:
    if site.commits_counted_in is None:
        return [sys.executable, "-m", "entrypoints.cli"]
    return [sys.executable, "-m", "benchmarks.counted_serving", str(site.commits_counted_in)]


def _environment(site: Site, database_url: str) -> dict[str, str]:
    upstream = f"127.0.0.1:{site.upstream_port}"
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(site.home),
        "PONTE_DATABASE_URL": database_url,
        "PONTE_SECRET_KEYS": Fernet.generate_key().decode(),
        "PONTE_HUGGY_API_URL": f"http://{upstream}/v3",
        "PONTE_PRIVATE_HOSTS": upstream,
        "PONTE_LOG_FORMAT": "json",
    }


async def _install(settings: Settings, site: Site) -> list[Target]:
    installed = [_installation(number, site) for number in range(site.installations)]
    async with open_installations(settings) as installations:
        await asyncio.gather(*map(installations.save, installed))
    return [
        Target(path=f"/webhooks/huggy/{each.webhook_key.reveal()}", company_id=each.company_id) for each in installed
    ]


def pbx_of(number: int) -> str:
    """The PBX name of an installation: how the stand-in tells its ERPs apart."""
    return f"pbx-{number}"


def _installation(number: int, site: Site) -> Installation:
    return Installation(
        id=InstallationId(f"provider-{number:04}"),
        company_id=CompanyId(str(1001 + number)),
        name=f"Provedor {number}",
        erp=ErpAccess(
            kind=ErpKind.VOALLE,
            url=f"http://127.0.0.1:{site.upstream_port}",
            token=Secret(value=f"erp-{number}"),
            pbx=pbx_of(number),
        ),
        huggy_token=Secret(value=f"huggy-{number}"),
        flows={key: FlowId(str(100 + index)) for index, key in enumerate(FlowKey)},
        policies=Policies(
            erp_concurrency=site.erp_concurrency,
            reply_deadline_s=site.reply_deadline_s,
            outage_message_enabled=site.tells_outages,
        ),
        webhook_key=Secret(value=f"benchmark-key-of-provider-{number:04}"),
        flow_api_key=Secret(value=f"benchmark-flow-key-{number:04}"),
        webhook_token=Secret(value=WEBHOOK_TOKEN),
    )
