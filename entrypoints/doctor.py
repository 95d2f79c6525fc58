"""`ponte doctor` and `ponte installation test`: what must be right outside of Ponte for it to work.

Every check gives a `Finding` and never raises; a finding holds neither secrets nor personal data.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
from msgspec import Struct
from msgspec.structs import asdict

from application.failures import Failure, Unavailable
from application.ports import Clock, Erps, Installations
from domain.installation import Installation
from domain.tax_id import DocumentFault, read_document
from entrypoints.connections import TOKEN, AskHuggy, Probe, Tried, Verdict, is_fine, tried_of, try_erp, try_way
from entrypoints.reply import CommandFailed, Reply, WrongUsage
from entrypoints.settings import Settings, SettingsError

TIMEOUT_S = 5
HUGGY_S = 60
"""for all that is asked of Huggy, however many installations there are"""
SKEW_MAX_S = 60
AT_ONCE = 20
NOT_BEFORE = datetime(2026, 11, 1, tzinfo=UTC)
"""a clock that shows less was never set"""


class Finding(Struct, frozen=True, kw_only=True):
    check: str
    ok: bool
    note: str = ""
    """what was seen; when it is not ok, what to do"""


OpenInstallations = Callable[[Settings], AbstractAsyncContextManager[Installations]]
OpenHuggy = Callable[[Settings], AbstractAsyncContextManager[AskHuggy]]


async def diagnose(
    settings: Settings,
    *,
    database_problem: Callable[[Settings], str | None],
    open_installations: OpenInstallations,
    mail_problem: Callable[[Settings], Awaitable[str | None]],
    open_huggy: OpenHuggy,
    probe: Probe,
    http: httpx.AsyncClient,
    clock: Clock,
) -> Reply:
    """Everything that can be checked once the settings could be read."""
    database = check_database(settings, database_problem)
    keys, installations = await check_keys(settings, open_installations, database)
    findings = [Finding(check="configuração", ok=True), database, keys]
    huggy, date = await check_reachable("Huggy", settings.huggy_api_url, http)
    findings += [huggy, check_clock(clock.now(), date)]
    if settings.smtp_url is not None:
        findings.append(await check_mail(settings, mail_problem))
    if huggy.ok and installations:
        findings += await check_accesses(installations, settings, open_huggy)
    findings += await check_erps(installations, probe)
    return report(findings)


def report(findings: Sequence[Finding]) -> Reply:
    """One line per check; not ok if any is not."""
    return Reply(
        facts={"ok": all(finding.ok for finding in findings), "checks": [asdict(finding) for finding in findings]},
        lines=tuple(_line(finding) for finding in findings),
        ok=all(finding.ok for finding in findings),
    )


def wrong_settings(error: SettingsError) -> Reply:
    return report([Finding(check="configuração", ok=False, note=problem) for problem in error.problems])


def check_database(settings: Settings, database_problem: Callable[[Settings], str | None]) -> Finding:
    try:
        problem = database_problem(settings)
    except Exception as error:  # noqa: BLE001  a driver may raise anything, and doctors report
        problem = f"{_words(error)}; confira PONTE_DATABASE_URL e o acesso ao banco"
    return Finding(check="banco de dados", ok=problem is None, note=problem or "")


async def check_keys(
    settings: Settings, open_installations: OpenInstallations, database: Finding
) -> tuple[Finding, Sequence[Installation]]:
    """Whether the keys open the stored secrets, and what they opened: only a database that is well can tell."""
    try:
        settings.keys()
        if not database.ok:
            return Finding(check="chaves", ok=False, note="não conferido: primeiro o banco"), ()
        async with open_installations(settings) as installations:
            found = await installations.all()
    except Exception as error:  # noqa: BLE001
        note = f"{_words(error)}; confira PONTE_SECRET_KEYS" if not isinstance(error, SettingsError) else str(error)
        return Finding(check="chaves", ok=False, note=note), ()
    return Finding(check="chaves", ok=True, note=f"instalações: {len(found)}"), found


async def check_mail(settings: Settings, mail_problem: Callable[[Settings], Awaitable[str | None]]) -> Finding:
    """Connects and signs in; no mail is sent."""
    try:
        problem = await mail_problem(settings)
    except Exception as error:  # noqa: BLE001
        problem = _words(error)
    return Finding(check="e-mail", ok=problem is None, note=f"{problem}; confira PONTE_SMTP_URL" if problem else "")


def check_clock(now: datetime, elsewhere: datetime | None) -> Finding:
    """`elsewhere` is the time that another machine told just now; None: nobody did."""
    if now < NOT_BEFORE or (elsewhere and abs((now - elsewhere).total_seconds()) > SKEW_MAX_S):
        return Finding(check="relógio", ok=False, note="está errado: acerte a hora do sistema (NTP)")
    return Finding(check="relógio", ok=True, note="" if elsewhere else "sem outro relógio para comparar")


async def check_reachable(check: str, url: str, http: httpx.AsyncClient) -> tuple[Finding, datetime | None]:
    """Name, network and TLS: any HTTP answer will do. The time is the one in the answer."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            answer = await http.get(url)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        note = f"não responde ({type(error).__name__}): confira o endereço, o DNS, o firewall e o certificado"
        return Finding(check=check, ok=False, note=note), None
    return Finding(check=check, ok=True), _date(answer)


