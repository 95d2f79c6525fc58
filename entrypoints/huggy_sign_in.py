"""Somebody who comes back from Huggy: who it is, and into which companies Huggy lets them."""

import asyncio

from application.console_ports import Accounts, Agents, HuggyAgent, HuggyCompany
from application.failures import Failure
from domain.huggy_access import Grant
from domain.identifiers import CompanyId, Personal, Secret

ASKED_AT_ONCE = 4
ASKED_MAX = 200


class SignedIn(Personal, frozen=True, kw_only=True):
    safe = ("agent", "companies", "unsure")

    agent: HuggyAgent
    grant: Grant
    companies: tuple[HuggyCompany, ...]
    """those that Huggy confirmed just now"""
    unsure: bool
    """whether Huggy failed to answer for some company"""


async def sign_in(accounts: Accounts, agents: Agents, *, code: Secret, redirect_uri: str) -> SignedIn:
    """Runs on the loop of the calls to Huggy. Raises what `Accounts` raises when who it is can't be had.

    Asked after are the companies that Huggy lists and those that the agent proved earlier; each is shown only if Huggy
    lets this very token in.
    """
    grant = await accounts.exchange(code, redirect_uri=redirect_uri)
    agent, listed = await asyncio.gather(accounts.agent(grant.token), accounts.companies(grant.token))
    known = {company_id: HuggyCompany(id=company_id) for company_id in await agents.companies(agent.id)}
    candidates = list({**known, **{company.id: company for company in listed or ()}}.values())[:ASKED_MAX]
    places = asyncio.Semaphore(ASKED_AT_ONCE)

    async def asked(company_id: CompanyId) -> bool | None:
        async with places:
            try:
                return await accounts.belongs_to(grant.token, company_id)
            except Failure:
                return None

    answers = await asyncio.gather(*(asked(company.id) for company in candidates))
    for company, answer in zip(candidates, answers, strict=True):
        if answer:
            await agents.remember(agent.id, company.id)
        elif answer is False:
            await agents.forget(agent.id, company.id)
    return SignedIn(
        agent=agent,
        grant=grant,
        companies=tuple(company for company, answer in zip(candidates, answers, strict=True) if answer),
        unsure=None in answers,
    )
