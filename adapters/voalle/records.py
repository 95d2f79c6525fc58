"""A customer out of what the PBX and the third-party API say of one document, and out of both together."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from types import MappingProxyType

import msgspec

from adapters.voalle.outage_signs import merged, read_sign
from adapters.voalle.verdicts import reason_of, says_not_found
from adapters.voalle.wire import (
    CITY,
    CLIENT_ID,
    CLIENT_NAME,
    CLIENT_TAX_ID,
    CLIENTS,
    CONTRACT_CLIENT,
    CONTRACT_CLIENT_TAX_ID,
    CONTRACT_ID,
    CONTRACT_IDS,
    CONTRACT_NUMBER,
    CONTRACT_STATUS,
    CONTRACT_STATUS_WORDS,
    CONTRACTS,
    DESCRIPTION,
    HOLDERS,
    MAIN_ADDRESS,
    NEIGHBORHOOD,
    PERSON_ID,
    PERSON_NAME,
    PERSON_PHONES,
    PERSON_TAX_ID,
    STATUS,
    UNBLOCK_COUNT,
    Fields,
    Names,
    folded,
    not_understood,
    rows,
)
from domain.customer import Contract, ContractStatus, Customer
from domain.identifiers import ContractId, CustomerId
from domain.outage import Outage
from domain.tax_id import TaxId

_STATUS_BY_CODE = MappingProxyType(
    {
        1: ContractStatus.ACTIVE,
        2: ContractStatus.ACTIVE,
        3: ContractStatus.ACTIVE,
        4: ContractStatus.CANCELLED,
        5: ContractStatus.SUSPENDED,
        6: ContractStatus.BLOCKED,
        7: ContractStatus.BLOCKED_BY_PROVIDER,
        9: ContractStatus.CANCELLED,
    }
)
"""Normal, Demonstração, Cortesia, Cancelado, Suspenso, Bloqueio Financeiro, Bloqueio Administrativo, Encerrado.
Source: vendor documentation, and public queries on the ERP's database."""
_STATUS_BY_WORDS = MappingProxyType(
    {
        "normal": ContractStatus.ACTIVE,
        "demonstracao": ContractStatus.ACTIVE,
        "cortesia": ContractStatus.ACTIVE,
        "cancelado": ContractStatus.CANCELLED,
        "suspenso": ContractStatus.SUSPENDED,
        "bloqueio financeiro": ContractStatus.BLOCKED,
        "bloqueio administrativo": ContractStatus.BLOCKED_BY_PROVIDER,
        "encerrado": ContractStatus.CANCELLED,
    }
)


def customer_of_pbx(answer: object, tax_id: TaxId, now: datetime) -> Customer | None:
    """The customer of a CLIENT_VALIDATE answer; clients of another document do not count."""
    clients = _of_document(_clients(answer), CLIENT_TAX_ID, tax_id)
    if not clients:
        return None
    found = [(client, _contracts_of_client(client)) for client in clients]
    return Customer(
        id=_client_id(clients[0]),
        name=next(filter(None, (client.text(CLIENT_NAME) for client in clients)), ""),
        tax_id=tax_id,
        contracts=_each_once(contract for _, contracts in found for contract in contracts),
        outages=_outages(answer, found, now),
        tells_outages=True,
    )


def customer_of_third_party(person: object, contracts: Sequence[Fields], tax_id: TaxId) -> Customer | None:
    """The customer of a `people/txid` answer with the rows of `contract/getpaged`."""
    people = rows(person, what="person", under=(), item=PERSON_ID)
    matching = _of_document(people, PERSON_TAX_ID, tax_id)
    if not matching:
        return None
    customer_id = matching[0].ident(PERSON_ID)
    if customer_id is None:
        not_understood("person", person)
    phones = dict.fromkeys(found.text((name,)) for found in matching for name in PERSON_PHONES)
    return Customer(
        id=CustomerId(customer_id),
        name=matching[0].text(PERSON_NAME),
        tax_id=tax_id,
        phones=tuple(filter(None, phones)),
        contracts=_at_home(
            _each_once(_contract(row, CustomerId(customer_id)) for row in contracts if not _is_of_another(row, tax_id)),
            matching[0],
        ),
    )


def _at_home(contracts: tuple[Contract, ...], person: Fields) -> tuple[Contract, ...]:
    """City and neighbourhood are told of a person, not of a contract: they hold for one who has a single contract."""
    alive = [contract for contract in contracts if contract.status is not ContractStatus.CANCELLED]
    home = person.inner(MAIN_ADDRESS)
    if home is None or len(alive) != 1:
        return contracts
    placed = msgspec.structs.replace(alive[0], city=home.text(CITY), district=home.text(NEIGHBORHOOD))
    return tuple(placed if contract is alive[0] else contract for contract in contracts)


def together(pbx: Customer | None, third_party: Customer | None) -> Customer | None:
    """Both sources as one: what only one of them knows is kept, and the PBX's ids are those that its calls take."""
    if pbx is None or third_party is None:
        return pbx or third_party
    known = {contract.id: contract for contract in third_party.contracts}
    both = [_completed(contract, known.pop(contract.id, None)) for contract in pbx.contracts]
    return msgspec.structs.replace(
        pbx,
        name=pbx.name or third_party.name,
        phones=third_party.phones,
        contracts=(*both, *known.values()),
    )


