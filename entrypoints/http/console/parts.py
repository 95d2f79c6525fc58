"""What the pages are made over: the ports of the product, and what only the console needs."""

from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct

from application.console_ports import Accounts, Agents, Audit, Sessions, Turns
from application.history import FenceState, History
from application.live import Live
from application.notice_ports import Notices, Problems
from application.outage_ports import OutageRegistry
from application.ports import Clock, Installations, Render
from application.rehearse import Rehearse
from application.resend import Resend
from application.resend_failed import ResendFailed
from application.try_outage import TryOutage
from domain.identifiers import InstallationId
from domain.installation import ErpKind
from entrypoints.connections import Connections
from entrypoints.doorkeeper import Doorkeeper, Tries
from entrypoints.http.console.carried import Carrier
from entrypoints.http.console.playground import Playground
from entrypoints.http.console.rendering import Pages
from entrypoints.http.streams import Streams
from entrypoints.work_loop import WorkLoop


class Console(Struct, frozen=True, kw_only=True):
    """Built once by the composition root."""

    pages: Pages
    public_url: str
    clock: Clock
    installations: Installations
    outages: OutageRegistry
    work_loop: WorkLoop
    sessions: Sessions
    agents: Agents
    audit: Audit
    turns: Turns
    accounts: Accounts
    """asked by way of `work_loop` alone"""
    doorkeeper: Doorkeeper
    company_tries: Tries
    """how often an agent may type the code of a company"""
    connections: Connections
    """tries out ERPs and Huggy; may be asked on any loop"""
    carrier: Carrier
    new_id: Callable[[], str]
    new_key: Callable[[], str]
    read_erp_address: Callable[[ErpKind, str], str]
    """the address as it is kept; `ValueError` with a sentence that says what is wrong"""
    history: History
    live: Live
    streams: Streams
    """every answer that goes on listens here for its end"""
    resend: Resend
    resend_failed: ResendFailed
    problems: Problems
    notices: Notices
    fence_states: Callable[[InstallationId], Awaitable[Sequence[FenceState]]]
    """how each API of an installation's ERP is being asked; may be asked on any loop"""
    render: Render
    sends_mail: bool
    """whether there is a mail server for notices"""
    rehearse: Rehearse
    try_outage: TryOutage
    """both asked by way of `work_loop` alone"""
    playground: Playground | None = None
    """where this is the sandbox: the simulated customers"""
