"""`POST /webhooks/huggy/{key}`: takes what Huggy tells us, and answers once it is durable.

The one hot route, so it is a plain ASGI app in front of Litestar (`app.py`): it reads the body itself, builds no request
and no response object, and answers for its own faults. PUT is accepted like POST, and a handshake by `GET ?token=` too,
because receivers in the wild see all three.
"""

import hmac
from collections.abc import Callable, Sequence
from urllib.parse import parse_qs

import msgspec
import structlog
from litestar.types import HTTPScope, Receive, Send
from msgspec import Struct

from adapters.huggy.inbound import Delivery, Handshake, NotUnderstood, Strange, Understood
from application.failures import Unavailable
from application.ports import Alerts, Arrival, Engine, Installations, Lane, Mailbox
from domain.identifiers import Secret
from domain.installation import Installation
from domain.notification import NotForUs
from entrypoints.http.errors import note_fault, request_id, retry_after_s, sentence, signature
from entrypoints.metrics import Meters

MOUNTED_AT = "/webhooks/huggy/"
"""what follows is the installation's key"""
BODY_MAX = 256 * 1024
TOKEN_MAX = 256

Parse = Callable[[bytes, str], Delivery | Handshake]
"""Body and content type in; raises `NotUnderstood`, and nothing else, whatever the bytes."""

log = structlog.get_logger()


class Counted(Struct, frozen=True, kw_only=True):
    """The answer to a delivery."""

    accepted: int = 0
    duplicates: int = 0
    ignored: int = 0


class Answer(Struct, frozen=True, kw_only=True):
    status: int
    content_type: bytes = b"application/json"
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


class _Refusal(Exception):
    """The delivery is answered with this status, and counted under this reason."""

    def __init__(self, status: int, reason: str, *headers: tuple[bytes, bytes]) -> None:
        self.status = status
        self.reason = reason
        self.headers = headers


class _Gone(Exception):
    """The caller hung up before the body was complete."""


class HuggyWebhook:
    def __init__(
        self,
        *,
        installations: Installations,
        mailbox: Mailbox,
        engine: Engine,
        alerts: Alerts,
        parse: Parse,
        meters: Meters,
    ) -> None:
        self._installations = installations
        self._mailbox = mailbox
        self._engine = engine
        self._alerts = alerts
        self._parse = parse
        self._meters = meters

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Serves paths that begin with `MOUNTED_AT`. Raises nothing."""
        try:
            answer = await self._answer(scope, receive)
        except _Gone:
            return
        except _Refusal as refusal:
            self._meters.refused(refusal.reason)
            answer = _refused(scope, refusal)
        except Unavailable as failure:
            self._meters.refused("unavailable")
            log.warning("webhook.unavailable", cause=failure.cause, request_id=request_id(scope))
            later = (b"retry-after", b"%d" % retry_after_s(failure))
            answer = _refused(scope, _Refusal(503, "unavailable", later))
        except Exception as fault:  # noqa: BLE001  # nobody stands behind to answer for it
            note_fault(scope, MOUNTED_AT, fault)
            answer = _refused(scope, _Refusal(500, "fault"))
        await _send(answer, scope, send)

    async def _answer(self, scope: HTTPScope, receive: Receive) -> Answer:
        installation = await self._installations.by_webhook_key(scope["path"][len(MOUNTED_AT) :].strip("/"))
        if installation is None:
            raise _Refusal(404, "unknown_key")
        match scope["method"]:
            case "POST" | "PUT":
                parsed = self._read(await _body(scope, receive), _header(scope, b"content-type"))
            case "GET" if token := parse_qs(scope["query_string"].decode("latin-1")).get("token"):
                parsed = Handshake(token=Secret(value=token[0]))
            case _:
                raise _Refusal(405, "method", (b"allow", b"GET, POST, PUT"))
        if isinstance(parsed, Handshake):
            return await self._shake_hands(installation, parsed.token)
        return await self._take(installation, parsed)

    def _read(self, body: bytes, content_type: str) -> Delivery | Handshake:
        try:
            return self._parse(body, content_type)
        except NotUnderstood:
            raise _Refusal(400, "not_understood") from None

    async def _shake_hands(self, installation: Installation, token: Secret) -> Answer:
        """Pins the first token and says it back; from then on no other one is taken, until that one is forgotten."""
        text = token.reveal()
        if not text or len(text) > TOKEN_MAX or not text.isprintable():
            raise _Refusal(400, "not_understood")
        if not installation.webhook_token:
            await self._installations.pin_webhook_token(installation.id, text)
        elif not _same(installation.webhook_token, token):
            raise await self._wrong_token(installation)
        return Answer(status=200, content_type=b"text/plain; charset=utf-8", body=text.encode())

    async def _take(self, installation: Installation, delivery: Delivery) -> Answer:
        """Shapes other than Huggy's own envelope carry no token: for those the key in the path has to do."""
        pinned = installation.webhook_token
        if pinned and delivery.token and not _same(pinned, delivery.token):
            raise await self._wrong_token(installation)
        arrivals, strange = _sort(installation, delivery.items)
        accepted, duplicates = await self._accept(installation, arrivals)
        for item in strange:
            if not item.what.expected:
                await self._mailbox.keep_unknown(installation.id, item.what, item.raw)
                await self._alerts.raise_alert(installation.id, "huggy.not_understood", item.what.reason)
            self._meters.ignored(item.what.reason)
        counted = Counted(accepted=accepted, duplicates=duplicates, ignored=len(strange))
        return Answer(status=200, body=msgspec.json.encode(counted))

    async def _wrong_token(self, installation: Installation) -> _Refusal:
        """Huggy's admin may have renewed the token: its people are told so, the caller is not."""
        await self._alerts.raise_alert(installation.id, "huggy.webhook_token", "")
        return _Refusal(401, "wrong_token")

    async def _accept(self, installation: Installation, arrivals: Sequence[Arrival]) -> tuple[int, int]:
        if not arrivals:
            return 0, 0
        receipt = await self._mailbox.accept(installation.id, arrivals, window_s=installation.policies.dedupe_window_s)
        if receipt.accepted:
            for chat_id in dict.fromkeys(arrival.notification.chat.id for arrival in arrivals):
                self._engine.wake(Lane(installation_id=installation.id, chat_id=chat_id))
            self._meters.accepted(receipt.accepted)
        if receipt.duplicates:
            self._meters.duplicates(receipt.duplicates)
        return receipt.accepted, receipt.duplicates


