"""The people of the little city: each one stands for a case that a real provider meets every week.

Names, documents and phones are invented; the documents and codes are valid, except where a person's story says otherwise.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from entrypoints.sandbox import codes
from entrypoints.sandbox.records import Contract, Maintenance, Person, Status, Ticket, Title

CENT = Decimal("0.01")
MEGA_300 = ("FIBRA 300 MEGA", Decimal("79.90"))
MEGA_500 = ("FIBRA 500 MEGA", Decimal("99.90"))
MEGA_700 = ("FIBRA 700 MEGA", Decimal("129.90"))
GIGA = ("EMPRESA 1 GIGA", Decimal("349.00"))

Spoil = Callable[[str], str]


def inhabitants(today: date, now: datetime) -> list[Person]:
    """Everyone, with invoices due around `today` and the outage and open ticket placed around `now`."""
    office = _Office(today)
    return [
        *_in_good_order(office),
        *_in_debt(office),
        *_in_trouble(office, now),
        *_with_corrupt_codes(office),
    ]


class _Office:
    """Signs contracts and issues their invoices, as of one day."""

    def __init__(self, today: date) -> None:
        self.today = today

    def contract(
        self,
        contract_id: int,
        number: str,
        plan: tuple[str, Decimal],
        address: str,
        *,
        due_in_days: tuple[int, ...] = (),
        status: Status = Status.NORMAL,
        spoil_line: Spoil | None = None,
        spoil_pix: Spoil | None = None,
    ) -> Contract:
        name, monthly = plan
        street, district = address.split(" - ")
        titles = [
            self._title(contract_id * 10 + place, self.today + timedelta(days=days), monthly)
            for place, days in enumerate(due_in_days, start=1)
        ]
        if spoil_line:
            # The line alone is left: beside a good barcode its corruption would show at once.
            titles = [replace(t, digitable_line=spoil_line(t.digitable_line), barcode="") for t in titles]
        if spoil_pix:
            titles = [replace(t, pix_code=spoil_pix(t.pix_code)) for t in titles]
        return Contract(
            id=contract_id,
            number=number,
            plan=name,
            street=street,
            district=district,
            monthly=monthly,
            status=status,
            titles=titles,
        )

    def _title(self, title_id: int, due_on: date, amount: Decimal) -> Title:
        days_late = max(0, (self.today - due_on).days)
        bar = codes.barcode(due_on=due_on, amount=amount, free=title_id)
        # An overdue charge is worth more every day: its Pix leaves the amount to the bank.
        pix = (
            codes.dynamic_pix(location=f"{title_id:032x}")
            if days_late
            else codes.static_pix(amount=amount, reference=f"FAT{title_id}")
        )
        return Title(
            id=title_id,
            name=f"FAT{title_id}",
            issued_on=due_on - timedelta(days=20),
            due_on=due_on,
            value=amount,
            fine=(amount * 2 / 100).quantize(CENT) if days_late else Decimal(0),
            interest=(amount * days_late / 3000).quantize(CENT),
            barcode=bar,
            digitable_line=codes.digitable_line(bar),
            pix_code=pix,
        )


def _in_good_order(office: _Office) -> list[Person]:
    return [
        Person(
            id=1201,
            key="ana",
            story="um contrato, tudo em dia, uma fatura a vencer",
            name="ANA CLARA DE SOUZA",
            tax_id=codes.cpf("529982247"),
            phone="11987654321",
            born_on=date(1990, 1, 31),
            contracts=[
                office.contract(20743, "0020743", MEGA_500, "RUA DAS ACACIAS, 120 - CENTRO", due_in_days=(5,)),
            ],
        ),
        Person(
            id=1202,
            key="bruno",
            story="dois contratos, em bairros e com planos diferentes",
            name="BRUNO HENRIQUE ALMEIDA",
            tax_id=codes.cpf("123456789"),
            phone="11991112233",
            born_on=date(1984, 7, 2),
            contracts=[
                office.contract(20801, "0018050", MEGA_300, "AV BRASIL, 45 - JARDIM AMERICA", due_in_days=(3,)),
                office.contract(20802, "0031877", MEGA_700, "RUA DO PORTO, 900 - VILA NOVA", due_in_days=(8,)),
            ],
        ),
        Person(
            id=1203,
            key="padaria",
            story="empresa com letras no CNPJ",
            name="PADARIA PAO DE OURO LTDA",
            tax_id=codes.cnpj("12ABC34501DE"),
            phone="1132221234",
            contracts=[office.contract(20900, "0020900", GIGA, "RUA QUINZE, 15 - CENTRO", due_in_days=(10,))],
        ),
        Person(
            id=1204,
            key="davi",
            story="nenhuma fatura em aberto",
            name="DAVI LUCAS FERREIRA",
            tax_id=codes.cpf("310427865"),
            phone="21988880001",
            born_on=date(1999, 11, 9),
            contracts=[office.contract(21004, "0021004", MEGA_500, "RUA SETE, 7 - LARANJEIRAS")],
        ),
    ]


def _in_debt(office: _Office) -> list[Person]:
    blocked = office.contract(
        21101,
        "0021101",
        MEGA_300,
        "RUA BAHIA, 310 - SAVASSI",
        due_in_days=(-22,),
        status=Status.BLOCKED_FOR_DEBT,
    )
    overdue = office.contract(
        21303, "0021303", MEGA_700, "AV IPIRANGA, 2200 - AZENHA", due_in_days=(-100, -70, -40, -10)
    )
    return [
        Person(
            id=1301,
            key="carla",
            story="contrato com bloqueio financeiro, uma fatura vencida",
            name="CARLA REGINA MOREIRA",
            tax_id=codes.cpf("482915307"),
            phone="31977776666",
            born_on=date(1978, 4, 18),
            contracts=[blocked],
        ),
        Person(
            id=1302,
            key="eduardo",
            story="só um contrato, cancelado",
            name="EDUARDO PINTO LIMA",
            tax_id=codes.cpf("705318642"),
            phone="41966665555",
            born_on=date(1969, 12, 25),
            contracts=[
                office.contract(21202, "0021202", MEGA_300, "RUA XV, 88 - BATEL", status=Status.CANCELLED),
            ],
        ),
        Person(
            id=1303,
            key="fernanda",
            story="quatro faturas vencidas",
            name="FERNANDA OLIVEIRA SANTOS",
            tax_id=codes.cpf("246813579"),
            phone="51955554444",
            born_on=date(1995, 6, 30),
            contracts=[overdue],
        ),
    ]


def _in_trouble(office: _Office, now: datetime) -> list[Person]:
    offline = office.contract(21404, "0021404", MEGA_500, "RUA DO SOL, 12 - BOA VISTA", due_in_days=(6,))
    offline.maintenance = Maintenance(
        protocol=f"{office.today:%Y%m%d}90001",
        began_at=now - timedelta(hours=1),
        predicted_at=(now + timedelta(hours=4)).replace(minute=0, second=0, microsecond=0),
    )
    waiting = Ticket(
        id=88001,
        protocol=f"{office.today:%Y%m%d}80001",
        title="Internet lenta",
        opened_at=now - timedelta(hours=2),
        contract_id=21505,
    )
    return [
        Person(
            id=1401,
            key="gabriel",
            story="em falha massiva, com previsão e protocolo",
            name="GABRIEL TEIXEIRA COSTA",
            tax_id=codes.cpf("608241973"),
            phone="81944443333",
            born_on=date(1988, 8, 8),
            contracts=[offline],
        ),
        Person(
            id=1402,
            key="helena",
            story="já tem um chamado aberto, de duas horas atrás",
            name="HELENA MARIA DUARTE",
            tax_id=codes.cpf("917364820"),
            phone="85933332222",
            born_on=date(1973, 2, 14),
            contracts=[office.contract(21505, "0021505", MEGA_300, "RUA DA PAZ, 5 - MEIRELES", due_in_days=(4,))],
            tickets=[waiting],
        ),
    ]


def _with_corrupt_codes(office: _Office) -> list[Person]:
    bad_line = office.contract(
        21606,
        "0021606",
        MEGA_500,
        "RUA 9, 99 - SETOR OESTE",
        due_in_days=(7,),
        spoil_line=codes.with_wrong_check_digit,
    )
    both_bad = office.contract(
        21707,
        "0021707",
        MEGA_500,
        "LADEIRA ALTA, 3 - BARRA",
        due_in_days=(7,),
        spoil_line=codes.with_wrong_check_digit,
        spoil_pix=codes.with_wrong_crc,
    )
    return [
        Person(
            id=1501,
            key="igor",
            story="linha digitável corrompida, Pix bom",
            name="IGOR BATISTA NUNES",
            tax_id=codes.cpf("135792468"),
            phone="62922221111",
            born_on=date(1991, 5, 5),
            contracts=[bad_line],
        ),
        Person(
            id=1502,
            key="julia",
            story="linha digitável e Pix corrompidos",
            name="JULIA CAMPOS RIBEIRO",
            tax_id=codes.cpf("864209753"),
            phone="71911110000",
            born_on=date(2001, 10, 21),
            contracts=[both_bad],
        ),
    ]
