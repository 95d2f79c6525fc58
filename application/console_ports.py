"""What the console and whoever keeps an installation connected rely on: accounts at Huggy, and what is kept of visits.

No use case needs any of this, so it stands beside `ports.py`; the promises are of the same kind.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from domain.huggy_access import Grant
from domain.identifiers import CompanyId, FlowId, InstallationId, Personal, Secret
from domain.installation import Installation


class HuggyAgent(Personal, frozen=True, kw_only=True):
    """Whoever signed in at Huggy."""

    safe = ("id",)

    id: str
    name: str


class HuggyCompany(Struct, frozen=True, kw_only=True):
    id: CompanyId
    name: str = ""
    """empty: Huggy did not tell"""


class Accounts(Protocol):
    """Signing in at Huggy, and what a token shows about its agent. Raises the failures of `application.failures`."""

    @property
    def is_configured(self) -> bool:
        """Whether Ponte is known to Huggy as an app; nobody can sign in there otherwise."""
        ...

    def authorize_url(self, *, redirect_uri: str, state: str) -> str:
        """Where a browser goes to sign in."""
        ...

    async def exchange(self, code: Secret, *, redirect_uri: str) -> Grant:
        """`Rejected` when the code is not good any more."""
        ...

    async def renew(self, refresh_token: Secret) -> Grant:
        """The refresh token may be good for this once: what comes back is kept before it is used.

        `Rejected("huggy.grant_refused")`: it is over, somebody has to sign in again.
        """
        ...

    async def agent(self, token: Secret) -> HuggyAgent: ...

    async def belongs_to(self, token: Secret, company_id: CompanyId) -> bool:
        """Whether Huggy lets this token into the company. A question that failed is a failure, never an answer."""
        ...

    async def companies(self, token: Secret) -> Sequence[HuggyCompany] | None:
        """Those of the agent, as far as Huggy lists them; None: it does not."""
        ...


class Sessions(Protocol):
    """What the server remembers of a browser, under an id that only the browser knows. `content` is kept sealed.

    A session ends 12 hours after it was last used, and 7 days after it was begun in any case.
    """

    async def begin(self, content: bytes) -> str:
        """A new id, which nobody can guess."""
        ...

    async def read(self, session_id: str, *, counts_as_use: bool = True) -> bytes | None:
        """None: there is none, or it is over. A look that a page takes by itself does not count as use."""
        ...

    async def keep(self, session_id: str, content: bytes) -> None:
        """In place of what was kept before; nothing when the session is over."""
        ...

    async def end(self, session_id: str) -> None: ...


class Operator(Personal, frozen=True, kw_only=True):
    """One who runs the whole service, and sees every installation."""

    safe = ("created_at",)

    name: str
    password_hash: Secret
    created_at: datetime


class Operators(Protocol):
    async def get(self, name: str) -> Operator | None: ...

    async def all(self) -> Sequence[Operator]:
        """In the order of their names."""
        ...

    async def add(self, name: str, password_hash: Secret) -> bool:
        """False: there is one of this name already, who stays as he is."""
        ...

    async def set_password(self, name: str, password_hash: Secret) -> bool:
        """False: there is none."""
        ...

    async def remove(self, name: str) -> bool:
        """False: there was none."""
        ...


class Agents(Protocol):
    """Which companies an agent of Huggy was let into when he last signed in: where to look, never a right by itself."""

    async def companies(self, agent_id: str) -> Sequence[CompanyId]: ...

    async def remember(self, agent_id: str, company_id: CompanyId) -> None: ...

    async def forget(self, agent_id: str, company_id: CompanyId) -> None: ...


class Author(Protocol):
    """Who changed something."""

    @property
    def name(self) -> str: ...

    @property
    def is_operator(self) -> bool: ...


class AuditNote(Personal, frozen=True, kw_only=True):
    """One change that somebody made; never a secret among its details."""

    safe = ("id", "at")

    id: int
    at: datetime
    author: str
    by_operator: bool
    what: str
    details: dict[str, str] = {}


class Audit(Protocol):
    async def note(
        self, installation_id: InstallationId, author: Author, what: str, details: Mapping[str, str] | None = None
    ) -> None: ...

    async def recent(
        self, installation_id: InstallationId, *, before: int | None = None, limit: int = 50
    ) -> Sequence[AuditNote]:
        """The newest first; `before` (an id) goes on after an earlier page."""
        ...


class Turns(Protocol):
    """One at a time, over all processes that share a database."""

    def __call__(self, name: str) -> AbstractAsyncContextManager[None]:
        """Waits for whoever has this turn; `Unavailable` when that takes too long."""
        ...


class FlowChoice(Struct, frozen=True, kw_only=True):
    id: FlowId
    name: str
    """empty: Huggy did not tell"""


class FlowLists(Protocol):
    async def __call__(self, installation: Installation, /) -> Sequence[FlowChoice] | None:
        """The flows of the company, each once; None: no list is to be had, and ids have to be typed. Never raises."""
        ...
