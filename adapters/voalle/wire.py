"""What the ERP's answers are made of, read tolerantly: one place for spellings, and for the forms of each kind of value.

Public client code shows parts of the answers only, so a field counts in any spelling of its name, ids come as number or
text, lists as list or object. What is not understood is `Unintelligible`, described by names and kinds alone.
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import NoReturn
from urllib.parse import quote
from zoneinfo import ZoneInfo

import msgspec

from application.failures import Rejected, Unintelligible
from domain.money import Money

Names = tuple[str, ...]

ERP_ZONE = ZoneInfo("America/Sao_Paulo")
"""of times and hours without a zone: the ERP writes Brasília time wherever the provider is. Source: public client code"""

# Every accepted spelling. Capitals, underscores and accents do not count: `typeful_line` is also `typefulLine`.
CLIENTS: Names = ("clients", "client", "clientes")
HOLDERS: Names = ("data", "response")
CLIENT_ID: Names = ("client_id",)
CLIENT_NAME: Names = ("client_name",)
CLIENT_TAX_ID: Names = ("client_tx_id",)
CONTRACT_IDS: Names = ("contracts_id",)
CONTRACTS: Names = ("contracts_info",)
CONTRACT_ID: Names = ("id", "contract_id")
CONTRACT_STATUS: Names = ("contract_status",)
CONTRACT_STATUS_WORDS: Names = ("contract_status", "status_description", "status")
CONTRACT_NUMBER: Names = ("contract_number",)
UNBLOCK_COUNT: Names = ("unblock_attempt_count",)
DESCRIPTION: Names = ("description",)

PERSON_ID: Names = ("id",)
PERSON_NAME: Names = ("name",)
PERSON_TAX_ID: Names = ("tx_id",)
PERSON_PHONES: Names = ("cell_phone", "phone")
MAIN_ADDRESS: Names = ("main_address",)
NEIGHBORHOOD: Names = ("neighborhood",)
CITY: Names = ("city",)
CONTRACT_ROWS: Names = ("data", "contracts")
TOTAL_ROWS: Names = ("total_records",)
CONTRACT_CLIENT: Names = ("client_information",)
CONTRACT_CLIENT_TAX_ID: Names = ("client_tx_id", "tx_id")

INVOICES: Names = ("billets", "billet_list", "boletos", "titles", "titulos", "faturas", "invoices", "data", "response")
INVOICE_ID: Names = ("id", "title_id", "billet_id", "financial_receivable_title_id", "id_titulo", "titulo_id")
INVOICE_TITLE: Names = ("title", "titulo")
INVOICE_BILLET: Names = ("billet", "boleto")
INVOICE_AMOUNT: Names = ("amount", "value", "valor")
DIGITABLE_LINE: Names = ("typeful_line", "linha_digitavel", "digitable_line", "digitavel")
BARCODE: Names = ("barcode", "bar_code", "codigo_barras", "codigo_de_barras")
PIX_CODE: Names = ("pix_qr_code", "pix", "qr_code", "pix_code", "pix_copia_cola", "pix_copia_e_cola", "codigo_pix")
LINK: Names = ("link", "url", "link_boleto", "boleto_link", "billet_link")
DUE_ON: Names = ("expiration_date", "due_date", "vencimento", "data_vencimento")
NOMINAL: Names = ("original_value", "title_amount", "value", "amount", "valor")
PAYABLE: Names = ("final_value", "balance", "valor_final", "saldo")

INVOICE_STATUS: Names = ("status", "situacao", "situation")
INVOICE_OVER: Names = ("finished", "renegotiated", "deleted")
INVOICE: Names = (*DIGITABLE_LINE, *BARCODE, *PIX_CODE, *LINK, *DUE_ON, *INVOICE_BILLET)
"""an invoice has at least one of these"""

TICKETS: Names = ("data", "response", "solicitations", "solicitation_list", "assignments")
PROTOCOL: Names = ("protocol", "protocolo")
TICKET_OPENED_AT: Names = ("beginning_date", "beginning_data")
TICKET_STATUS: Names = ("status",)
TICKET_TITLE: Names = ("title",)

RETURN: Names = ("return",)
STATUS: Names = ("status",)
SUCCESS: Names = ("success",)
RESPONSE: Names = ("response",)
MESSAGES: Names = ("messages", "message", "mensagem", "msg", "error", "reason", "motivo")

OUTAGE: Names = ("authentication_problems",)
HOURS_LEFT: Names = ("resolution_time",)
HOUR_OF_DAY: Names = ("resolution_time_hour",)
IN_MAINTENANCE: Names = ("in_maintenance",)
ACCESS_POINT_ACTIVE: Names = ("active",)
ACCESS_POINT_TITLE: Names = ("title",)
MAINTENANCE: Names = ("maintenance",)
MAINTENANCE_END: Names = ("final_date", "end_date", "prediction", "predicted_date", "previsao")

_JSON = msgspec.json.Decoder(float_hook=Decimal)
_NO_DATE = frozenset({"0000-00-00", "1900-01-01", "0001-01-01", "00/00/0000", "01/01/1900"})
_DAY = re.compile(r"(?:(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)|(?P<D>\d\d)/(?P<M>\d\d)/(?P<Y>\d{4}))(?:[T ].*)?", re.ASCII)
_TIME = re.compile(r".{10}[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
_REAIS = re.compile(r"\d+(\.\d{1,2})?", re.ASCII)
_REAIS_WITH_COMMA = re.compile(r"(\d{1,3}(\.\d{3})+|\d+),\d{1,2}", re.ASCII)


def decode(body: bytes) -> object:
    """The JSON of an answer; white space and a byte order mark around it do not count. Amounts are `Decimal`."""
    text = body.removeprefix(b"\xef\xbb\xbf").strip()
    if not text:
        raise Unintelligible("erp.empty_answer")
    try:
        decoded: object = _JSON.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        kind = "a page" if text.startswith(b"<") else "text"
        raise Unintelligible("erp.not_json", f"{kind} of {len(body)} bytes") from None
    return decoded


def shape(value: object, depth: int = 4) -> str:
    """What an answer looks like: names and kinds, never a value."""
    match value:
        case dict() if depth:
            parts = [f"{_safe_name(name)}: {shape(inner, depth - 1)}" for name, inner in list(value.items())[:24]]
            return "{" + ", ".join(parts) + "}"
        case list() if depth and value:
            return f"[{shape(value[0], depth - 1)}] of {len(value)}"
        case _:
            return type(value).__name__


def not_understood(what: str, value: object) -> NoReturn:
    """`what` is the slug of the answer, such as `"client"`."""
    raise Unintelligible(f"erp.unknown_{what}", shape(value)[:600])


def path_part(ident: str) -> str:
    """An id as one part of a path; one that would climb out of it is refused."""
    if not ident.strip("."):
        raise Rejected("erp.id_not_usable")
    return quote(ident, safe="")


def written_id(ident: str) -> int | str:
    """An id as the ERP's own clients write it into JSON: a number when it is one."""
    return int(ident) if re.fullmatch(r"[1-9]\d{0,17}", ident, re.ASCII) else ident


