"""The simulated Huggy's sign-in: the page where a person says who they are, and the exchange of codes for tokens.

Sources: the authorize address and its parameters are documented; body, answer and rotation are those of public client
code and of the server library whose error shapes they show. Chosen here, because no source tells: that `state` comes
back, and the words of the page.
"""

from html import escape
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.response import Redirect

from entrypoints.sandbox.accounts import AGENTS, CLIENT_ID, CLIENT_SECRET, COMPANIES, Accounts
from entrypoints.sandbox.huggy import Huggy
from entrypoints.sandbox.strictness import Refused, VendorRequest, form_fields, json_fields, took_effect

SCOPES = {"install_app", "read_agent_profile"}
_ASKED = ("scope", "response_type", "redirect_uri", "client_id", "state")
_GRANTS = {"authorization_code": ("redirect_uri", "code"), "refresh_token": ("refresh_token",)}


@get("/oauth/authorize", media_type="text/html")
async def sign_in_page(request: VendorRequest, huggy: NamedDependency[Huggy]) -> str:
    asked = {name: request.query_params.get(name, "") for name in _ASKED}
    _require_known_app(asked, huggy.accounts)
    return _page(asked)


@post("/oauth/authorize")
async def sign_in(request: VendorRequest, huggy: NamedDependency[Huggy]) -> Redirect:
    fields = await form_fields(request, {"agent": str, "decision": str, **dict.fromkeys(_ASKED, str)})
    _require_known_app(fields, huggy.accounts)
    agent = AGENTS.get(int(fields["agent"])) if fields["agent"].isdecimal() else None
    if agent is None:
        raise Refused(400, {"message": "unknown agent"})
    answer = {"code": huggy.accounts.code_for(agent)} if fields["decision"] == "allow" else {"error": "access_denied"}
    if fields["state"]:
        answer["state"] = fields["state"]
    return Redirect(f"{fields['redirect_uri']}?{urlencode(answer)}", status_code=302)


@post("/oauth/access_token", status_code=200)
async def access_token(request: VendorRequest, huggy: NamedDependency[Huggy]) -> dict[str, Any]:
    texts = dict.fromkeys(("redirect_uri", "code", "refresh_token"), str)
    fields = await json_fields(request, dict.fromkeys(("grant_type", "client_id", "client_secret"), str), texts)
    if fields["client_id"] != CLIENT_ID or fields["client_secret"] != CLIENT_SECRET:
        raise Refused(401, {"error": "invalid_client", "message": "Client authentication failed"})
    needed = _GRANTS.get(fields["grant_type"])
    if needed is None:
        raise Refused(400, {"error": "unsupported_grant_type", "message": "The grant type is not supported"})
    if set(needed) != fields.keys() & texts.keys():
        raise Refused(400, {"error": "invalid_request", "message": "The request is missing a parameter", "hint": ""})
    accounts = huggy.accounts
    if fields["grant_type"] == "refresh_token":
        tokens, hint = accounts.renew(fields["refresh_token"]), "Token has been revoked"
    elif fields["redirect_uri"] != accounts.redirect_uri:
        tokens, hint = None, "Invalid redirect URI"
    else:
        tokens, hint = accounts.exchange(fields["code"]), "Authorization code has expired"
    if tokens is None:
        raise Refused(400, {"error": "invalid_request", "message": "The request is not valid", "hint": hint})
    took_effect(request)
    answer: dict[str, Any] = msgspec.to_builtins(tokens)
    return answer


def _require_known_app(asked: dict[str, Any], accounts: Accounts) -> None:
    """Without it nobody is sent anywhere: the address could be anybody's."""
    if asked["client_id"] != CLIENT_ID:
        raise Refused(401, {"error": "invalid_client", "message": "Client authentication failed"})
    if not accounts.redirect_uri or asked["redirect_uri"] != accounts.redirect_uri:
        raise Refused(401, {"error": "invalid_client", "message": "redirect_uri is not the registered one"})
    if asked["response_type"] != "code" or set(asked["scope"].split()) != SCOPES:
        raise Refused(400, {"error": "invalid_scope", "message": "The requested scope is invalid"})


def _page(asked: dict[str, str]) -> str:
    hidden = "".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in asked.items())
    people = "".join(
        f'<p><label><input type="radio" name="agent" value="{agent.id}"{" checked" if not place else ""}> '
        f"<strong>{escape(agent.name)}</strong>, de {escape(' e '.join(COMPANIES[each] for each in agent.companies))}"
        "</label></p>"
        for place, agent in enumerate(AGENTS.values())
    )
    return f"""<!doctype html>
<html lang="pt-BR"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Huggy simulada</title><style>body{{font-family:system-ui,sans-serif;max-width:30rem;margin:3rem auto;padding:0 1rem;line-height:1.5}}
button{{font:inherit;padding:.6rem 1.2rem;margin-right:.5rem}}</style></head><body><main>
<h1>Huggy simulada</h1><p>O Ponte quer ver o seu perfil e conectar a sua empresa. Quem está entrando?</p>
<form method="post" action="/oauth/authorize">{hidden}{people}
<p><button name="decision" value="allow">Permitir</button><button name="decision" value="deny">Recusar</button></p>
</form></main></body></html>"""


OAUTH = (sign_in_page, sign_in, access_token)
