"""The deliveries that are sent: lookups of customers, each with a chat and a document of its own, made from a number."""

from functools import cache

FIRST_CHAT = 10_000_000
FIRST_DOCUMENT = 100_000_000
WEBHOOK_TOKEN = "benchmark-webhook"  # noqa: S105  # of an installation that lives as long as the run

_BODY = """{{"time":1795400000,"token":"{token}","messages":{{"notifyApp":[{{"id":"n-{number}",\
"event":"CONSULTAR_CLIENTE","company":{{"id":{company}}},"chat":{{"id":{chat},"channel":"whatsapp",\
"situation":"auto","customer":{{"id":"c-{number}","name":"Zuleide Quaresma","phone":"+5511987654321"}}}},\
"data":{{"cpf_cnpj":"{document}"}}}}]}}}}"""


def delivery(number: int, company_id: str) -> bytes:
    """Two deliveries of one number are the same notification."""
    return _BODY.format(
        token=WEBHOOK_TOKEN, number=number, company=company_id, chat=FIRST_CHAT + number, document=document_of(number)
    ).encode()


@cache
def document_of(number: int) -> str:
    """A CPF whose check digits are right."""
    digits = [int(digit) for digit in str(FIRST_DOCUMENT + number)]
    for _ in range(2):
        weighted = sum(digit * weight for digit, weight in zip(digits, range(len(digits) + 1, 1, -1), strict=True))
        digits.append(weighted * 10 % 11 % 10)
    return "".join(map(str, digits))


def number_of_document(document: str) -> int:
    return int(document[:9]) - FIRST_DOCUMENT


def number_of_chat(chat_id: str) -> int:
    return int(chat_id) - FIRST_CHAT