def _sort(installation: Installation, items: Sequence[Understood | Strange]) -> tuple[list[Arrival], list[Strange]]:
    """What asks something of this installation, and the rest; a notification of another company is none of ours."""
    arrivals: list[Arrival] = []
    strange: list[Strange] = []
    for item in items:
        if isinstance(item, Strange):
            strange.append(item)
        elif item.notification.chat.company_id in (None, installation.company_id):
            arrivals.append(Arrival(notification=item.notification, raw=item.raw))
        else:
            event = str(type(item.notification).__struct_config__.tag)
            strange.append(Strange(what=NotForUs(reason="other_company", event=event), raw=b""))
    return arrivals, strange


def _same(one: Secret, other: Secret) -> bool:
    """In constant time."""
    return hmac.compare_digest(
        one.reveal().encode("utf-8", "surrogatepass"), other.reveal().encode("utf-8", "surrogatepass")
    )


async def _body(scope: HTTPScope, receive: Receive) -> bytes:
    """At most `BODY_MAX` bytes; whatever the caller declared, reading stops there.

    The connection is not closed: the server throws the rest away, and the caller gets to read its refusal.
    """
    declared = _header(scope, b"content-length")
    if declared.isdecimal() and int(declared[:12]) > BODY_MAX:
        raise _Refusal(413, "too_large")
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise _Gone
        body += message.get("body", b"")
        if len(body) > BODY_MAX:
            raise _Refusal(413, "too_large")
        if not message.get("more_body"):
            return bytes(body)


def _header(scope: HTTPScope, name: bytes) -> str:
    for key, value in scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return ""


def _refused(scope: HTTPScope, refusal: _Refusal) -> Answer:
    body = {"error": sentence(refusal.status), "request_id": request_id(scope)}
    return Answer(status=refusal.status, body=msgspec.json.encode(body), headers=refusal.headers)


async def _send(answer: Answer, scope: HTTPScope, send: Send) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": answer.status,
            "headers": [
                (b"content-type", answer.content_type),
                (b"content-length", b"%d" % len(answer.body)),
                *answer.headers,
                *signature(scope),
            ],
        }
    )
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})