def _completed(pbx: Contract, third_party: Contract | None) -> Contract:
    if third_party is None:
        return pbx
    unknown = third_party.status is ContractStatus.UNKNOWN
    return msgspec.structs.replace(
        pbx,
        number=third_party.number,
        status=pbx.status if unknown else third_party.status,
        city=third_party.city,
        district=third_party.district,
    )


def _clients(answer: object) -> list[Fields]:
    if not isinstance(answer, dict):
        return rows(answer, what="client", under=(), item=CLIENT_ID)
    fields = Fields(answer)
    if fields.has(CLIENTS):
        return rows(fields.get(CLIENTS), what="client", under=(), item=CLIENT_ID)
    if fields.has(CLIENT_ID):
        return [fields]
    if _says_nobody(fields):
        return []
    held = fields.get(HOLDERS)
    if fields.has(HOLDERS) and (held is None or isinstance(held, (dict, list))):
        return _clients(held)
    return not_understood("client", answer)


def _says_nobody(fields: Fields) -> bool:
    """`clients` is left out when there are none, in public client code; anything else in its place must say so."""
    if not fields.raw or fields.text(STATUS) == "not_found_client":
        return True
    return says_not_found(reason_of(fields))


def _of_document(records: Sequence[Fields], names: Names, tax_id: TaxId) -> list[Fields]:
    """The records of this document. One that names none is not given to whoever asks, nor does it mean "nobody"."""
    verdicts = [(record, _is_of(record, names, tax_id)) for record in records]
    matching = [record for record, is_of in verdicts if is_of]
    unsure = [record for record, is_of in verdicts if is_of is None]
    if unsure and not matching:
        not_understood("document", unsure[0].raw)
    return matching


def _is_of(record: Fields, names: Names, tax_id: TaxId) -> bool | None:
    """None: it names no whole document."""
    stated = record.get(names)
    if isinstance(stated, int):
        return str(stated).zfill(len(tax_id.plain)) == tax_id.plain
    characters = "".join(c for c in record.text(names).upper() if c.isalnum())
    return characters == tax_id.plain if len(characters) in (11, 14) else None


def _is_of_another(row: Fields, tax_id: TaxId) -> bool:
    client = row.inner(CONTRACT_CLIENT)
    return client is not None and _is_of(client, CONTRACT_CLIENT_TAX_ID, tax_id) is False


def _client_id(client: Fields) -> CustomerId:
    return CustomerId(client.ident(CLIENT_ID) or not_understood("client", client.raw))


def _contracts_of_client(client: Fields) -> list[Contract]:
    customer_id = _client_id(client)
    told = rows(client.get(CONTRACTS), what="contract", under=(), item=CONTRACT_ID)
    ids = client.get(CONTRACT_IDS)
    bare = [Fields({"id": ident}) for ident in (ids if isinstance(ids, list) else [ids]) if ident is not None]
    return list(_each_once(_contract(fields, customer_id) for fields in (*told, *bare)))


def _contract(fields: Fields, customer_id: CustomerId) -> Contract:
    ident = fields.ident(CONTRACT_ID)
    if ident is None:
        not_understood("contract", fields.raw)
    return Contract(
        id=ContractId(ident),
        customer_id=customer_id,
        number=fields.text(CONTRACT_NUMBER) or ident,
        status=_status(fields),
        plan=fields.text(DESCRIPTION),
        unblock_attempts=fields.integer(UNBLOCK_COUNT),
    )


def _status(fields: Fields) -> ContractStatus:
    code = fields.integer(CONTRACT_STATUS)
    if code is not None:
        return _STATUS_BY_CODE.get(code, ContractStatus.UNKNOWN)
    words = (folded(fields.text((name,))) for name in CONTRACT_STATUS_WORDS)
    return next((_STATUS_BY_WORDS[text] for text in words if text in _STATUS_BY_WORDS), ContractStatus.UNKNOWN)


def _each_once(contracts: Iterable[Contract]) -> tuple[Contract, ...]:
    kept: dict[ContractId, Contract] = {}
    for contract in contracts:
        kept.setdefault(contract.id, contract)
    return tuple(kept.values())


def _outages(answer: object, found: Sequence[tuple[Fields, Sequence[Contract]]], now: datetime) -> tuple[Outage, ...]:
    """Outages told anywhere in the answer: of the whole document, of one of its clients, or of one contract."""
    signs: list[Outage | None] = []
    if isinstance(answer, dict):
        top = Fields(answer)
        held = top.inner(HOLDERS)
        signs += [read_sign(top, None, now), read_sign(held, None, now) if held else None]
    for client, contracts in found:
        reach = frozenset(contract.id for contract in contracts) if len(found) > 1 else None
        signs.append(read_sign(client, reach, now))
        for row in rows(client.get(CONTRACTS), what="contract", under=(), item=CONTRACT_ID):
            signs.append(read_sign(row, frozenset({ContractId(row.text(CONTRACT_ID))}), now))
    return merged(sign for sign in signs if sign is not None)
