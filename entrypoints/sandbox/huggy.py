"""One company's Huggy: its chats, contacts and flows, and the customer's side of them."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from entrypoints.sandbox.accounts import HOME, Accounts
from entrypoints.sandbox.chats import Chat, Contact, Situation
from entrypoints.sandbox.deliveries import Deliveries
from entrypoints.sandbox.flows import Flow, Interpreter

COMPANY_ID = HOME
TOKEN = "sandbox-huggy-token"  # noqa: S105 - the sandbox's own
WEBHOOK_TOKEN = "380c4e73a1b2c3d4e5f60718293ad354"  # noqa: S105 - the sandbox's own
CHANNEL = "whatsapp"
CHANNEL_UUID = "0f3c8f1e-5a57-4a5e-9d3c-2f7d9f0c7a11"
_FIRST_CHAT, _FIRST_CONTACT, _FIRST_FILE = 55501, 7001, 1


class File(Struct, frozen=True, kw_only=True):
    name: str
    content: bytes
    media_type: str


class Huggy:
    """One company's Huggy. `url` is the server's address, `api_url` what the app is configured with."""

    def __init__(self, flows: Sequence[Flow], welcome: int, deliveries: Deliveries, names: Mapping[str, str]) -> None:
        self.flows = {flow.id: flow for flow in flows}
        self.deliveries = deliveries
        self.chats: dict[int, Chat] = {}
        self.contacts: dict[int, Contact] = {}
        self.files: dict[int, File] = {}
        self.company_id = COMPANY_ID
        self.token = TOKEN
        self.accounts = Accounts(static_token=TOKEN)
        self.webhook_token = WEBHOOK_TOKEN
        self.url = ""
        self._names = names
        self._welcome = welcome
        self._notifications = 0
        self._interpreter = Interpreter(self.flows, self._notify_app)

    @property
    def api_url(self) -> str:
        return f"{self.url}/v3"

    # --- the customer's side

    def customer_writes(self, phone: str, text: str) -> Chat:
        """What the channel does with a customer's message: it goes to the open chat of this phone, else opens one."""
        contact = self._contact(phone)
        chat = self.open_chat(contact)
        if chat is None:
            chat = self.new_chat(contact)
            chat.customer_says(text)
            self._interpreter.start(chat, self._welcome)
        else:
            chat.customer_says(text)
            self._interpreter.answer(chat, text)
        return chat

    async def quiet(self, chat: Chat) -> None:
        """Returns when nothing more comes by itself: the customer has to speak, an agent has the chat, or it ended."""
        await chat.quiet.wait()

    async def is_quiet_within(self, chat: Chat, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self.quiet(chat)
        except TimeoutError:
            return False
        return True

    # --- the app's side, once a request has been read

    def open_chat(self, contact: Contact) -> Chat | None:
        return next((chat for chat in self.chats.values() if chat.contact == contact and chat.is_open), None)

    def new_chat(self, contact: Contact) -> Chat:
        chat = Chat(chat_id=_FIRST_CHAT + len(self.chats), contact=contact, channel_uuid=CHANNEL_UUID)
        self.chats[chat.id] = chat
        return chat

    def start_flow(self, chat: Chat, flow_id: int, variables: Mapping[str, str]) -> None:
        chat.fill(variables)
        self._interpreter.start(chat, flow_id)

    def keep_file(self, file: File) -> str:
        """Its address."""
        number = _FIRST_FILE + len(self.files)
        self.files[number] = file
        return f"{self.url}/_sandbox/files/{number}/{file.name}"

    def _contact(self, phone: str) -> Contact:
        for contact in self.contacts.values():
            if contact.phone == phone:
                return contact
        contact_id = _FIRST_CONTACT + len(self.contacts)
        self.contacts[contact_id] = Contact(id=contact_id, name=self._names.get(phone, "Visitante"), phone=phone)
        return self.contacts[contact_id]

    def _notify_app(self, chat: Chat, event: str, fields: dict[str, str]) -> None:
        self._notifications += 1
        customer = {"id": str(chat.contact.id), "name": chat.contact.name, "phone": chat.contact.phone}
        item: dict[str, Any] = {
            "id": f"n-{self._notifications}",
            "event": event,
            "company": {"id": self.company_id},
            "chat": {
                "id": chat.id,
                "channel": CHANNEL,
                "channels": [{"uuid": chat.channel_uuid, "type": CHANNEL}],
                "situation": Situation.AUTO.value,
                "customer": customer,
            },
            "data": fields,
        }
        self.deliveries.send(item)
