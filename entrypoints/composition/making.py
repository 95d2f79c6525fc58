"""What the container makes of settings and a database: engine, ways to Huggy, the rounds of notices."""

import ssl
from collections.abc import Callable

import httpx

from adapters.clock.system import SystemClock
from adapters.engine.asleep import AsleepEngine
from adapters.engine.lanes import Lanes
from adapters.engine.last_calls import LastCalls
from adapters.huggy.client import HuggyChat
from adapters.huggy.oauth import HuggyAccounts
from adapters.notices.alerts import CountedAlerts
from adapters.notices.smtp import SmtpPost, read_mail_server
from adapters.storage.database import ServedDatabase
from adapters.storage.database_kind import is_postgres
from application.console_ports import Accounts
from application.handle_notification import time_to_ask_s
from application.ports import Chat, Installations, Render
from application.send_digests import SendDigests
from application.send_notices import SendNotices
from application.tell_of_problems import TellOfProblems
from application.tell_people import TellPeople
from application.watch_outages import WatchOutages
from application.work_lane import WorkLane
from domain.identifiers import InstallationId
from domain.installation import Installation, Policies
from entrypoints.huggy_tokens import HuggyTokens
from entrypoints.notice_rounds import OFTEN_S, SELDOM_S, NoticeRounds
from entrypoints.settings import Settings
from entrypoints.steady_round import Round
from entrypoints.upstreams import Throttles
from entrypoints.worker import (
    RunningEngine,
)

HUGGY_CONNECTIONS = 200


LANES_AT_ONCE, LANES_OF_ONE_INSTALLATION = 256, 64
"""Thousands at once would share one processor so thinly that calls time out which the ERP answered long ago (measured);
one installation's lanes must leave room for the others while its ERP is slow."""


WAKE_UPS_AT_ONCE = 512
"""of one worker process over PostgreSQL, where each installation has at most twenty"""


def make_engine(database_url: str, work: WorkLane, installations: Installations, *, works: bool) -> RunningEngine:
    """Lanes of this process over an SQLite file; wake-ups that all processes share over PostgreSQL."""

    def patience_s(installation_id: InstallationId) -> float:
        installation = installations.at_hand(installation_id)
        return time_to_ask_s(installation.policies if installation is not None else Policies())

    last_calls = LastCalls(work=work.last_call, patience_s=patience_s)
    if is_postgres(database_url):
        from adapters.engine.procrastinate_engine import ProcrastinateEngine

        return ProcrastinateEngine(
            url=database_url, work=work if works else None, last_calls=last_calls, concurrency=WAKE_UPS_AT_ONCE
        )
    if works:
        return Lanes(
            work=work,
            last_calls=last_calls,
            concurrency=LANES_AT_ONCE,
            per_installation=LANES_OF_ONE_INSTALLATION,
        )
    return AsleepEngine()


def make_huggy_chat(
    settings: Settings, http: httpx.AsyncClient, throttles: Throttles, tokens: HuggyTokens, render: Render
) -> Callable[[Installation], Chat]:
    def chat(installation: Installation) -> Chat:
        return HuggyChat(
            http=http,
            base_url=settings.huggy_api_url,
            token=installation.huggy_token,
            company_id=installation.company_id,
            flow_start=installation.policies.flow_start,
            render=render,
            throttle=throttles(installation.company_id),
            renew=lambda refused: tokens.instead_of(installation.id, refused),
        )

    return chat


def make_huggy_accounts(settings: Settings, http: httpx.AsyncClient, clock: SystemClock) -> Accounts:
    return HuggyAccounts(
        http=http,
        auth_url=settings.huggy_auth_url,
        api_url=settings.huggy_api_url,
        client_id=settings.huggy_client_id,
        client_secret=settings.huggy_client_secret,
        clock=clock,
    )


def make_notice_rounds(
    settings: Settings,
    database: ServedDatabase,
    alerts: CountedAlerts,
    tell: TellPeople,
    *,
    clock: SystemClock,
    tls: ssl.SSLContext,
    works: bool,
) -> NoticeRounds:
    """Every process writes down what it counted; those that work tell the provider's people too."""
    problems, notices, installations = database.problems, database.notices, database.installations

    async def write() -> None:
        await alerts.write(problems)

    rounds: list[tuple[Round, float]] = [(write, OFTEN_S)]
    if works:
        watch = TellOfProblems(problems=problems, installations=installations, clock=clock, tell=tell)
        digests = SendDigests(installations=installations, notices=notices, problems=problems, clock=clock, tell=tell)
        outages = WatchOutages(registry=database.outages, installations=installations, tell=tell)
        rounds += [(watch, SELDOM_S), (digests, SELDOM_S), (outages, SELDOM_S)]
    if works and settings.smtp_url:
        post = SmtpPost(read_mail_server(settings.smtp_url), tls=tls, clock=clock)
        rounds.append((SendNotices(notices=notices, post=post, clock=clock), OFTEN_S))
    return NoticeRounds(rounds, at_end=write)
