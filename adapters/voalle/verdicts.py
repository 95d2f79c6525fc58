"""Yes or no: how the ERP says, mostly inside HTTP 200, that it refused."""

from adapters.voalle.wire import MESSAGES, RESPONSE, STATUS, SUCCESS, Fields, folded, not_understood
from application.failures import Rejected
from domain.identifiers import Personal

_NOT_FOUND = ("nao encontrad", "nao localizad", "nao cadastrad", "nao existe", "inexistente", "not found", "not_found")
_UNAUTHORIZED = ("token", "nao autorizad", "unauthorized", "acesso negado", "sem permissao")


class Envelope(Personal, frozen=True, kw_only=True):
    """`{success, messages, response}` of the third-party API. `reason` holds its messages, folded."""

    safe = ("success",)

    success: bool
    reason: str = ""
    response: object = None

    def or_refused(self) -> object:
        if not self.success:
            raise Rejected("erp.refused")
        return self.response

    def or_none_found(self) -> object:
        """None when it refused because there is no such thing."""
        if self.success:
            return self.response
        if says_not_found(self.reason):
            return None
        raise Rejected("erp.refused")

    def or_nobody(self) -> object:
        """As `or_none_found`; an unknown document is also told by a refusal without a word."""
        return self.or_none_found() if self.success or self.reason else None


def read_envelope(answer: object) -> Envelope:
    """Some lists come without the envelope: they are the response."""
    if isinstance(answer, list):
        return Envelope(success=True, response=answer)
    if not isinstance(answer, dict):
        not_understood("envelope", answer)
    fields = Fields(answer)
    success = fields.flag(SUCCESS)
    if success is None and (fields.has(SUCCESS) or not fields.has(RESPONSE)):
        not_understood("envelope", answer)
    return Envelope(success=success is not False, reason=reason_of(fields), response=fields.get(RESPONSE))


def refusal(answer: object) -> str | None:
    """The folded reason of a PBX answer that says no (`status: ERROR`, `success: false`); None: it does not say so.

    A refusal of the token is raised at once, as `Rejected`.
    """
    if not isinstance(answer, dict):
        return None
    fields = Fields(answer)
    if folded(fields.text(STATUS)) not in ("error", "erro") and fields.flag(SUCCESS) is not False:
        return None
    reason = reason_of(fields)
    if any(word in reason for word in _UNAUTHORIZED):
        raise Rejected("erp.unauthorized")
    return reason


def says_not_found(reason: str) -> bool:
    return any(words in reason for words in _NOT_FOUND)


def reason_of(fields: Fields) -> str:
    """All message texts, folded; messages are null, text, an object, or a list of any of these."""
    messages = fields.get(MESSAGES)
    listed = messages if isinstance(messages, list) else [messages]
    return " ".join(filter(None, map(_words, listed)))


def _words(message: object) -> str:
    match message:
        case str():
            return folded(message)
        case dict():
            return folded(Fields(message).text(MESSAGES))
        case _:
            return ""
