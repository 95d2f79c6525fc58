"""A person at the simulated Huggy's page, who says who they are."""

import re
from html import unescape
from urllib.parse import urlsplit

import httpx

from entrypoints.sandbox.accounts import Agent


async def at_huggys_page(http: httpx.AsyncClient, authorize_url: str, agent: Agent, *, decision: str = "allow") -> str:
    """Where Huggy sends the browser afterwards."""
    page = await http.get(authorize_url)
    assert page.status_code == 200, page.text
    hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text)
    fields = {name: unescape(value) for name, value in hidden} | {"agent": str(agent.id), "decision": decision}
    parts = urlsplit(authorize_url)
    answer = await http.post(f"{parts.scheme}://{parts.netloc}/oauth/authorize", data=fields)
    assert answer.status_code == 302
    return answer.headers["location"]
