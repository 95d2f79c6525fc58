"""What would happen, worked out without a chat: exactly what a customer would get, and nothing done."""

from datetime import date, timedelta

import pytest

from adapters.memory.journal import MemoryJournal
from adapters.messages.catalog import read_catalog
from application.failures import InDoubt, Rejected, Unavailable
from application.ports import Entry, Lane, Operation
from application.rehearse import NO_NUMBER_YET, BubbleKind, Rehearsal, Rehearse
from domain.action import CloseChat, StartFlow
from domain.customer import ContractStatus
from domain.identifiers import InvoiceId
from domain.installation import FlowKey, Policies
from domain.invoice import Invoice
from domain.money import Money
from domain.notification import Notification
from domain.outage import Outage
from domain.outcome import (
    BoletosIssued,
    CustomerFound,
    CustomerInOutage,
    Failed,
    Shadowed,
    TicketOpened,
    TicketRefused,
    UnblockDenied,
    UnblockGranted,
)
from tests.application.office import CHAT, NOON, Office, boleto, lookup, ticket, unblock
from tests.domain.builders import contract, customer

LINE = "34191101213456788005871234570001616670000012345"
BLOCKED = contract("20743", status=ContractStatus.BLOCKED, unblock_attempts=0)


class Stage(Office):
    """An office in which things are tried out beforehand."""

    def __init__(
        self, policies: Policies | None = None, *, offers: frozenset[Operation] = frozenset(Operation)
    ) -> None:
        super().__init__(policies, offers=offers)
        self.rehearse = self.rehearsing(self.journal)

    def rehearsing(self, journal: MemoryJournal) -> Rehearse:
        return Rehearse(
            journal=journal,
            conclude_over=self.conclude_over,
            erps=self._erp_of,
            clock=self.clock,
            render=read_catalog().render,
        )

    async def play(self, notification: Notification, *, writes: bool = False) -> Rehearsal:
        await self.installations.save(self.installation)
        return await self.rehearse(notification, self.installation, writes=writes)

    async def nothing_waits(self) -> bool:
        return await self.journal.head(Lane(installation_id=self.installation.id, chat_id=CHAT.id)) is None

    @property
    def untouched(self) -> bool:
        """No word to the customer, no flow, no change in the ERP, no alarm."""
        return (list(self.heard), self.flows, self.world.writes, self.notebook.alerts) == ([], [], [], [])


def stage(*, policies: Policies | None = None, blocked: bool = False) -> Stage:
    made = Stage(policies)
    made.world.add(customer(BLOCKED) if blocked else customer())
    return made


def with_boleto(link: str = "https://erp.example/b/9", line: str = LINE) -> Stage:
    made = stage()
    made.world.invoices[contract().id] = [
        Invoice(
            id=InvoiceId("9"),
            due_on=date(2026, 12, 21),
            nominal=Money(centavos=12345),
            digitable_line=line,
            link=link,
        )
    ]
    return made


def kinds(rehearsal: Rehearsal) -> list[BubbleKind]:
    return [bubble.kind for bubble in rehearsal.turn.said]


def flow(rehearsal: Rehearsal) -> FlowKey:
    assert isinstance(rehearsal.turn.terminal, StartFlow)
    return rehearsal.turn.terminal.flow


async def test_the_flow_that_would_start_is_told_and_nothing_is_done() -> None:
    made = stage()
    rehearsal = await made.play(lookup())
    assert isinstance(rehearsal.turn.outcome, CustomerFound)
    assert flow(rehearsal) is FlowKey.CUSTOMER_FOUND
    assert made.untouched
    assert await made.nothing_waits()
    assert rehearsal.seq is None


async def test_the_way_is_told_step_by_step() -> None:
    rehearsal = await stage().play(lookup())
    assert [step.what for step in rehearsal.trail.steps] == ["decision.customer.found"]


async def test_each_message_stands_as_the_customer_would_read_it_a_code_alone_in_its_own() -> None:
    made = with_boleto()
    made.world.pdfs[InvoiceId("9")] = b"%PDF-1.7"
    rehearsal = await made.play(boleto())
    assert isinstance(rehearsal.turn.outcome, BoletosIssued)
    assert kinds(rehearsal) == [BubbleKind.TEXT, BubbleKind.CODE, BubbleKind.FILE]
    about, code, pdf = rehearsal.turn.said
    assert about.text.startswith("Fatura em aberto\nValor: R$ 123,45")
    assert code.text == LINE
    assert (pdf.file, pdf.text) == ("boleto-2026-12-21.pdf", "Aqui está o boleto em PDF.")


@pytest.mark.parametrize("failure", [None, Unavailable("erp.timeout"), Rejected("erp.http_403")])
async def test_a_pdf_that_cannot_be_had_is_its_link(failure: Exception | None) -> None:
    made = with_boleto()
    if isinstance(failure, Unavailable | Rejected):
        made.world.fail("pdf", failure)
    rehearsal = await made.play(boleto())
    assert rehearsal.turn.said[-1].text.endswith("https://erp.example/b/9")


async def test_without_pdf_and_link_nothing_is_said_in_their_place() -> None:
    rehearsal = await with_boleto(link="").play(boleto())
    assert kinds(rehearsal) == [BubbleKind.TEXT, BubbleKind.CODE]
    assert flow(rehearsal) is FlowKey.BOLETOS_FOUND