async def check_accesses(
    installations: Sequence[Installation], settings: Settings, open_huggy: OpenHuggy
) -> list[Finding]:
    """Whether Huggy takes each one's token for its company. Who is not through after `HUGGY_S` has had no answer."""
    turns, ends_at = asyncio.Semaphore(AT_ONCE), _in_a_while()

    async def check(installation: Installation, ask: AskHuggy) -> Finding:
        tried = await _ask_huggy(installation, ask, ends_at, turns)
        wrong = next((each.sentence for each in tried if _is_wrong(each)), "")
        return Finding(check=f"Huggy da instalação {installation.id}", ok=not wrong, note=wrong)

    try:
        async with open_huggy(settings) as ask:
            return await asyncio.gather(*(check(installation, ask) for installation in installations))
    except Exception as error:  # noqa: BLE001  the database may have gone away since it was looked at
        return [Finding(check="Huggy das instalações", ok=False, note=f"não conferido: {_words(error)}")]


async def check_erps(installations: Sequence[Installation], probe: Probe) -> list[Finding]:
    """The way to each: its name, its port and its certificate."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def check(installation: Installation) -> Finding:
        async with turns:
            tried = await try_way(installation.erp, probe)
        wrong = next((each.sentence for each in tried if each.verdict is Verdict.BAD), "")
        return Finding(check=f"ERP da instalação {installation.id}", ok=not wrong, note=wrong)

    return await asyncio.gather(*(check(installation) for installation in installations))


async def try_installation(
    installation: Installation,
    settings: Settings,
    *,
    document: str | None,
    open_huggy: OpenHuggy,
    open_erps: Callable[[Settings], AbstractAsyncContextManager[Erps]],
    probe: Probe,
) -> Reply:
    """Whether one installation could serve: both sides answer and take its credentials. With a customer's document that
    is proved of the ERP; whose record it is does not show."""
    tax_id = None if document is None else read_document(document)
    if isinstance(tax_id, DocumentFault):
        raise WrongUsage("--document: informe um CPF ou CNPJ válido")
    async with open_huggy(settings) as ask:
        huggy = await _ask_huggy(installation, ask, _in_a_while())
    tried = await try_way(installation.erp, probe)
    if is_fine(tried):
        try:
            async with open_erps(settings) as erps:
                tried += await try_erp(erps(installation), tax_id)
        except Failure as failure:
            tried.append(tried_of(failure))
    return report(
        [*(_finding(each.name, each) for each in huggy), *(_finding(f"ERP, {each.name}", each) for each in tried)]
    )


async def _ask_huggy(
    installation: Installation, ask: AskHuggy, ends_at: float, turns: asyncio.Semaphore | None = None
) -> Sequence[Tried]:
    try:
        async with asyncio.timeout_at(ends_at), turns or nullcontext():
            return await ask(installation)
    except TimeoutError:
        return [tried_of(Unavailable("huggy.timeout"), TOKEN)]


def _in_a_while() -> float:
    return asyncio.get_running_loop().time() + HUGGY_S


def _is_wrong(tried: Tried) -> bool:
    """Whoever is not connected to Huggy yet serves nobody: the console leaves that out, here it is the question."""
    return tried.verdict is Verdict.BAD or (tried.name == TOKEN and tried.verdict is Verdict.LEFT_OUT)


def _finding(check: str, tried: Tried) -> Finding:
    took = "" if tried.ms is None else f"{tried.ms:.0f} ms"
    return Finding(
        check=check,
        ok=not _is_wrong(tried),
        note=". ".join(part.rstrip(".") for part in (tried.sentence, took) if part),
    )


def _words(error: Exception) -> str:
    """Only our own failures are known to hold no data."""
    if isinstance(error, CommandFailed | SettingsError):
        return str(error)
    return error.cause if isinstance(error, Failure) else type(error).__name__


def _date(answer: httpx.Response) -> datetime | None:
    try:
        date = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _line(finding: Finding) -> str:
    verdict = "ok   " if finding.ok else "falha"
    return f"{verdict}  {finding.check}" + (f": {finding.note}" if finding.note else "")
