"""No log line, no command's output and no file may tell whom a chat was about, nor any secret."""

from datetime import timedelta

import pytest

from tests.e2e import documents, notifications, upstream
from tests.e2e.books import Bill, today
from tests.e2e.notifications import BOLETO, LOOKUP, SHAPES, TICKET, UNBLOCK, Body
from tests.e2e.scene import Plan, Provider, Scene, new_chat

HASTY = {"erp_timeout_s": "1", "reply_deadline_s": "4"}
PROVIDERS = (
    Plan(name="pbx", policies=HASTY),
    Plan(name="both", third_party=True, policies=HASTY),
    Plan(name="pbx-well", policies=HASTY),
    Plan(name="both-well", third_party=True, policies=HASTY),
)
each = pytest.mark.parametrize("provider", ["pbx", "both"], indirect=True)
each_well = pytest.mark.parametrize("provider", ["pbx-well", "both-well"], indirect=True)
LEAKING_ANSWER = upstream.answers(500, '{"error":"CPF 529.982.247-25 de MARCOLINA TELEFONE token erp-leak"}')


def everything_happens(provider: Provider) -> list[str]:
    """All operations, in health and in trouble; the chats that they happened in."""
    chats = []
    for behaviour in (None, upstream.SERVER_ERROR, upstream.BROKEN_JSON, upstream.LOGIN_PAGE, LEAKING_ANSWER):
        bill = Bill(number=provider.books.number(), due_on=today() - timedelta(days=5))
        subscriber = provider.books.add(bills=[bill])
        for one in provider.upstreams:
            if behaviour is None:
                one.heal()
            else:
                one.misbehave("*", behaviour)
        for event in (LOOKUP, BOLETO, UNBLOCK, TICKET):
            chats.append(chat := new_chat())
            described = f"sou {subscriber.name}, {documents.punctuated(subscriber.tax_id)}"
            provider.flow_after(event, chat, document=subscriber.tax_id, description=described)
    return chats


@each
def test_the_log_tells_of_nobody(scene: Scene, provider: Provider) -> None:
    everything_happens(provider)
    for shape in SHAPES:
        stranger = provider.asks("DANCAR_SAMBA", new_chat(), document=provider.books.add().tax_id)
        provider.post(shape(stranger))
    broken = notifications.canonical(provider.asks(LOOKUP, new_chat(), document=provider.books.add().tax_id))
    provider.post(Body(content=broken.content[:-3], content_type="application/json"))
    log = scene.ponte.log.read_text(errors="replace")
    assert log.strip(), "there is a log"
    assert scene.secrets_told(log) == []
    assert "MARCOLINA" not in log
    assert "529.982.247-25" not in log


@each_well
def test_no_message_to_a_customer_holds_a_document_or_a_street(provider: Provider) -> None:
    chats = everything_happens(provider)
    said = "\n".join(text for chat in chats for text in provider.huggy.chats[chat].said)
    for subscriber in provider.books.subscribers.values():
        assert subscriber.tax_id not in said
        assert documents.punctuated(subscriber.tax_id) not in said
        assert not any(held.street in said for held in subscriber.agreements)


def test_tokens_do_not_stand_in_the_database(scene: Scene) -> None:
    kept = database_text(scene)
    for provider in scene.providers.values():
        for secret in (provider.erp_token, provider.huggy_token, provider.client_secret, provider.webhook_token):
            assert secret not in kept


@each_well
def test_what_customers_typed_does_not_stand_in_the_database(scene: Scene, provider: Provider) -> None:
    subscriber = provider.books.add()
    provider.flow_after(LOOKUP, document=subscriber.tax_id)
    kept = database_text(scene)
    assert subscriber.tax_id not in kept
    assert documents.punctuated(subscriber.tax_id) not in kept
    assert "Zuleide" not in kept


def test_commands_print_no_token_or_secret_of_huggy_and_the_erp_and_not_the_services_key(scene: Scene) -> None:
    provider = scene.providers["both"]
    identifier = provider.installed.installation_id
    for arguments in (("installation", "show", identifier, "--json"), ("installation", "list", "--json")):
        printed = scene.ponte.run(*arguments)
        for secret in (provider.erp_token, provider.huggy_token, provider.client_secret, scene.ponte.key):
            assert secret not in printed


def database_text(scene: Scene) -> str:
    """Every byte that the service keeps on disk, its write-ahead log included."""
    files = sorted(scene.ponte.database.parent.glob(f"{scene.ponte.database.name}*"))
    return "".join(file.read_bytes().decode("latin-1") for file in files)
