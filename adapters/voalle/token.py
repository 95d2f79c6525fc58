"""The access token of the third-party API: asked for once by whoever needs it first, kept until shortly before it ends."""

from adapters.voalle.exchange import VoalleExchange, refusal_of
from adapters.voalle.in_flight import InFlight
from adapters.voalle.wire import Fields, not_understood
from application.failures import Rejected
from application.ports import Clock
from domain.identifiers import Personal, Secret

RENEW_EARLY_S = 60


class ThirdPartyAccess(Personal, frozen=True, kw_only=True):
    """Credentials of the ERP's "usuário integrador". Source: vendor documentation."""

    client_id: str
    client_secret: Secret
    syndata: Secret


class VoalleToken:
    def __init__(self, *, exchange: VoalleExchange, auth_url: str, access: ThirdPartyAccess, clock: Clock) -> None:
        self._exchange = exchange
        self._url = f"{auth_url}/connect/token"
        self._access = access
        self._clock = clock
        self._renewals: InFlight[Secret] = InFlight()
        self._current = Secret(value="")
        self._renew_at = 0.0

    async def get(self) -> Secret:
        if self._current and self._clock.monotonic() < self._renew_at:
            return self._current
        return await self._renewals.share("token", self._renew, what="token")

    def drop(self, refused: Secret) -> None:
        """Forgets a token that the API refused, unless it was renewed meanwhile."""
        if self._current == refused:
            self._current = Secret(value="")

    async def _renew(self) -> Secret:
        answer = await self._exchange.send(
            "token",
            "POST",
            self._url,
            form={
                "grant_type": "client_credentials",
                "scope": "syngw",
                "client_id": self._access.client_id,
                "client_secret": self._access.client_secret.reveal(),
                "syndata": self._access.syndata.reveal(),
            },
            accept=frozenset({400}),
        )
        if answer.status == 400:
            # OAuth's own way to say that the credentials are wrong.
            raise Rejected("erp.unauthorized", "HTTP 400") if b'"error"' in answer.body else refusal_of(answer)
        decoded = answer.json()
        fields = Fields(decoded) if isinstance(decoded, dict) else not_understood("token", decoded)
        token, lifetime_s = Secret(value=fields.text(("access_token",))), fields.integer(("expires_in",))
        if not token or lifetime_s is None:
            not_understood("token", decoded)
        self._current = token
        self._renew_at = self._clock.monotonic() + lifetime_s - RENEW_EARLY_S
        return token
