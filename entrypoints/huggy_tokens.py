"""Every installation's access to Huggy kept good: renewed long before it ends, and when Huggy refuses a token.

A renewal is made by one caller at a time, over all processes; whoever comes second finds the new token and takes it.
Huggy may have made the refresh token worthless by handing out the next, so what comes back is stored before it is used.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog

from application.console_ports import Accounts, Turns
from application.failures import Failure, Rejected, Unavailable
from application.ports import Alerts, Clock, Installations
from domain.huggy_access import Grant, found_again, granted, lost, renewal_due
from domain.identifiers import InstallationId, Secret
from domain.installation import Installation
from entrypoints.steady_round import repeating

ROUND_S = 60.0
LOOK_AGAIN = timedelta(minutes=5)
"""how often a typed token that Huggy refused is tried again: somebody may have made it good there"""
RECONNECT = "huggy.reconnect"
_OF_THE_CLIENT = frozenset({"huggy.client_missing", "huggy.client_refused"})
"""matters of the settings, which no sign-in mends"""

log = structlog.get_logger()


class HuggyTokens:
    """Used on one event loop, that of the calls to Huggy."""

    def __init__(
        self, *, installations: Installations, accounts: Accounts, alerts: Alerts | None, turns: Turns, clock: Clock
    ) -> None:
        """Without `alerts` it is a command's, which makes an access good or leaves it as it is: that one is lost, whoever
        serves finds out by settings that are surely the right ones."""
        self._installations = installations
        self._accounts = accounts
        self._alerts = alerts
        self._turns = turns
        self._clock = clock
        self._renewals: dict[InstallationId, asyncio.Task[Secret | Failure]] = {}
        self._unsaved: dict[InstallationId, tuple[Secret, Grant]] = {}
        """what came back and could not be stored, with the refresh token that it was had for"""
        self._looked_at: dict[InstallationId, float] = {}

    async def instead_of(self, installation_id: InstallationId, refused: Secret) -> Secret | None:
        """A token in place of one that Huggy refused; None: there is none now. Never fails."""
        try:
            return await self.renewed(installation_id, refused)
        except Failure:
            return None

    async def renewed(self, installation_id: InstallationId, refused: Secret) -> Secret:
        """A token in place of one that Huggy refused; raises what keeps us from one."""
        installation = await self._installations.get(installation_id)
        if installation is None:
            raise _gone()
        if installation.huggy_token != refused:
            return installation.huggy_token
        if installation.huggy_lost_at is not None:
            raise Rejected(RECONNECT, "somebody has to sign in again")
        came = await self._renewed_once(installation_id, refused)
        if isinstance(came, Failure):
            raise came
        return came

    @asynccontextmanager
    async def going(self, *, every_s: float = ROUND_S) -> AsyncIterator[None]:
        """Looks round again and again while the block runs, and finishes."""
        async with self.finishing(), repeating(self.look_round, every_s=every_s, first_after_s=0):
            yield

    @asynccontextmanager
    async def finishing(self) -> AsyncIterator[None]:
        """On the way out, a renewal that is under way is waited for."""
        try:
            yield
        finally:
            await asyncio.gather(*self._renewals.values(), return_exceptions=True)

    async def look_round(self) -> None:
        """Renews what is due, and looks whether what was lost is good again."""
        for installation in await self._installations.all():
            if renewal_due(installation, self._clock.now()):
                await self._renewed_once(installation.id, installation.huggy_token)
            elif installation.huggy_lost_at is not None and not installation.huggy_refresh_token:
                await self._try_again(installation)

    async def _renewed_once(self, installation_id: InstallationId, refused: Secret) -> Secret | Failure:
        """Whoever asks meanwhile waits for the same renewal; it goes on when they leave."""
        task = self._renewals.get(installation_id)
        if task is None:
            task = asyncio.create_task(self._renewed(installation_id, refused))
            self._renewals[installation_id] = task
            task.add_done_callback(lambda _: self._renewals.pop(installation_id))
        return await asyncio.shield(task)

    async def _renewed(self, installation_id: InstallationId, refused: Secret) -> Secret | Failure:
        try:
            async with self._turns(f"huggy-token:{installation_id}"):
                return await self._renew(installation_id, refused)
        except Failure as failure:
            log.warning("huggy.token_not_renewed", installation_id=installation_id, cause=failure.cause)
            return failure
        except Exception:  # our own fault must leave neither who was refused nor the next company without an answer
            log.exception("huggy.token_renewal_crashed", installation_id=installation_id)
            return Unavailable("ponte.fault", "the renewal crashed")

    async def _renew(self, installation_id: InstallationId, refused: Secret) -> Secret | Failure:
        installation = await self._installations.change(installation_id, lambda same: same)
        if installation is None:
            return _gone()
        if installation.huggy_token != refused:
            return installation.huggy_token
        refresh_token = installation.huggy_refresh_token
        if refresh_token is None:
            await self._lose(installation_id, refused)
            return Rejected("huggy.unauthorized", "a typed token")
        try:
            grant = await self._grant(installation_id, refresh_token)
        except Rejected as refusal:
            if refusal.cause in _OF_THE_CLIENT:
                await self._alert(installation_id, refusal.cause, refusal.detail)
            else:
                await self._lose(installation_id, refused)
            return refusal

        def with_grant(each: Installation) -> Installation:
            return granted(each, grant) if each.huggy_refresh_token == refresh_token else each

        self._unsaved[installation_id] = (refresh_token, grant)
        saved = await self._installations.change(installation_id, with_grant)
        del self._unsaved[installation_id]
        log.info("huggy.token_renewed", installation_id=installation_id)
        return saved.huggy_token if saved else _gone()

    async def _grant(self, installation_id: InstallationId, refresh_token: Secret) -> Grant:
        had_for, grant = self._unsaved.get(installation_id, (None, None))
        if grant is not None and had_for == refresh_token:
            return grant
        if not self._accounts.is_configured:  # Huggy's refusal would read as if somebody had to sign in again
            raise Rejected("huggy.client_missing", "no client is set")
        return await self._accounts.renew(refresh_token)

    async def _lose(self, installation_id: InstallationId, refused: Secret) -> None:
        if self._alerts is None:
            return
        now = self._clock.now()
        await self._installations.change(
            installation_id, lambda each: lost(each, now) if each.huggy_token == refused else each
        )
        log.warning("huggy.access_lost", installation_id=installation_id)
        await self._alert(installation_id, RECONNECT, "")

    async def _alert(self, installation_id: InstallationId, cause: str, detail: str) -> None:
        if self._alerts is not None:
            await self._alerts.raise_alert(installation_id, cause, detail)

    async def _try_again(self, installation: Installation) -> None:
        now, token = self._clock.monotonic(), installation.huggy_token
        if now - self._looked_at.get(installation.id, -LOOK_AGAIN.total_seconds()) < LOOK_AGAIN.total_seconds():
            return
        self._looked_at[installation.id] = now
        try:
            if await self._accounts.belongs_to(token, installation.company_id):
                await self._installations.change(
                    installation.id, lambda each: found_again(each) if each.huggy_token == token else each
                )
        except Failure:
            return


def _gone() -> Rejected:
    return Rejected("huggy.unauthorized", "the installation is gone")
