import httpx
import pytest

from adapters.fence.local import LocalFence
from adapters.voalle.build import voalle_erp
from application.failures import Rejected
from application.ports import Erp, Operation
from domain.identifiers import Secret
from domain.installation import ErpAccess, ErpKind, Policies
from tests.adapters.voalle.scripted import CPF, THIRD_PARTY, URL, StoppedClock

TOKEN = Secret(value="pbx-token")


def build(
    settings: dict[str, str] | None = None,
    *,
    url: str = URL,
    token: Secret = TOKEN,
    pbx: str = "huggy",
    private_hosts: frozenset[str] = frozenset(),
) -> Erp:
    access = ErpAccess(kind=ErpKind.VOALLE, url=url, token=token, pbx=pbx, settings=settings or {})
    return voalle_erp(
        access,
        Policies(),
        httpx.AsyncClient(),
        StoppedClock(),
        fences=lambda _: LocalFence(concurrency=4, per_minute=None),
        private_hosts=private_hosts,
    )


def test_token_and_pbx_name_alone_offer_every_operation_but_the_pdf() -> None:
    assert build().offers == frozenset(Operation) - {Operation.PDF}
    assert build({"pbx_segment": "new"}, pbx="").offers == frozenset(Operation) - {Operation.PDF}


def test_with_the_integrators_credentials_every_operation_is_offered() -> None:
    assert build(THIRD_PARTY).offers == frozenset(Operation)
    assert build(THIRD_PARTY, token=Secret(value="")).offers == frozenset()


def test_only_with_the_integrators_credentials_there_is_more_to_sign_in_to() -> None:
    assert build().sign_ins == {}
    assert set(build(THIRD_PARTY).sign_ins) == {"third_party"}


def test_without_token_or_pbx_name_nothing_is_offered() -> None:
    assert build(token=Secret(value="")).offers == frozenset()
    assert build(pbx="").offers == frozenset()


@pytest.mark.parametrize("setting", ["auth_url", "api_url"])
def test_an_address_that_may_not_be_used_is_refused(setting: str) -> None:
    for fault in ("http://erp.provedor.example", "https://127.0.0.1", "https://u:p@erp.provedor.example"):
        with pytest.raises(Rejected) as caught:
            build(url=fault)
        assert caught.value.cause == "erp.address"
        with pytest.raises(Rejected):
            build({**THIRD_PARTY, setting: fault})


def test_a_listed_private_host_may_be_used() -> None:
    listed = frozenset({"127.0.0.1:9001"})
    settings = {"auth_url": "http://127.0.0.1:9001", "api_url": "http://127.0.0.1:9001/"}
    assert build({**THIRD_PARTY, **settings}, url="http://127.0.0.1:9001", private_hosts=listed).offers


def test_no_part_of_it_shows_a_secret() -> None:
    erp = build(THIRD_PARTY)
    for secret in ("pbx-token", "s3cret", "tenant-key", CPF.digits):
        assert secret not in repr(erp)
