"""What each benchmark is given: the tools of one run."""

import itertools
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from benchmarks.child import Child
from benchmarks.load import Landed, Target, Volley
from benchmarks.product import Ponte, Site, running
from benchmarks.rows import Say, Size
from benchmarks.standins import Manners, Seen
from benchmarks.stores import Store

CONNECTIONS = 64
NUMBERS_A_VOLLEY = 100_000


class Sent(Struct, frozen=True, kw_only=True):
    """Which notifications, and how that went."""

    numbers: range
    landed: Landed


class Bench:
    """One load generator, one process of stand-ins, one store."""

    def __init__(self, *, store: Store, size: Size, directory: Path, load: Child, standins: Child, say: Say) -> None:
        self.store = store
        self.size = size
        self.say = say
        self.directory = directory
        self._load = load
        self._standins = standins
        self._upstream_port = int(standins.ask(do="listen"))
        self._next = itertools.count()

    @contextmanager
    def ponte(self, **how: Any) -> Iterator[Ponte]:
        """The product, freshly installed, over stand-ins that answer at once and have seen nothing."""
        self.behave()
        self.forget()
        with tempfile.TemporaryDirectory(dir=self.directory) as home:
            site = Site(store=self.store, home=Path(home), upstream_port=self._upstream_port, **how)
            with running(site) as ponte:
                yield ponte

    def send(
        self,
        port: int,
        targets: Sequence[Target],
        count: int,
        *,
        connections: int = CONNECTIONS,
        per_second: float | None = None,
    ) -> Sent:
        """New notifications, to the targets in turn; every one must have been taken."""
        first = next(self._next) * NUMBERS_A_VOLLEY
        volley = Volley(
            port=port, targets=targets, first=first, count=count, connections=connections, per_second=per_second
        )
        landed = msgspec.convert(self._load.ask(**msgspec.to_builtins(volley)), Landed)
        if landed.refused:
            raise RuntimeError(f"{landed.refused} of {count} deliveries were refused")
        return Sent(numbers=range(first, first + count), landed=landed)

    def warm_up(self, ponte: Ponte, each: int = 5) -> None:
        """So many notifications for each installation, worked off and forgotten: clients and connections are there."""
        self.await_flows(self.send(ponte.port, ponte.targets, each * len(ponte.targets)).numbers)
        self.forget()

    def behave(self, **manners: Any) -> None:
        self._standins.ask(do="behave", manners=msgspec.to_builtins(Manners(**manners)))

    def most_at_once(self, pbx: str) -> int:
        """The most calls that this troubled ERP had at once since it was told how to behave."""
        return int(self._standins.ask(do="most_at_once")[pbx])

    def forget(self) -> None:
        self._standins.ask(do="forget")

    def await_flows(self, numbers: Iterable[int]) -> None:
        """Returns when each of these notifications led to its flow."""
        if not self._standins.ask(do="await_flows", numbers=list(numbers)):
            raise RuntimeError("some notifications led to no flow within minutes")

    def seen(self) -> dict[int, Seen]:
        return msgspec.convert(self._standins.ask(do="tell"), dict[int, Seen], strict=False)
