"""The command `ponte`: reads the command line, runs one command, prints its reply.

Replies go to standard output, everything else to standard error. Exit 0: done; 1: it could not, or the news is bad;
2: wrong usage.
"""

import argparse
import asyncio
import secrets
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from getpass import getpass
from pathlib import Path, PurePath
from traceback import extract_tb
from typing import Any, TextIO

import httpx
import msgspec
from cryptography.fernet import Fernet
from msgspec import Struct

from adapters.clock.system import SystemClock
from application.failures import Failure
from application.ports import Clock, Installations
from domain.identifiers import Secret
from entrypoints import cli_installation, cli_operator, cli_outage, doctor
from entrypoints.cli_arguments import FROM_INPUT, build_parser, read_changes
from entrypoints.cli_installation import Desk
from entrypoints.cli_outage import OutageDesk
from entrypoints.logs import configure_logging
from entrypoints.replay import replay
from entrypoints.reply import CommandFailed, Reply, WrongUsage
from entrypoints.root import Root
from entrypoints.settings import (
    OfferedTokens,
    Settings,
    SettingsError,
    process_environment,
    read_operator_password,
    read_settings,
    read_tokens,
)


class Terminal(Struct, frozen=True, kw_only=True):
    """What a command is run with."""

    environ: Mapping[str, str]
    stdin: TextIO
    root: Callable[[], Root]
    """the composition root, imported when a command needs it"""
    run_sandbox: Callable[[argparse.Namespace], int]
    new_http: Callable[[], httpx.AsyncClient]
    clock: Clock

    def settings(self) -> Settings:
        return read_settings(self.environ)


def main() -> int:
    return run(
        sys.argv[1:],
        Terminal(
            environ=process_environment(),
            stdin=sys.stdin,
            root=_root,
            run_sandbox=_run_sandbox,
            new_http=httpx.AsyncClient,
            clock=SystemClock(),
        ),
    )


def run(argv: Sequence[str], terminal: Terminal) -> int:
    args = build_parser().parse_args(argv)
    try:
        ending = _COMMANDS[args.command](args, terminal)
    except WrongUsage as wrong:
        return _complain(str(wrong), 2)
    except (CommandFailed, SettingsError) as failed:
        return _complain(str(failed), 1)
    except Failure as failure:
        return _complain(f"não foi possível agora ({failure.cause}); tente novamente", 1)
    except Exception as error:  # noqa: BLE001  its words may quote a secret; its place may not
        last = extract_tb(error.__traceback__)[-1]
        return _complain(f"erro interno: {type(error).__name__} em {PurePath(last.filename).name}:{last.lineno}", 1)
    return ending if isinstance(ending, int) else _say(ending, as_json=getattr(args, "json", False))


def _root() -> Root:
    from entrypoints.composition import commands

    root: Root = commands
    return root


def _run_sandbox(args: argparse.Namespace) -> int:
    from entrypoints.sandbox_run import run

    return run(args)


def _serve(args: argparse.Namespace, terminal: Terminal) -> int:
    settings = _ready_to_run(terminal)
    port = settings.port if args.port is None else args.port
    terminal.root().run_server(settings, args.host or settings.host, port, not args.no_worker)
    return 0


def _worker(_args: argparse.Namespace, terminal: Terminal) -> int:
    terminal.root().run_worker(_ready_to_run(terminal))
    return 0


def _ready_to_run(terminal: Terminal) -> Settings:
    settings = terminal.settings()
    settings.keys()
    configure_logging(settings.log_format)
    return settings


def _migrate(_args: argparse.Namespace, terminal: Terminal) -> Reply:
    revision = terminal.root().migrate(terminal.settings())
    return Reply(facts={"revision": revision}, lines=(f"Banco de dados na versão {revision}.",))


def _sandbox(args: argparse.Namespace, terminal: Terminal) -> int:
    return terminal.run_sandbox(args)


def _doctor(_args: argparse.Namespace, terminal: Terminal) -> Reply:
    try:
        settings = terminal.settings()
    except SettingsError as error:
        return doctor.wrong_settings(error)
    configure_logging(settings.log_format)
    root = terminal.root()

    async def diagnose() -> Reply:
        async with terminal.new_http() as http:
            return await doctor.diagnose(
                settings,
                database_problem=root.database_problem,
                open_installations=root.open_installations,
                mail_problem=root.mail_problem,
                open_huggy=root.open_huggy,
                probe=root.erp_probe(settings),
                http=http,
                clock=terminal.clock,
            )

    return asyncio.run(diagnose())


