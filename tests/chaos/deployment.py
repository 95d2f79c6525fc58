"""Ponte as an operator runs it, and as the machine under it fails: killed, out of space, with a disk that lies."""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from domain.identifiers import Secret
from entrypoints import cli_installation
from entrypoints.cli_arguments import build_parser, read_changes
from entrypoints.cli_installation import Changes, Desk
from entrypoints.composition import commands
from entrypoints.settings import OfferedTokens, read_settings
from tests.e2e import ponte
from tests.e2e.ponte import Installed, Ponte
from tests.e2e.scene import Plan, Scene
from tests.e2e.upstream import Stage


@dataclass(frozen=True, kw_only=True)
class Form:
    """Where the truth is kept, and who works it off: the serving process itself, or so many workers beside it."""

    name: str
    database_url: str = ""
    """empty: a SQLite file in the deployment's home"""
    workers: int = 0


EMBEDDED = Form(name="sqlite")


class Deployment(Ponte):
    """`Ponte` whose processes can be wrapped, and of which there can be several. Each is a process group of its own."""

    def __init__(self, home: Path, *, huggy_api_url: str, private_hosts: Sequence[str], form: Form = EMBEDDED) -> None:
        super().__init__(home, huggy_api_url=huggy_api_url, private_hosts=private_hosts)
        self.form = form
        self.wrapped_in: Sequence[str] = ()
        """what the serving process is started by, such as `strace …`"""
        self._add: Callable[[Changes], Mapping[str, object]]
        self._beside: dict[str, subprocess.Popen[bytes]] = {}
        if form.database_url:
            self.environment["PONTE_DATABASE_URL"] = form.database_url

    @property
    def environment(self) -> dict[str, str]:
        return self._environment

    @property
    def processes(self) -> list[str]:
        return ["serve", *self._workers()]

    @contextmanager
    def taking_installations(self) -> Iterator[None]:
        """Within the block `install` does what `ponte installation add` does, without a process for each of many."""
        settings = read_settings(self._environment)
        with asyncio.Runner() as runner:
            opened = AsyncExitStack()
            installations, note = runner.run(opened.enter_async_context(commands.open_companies(settings)))
            desk = Desk(
                installations=installations,
                note=note,
                public_url=settings.public_url,
                new_id=lambda: secrets.token_hex(8),
                new_key=lambda: secrets.token_urlsafe(24),
                read_address=lambda kind, pasted: commands.read_erp_address(settings, kind, pasted),
                erp_settings=commands.erp_settings,
            )
            self._add = lambda changes: runner.run(cli_installation.add(desk, changes)).facts
            try:
                yield
            finally:
                runner.run(opened.aclose())

    def install(self, arguments: Sequence[str], *, erp_token: str, huggy_token: str) -> Installed:
        args = build_parser().parse_args(["installation", "add", *arguments, "--json"])
        tokens = OfferedTokens(erp=Secret(value=erp_token), huggy=Secret(value=huggy_token))
        facts = self._add(read_changes(args, tokens, sys.stdin.readline))
        return Installed(
            installation_id=str(facts["installation_id"]),
            webhook_url=str(facts["webhook_url"]),
            flow_api_url=str(facts["flow_api_url"]),
            outage_api_url=str(facts["outage_api_url"]),
            outage_api_key=str(facts["outage_api_key"]),
            readiness=facts["readiness"],
        )

    def serve(self) -> None:
        """Starts whatever does not run; returns when the service says that it is ready."""
        serving = ["serve", "--host", "127.0.0.1", "--port", str(self._port)]
        if self._process is None:
            alone = ["--no-worker"] if self.form.workers else []
            self._process = self._start([*self.wrapped_in, *ponte._command(), *serving, *alone])
        for name in self._workers():
            if name not in self._beside:
                self._beside[name] = self._start([*ponte._command(), "worker"])
        self._wait_until_ready(self._process)

    def kill(self, names: Sequence[str] | None = None) -> None:
        """SIGKILL to these processes, or to all, in the middle of whatever they do."""
        chosen = self.processes if names is None else names
        killed = [process for name in chosen if (process := self._forget(name)) is not None]
        for process in killed:
            os.killpg(process.pid, signal.SIGKILL)
        for process in killed:
            process.wait(ponte.STOP_S)

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Within the block this worker is stopped in the middle of whatever it does; at the end it goes on."""
        group = self._beside[name].pid
        os.killpg(group, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(group, signal.SIGCONT)

    def stop(self) -> None:
        """SIGTERM to all; those beside the server end first."""
        for name in self._workers():
            process = self._forget(name)
            if process is not None and process.poll() is None:
                process.terminate()
                process.wait(ponte.STOP_S * 2)
        super().stop()

    def wait_for_the_end(self, within_s: float) -> int:
        """The exit code of a serving process that ends by itself."""
        process = self._forget("serve")
        assert process is not None
        return process.wait(within_s)

    def _workers(self) -> list[str]:
        return [f"worker-{number}" for number in range(1, self.form.workers + 1)]

    def _forget(self, name: str) -> subprocess.Popen[bytes] | None:
        if name != "serve":
            return self._beside.pop(name, None)
        process, self._process = self._process, None
        return process

    def _start(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command, cwd=ponte.ROOT, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )


@contextmanager
def scene_of(
    stage: Stage,
    home: Path,
    plans: tuple[Plan, ...],
    *,
    form: Form = EMBEDDED,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Scene]:
    """A scene around a deployment that is brought up, and taken down at the end. No log may tell whom it was about, and
    no vendor be asked what it would refuse."""
    scene = Scene(stage, home, plans)
    hosts = [upstream.host for provider in scene.providers.values() for upstream in provider.upstreams]
    deployment = Deployment(home, huggy_api_url=f"{scene.huggy.url}/v3", private_hosts=hosts, form=form)
    deployment.environment.update(environment or {})
    scene.ponte = deployment
    try:
        deployment.run("migrate")
        with deployment.taking_installations():
            for provider in scene.providers.values():
                provider.install(deployment)
        deployment.serve()
        for provider in scene.providers.values():
            if provider.plan.pinned:
                provider.shake_hands().raise_for_status()
        yield scene
    finally:
        scene.end()
    log = deployment.log.read_text(errors="replace")
    assert "notification.crashed" not in log, f"a fault of Ponte's own: {log[-3000:]}"
    told = scene.secrets_told(log)
    assert not told, f"the log tells: {sorted(set(told))}"
    assert not scene.violations, f"a vendor would have refused: {scene.violations}"


def deployment_of(scene: Scene) -> Deployment:
    assert isinstance(scene.ponte, Deployment)
    return scene.ponte
