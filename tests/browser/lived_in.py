"""Something has happened in the sandbox: chats that went well, one that did not, and an outage that the ERP told."""

from collections.abc import Sequence

import httpx

from tests.browser.sandbox_process import SandboxProcess

PHONES = {"ana": "+5511987654321", "gabriel": "+5581944443333", "julia": "+5571911110000"}
TALKS: Sequence[tuple[str, tuple[str, ...]]] = (
    ("ana", ("oi", "1", "529.982.247-25", "1")),
    ("gabriel", ("oi", "4", "608.241.973-13")),
    ("julia", ("oi", "1", "864.209.753-10", "1")),
)


def live_in(sandbox: SandboxProcess) -> None:
    with httpx.Client(base_url=f"{sandbox.huggy_url}/_sandbox", timeout=60, trust_env=False) as huggy:
        for who, texts in TALKS:
            _say(huggy, PHONES[who], texts)
        huggy.post("/faults", json={"erp": "down"}).raise_for_status()
        _say(huggy, "+5511900001111", ("oi", "4", "310.427.865-26"))
        huggy.post("/faults", json={"erp": None}).raise_for_status()


def _say(huggy: httpx.Client, phone: str, texts: Sequence[str]) -> None:
    for text in texts:
        chat = huggy.post("/chats", json={"phone": phone, "text": text}).raise_for_status().json()
        chat = huggy.get(f"/chats/{chat['chat_id']}", params={"wait_s": 50}).raise_for_status().json()
        assert chat["quiet"], f"the chat hung after {text!r}: {chat}"
