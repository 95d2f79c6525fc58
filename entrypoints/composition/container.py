"""The composition root: the one place that knows vendors, storage and dependency_injector, and puts them together.

Providers are plain singletons, built when first asked for inside the running event loop, and closed by the lifespan:
nothing else in the system knows that there is a container.
"""

import asyncio
import secrets
from functools import partial

from dependency_injector import containers, providers
from prometheus_client import CollectorRegistry

from adapters.calendar.banking_days import BankingDays
from adapters.clock.system import SystemClock
from adapters.huggy.flow_list import HuggyFlowLists
from adapters.huggy.flow_request import read_request
from adapters.huggy.inbound import parse
from adapters.messages.catalog import read_catalog
from adapters.notices.alerts import CountedAlerts
from adapters.notices.words import letters
from adapters.storage.database import ServedDatabase
from adapters.web.client import open_http
from application.answer_flow import AnswerFlow
from application.conclude import Conclude
from application.forget_old import ForgetOld
from application.handle_notification import HandleNotification
from application.live import Live
from application.rehearse import Rehearse
from application.resend import Resend
from application.resend_failed import ResendFailed
from application.tell_people import TellPeople
from application.try_outage import TryOutage
from application.work_lane import WorkLane
from entrypoints.composition.erps import (
    make_erp_builders,
    make_erp_http,
    make_erp_trials,
    make_fences,
    make_probe,
    make_tls,
    read_address,
)
from entrypoints.composition.making import (
    HUGGY_CONNECTIONS,
    make_engine,
    make_huggy_accounts,
    make_huggy_chat,
    make_notice_rounds,
)
from entrypoints.connections import Connections
from entrypoints.doorkeeper import Doorkeeper, Tries
from entrypoints.http.console.carried import Carrier
from entrypoints.http.console.parts import Console
from entrypoints.http.console.playground import Playground
from entrypoints.http.console.rendering import Pages
from entrypoints.http.flow_api import FlowApi
from entrypoints.http.outage_api import OutageApi
from entrypoints.http.streams import Streams
from entrypoints.http.webhooks import HuggyWebhook
from entrypoints.huggy_tokens import HuggyTokens
from entrypoints.metrics import Meters
from entrypoints.observer import MeteredObserver
from entrypoints.settings import Settings
from entrypoints.upstreams import ChatRegistry, ErpRegistry, Throttles
from entrypoints.work_loop import WorkLoop


