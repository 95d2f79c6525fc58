"""What the command line asks of the composition root, `entrypoints.composition`.

A module fits this protocol by having the functions; one typed line in `entrypoints.cli` proves that it does.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from application.console_ports import Operators
from application.outage_ports import OutageRegistry
from application.ports import Erps, Installations
from domain.installation import ErpKind
from entrypoints.cli_installation import NoteChange
from entrypoints.cli_outage import NoteOutage
from entrypoints.connections import AskHuggy, Probe
from entrypoints.settings import Settings


class Root(Protocol):
    """What its functions refuse in words for people, they raise as `entrypoints.reply.CommandFailed`."""

    @property
    def run_server(self) -> Callable[[Settings, str, int, bool], None]:
        """Settings, host, port, and whether the worker runs beside it; returns when the process is told to stop."""
        ...

    @property
    def run_worker(self) -> Callable[[Settings], None]:
        """Returns when the process is told to stop."""
        ...

    @property
    def migrate(self) -> Callable[[Settings], str]:
        """Brings the database to this version; the revision that it has now."""
        ...

    @property
    def database_problem(self) -> Callable[[Settings], str | None]:
        """None: the database is reachable and of this version; else what is wrong and what to do."""
        ...

    @property
    def rotate_keys(self) -> Callable[[Settings], Awaitable[int]]:
        """Encrypts every secret anew with the first key; how many."""
        ...

    @property
    def open_installations(self) -> Callable[[Settings], AbstractAsyncContextManager[Installations]]: ...

    @property
    def open_companies(self) -> Callable[[Settings], AbstractAsyncContextManager[tuple[Installations, NoteChange]]]:
        """The installations, to be changed, and what keeps each change of them."""
        ...

    @property
    def open_outages(
        self,
    ) -> Callable[[Settings], AbstractAsyncContextManager[tuple[Installations, OutageRegistry, NoteOutage]]]:
        """The registry, with the installations that its outages belong to, and what keeps each change of them."""
        ...

    @property
    def open_operators(self) -> Callable[[Settings], AbstractAsyncContextManager[Operators]]: ...

    @property
    def open_erps(self) -> Callable[[Settings], AbstractAsyncContextManager[Erps]]: ...

    @property
    def open_huggy(self) -> Callable[[Settings], AbstractAsyncContextManager[AskHuggy]]:
        """A token that Huggy refuses is renewed where it can be, and kept."""
        ...

    @property
    def mail_problem(self) -> Callable[[Settings], Awaitable[str | None]]:
        """None: the mail server takes us, or there is none; else what is wrong. No mail is sent."""
        ...

    @property
    def erp_probe(self) -> Callable[[Settings], Probe]: ...

    @property
    def read_erp_address(self) -> Callable[[Settings, ErpKind, str], str]:
        """The address as it is kept; `ValueError` with a sentence that says what is wrong."""
        ...

    @property
    def erp_settings(self) -> Callable[[ErpKind], frozenset[str]]:
        """The names of the settings of an ERP's own."""
        ...
