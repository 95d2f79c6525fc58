"""What the provider's people are told by e-mail, and how often an attempt to send it is repeated."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from domain.identifiers import Personal

PATIENCE = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30))
PATIENCE_AT_LAST = timedelta(hours=2)
GIVE_UP_AFTER = timedelta(hours=24)


class NoticeKind(StrEnum):
    PROBLEM = "problem"
    """a new cause, or one that came again after its all-clear"""
    STILL = "still"
    """it goes on"""
    OVER = "over"
    """the all-clear"""
    DIGEST = "digest"
    """what happened yesterday"""
    NEWS = "news"
    """something else that they should know: see `News`"""


class ProblemNotice(Struct, frozen=True, kw_only=True):
    kind: NoticeKind
    cause: str
    occurrences: int
    first_at: datetime
    last_at: datetime


class PastProblem(Struct, frozen=True, kw_only=True):
    cause: str
    occurrences: int
    goes_on: bool


class Digest(Struct, frozen=True, kw_only=True):
    """One day of one provider, in its own zone."""

    day: date
    outcomes: Mapping[str, int]
    """how many notifications ended in which outcome, by its tag"""
    unfinished: int
    problems: tuple[PastProblem, ...]

    @property
    def kind(self) -> NoticeKind:
        return NoticeKind.DIGEST

    @property
    def cause(self) -> str:
        return self.day.isoformat()


class News(Struct, frozen=True, kw_only=True):
    """What any other part of Ponte wants told: sentences in Portuguese, without personal data.

    The provider's name goes before the subject, the address of the page after the text.
    """

    cause: str
    """a slug that says what it is about, such as `outage.still_standing`"""
    subject: str
    paragraphs: tuple[str, ...]
    page: str = "problemas"
    """the page of the installation that shows more"""

    @property
    def kind(self) -> NoticeKind:
        return NoticeKind.NEWS


Notice = ProblemNotice | Digest | News


class Letter(Personal, frozen=True, kw_only=True):
    """A notice in words."""

    recipient: str
    subject: str
    text: str


def next_try(created_at: datetime, tries: int, now: datetime) -> datetime | None:
    """When to try again to send what failed for the `tries`th time; None: it is given up, a day after it was written."""
    at = now + (PATIENCE[tries - 1] if tries <= len(PATIENCE) else PATIENCE_AT_LAST)
    return at if at - created_at <= GIVE_UP_AFTER else None