class Container(containers.DeclarativeContainer):
    settings = providers.Dependency(instance_of=Settings)
    database = providers.Dependency(instance_of=ServedDatabase)
    works = providers.Dependency(instance_of=bool)
    """whether this process works off what is accepted, or only accepts"""

    clock = providers.Singleton(SystemClock)
    calendar = providers.Singleton(BankingDays)
    catalog = providers.Singleton(read_catalog)
    meters = providers.Singleton(Meters, providers.Singleton(CollectorRegistry))
    observer = providers.Singleton(MeteredObserver, meters)
    alerts = providers.Singleton(CountedAlerts, clock)
    verified_tls = providers.Singleton(make_tls, verified=True)
    unverified_tls = providers.Singleton(make_tls, verified=False)

    fences = providers.Singleton(make_fences, settings.provided.database_url)
    erp_http = providers.Singleton(make_erp_http, verified_tls, unverified_tls, settings.provided.private_hosts)
    erps = providers.Singleton(
        ErpRegistry,
        builders=providers.Singleton(make_erp_builders, clock, settings.provided.private_hosts, fences),
        open_http=erp_http,
    )
    huggy_http = providers.Singleton(open_http, tls=verified_tls, max_connections=HUGGY_CONNECTIONS)
    accounts = providers.Singleton(make_huggy_accounts, settings, huggy_http, clock)
    huggy_tokens = providers.Singleton(
        HuggyTokens,
        installations=database.provided.installations,
        accounts=accounts,
        alerts=alerts,
        turns=database.provided.turns,
        clock=clock,
    )
    chats = providers.Singleton(
        ChatRegistry,
        providers.Singleton(
            make_huggy_chat,
            settings,
            huggy_http,
            providers.Singleton(Throttles),
            huggy_tokens,
            catalog.provided.render,
        ),
    )

    conclude_over = providers.Singleton(
        partial,
        Conclude,
        erps=erps,
        outages=database.provided.outages,
        calendar=calendar,
        clock=clock,
        alerts=alerts,
        observer=observer,
    )
    conclude = conclude_over.provided.call(database.provided.journal)
    handle_notification = providers.Singleton(
        HandleNotification,
        installations=database.provided.installations,
        journal=database.provided.journal,
        conclude=conclude,
        erps=erps,
        chats=chats,
        clock=clock,
        alerts=alerts,
        observer=observer,
    )
    work_lane = providers.Singleton(WorkLane, journal=database.provided.journal, handle=handle_notification)
    tell_people = providers.Singleton(
        TellPeople,
        installations=database.provided.installations,
        notices=database.provided.notices,
        clock=clock,
        write=providers.Singleton(letters, settings.provided.public_url),
        sends=providers.Callable(bool, settings.provided.smtp_url),
    )
    notice_rounds = providers.Singleton(
        make_notice_rounds, settings, database, alerts, tell_people, clock=clock, tls=verified_tls, works=works
    )
    forget_old = providers.Singleton(
        ForgetOld,
        installations=database.provided.installations,
        retention=database.provided.retention,
        clock=clock,
        sleep=providers.Object(asyncio.sleep),
    )
    flow_lists = providers.Singleton(HuggyFlowLists, http=huggy_http, base_url=settings.provided.huggy_api_url)
    work_loop = providers.Singleton(WorkLoop)
    carrier = providers.Singleton(Carrier, settings.provided.keys.call())
    connections = providers.Singleton(
        Connections,
        probe=providers.Singleton(make_probe, verified_tls, unverified_tls, settings.provided.private_hosts),
        open_erp=providers.Singleton(make_erp_trials, clock, settings.provided.private_hosts, erp_http),
        accounts=accounts,
        flow_lists=flow_lists,
        renew=huggy_tokens.provided.renewed,
        work_loop=work_loop,
    )
    engine = providers.Singleton(
        make_engine, settings.provided.database_url, work_lane, database.provided.installations, works=works
    )
    resend = providers.Singleton(
        Resend, history=database.provided.history, mailbox=database.provided.journal, engine=engine
    )
    resend_failed = providers.Singleton(ResendFailed, history=database.provided.history, resend=resend, clock=clock)
    live = providers.Singleton(Live, history=database.provided.history)
    answer_flow = providers.Singleton(
        AnswerFlow,
        journal=database.provided.journal,
        conclude=conclude,
        clock=clock,
        observer=observer,
        render=catalog.provided.render,
    )
    rehearse = providers.Singleton(
        Rehearse,
        journal=database.provided.journal,
        conclude_over=conclude_over,
        erps=erps,
        clock=clock,
        render=catalog.provided.render,
    )
    try_outage = providers.Singleton(TryOutage, erps=erps, outages=database.provided.outages, clock=clock)
    flow_api = providers.Singleton(
        FlowApi,
        installations=database.provided.installations,
        answer=answer_flow,
        work_loop=work_loop,
        read=providers.Object(read_request),
        render=catalog.provided.render,
        meters=meters,
    )
    outage_api = providers.Singleton(
        OutageApi,
        installations=database.provided.installations,
        outages=database.provided.outages,
        clock=clock,
    )
    streams = providers.Singleton(Streams)
    playground: providers.Provider[Playground | None] = providers.Object(None)
    """in a sandbox: its `Playground`"""
    console = providers.Singleton(
        Console,
        pages=providers.Singleton(Pages, clock=clock, in_sandbox=providers.Callable(bool, playground)),
        public_url=settings.provided.public_url,
        clock=clock,
        installations=database.provided.installations,
        outages=database.provided.outages,
        work_loop=work_loop,
        sessions=database.provided.sessions,
        agents=database.provided.agents,
        audit=database.provided.audit,
        turns=database.provided.turns,
        accounts=accounts,
        doorkeeper=providers.Singleton(Doorkeeper, operators=database.provided.operators, clock=clock),
        company_tries=providers.Singleton(Tries, clock),
        connections=connections,
        carrier=carrier,
        new_id=providers.Object(lambda: secrets.token_hex(8)),
        new_key=providers.Object(lambda: secrets.token_urlsafe(24)),
        read_erp_address=providers.Singleton(partial, read_address, settings.provided.private_hosts),
        history=database.provided.history,
        live=live,
        streams=streams,
        resend=resend,
        resend_failed=resend_failed,
        problems=database.provided.problems,
        notices=database.provided.notices,
        fence_states=fences.provided.state,
        render=catalog.provided.render,
        sends_mail=providers.Callable(bool, settings.provided.smtp_url),
        rehearse=rehearse,
        try_outage=try_outage,
        playground=playground,
    )
    webhook = providers.Singleton(
        HuggyWebhook,
        installations=database.provided.installations,
        mailbox=database.provided.journal,
        engine=engine,
        alerts=alerts,
        parse=parse,
        meters=meters,
    )
