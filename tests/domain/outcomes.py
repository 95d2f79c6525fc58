"""Hypothesis strategies for outcomes and installations, named as the plural of what they make."""

from datetime import date

from hypothesis import strategies as st

from domain.customer import Contract, ContractStatus
from domain.identifiers import ContractId, CustomerId, FlowId, InvoiceId, ProtocolNumber
from domain.installation import FlowKey, Installation, Policies
from domain.invoice import Offer
from domain.money import Money
from domain.outcome import (
    BoletosIssued,
    ContractUnclear,
    CustomerFound,
    CustomerInOutage,
    CustomerNotFound,
    Failed,
    NoOpenBoleto,
    NotOffered,
    Outcome,
    Paused,
    Shadowed,
    TicketAlreadyOpen,
    TicketNotNeeded,
    TicketOpened,
    TicketRefused,
    UnblockDenied,
    UnblockGranted,
    WhyNotFound,
    WhyNoTicket,
)
from domain.trust_unblock import UnblockRefusal
from tests.domain.builders import ALL_FLOWS, installation

PERSONAL = "Zulmira"
"""stands in every personal field that these strategies make, so that a test can look for it where it must not be"""

words = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=20)
personal_words = words.map(lambda text: f"{PERSONAL}{text}")
protocols = st.from_regex(r"[0-9]{3,12}", fullmatch=True).map(ProtocolNumber)
contracts = st.builds(
    Contract,
    id=st.from_regex(r"[0-9]{1,6}", fullmatch=True).map(ContractId),
    customer_id=st.just(CustomerId("1")),
    number=personal_words,
    status=st.sampled_from(ContractStatus),
    plan=personal_words,
    district=personal_words,
)
offers = st.builds(
    Offer,
    invoice_id=st.just(InvoiceId("9")),
    due_on=st.none() | st.dates(min_value=date(2020, 1, 1), max_value=date(2040, 1, 1)),
    overdue=st.booleans(),
    amount=st.none() | st.integers(min_value=1, max_value=10**9).map(Money),
    reference=st.just("") | personal_words,
    payee=st.just("") | personal_words,
    digitable_line=st.just("") | personal_words,
    pix_code=st.just("") | personal_words,
    link=st.just("") | personal_words,
    document=st.booleans(),
)
some_contracts = st.lists(contracts, max_size=4).map(tuple)
told = st.just("") | personal_words

outcomes: st.SearchStrategy[Outcome] = st.one_of(
    st.builds(CustomerFound, first_name=st.just("") | personal_words, contracts=some_contracts),
    st.builds(
        CustomerInOutage,
        first_name=st.just("") | personal_words,
        contracts=some_contracts,
        told=told,
        protocol=st.none() | protocols,
        back_at=st.just("18h"),
        again=st.booleans(),
        reached=st.just(()) | st.lists(personal_words, min_size=1, max_size=3).map(tuple),
    ),
    st.builds(CustomerNotFound, why=st.sampled_from(WhyNotFound)),
    st.builds(ContractUnclear, contracts=some_contracts),
    st.builds(
        BoletosIssued,
        offers=st.lists(offers, min_size=1, max_size=3).map(tuple),
        more=st.integers(min_value=0, max_value=5),
    ),
    st.builds(NoOpenBoleto),
    st.builds(UnblockGranted, protocol=st.none() | protocols, until=st.none() | st.dates()),
    st.builds(UnblockDenied, reason=st.sampled_from(UnblockRefusal)),
    st.builds(TicketOpened, protocol=protocols),
    st.builds(TicketAlreadyOpen, protocol=protocols),
    st.builds(TicketNotNeeded, told=told, protocol=st.none() | protocols, back_at=st.just("18h")),
    st.builds(TicketRefused, reason=st.sampled_from(WhyNoTicket)),
    st.builds(NotOffered, operation=st.just("unblock")),
    st.builds(Paused),
    st.builds(Shadowed, operation=st.just("ticket")),
    st.builds(Failed, cause=st.just("erp.timeout"), write_in_doubt=st.booleans(), told=told),
)

policies = st.builds(Policies, outage_closes_chat=st.booleans(), outage_message_enabled=st.booleans())
chosen_flows: st.SearchStrategy[dict[FlowKey, FlowId]] = st.sets(st.sampled_from(FlowKey)).map(
    lambda keys: {key: ALL_FLOWS[key] for key in keys}
)
installations: st.SearchStrategy[Installation] = st.builds(installation, policies, st.just(ALL_FLOWS) | chosen_flows)
