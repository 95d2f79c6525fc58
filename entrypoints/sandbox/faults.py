"""Failures by name, switched on and off while the simulators run.

Targets: `erp` and `huggy` are the servers, `webhook` is Huggy's way of delivering notifications, `lists` are the lists of
flows and companies, which the real Huggy may not have. Over HTTP, on any
simulator: `POST /_sandbox/faults {"erp": "slow:0.5", "huggy": {"name": "429", "times": 2}, "webhook": null}`.
"""

import asyncio
from enum import StrEnum

import msgspec
from msgspec import Struct


class FaultName(StrEnum):
    SLOW = "slow"
    """answers after `seconds`"""
    DOWN = "down"
    """the connection is closed without an answer, and nothing happens"""
    SERVER_ERROR = "500"
    TOO_MANY_REQUESTS = "429"
    """with `Retry-After: <seconds>`"""
    BROKEN_JSON = "broken_json"
    """the work is done, the answer stops in the middle"""
    HTML = "html"
    """a login page with status 200, and nothing happens"""
    WRONG_TOKEN = "wrong_token"  # noqa: S105 - the name of a fault
    """every token is refused with 401"""
    HANG = "hang"
    """no answer until the caller gives up"""
    DROP_AFTER_WRITE = "drop_after_write"
    """a write takes effect, then the connection is closed without an answer; reads are answered"""
    DUPLICATE = "duplicate"
    """every notification is delivered twice"""
    MISSING = "404"
    """there is no such list"""
    OUT_OF_ORDER = "out_of_order"
    """a notification waits until a later one has been delivered, at most `seconds`"""


TARGETS = ("erp", "huggy", "webhook", "lists")
_OF = {
    "webhook": frozenset({FaultName.DUPLICATE, FaultName.OUT_OF_ORDER}),
    "lists": frozenset({FaultName.MISSING}),
}
"""the targets with faults of their own; all others share the rest"""


_OF_SERVERS = frozenset(FaultName).difference(*_OF.values())


class Fault(Struct, frozen=True, kw_only=True):
    name: FaultName
    seconds: float = 1
    times: int | None = None
    """how many requests it spoils before it ends by itself; None: until switched off"""
    only: str = ""
    """spoils only requests whose path contains this text"""


class UnknownFault(ValueError):
    """No such target, no such fault, or a fault that its target does not have."""


class Faults:
    """Which fault each target has now: at most one."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}
        self._used: dict[str, int] = {}
        self._met = {target: asyncio.Event() for target in TARGETS}
        self.stopping = asyncio.Event()
        """set when the simulators stop: whoever hangs on purpose lets go"""

    def set(self, target: str, fault: object) -> None:
        """`fault` is a `Fault`, its JSON object, its name, `"name:seconds"`, or None (`"none"`) to end it."""
        if target not in TARGETS:
            raise UnknownFault(f"no such target: {target}; there are {', '.join(TARGETS)}")
        chosen = _read(fault)
        if chosen is not None and chosen.name not in _OF.get(target, _OF_SERVERS):
            raise UnknownFault(f"{target} has no fault {chosen.name}")
        self._faults.pop(target, None)
        self._used[target] = 0
        self._met[target].clear()
        if chosen is not None:
            self._faults[target] = chosen

    def clear(self) -> None:
        self._faults.clear()

    def active(self, target: str, path: str = "") -> Fault | None:
        """The fault that a request to `path` meets."""
        fault = self._faults.get(target)
        return fault if fault is not None and fault.only in path else None

    def used(self, target: str) -> None:
        """Counts one request spoilt; a fault with `times` ends here."""
        fault = self._faults.get(target)
        self._used[target] = self._used.get(target, 0) + 1
        self._met[target].set()
        if fault is not None and fault.times is not None and self._used[target] >= fault.times:
            del self._faults[target]

    async def met(self, target: str) -> None:
        """Returns when a request has met this target's fault since it was set."""
        await self._met[target].wait()

    def shown(self) -> dict[str, Fault | None]:
        return {target: self._faults.get(target) for target in TARGETS}


def _read(fault: object) -> Fault | None:
    if fault is None or fault == "none":
        return None
    if isinstance(fault, Fault):
        return fault
    value = fault
    if isinstance(fault, str):
        name, _, seconds = fault.partition(":")
        value = {"name": name, "seconds": seconds or 1}
    try:
        return msgspec.convert(value, Fault, strict=False)
    except msgspec.ValidationError as error:
        raise UnknownFault(f"no such fault: {error}") from None
