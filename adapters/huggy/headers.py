"""What every request to Huggy's API says of itself."""

import httpx

from domain.identifiers import Secret


def headers_for(token: Secret) -> httpx.Headers:
    ours = {
        "Authorization": f"Bearer {token.reveal()}",
        "Accept": "application/json",
        "Accept-Language": "pt-br",
        "Content-Type": "application/json",
    }
    return httpx.Headers(ours, encoding="utf-8")
