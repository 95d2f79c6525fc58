"""What keeps failing at one provider, grouped by cause: when its people are told, and what.

A problem begins with its first occurrence and is over after ten minutes without another. What comes after that begins
anew: its people hear of the beginning once, now and then that it goes on, and once that it is over.
"""

from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from domain.identifiers import InstallationId
from domain.notice import NoticeKind, ProblemNotice

OVER_AFTER = timedelta(minutes=10)
STILL_AFTER = timedelta(hours=1)
STILL_EVERY = timedelta(hours=6)


class Occurrences(Struct, frozen=True, kw_only=True):
    """Equal failures of one provider, counted together."""

    installation_id: InstallationId
    cause: str
    count: int
    first_at: datetime
    last_at: datetime


class Problem(Struct, frozen=True, kw_only=True):
    """One cause at one provider, as it stands or as it last stood."""

    installation_id: InstallationId
    cause: str
    occurrences: int
    """since `first_at`"""
    first_at: datetime
    last_at: datetime
    tellings: int = 0
    """how many notices spoke of it since `first_at`"""
    told_at: datetime | None = None
    """the last of them"""
    over_at: datetime | None = None
    """None: it goes on"""
    muted_until: datetime | None = None
    """until then it is counted and nobody gets a mail"""


class Review(Struct, frozen=True, kw_only=True):
    """What a look at a problem led to; `after` is how the problem stands then."""

    after: Problem
    notice: ProblemNotice | None = None
    mailed: bool = True
    """False: the notice is kept for those who look, nobody gets a mail"""


def recur(before: Problem | None, seen: Occurrences) -> Problem:
    """The problem with what happened since; after its all-clear it begins anew. A mute outlasts that."""
    if before is not None and before.over_at is None:
        return replace(before, occurrences=before.occurrences + seen.count, last_at=seen.last_at)
    return Problem(
        installation_id=seen.installation_id,
        cause=seen.cause,
        occurrences=seen.count,
        first_at=seen.first_at,
        last_at=seen.last_at,
        muted_until=None if before is None else before.muted_until,
    )


def review(problem: Problem, now: datetime) -> Review | None:
    """What is to be told of a problem now; None: nothing, and it stands as it stood.

    A muted one is not begun to be told. If it had been told before, its all-clear is kept without a mail.
    """
    if problem.over_at is not None:
        return None
    muted = is_muted(problem, now)
    quiet = abs(now - problem.last_at) >= OVER_AFTER  # a clock that was set back keeps nothing open
    if problem.told_at is None:
        if muted:
            return Review(after=replace(problem, over_at=now)) if quiet else None
        return _told(problem, NoticeKind.PROBLEM, now)
    if quiet:
        over = _told(problem, NoticeKind.OVER, now)
        return replace(over, after=replace(over.after, over_at=now), mailed=not muted)
    patience = STILL_AFTER if problem.tellings == 1 else STILL_EVERY
    if not muted and abs(now - problem.told_at) >= patience:
        return _told(problem, NoticeKind.STILL, now)
    return None


def is_muted(problem: Problem, now: datetime) -> bool:
    return problem.muted_until is not None and now < problem.muted_until


def _told(problem: Problem, kind: NoticeKind, now: datetime) -> Review:
    return Review(
        after=replace(problem, tellings=problem.tellings + 1, told_at=now),
        notice=ProblemNotice(
            kind=kind,
            cause=problem.cause,
            occurrences=problem.occurrences,
            first_at=problem.first_at,
            last_at=problem.last_at,
        ),
    )
