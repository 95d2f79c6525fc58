"""`ponte sandbox`: the whole product on one machine, over a simulated Huggy and Voalle, with a provider set up.

Ponte itself runs just as `ponte serve` does; only what lies around it is simulated.
"""

import argparse
import asyncio
import contextlib
import logging
import secrets
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import msgspec
from cryptography.fernet import Fernet
from msgspec import Struct

from domain.identifiers import InstallationId, Secret
from domain.installation import ErpKind
from entrypoints import cli_installation
from entrypoints.cli_installation import Changes, Desk
from entrypoints.composition import commands
from entrypoints.composition.container import Container
from entrypoints.composition.serving import build_server, server_config, serving
from entrypoints.doorkeeper import hash_password
from entrypoints.http.console.playground import Neighbour, Playground
from entrypoints.listening import listening, port_of
from entrypoints.logs import configure_logging
from entrypoints.reply import CommandFailed, WrongUsage
from entrypoints.sandbox.accounts import CLIENT_ID, CLIENT_SECRET
from entrypoints.sandbox.city import City, start_city
from entrypoints.sandbox.records import Person
from entrypoints.sandbox.serving import InnerServer
from entrypoints.sandbox.terminal import converse, say_all
from entrypoints.settings import Settings, process_environment, read_settings
from entrypoints.worker import stop_signal

RUNNING = Path("var/sandbox.json")
"""where a sandbox that runs tells another command how to talk to it"""
OPERATOR = "admin"
INSTALLATION_ID = InstallationId("sandbox")


class Whereabouts(Struct, frozen=True, kw_only=True):
    huggy_url: str
    phones: dict[str, str]
    """each person's, as the channel gives it"""


def run(args: argparse.Namespace) -> int:
    """With something to say or to break: in the sandbox that runs, or in one just for it. Else the sandbox runs until
    it is interrupted."""
    settings = read_settings(process_environment())
    if args.say or args.chat or args.fault:
        configure_logging(settings.log_format, level=logging.WARNING)
        return asyncio.run(_visit(args, settings))
    configure_logging(settings.log_format)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_stay(args, settings))
    return 0


async def _visit(args: argparse.Namespace, settings: Settings) -> int:
    there = await _running_already()
    if there is not None:
        return await _talk(args, there)
    with tempfile.TemporaryDirectory(prefix="ponte-") as home:
        async with _everything(Path(home), settings, port=0) as (city, _, _):
            return await _talk(args, _whereabouts(city))


async def _talk(args: argparse.Namespace, there: Whereabouts) -> int:
    if args.person not in there.phones:
        raise WrongUsage(f"--as: não há {args.person!r} na cidade; há {', '.join(there.phones)}")
    await _break(there, args.fault)
    if args.say:
        return await say_all(there.huggy_url, there.phones[args.person], args.say)
    if args.chat:
        return await converse(there.huggy_url, there.phones[args.person])
    return 0


async def _break(there: Whereabouts, written: list[str]) -> None:
    faults = dict(text.partition("=")[::2] for text in written)
    if not faults:
        return
    async with httpx.AsyncClient(trust_env=False) as http:
        wanted = {target: name or None for target, name in faults.items()}
        answer = await http.post(f"{there.huggy_url}/_sandbox/faults", json=wanted)
    if answer.is_error:
        raise WrongUsage(f"--fault: a sandbox não aceitou {', '.join(written)}")


async def _running_already() -> Whereabouts | None:
    try:
        there = msgspec.json.decode(RUNNING.read_bytes(), type=Whereabouts)
        async with httpx.AsyncClient(trust_env=False, timeout=2) as http:
            (await http.get(f"{there.huggy_url}/_sandbox/chats")).raise_for_status()
    except (OSError, msgspec.DecodeError, httpx.HTTPError):
        return None
    return there


def _whereabouts(city: City) -> Whereabouts:
    return Whereabouts(huggy_url=city.huggy.url, phones={key: city.phone(key) for key in city.people})


async def _stay(args: argparse.Namespace, settings: Settings) -> None:
    stop = stop_signal()
    port = settings.port if args.port is None else args.port
    RUNNING.parent.mkdir(parents=True, exist_ok=True)
    async with _everything(RUNNING.parent, settings, port=port) as (city, url, password):
        RUNNING.write_bytes(msgspec.json.encode(_whereabouts(city)))
        try:
            print(_welcome(city, url, password), flush=True)
            await stop.wait()
        finally:
            RUNNING.unlink(missing_ok=True)


@asynccontextmanager
async def _everything(home: Path, settings: Settings, *, port: int) -> AsyncIterator[tuple[City, str, str]]:
    """The city, and a Ponte that serves its provider: its address, and the password of its operator.

    What an earlier one left in `home` goes, once nothing can keep this one from starting: it may still be running.
    """
    with listening(settings.host, port) as sockets:
        async with _city_with_ponte(home, settings, sockets) as running:
            yield running


@asynccontextmanager
async def _city_with_ponte(
    home: Path, settings: Settings, sockets: Sequence[socket.socket]
) -> AsyncIterator[tuple[City, str, str]]:
    url = f"http://{settings.host}:{port_of(sockets)}"
    async with (
        start_city(datetime.fromtimestamp(time.time(), UTC).date()) as city,
        httpx.AsyncClient(base_url=city.huggy.url, timeout=20, trust_env=False) as http,
    ):
        local = _settings_for(city, settings, home=home, url=url)
        commands.start_afresh(local)
        city.huggy.accounts.redirect_uri = f"{url}/oauth/huggy/callback"
        password = secrets.token_urlsafe(12)
        with serving(local, works=True, playground=_playground(city, http)) as parts:
            await parts.database().operators.add(OPERATOR, hash_password(Secret(value=password)))
            webhook_url = await _install(city, local, parts)
            async with _served(parts, sockets):
                await city.connect_webhook(webhook_url)
                yield city, url, password