async def test_where_pdf_and_link_are_the_only_way_and_neither_can_be_had_the_auxiliary_flow_follows() -> None:
    rehearsal = await with_boleto(link="", line="").play(boleto())
    assert kinds(rehearsal) == [BubbleKind.TEXT]
    assert flow(rehearsal) is FlowKey.AUXILIARY


async def test_an_unblock_stops_before_the_erp_is_asked_and_tells_both_ways_on() -> None:
    made = stage(blocked=True)
    rehearsal = await made.play(unblock())
    assert rehearsal.turn.outcome == Shadowed(operation=Operation.UNBLOCK)
    yes, no = rehearsal.either
    assert isinstance(yes.outcome, UnblockGranted)
    assert isinstance(no.outcome, UnblockDenied)
    assert [turn.terminal.flow for turn in (yes, no) if isinstance(turn.terminal, StartFlow)] == [
        FlowKey.UNBLOCK_GRANTED,
        FlowKey.UNBLOCK_DENIED,
    ]
    assert made.untouched


async def test_a_ticket_stops_before_it_is_opened_and_tells_both_ways_on() -> None:
    made = stage()
    rehearsal = await made.play(ticket())
    assert [type(turn.outcome) for turn in rehearsal.either] == [TicketOpened, TicketRefused]
    assert NO_NUMBER_YET in rehearsal.either[0].said[0].text
    assert made.untouched


async def test_a_write_that_was_ordered_is_done_and_kept() -> None:
    made = stage(blocked=True)
    rehearsal = await made.play(unblock(), writes=True)
    assert isinstance(rehearsal.turn.outcome, UnblockGranted)
    assert rehearsal.either == ()
    assert made.world.writes == ["unblock 20743"]
    assert rehearsal.seq is not None
    assert [trail.steps[-1].what for trail in made.journal.trails(rehearsal.seq)] == ["decision.unblock.granted"]
    assert (list(made.heard), made.flows) == ([], [])


async def test_the_same_order_again_asks_the_erp_nothing_more() -> None:
    made = stage()
    first = await made.play(ticket(), writes=True)
    again = await made.play(ticket(), writes=True)
    assert again.turn == first.turn
    assert made.world.writes == ["ticket 12345"]


async def test_an_order_is_no_matter_of_its_installation_being_in_shadow_or_paused() -> None:
    made = stage(policies=Policies(shadow=True, paused=True), blocked=True)
    rehearsal = await made.play(unblock(), writes=True)
    assert isinstance(rehearsal.turn.outcome, UnblockGranted)


async def test_what_only_reads_is_not_kept_though_a_write_was_ordered() -> None:
    rehearsal = await stage().play(lookup(), writes=True)
    assert rehearsal.seq is None


async def test_a_write_in_doubt_is_told_with_the_note_that_agents_would_read() -> None:
    made = stage()
    made.world.fail("open", InDoubt("erp.dropped"))
    rehearsal = await made.play(ticket(), writes=True)
    assert rehearsal.turn.outcome == Failed(cause="erp.write_in_doubt", write_in_doubt=True)
    assert kinds(rehearsal) == [BubbleKind.NOTE]
    assert flow(rehearsal) is FlowKey.AUXILIARY


class FullJournal(MemoryJournal):
    """Takes requests, and cannot keep what came of them."""

    async def finish_entry(self, *_: object, **__: object) -> Entry | None:
        raise Unavailable("storage.busy")


async def test_what_the_erp_did_is_told_even_when_it_cannot_be_recorded() -> None:
    made = stage(blocked=True)
    made.rehearse = made.rehearsing(FullJournal(clock=made.clock))
    rehearsal = await made.play(unblock(), writes=True)
    assert isinstance(rehearsal.turn.outcome, UnblockGranted)


async def test_a_pause_is_left_out_of_account() -> None:
    policies = Policies(paused=True, paused_operations=("customer_lookup",))
    assert isinstance((await stage(policies=policies).play(lookup())).turn.outcome, CustomerFound)


async def test_an_outage_is_told_and_nobody_counts_as_told() -> None:
    made = stage(policies=Policies(outage_message_enabled=True, outage_closes_chat=True))
    made.world.outages.append(Outage(id="o-1", predicted_at=NOON + timedelta(hours=2)))
    for _ in range(2):
        rehearsal = await made.play(lookup())
        assert isinstance(rehearsal.turn.outcome, CustomerInOutage)
        assert "14h" in rehearsal.turn.said[0].text
        assert isinstance(rehearsal.turn.terminal, CloseChat)
    assert await made.outages.standing(made.installation.id) == []


async def test_an_erp_that_fails_is_shown_as_it_would_end_for_the_customer() -> None:
    made = stage()
    made.world.fail("find", Unavailable("erp.timeout"))
    rehearsal = await made.play(lookup())
    assert rehearsal.turn.outcome == Failed(cause="erp.timeout")
    assert rehearsal.trail.steps[-1].ended == "erp.timeout"
    assert flow(rehearsal) is FlowKey.AUXILIARY
    assert made.untouched
