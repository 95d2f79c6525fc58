"""The step "Rede Off": whether customers are told of a mass outage, in which words, and whether the chat is closed."""

import re
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.di import NamedDependency
from litestar.enums import MediaType
from litestar.response import Redirect
from msgspec.structs import replace

from domain.identifiers import ProtocolNumber
from domain.installation import DEFAULT_OUTAGE_MESSAGE, Installation
from domain.outage import Outage, tell
from entrypoints.http.console.parts import Console
from entrypoints.http.console.rendering import GUARDS
from entrypoints.http.console.session import PageRequest, Visitor, flash
from entrypoints.http.console.setup_rule_fields import OUTAGE_RULES
from entrypoints.http.console.setup_saving import save
from entrypoints.http.console.setup_steps import address_of_step, show_step
from entrypoints.policies import with_policies

SLUG = "rede-off"
MESSAGE_MAX = 1000
KNOWN = ("resolution_time_hour", "protocol", "cause")
_VARIABLE = re.compile(r"\{\{([^{}]*)\}\}")
"""the blanks around the name are stripped apart: a pattern that matches them too takes seconds over a thousand of them"""


@get("/configurar/rede-off")
async def show_outage(
    request: PageRequest, console: NamedDependency[Console], installation: NamedDependency[Installation]
) -> Response[str]:
    policies = installation.policies
    return _page(
        console,
        request,
        installation,
        message=policies.outage_message,
        switches={
            "outage_message_enabled": policies.outage_message_enabled,
            "outage_closes_chat": policies.outage_closes_chat,
        },
    )


@post("/configurar/rede-off", status_code=200)
async def save_outage(
    request: PageRequest,
    console: NamedDependency[Console],
    visitor: NamedDependency[Visitor],
    installation: NamedDependency[Installation],
) -> Response[Any]:
    form = await request.form()
    message, switches = (
        _message(form),
        {name: name in form for name in ("outage_message_enabled", "outage_closes_chat")},
    )
    wrong = wrong_message(message)
    if wrong or form.get("action") == "preview":
        errors = {"outage_message": wrong} if wrong else None
        return _page(console, request, installation, message=message, switches=switches, errors=errors)
    written = [("outage_message", message), *[(name, str(on).lower()) for name, on in switches.items()]]
    await save(
        console,
        visitor,
        installation,
        "Configurou o Rede Off",
        lambda fresh: replace(fresh, policies=with_policies(fresh.policies, written)),
    )
    await flash(request, "Rede Off salvo.")
    return Redirect(address_of_step(installation, SLUG), status_code=303)


@post("/configurar/rede-off/previa", status_code=200)
async def preview_outage(
    request: PageRequest, console: NamedDependency[Console], installation: NamedDependency[Installation]
) -> Response[str]:
    """A fragment, as the message is typed."""
    message = _message(await request.form())
    content = console.pages.fragment(
        "setup/outage_preview.html", preview=_preview(console, installation, message), wrong=wrong_message(message)
    )
    return Response(content, media_type=MediaType.HTML, headers=GUARDS)


def wrong_message(message: str) -> str:
    """What would reach the customer as it stands here, in braces; empty: nothing is wrong."""
    if len(message) > MESSAGE_MAX:
        return f"A mensagem pode ter até {MESSAGE_MAX} caracteres."
    unknown = next((name for name in _VARIABLE.findall(message) if name.strip() not in KNOWN), None)
    if unknown is not None or "{{" in _VARIABLE.sub("", message) or "}}" in _VARIABLE.sub("", message):
        return "Só existem as variáveis {{resolution_time_hour}}, {{protocol}} e {{cause}}: confira o que está entre chaves."
    return ""


def _page(
    console: Console, request: PageRequest, installation: Installation, *, message: str, **context: Any
) -> Response[str]:
    return show_step(
        console,
        request,
        installation,
        SLUG,
        rules={rule.name: rule for rule in OUTAGE_RULES},
        message=message,
        preview=_preview(console, installation, message),
        wrong="",
        **context,
    )


def _preview(console: Console, installation: Installation, message: str) -> str:
    """As a customer would read it, in an outage that is predicted to end in two hours."""
    now = console.clock.now()
    example = Outage(
        id="example",
        predicted_at=now + timedelta(hours=2),
        protocol=ProtocolNumber("2026112300042"),
        cause="rompimento de fibra",
    )
    zone = ZoneInfo(installation.policies.timezone)
    return tell(message or DEFAULT_OUTAGE_MESSAGE, example, now=now, zone=zone)


def _message(form: FormMultiDict) -> str:
    message = form.get("outage_message", "")
    return message.replace("\r\n", "\n").strip() if isinstance(message, str) else ""


outage_routes = [show_outage, save_outage, preview_outage]
