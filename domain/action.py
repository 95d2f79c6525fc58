"""What we may ask of Huggy in a chat: the closed union of actions, and the messages they carry."""

from msgspec import Struct

from domain.identifiers import FlowId, InvoiceId, Personal
from domain.installation import FlowKey


class Message(Personal, frozen=True, kw_only=True):
    """A sentence by key; the words stand in the catalogue, `values` fill its placeholders (text, already formatted)."""

    safe = ("key",)

    key: str
    values: dict[str, str] = {}
    lines: tuple["Message", ...] = ()
    """sentences of their own, one on each line, where the text says `{lines}`"""


class Say(Personal, frozen=True, kw_only=True, tag="say"):
    """One message to the customer."""

    safe = ("message",)
    message: Message


class SayCode(Personal, frozen=True, kw_only=True, tag="say.code"):
    """A code to copy, alone in its message, byte for byte: a Pix code or the digits of a digitable line.

    Only `domain.routing` makes these, of what passed the gate (`domain.invoice.offer`).
    """

    safe = ()
    code: str


class SendPdf(Personal, frozen=True, kw_only=True, tag="send.pdf"):
    """The invoice's PDF, fetched from the ERP when its turn comes (then a `SendFile`), else its link in words."""

    safe = ("invoice_id",)
    invoice_id: InvoiceId
    name: str
    caption: Message
    otherwise: Message | None
    """said when the PDF can't be had, or not be sent; None: then nothing is"""
    only_way: bool = False
    """whether the customer gets no other way to pay; then, with neither PDF nor link, an answer would be none"""


class SendFile(Personal, frozen=True, kw_only=True, tag="send.file"):
    """A file with its content, at most 15 MB (the platform's limit); `name` holds no personal data."""

    safe = ("name",)
    name: str
    content: bytes
    caption: Message


class LeaveNote(Personal, frozen=True, kw_only=True, tag="note"):
    """An internal note: agents read it, the customer does not."""

    safe = ("message",)
    message: Message


class StartFlow(Personal, frozen=True, kw_only=True, tag="flow.start"):
    """Terminal: the flow that goes on with the chat."""

    safe = ("flow", "flow_id")
    flow: FlowKey
    flow_id: FlowId | None
    """None: the installation has not chosen this flow"""
    variables: dict[str, str] = {}
    """given along where the installation starts flows with variables"""


class CloseChat(Struct, frozen=True, kw_only=True, tag="chat.close"):
    """Terminal: the chat ends here."""


class LeaveToAgent(Struct, frozen=True, kw_only=True, tag="agent.keep"):
    """Terminal: an agent has the chat; nothing is started."""


Remark = Say | SayCode | SendPdf | LeaveNote
Terminal = StartFlow | CloseChat | LeaveToAgent
Action = Say | SayCode | SendFile | LeaveNote | Terminal
"""What a chat platform is asked to do: a route's remarks with every file in hand, and its terminal action."""


class Route(Struct, frozen=True, kw_only=True):
    """What is done in the chat: remarks in order, then exactly one terminal action."""

    remarks: tuple[Remark, ...] = ()
    terminal: Terminal

    def steps(self) -> tuple[Remark | Terminal, ...]:
        return (*self.remarks, self.terminal)