def folded(text: str) -> str:
    """Lower case, without accents, spaces made single: for comparing words."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(plain.casefold().split())


class Fields:
    """An object of an answer. A missing field, null and empty text are the same: None."""

    __slots__ = ("_raw", "_values")

    def __init__(self, raw: Mapping[str, object]) -> None:
        self._raw = raw
        self._values = {_squeezed(name): value for name, value in raw.items()}

    def __repr__(self) -> str:
        return f"Fields({shape(self._raw)})"

    @property
    def raw(self) -> Mapping[str, object]:
        return self._raw

    def has(self, names: Names) -> bool:
        """Whether the field is there at all, null included."""
        return any(_squeezed(name) in self._values for name in names)

    def get(self, names: Names) -> object:
        for name in names:
            value = self._values.get(_squeezed(name))
            if value is not None and value != "":
                return value
        return None

    def text(self, names: Names) -> str:
        """Text or number as text, without space around it; "" when there is none."""
        value = self.get(names)
        return _text_of(value) or ""

    def ident(self, names: Names) -> str | None:
        """An id, number or text; None: there is none that could be one."""
        text = _text_of(self.get(names))
        return text if text and len(text) <= 64 else None

    def integer(self, names: Names) -> int | None:
        text = self.text(names)
        return int(text) if re.fullmatch(r"-?\d{1,9}", text, re.ASCII) else None

    def flag(self, names: Names) -> bool | None:
        """None: missing, or neither yes nor no."""
        return as_flag(self.get(names))

    def inner(self, names: Names) -> "Fields | None":
        value = self.get(names)
        return Fields(value) if isinstance(value, dict) else None

    def money(self, names: Names) -> Money | None:
        return as_money(self.get(names))

    def day(self, names: Names) -> date | None:
        return as_day(self.get(names))


def as_flag(value: object) -> bool | None:
    match value:
        case bool():
            return value
        case int() if value in (0, 1):
            return value == 1
        case str():
            return {"true": True, "1": True, "false": False, "0": False}.get(value.strip().lower())
        case _:
            return None


def as_money(value: object) -> Money | None:
    """Reais, as JSON number or as text: `99.90`, `99,90`, `1.234,56`, `R$ 99,90`. None: there is none.

    A dot alone is a decimal point and needs one or two digits after it: `1.234` could be either and is not understood.
    The ERP computes interest beyond the centavo; such a number is rounded, half up, as it is on paper.
    """
    match value:
        case None | "":
            return None
        case bool():
            not_understood("amount", value)
        case int() | Decimal():
            reais = Decimal(value)
        case str():
            reais = _reais_of(value)
        case _:
            not_understood("amount", value)
    # Before any arithmetic: 1E+999999999 is a short answer and an endless number.
    if not reais.is_finite() or reais < 0 or (reais and reais.adjusted() > 11):
        not_understood("amount", value)
    return Money.from_reais(reais.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP))


def as_day(value: object) -> date | None:
    """The date as written, whatever time and zone stand behind it: due dates are local dates. None: there is none."""
    match value:
        case None | "":
            return None
        case str() if value.strip()[:10] in _NO_DATE:
            return None
        case str():
            day = _day_of(value.strip())
            return day if day is not None else not_understood("date", value)
        case _:
            not_understood("date", value)


def as_moment(value: object) -> datetime | None:
    """A point in time, in `ERP_ZONE` unless it names its own; None when it tells no time of day or is not understood."""
    text = value.strip() if isinstance(value, str) else ""
    day, time = _day_of(text), _TIME.fullmatch(text)
    if day is None or time is None:
        return None
    hour, minute, second, offset = time.groups()
    try:
        clock = f"{day.isoformat()}T{hour}:{minute}:{second or '00'}{offset or ''}"
        moment = datetime.fromisoformat(clock)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=ERP_ZONE)


def rows(answer: object, *, what: str, under: Names, item: Names) -> list[Fields]:
    """The objects of a list, wherever the answer keeps it: itself, under one of `under`, or an object of objects.

    `item` names fields of which each object of the list has at least one. Null and an empty list are no objects; what
    is neither that nor a list is not understood.
    """
    found = _rows(answer, under, item, depth=4)
    return found if found is not None else not_understood(what, answer)


def _rows(answer: object, under: Names, item: Names, depth: int) -> list[Fields] | None:
    match answer:
        case None | []:
            return []
        case list():
            objects = [Fields(row) for row in answer if isinstance(row, dict)]
            return objects if len(objects) == len(answer) and all(row.has(item) for row in objects) else None
        case dict() if answer and depth:
            fields = Fields(answer)
            held = fields.get(under)
            if isinstance(held, (list, dict)):
                return _rows(held, under, item, depth - 1)
            if fields.has(item):
                return [fields]
            if fields.has(under):
                return [] if held is None else None
            if all(isinstance(row, dict) for row in answer.values()):
                return _rows(list(answer.values()), under, item, depth - 1)
    return None


@lru_cache(maxsize=1024)
def _squeezed(name: str) -> str:
    return "".join(c for c in folded(name) if c.isalnum())


def _safe_name(name: str) -> str:
    """A field's name as it may be shown: an object keyed by document or name tells nothing."""
    return name if re.fullmatch(r"[A-Za-z_]{1,40}\d{0,2}", name) else "?"


def _text_of(value: object) -> str | None:
    match value:
        case str():
            return value.strip()
        case bool():
            return None
        case int() if abs(value) < 10**64:
            return str(value)
        case _:
            return None


def _reais_of(text: str) -> Decimal:
    bare = text.strip().removeprefix("R$").strip()
    if _REAIS.fullmatch(bare):
        return Decimal(bare)
    if _REAIS_WITH_COMMA.fullmatch(bare):
        return Decimal(bare.replace(".", "").replace(",", "."))
    return not_understood("amount", text)


def _day_of(text: str) -> date | None:
    match = _DAY.fullmatch(text)
    if match is None:
        return None
    parts = match.groupdict()
    try:
        return date(int(parts["y"] or parts["Y"]), int(parts["m"] or parts["M"]), int(parts["d"] or parts["D"]))
    except ValueError:
        return None
