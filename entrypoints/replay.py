"""`ponte replay`: posts a recorded notification to the webhook, as Huggy would."""

import httpx
import msgspec

from domain.installation import Installation
from entrypoints.cli_installation import webhook_url
from entrypoints.http.webhooks import Counted
from entrypoints.reply import CommandFailed, Reply

TIMEOUT_S = 30


async def replay(body: bytes, installation: Installation, *, public_url: str, http: httpx.AsyncClient) -> Reply:
    """A recording keeps its ids, so what was accepted before counts as a duplicate. The token of a recorded envelope
    gives way to the one that is pinned now."""
    json = body.lstrip()[:1] in {b"{", b"["}
    content_type = "application/json" if json else "application/x-www-form-urlencoded"
    try:
        answer = await http.post(
            webhook_url(public_url, installation),
            content=_with_token_of(installation, body) if json else body,
            headers={"content-type": content_type},
            timeout=TIMEOUT_S,
        )
    except httpx.HTTPError as error:
        raise CommandFailed(
            f"não foi possível chegar a {public_url} ({type(error).__name__}): o servidor está no ar? "
            "confira PONTE_PUBLIC_URL"
        ) from None
    if answer.status_code != 200:
        raise CommandFailed(f"o webhook respondeu {answer.status_code}; veja os registros do servidor")
    try:
        counted = msgspec.json.decode(answer.content, type=Counted)
    except msgspec.DecodeError:
        raise CommandFailed(f"a resposta de {public_url} não é do webhook do Ponte") from None
    return Reply(
        facts=msgspec.structs.asdict(counted),
        lines=(f"Aceitas: {counted.accepted}. Repetidas: {counted.duplicates}. Ignoradas: {counted.ignored}.",),
    )


def _with_token_of(installation: Installation, body: bytes) -> bytes:
    if installation.webhook_token is None:
        return body
    try:
        envelope = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        return body
    if "token" not in envelope:
        return body
    token = msgspec.Raw(msgspec.json.encode(installation.webhook_token.reveal()))
    return msgspec.json.encode({**envelope, "token": token})