def _installation(args: argparse.Namespace, terminal: Terminal) -> Reply:
    async def act(desk: Desk) -> Reply:
        match args.action:
            case "add":
                tokens = read_tokens(terminal.environ)
                return await cli_installation.add(desk, read_changes(args, tokens, terminal.stdin.readline))
            case "set":
                # Not from the environment: tokens left there for one company must not reach another one unasked.
                changes = read_changes(args, OfferedTokens(), terminal.stdin.readline)
                return await cli_installation.change(desk, args.installation, changes)
            case "show":
                return await cli_installation.show(desk, args.installation)
            case "remove":
                return await cli_installation.remove(desk, args.installation)
            case "test":
                return await _test_installation(args, terminal, desk.installations)
            case _:
                return await cli_installation.list_all(desk)

    return _at_the_desk(terminal, act)


def _at_the_desk(terminal: Terminal, act: Callable[[Desk], Coroutine[Any, Any, Reply]]) -> Reply:
    settings, root = terminal.settings(), terminal.root()
    settings.keys()

    async def sit_down() -> Reply:
        async with root.open_companies(settings) as (installations, note):
            return await act(
                Desk(
                    installations=installations,
                    note=note,
                    public_url=settings.public_url,
                    new_id=lambda: secrets.token_hex(8),
                    new_key=lambda: secrets.token_urlsafe(24),
                    read_address=lambda kind, pasted: root.read_erp_address(settings, kind, pasted),
                    erp_settings=root.erp_settings,
                )
            )

    return asyncio.run(sit_down())


async def _test_installation(args: argparse.Namespace, terminal: Terminal, installations: Installations) -> Reply:
    installation = await cli_installation.find(installations, args.installation)
    settings, root = terminal.settings(), terminal.root()
    configure_logging(settings.log_format)
    return await doctor.try_installation(
        installation,
        settings,
        document=args.document,
        open_huggy=root.open_huggy,
        open_erps=root.open_erps,
        probe=root.erp_probe(settings),
    )


def _operator(args: argparse.Namespace, terminal: Terminal) -> Reply:
    settings = terminal.settings()
    settings.keys()

    def password() -> Secret:
        return read_operator_password(terminal.environ) or _asked_password(terminal.stdin)

    async def act() -> Reply:
        async with terminal.root().open_operators(settings) as operators:
            match args.action:
                case "add":
                    return await cli_operator.add(operators, args.name, password)
                case "password":
                    return await cli_operator.set_password(operators, args.name, password)
                case "remove":
                    return await cli_operator.remove(operators, args.name)
                case _:
                    return await cli_operator.list_all(operators)

    return asyncio.run(act())


def _asked_password(stdin: TextIO) -> Secret:
    if not stdin.isatty():
        return Secret(value=stdin.readline().rstrip("\r\n"))
    password = getpass("Senha: ")
    if getpass("A mesma senha outra vez: ") != password:
        raise CommandFailed("as senhas não são iguais")
    return Secret(value=password)


def _outage(args: argparse.Namespace, terminal: Terminal) -> Reply:
    settings = terminal.settings()
    settings.keys()

    async def act() -> Reply:
        async with terminal.root().open_outages(settings) as (installations, outages, note):
            desk = OutageDesk(
                installations=installations,
                outages=outages,
                note=note,
                clock=terminal.clock,
                new_id=lambda: secrets.token_hex(4),
            )
            return await cli_outage.act(desk, args)

    return asyncio.run(act())


def _replay(args: argparse.Namespace, terminal: Terminal) -> Reply:
    body = _recording(args.file, terminal.stdin)

    async def post(desk: Desk) -> Reply:
        installation = await cli_installation.find(desk.installations, args.installation)
        async with terminal.new_http() as http:
            return await replay(body, installation, public_url=desk.public_url, http=http)

    return _at_the_desk(terminal, post)


def _recording(path: str, stdin: TextIO) -> bytes:
    try:
        return stdin.read().encode() if path == FROM_INPUT else Path(path).read_bytes()
    except OSError as error:
        raise CommandFailed(f"não foi possível ler {path}: {error.strerror}") from None


def _keys(args: argparse.Namespace, terminal: Terminal) -> Reply:
    if args.action == "new":
        key = Fernet.generate_key().decode()
        return Reply(facts={"key": key}, lines=(key,))
    settings = terminal.settings()
    settings.keys()

    async def rotate() -> int:
        return await terminal.root().rotate_keys(settings)

    count = asyncio.run(rotate())
    return Reply(facts={"rotated": count}, lines=(f"Segredos cifrados com a primeira chave: {count}.",))


_COMMANDS: Mapping[str, Callable[[argparse.Namespace, Terminal], Reply | int]] = {
    "serve": _serve,
    "worker": _worker,
    "migrate": _migrate,
    "sandbox": _sandbox,
    "doctor": _doctor,
    "installation": _installation,
    "operator": _operator,
    "outage": _outage,
    "replay": _replay,
    "keys": _keys,
}


def _say(reply: Reply, *, as_json: bool) -> int:
    if as_json:
        print(msgspec.json.encode(reply.facts).decode())
    else:
        print("\n".join(reply.lines))
    return 0 if reply.ok else 1


def _complain(sentences: str, code: int) -> int:
    for sentence in sentences.splitlines():
        print(f"ponte: {sentence}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
