"""Operators and their passwords: who may pass, and how often somebody may try."""

import asyncio
import re
from collections import deque
from functools import cache
from hashlib import blake2b
from secrets import token_urlsafe

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from application.console_ports import Operator, Operators
from application.ports import Clock
from domain.identifiers import Secret

TRIES_MAX, TRIES_WITHIN_S = 10, 60.0
"""per name, and per address"""
STARTS_MAX = 60
"""sign-ins at Huggy that one address may begin within that time; each is remembered until it comes back or is too old"""
REMEMBERED_MAX = 10_000
AT_ONCE = 2
"""each check takes 64 MB and a processor for some 50 ms: that is what makes guessing dear"""
PASSWORD_MIN, PASSWORD_MAX = 12, 1024

_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
_hasher = PasswordHasher()


class TooManyTries(Exception):
    """Not now: this name or this address has tried often enough for a while."""


class Tries:
    """How often each of many did something within the last minute; in memory, and bounded."""

    def __init__(self, clock: Clock, *, limit: int = TRIES_MAX) -> None:
        self._clock = clock
        self._limit = limit
        self._tries: dict[str, deque[float]] = {}

    def count(self, *whos: str) -> None:
        """`TooManyTries` when one of them has none left; then nothing is counted."""
        now = self._clock.monotonic()
        recent = [self._recent(who, now) for who in whos]
        if any(len(tries) >= self._limit for tries in recent):
            raise TooManyTries
        for who, tries in zip(whos, recent, strict=True):
            tries.append(now)
            self._tries[who] = self._tries.pop(who, tries)
        while len(self._tries) > REMEMBERED_MAX:
            del self._tries[next(iter(self._tries))]

    def _recent(self, who: str, now: float) -> deque[float]:
        tries = self._tries.get(who, deque())
        while tries and tries[0] <= now - TRIES_WITHIN_S:
            tries.popleft()
        return tries


class Doorkeeper:
    """Used on one event loop, that of the pages."""

    def __init__(self, *, operators: Operators, clock: Clock) -> None:
        self._operators = operators
        self._tries = Tries(clock)
        self._starts = Tries(clock, limit=STARTS_MAX)
        self._places = asyncio.Semaphore(AT_ONCE)

    def count_start(self, address: str) -> None:
        """`TooManyTries` when this address has begun enough sign-ins at Huggy for a while."""
        self._starts.count(address)

    async def admit(self, name: str, password: Secret, *, address: str) -> Operator | None:
        """None: the name or the password is wrong, and nothing tells which; a name that nobody has costs the same work.

        `TooManyTries` without any work.
        """
        name = name.strip().lower()
        known = [f"name {name}"] if is_name(name) else []  # what can be no name is not remembered: it may be a megabyte
        self._tries.count(*known, f"address {address}")
        operator = await self._operators.get(name) if known else None
        async with self._places:
            matches = await asyncio.to_thread(_matches, operator, password)
        return operator if matches else None

    async def operator(self, name: str) -> Operator | None:
        """Without a password: for the sandbox, where nothing is to be guarded."""
        return await self._operators.get(name)

    async def still_trusts(self, name: str, mark: str) -> bool:
        """Whether the operator exists and has the password that the mark was made with."""
        operator = await self._operators.get(name)
        return operator is not None and mark_of(operator) == mark


@cache
def _nobody() -> Secret:
    """What the password for a name that nobody has is compared with."""
    return hash_password(Secret(value=token_urlsafe()))


def is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def hash_password(password: Secret) -> Secret:
    return Secret(value=_hasher.hash(password.reveal()))


def mark_of(operator: Operator) -> str:
    """Changes with the password, and does not help anybody to find it."""
    return blake2b(operator.password_hash.reveal().encode(), digest_size=16).hexdigest()


def _matches(operator: Operator | None, password: Secret) -> bool:
    nobody = _nobody()
    kept = nobody if operator is None else operator.password_hash
    try:
        return _hasher.verify(kept.reveal(), password.reveal()[:PASSWORD_MAX])
    except (Argon2Error, InvalidHashError):
        return False
