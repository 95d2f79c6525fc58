"""The simulated Huggy's agents, what they let an app do, and the tokens that it got for it.

As on the real platform a token stands for an agent and names no company; which companies the agent may address is asked
of the API. A code is good once; so is a refresh token, which brings the next one with it.
"""

import base64
import secrets
import time

import msgspec
from msgspec import Struct
from msgspec.structs import replace

CLIENT_ID = "APP-5f3a2c8e-7b1d-4c6f-9e0a-3d2b1f4c5a6e"
CLIENT_SECRET = "8c1f6a9e-2d4b-4e7a-b3c5-0f9e8d7c6b5a"  # noqa: S105 - the sandbox's own
ACCESS_S = 15_638_400
"""as seen in tokens of real apps: 181 days"""
CODE_S = 600
HOME, NEIGHBOUR = 1001, 1002
COMPANIES = {HOME: "Provedor Exemplo", NEIGHBOUR: "Provedor Vizinho"}


class Agent(Struct, frozen=True, kw_only=True):
    id: int
    name: str
    email: str
    companies: tuple[int, ...]
    """the first is the one that is meant when an address names none"""


ADMIN = Agent(id=301, name="Admin Sandbox", email="admin@exemplo.com.br", companies=(HOME,))
CONSULTANT = Agent(id=302, name="Bia Consultora", email="bia@exemplo.com.br", companies=(HOME, NEIGHBOUR))
STRANGER = Agent(id=303, name="Caio Vizinho", email="caio@vizinho.example", companies=(NEIGHBOUR,))
AGENTS = {agent.id: agent for agent in (ADMIN, CONSULTANT, STRANGER)}


class Issued(Struct, frozen=True, kw_only=True):
    agent: Agent
    until: float


class Tokens(Struct, frozen=True, kw_only=True):
    token_type: str = "Bearer"  # noqa: S105 - its kind
    expires_in: int
    access_token: str
    refresh_token: str


class Accounts:
    """`redirect_uri` is the one address that the app registered; empty: none yet."""

    def __init__(self, *, static_token: str) -> None:
        self.redirect_uri = ""
        self.access_s = ACCESS_S
        self._codes: dict[str, Issued] = {}
        self._access = {static_token: Issued(agent=ADMIN, until=float("inf"))}
        self._refresh: dict[str, Agent] = {}

    def leaves(self, agent: Agent, company_id: int) -> None:
        """From now on the agent is not of this company; their tokens stay good."""
        for token, issued in self._access.items():
            if issued.agent.id == agent.id:
                companies = tuple(each for each in issued.agent.companies if each != company_id)
                self._access[token] = replace(issued, agent=replace(issued.agent, companies=companies))

    def code_for(self, agent: Agent) -> str:
        code = secrets.token_hex(16)
        self._codes[code] = Issued(agent=agent, until=time.time() + CODE_S)
        return code

    def exchange(self, code: str) -> Tokens | None:
        """None: it is not good, or not any more."""
        issued = self._codes.pop(code, None)
        return self._issue(issued.agent) if issued is not None and issued.until > time.time() else None

    def renew(self, refresh_token: str) -> Tokens | None:
        agent = self._refresh.pop(refresh_token, None)
        return None if agent is None else self._issue(agent)

    def agent(self, token: str) -> Agent | None:
        """Whom an access token stands for."""
        issued = self._access.get(token)
        return issued.agent if issued is not None and issued.until > time.time() else None

    def revoke_access(self) -> None:
        """Every access token, the static one too; what they can be renewed with stays."""
        self._access.clear()

    def revoke(self) -> None:
        """As if the app had been uninstalled everywhere."""
        self._access.clear()
        self._refresh.clear()

    def _issue(self, agent: Agent) -> Tokens:
        now = time.time()
        claims = {
            "aud": CLIENT_ID,
            "jti": secrets.token_hex(20),
            "iat": int(now),
            "exp": int(now + self.access_s),
            "sub": str(agent.id),
            "scopes": ["install_app", "read_agent_profile"],
        }
        parts = ({"typ": "JWT", "alg": "RS256"}, claims, secrets.token_hex(16))
        token = ".".join(base64.urlsafe_b64encode(msgspec.json.encode(part)).decode().rstrip("=") for part in parts)
        refresh_token = f"def50200{secrets.token_hex(40)}"
        self._access[token] = Issued(agent=agent, until=now + self.access_s)
        self._refresh[refresh_token] = agent
        return Tokens(expires_in=self.access_s, access_token=token, refresh_token=refresh_token)
