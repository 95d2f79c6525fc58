"""What happened to one notification, as it is kept and shown: steps with their times, and how the chat's turn ended."""

from datetime import datetime

from msgspec import Struct

from domain.action import StartFlow, Terminal
from domain.notification import Notification
from domain.outcome import Failed, NotOffered, Outcome
from domain.tax_id import DocumentFault, read_document

OK = "ok"
SHARED = "shared"


class Step(Struct, frozen=True, kw_only=True):
    what: str
    """`erp.client_validate`, `huggy.say`, `decision`, `ended`, …: stable, without data"""
    at_ms: float
    """since the attempt began"""
    took_ms: float
    ended: str = OK
    """`ok`, `shared` (answered by a call of another notification), or the cause of a failure"""
    request: str | None = None
    """redacted, a few kilobytes at most; None: there was none"""
    answer: str | None = None


class Trail(Struct, frozen=True, kw_only=True):
    """One attempt at one notification."""

    at: datetime
    steps: tuple[Step, ...]


class Ending(Struct, frozen=True, kw_only=True):
    """How the chat's turn ended in truth, which may be otherwise than its route planned."""

    flow: str
    """the key of the flow that was started; else what happened instead: `chat.close`, `agent.keep`, `chat.closed` (it was,
    before), `chat.no_flow` (not even the auxiliary flow could be started), `chat.given_up`, `chat.in_doubt` (nobody can
    tell whether the flow started, or the chat was closed), `chat.shadow` (nothing was done, as shadow mode promises)"""
    cause: str | None = None
    """why not as planned"""


def planned_ending(terminal: Terminal) -> str:
    return terminal.flow.value if isinstance(terminal, StartFlow) else str(terminal.__struct_config__.tag)


def cause_of(outcome: Outcome) -> str | None:
    """Why a notification counts as failed; None: it does not."""
    match outcome:
        case Failed(cause=cause):
            return cause
        case NotOffered():
            return "erp.not_offered"
        case _:
            return None


def protocol_of(outcome: Outcome) -> str | None:
    """The number told to the customer, where there is one."""
    return getattr(outcome, "protocol", None)


def masked_document(notification: Notification) -> str | None:
    """Of the one document that was typed."""
    document = read_document(notification.document)
    return None if isinstance(document, DocumentFault) else document.masked
