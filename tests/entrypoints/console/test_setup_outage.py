"""The step "Rede Off": the guide's two options, and the message as a customer reads it."""

from domain.installation import DEFAULT_OUTAGE_MESSAGE
from tests.entrypoints.console.setting_up import SettingUp, text_of, wrong_fields

MESSAGE = "Voltamos às {{resolution_time_hour}}. Anote: {{ protocol }}."


async def test_the_page_speaks_as_the_guide_does(setup: SettingUp) -> None:
    text = text_of(await setup.get("rede-off"))

    for words in (
        "Habilitar mensagem de falha massiva",
        "é dada uma previsão para a resolução",
        "{{resolution_time_hour}}",
        "Encerrar atendimento durante falha massiva",
        "o atendimento será encerrado automaticamente",
    ):
        assert words in text


async def test_both_options_and_the_message_are_kept(setup: SettingUp) -> None:
    answer = await setup.post(
        "rede-off", outage_message=MESSAGE, outage_message_enabled="true", outage_closes_chat="true"
    )
    policies = (await setup.kept()).policies

    assert answer.status_code == 303
    assert (policies.outage_message, policies.outage_message_enabled, policies.outage_closes_chat) == (
        MESSAGE,
        True,
        True,
    )
    ((what, details),) = await setup.audit()
    assert what == "Configurou o Rede Off"
    assert details["Habilitar mensagem de falha massiva"] == "de não para sim"
    assert details["Mensagem de falha massiva"] == "alterado"


async def test_an_empty_message_is_the_one_that_comes_with_the_product(setup: SettingUp) -> None:
    await setup.post("rede-off", outage_message=MESSAGE)
    await setup.post("rede-off", outage_message=" ")

    assert (await setup.kept()).policies.outage_message == DEFAULT_OUTAGE_MESSAGE


async def test_a_message_that_would_reach_the_customer_in_braces_is_refused(setup: SettingUp) -> None:
    for message in ("Volta às {{hora}}", "Volta {{", "}} e {{protocol}}", "{{}}", "{{protocol", "x" * 1001):
        answer = await setup.post("rede-off", outage_message=message)

        assert answer.status_code == 422, message
        assert set(wrong_fields(answer)) == {"outage_message"}
    assert (await setup.kept()).policies.outage_message == DEFAULT_OUTAGE_MESSAGE


async def test_the_message_is_shown_as_it_is_typed_and_nothing_is_kept(setup: SettingUp) -> None:
    live = await setup.ask("rede-off/previa", outage_message=MESSAGE)
    page = await setup.post("rede-off", outage_message=MESSAGE, action="preview")
    wrong = await setup.ask("rede-off/previa", outage_message="às {{hora}}")

    for shown in (live, page):
        assert "Voltamos às 14h. Anote: 2026112300042." in text_of(shown)
    assert "<html" not in live.text
    assert "Só existem as variáveis" in text_of(wrong)
    assert (await setup.kept()).policies.outage_message == DEFAULT_OUTAGE_MESSAGE


async def test_what_is_typed_is_shown_as_text_and_never_as_a_page(setup: SettingUp) -> None:
    live = await setup.post("rede-off/previa", outage_message="<script>alert(1)</script>")

    assert "<script" not in live.text