def _playground(city: City, http: httpx.AsyncClient) -> Playground:
    """What the console's chat talks with."""
    return Playground(
        http=http,
        installation_id=INSTALLATION_ID,
        operator=OPERATOR,
        people=tuple(
            Neighbour(
                key=person.key,
                name=_in_lower_case(person.name),
                document=person.printed_tax_id,
                phone=city.phone(person.key),
                story=person.story,
            )
            for person in city.people.values()
        ),
    )


def _in_lower_case(name: str) -> str:
    """`ANA CLARA DE SOUZA` -> `Ana Clara de Souza`."""
    return " ".join(word if word in {"de", "da", "do", "e"} else word.title() for word in name.lower().split())


def _settings_for(city: City, settings: Settings, *, home: Path, url: str) -> Settings:
    return msgspec.structs.replace(
        settings,
        database_url=f"sqlite:///{home}/sandbox.db",
        secret_keys=settings.secret_keys or (_own_key(home / "sandbox.key"),),
        public_url=url,
        huggy_api_url=city.huggy.api_url,
        huggy_auth_url=city.huggy.url,
        huggy_client_id=CLIENT_ID,
        huggy_client_secret=Secret(value=CLIENT_SECRET),
        private_hosts=frozenset(
            address.partition("://")[2] for address in (city.voalle.url, city.voalle.auth_url, city.voalle.api_url)
        ),
    )


def _own_key(path: Path) -> Secret:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_bytes(Fernet.generate_key())
    return Secret(value=path.read_text().strip())


async def _install(city: City, settings: Settings, parts: Container) -> str:
    """The provider of the city, set up as an admin would: by the same command, with both of the ERP's APIs."""
    voalle = city.voalle
    desk = Desk(
        installations=parts.database().installations,
        note=commands.notes_of(parts.database().audit),
        public_url=settings.public_url,
        new_id=lambda: INSTALLATION_ID,
        new_key=lambda: Fernet.generate_key().decode().rstrip("="),
        read_address=lambda kind, pasted: commands.read_erp_address(settings, kind, pasted),
        erp_settings=commands.erp_settings,
    )
    changes = Changes(
        company_id=str(city.company_id),
        name="Provedor Exemplo",
        email="admin@provedor.example",
        erp=ErpKind.VOALLE,
        erp_url=voalle.url,
        erp_token=Secret(value=voalle.token),
        erp_pbx=voalle.pbx,
        huggy_token=Secret(value=city.huggy.token),
        flows=[(key, str(flow_id)) for key, flow_id in city.flow_ids.items()],
        policies=[("outage_message_enabled", "true")],
        erp_settings=[
            ("auth_url", voalle.auth_url),
            ("api_url", voalle.api_url),
            ("client_id", voalle.integrator.client_id),
            ("client_secret", voalle.integrator.client_secret),
            ("syndata", voalle.integrator.syndata),
        ],
    )
    reply = await cli_installation.add(desk, changes)
    return str(reply.facts["webhook_url"])


@asynccontextmanager
async def _served(parts: Container, sockets: Sequence[socket.socket]) -> AsyncIterator[None]:
    server = InnerServer(server_config(build_server(parts), "127.0.0.1", 0))
    serving = asyncio.create_task(server.serve(sockets=list(sockets)))
    try:
        while not server.started:
            if serving.done():
                await serving
                raise CommandFailed("o Ponte não iniciou; veja os registros acima")
            await asyncio.sleep(0.01)
        yield
    finally:
        parts.streams().end()
        server.stop.set()
        await serving


def _welcome(city: City, url: str, password: str) -> str:
    people = "\n".join(f"  {_line(person)}" for person in city.people.values())
    return f"""
Ponte            {url}   (console; saúde: {url}/health/ready)
Huggy simulada   {city.huggy.url}
Voalle simulado  {city.voalle.url}

Abra {url}/conversa no navegador: um clique para entrar, e você é um cliente do provedor.

O console também se abre com "Acessar com Huggy", ou pela senha do operador: nome {OPERATOR}, senha {password}

Ou converse em outro terminal:

  .venv/bin/ponte sandbox --chat            (como ana; com --as bruno, como outra pessoa)

Quem mora na cidade, e o documento de cada um:
{people}

Rede Off: gabriel já está numa falha que o ERP informa. Para abrir outra por aqui (depois: list, update, close):

  PONTE_DATABASE_URL=sqlite:///var/sandbox.db PONTE_SECRET_KEYS=$(cat var/sandbox.key) \\
    .venv/bin/ponte outage open --scope "district=Centro" --predicted 23:30 --cause "rompimento de fibra"

Para quebrar o ERP, e depois consertar:

  .venv/bin/ponte sandbox --fault erp=down
  .venv/bin/ponte sandbox --fault erp=

Ctrl+C encerra.
"""


def _line(person: Person) -> str:
    return f"{person.key:<10} {person.printed_tax_id:<20} {person.story}"
