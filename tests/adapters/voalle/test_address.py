import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.voalle.address import AddressFault, AddressProblem, ErpAddress, read_address, read_pbx_address

LISTED = frozenset({"127.0.0.1:9001", "localhost:9001", "[::1]:9001", "erp:8080"})


def url_of(pasted: str, private_hosts: frozenset[str] = frozenset()) -> str:
    address = read_address(pasted, private_hosts=private_hosts)
    assert isinstance(address, ErpAddress), address
    return address.url


def problem_of(pasted: str, private_hosts: frozenset[str] = frozenset()) -> AddressProblem:
    address = read_address(pasted, private_hosts=private_hosts)
    assert isinstance(address, AddressFault), address
    return address.problem


@pytest.mark.parametrize(
    "pasted",
    [
        "erp.provedor.com.br",
        "https://erp.provedor.com.br",
        "https://erp.provedor.com.br/",
        "  https://ERP.Provedor.com.br//  \n",
        "\u00a0https://erp.provedor.com.br\t",
        "HTTPS://erp.provedor.com.br/webservice/v1?x=1#top",
        "erp.provedor.com.br/@home",
        "erp.provedor.com.br:443/users/login",
        "//erp.provedor.com.br",
        "https://erp.provedor.com.br.",
    ],
)
def test_what_admins_paste_becomes_scheme_and_host(pasted: str) -> None:
    assert url_of(pasted) == "https://erp.provedor.com.br"


def test_a_port_of_its_own_is_kept() -> None:
    assert url_of("erp.provedor.com.br:8443/x") == "https://erp.provedor.com.br:8443"


@pytest.mark.parametrize("port", [45700, 45701, 45715])
def test_a_port_of_another_service_is_left_out_of_the_pbx_address(port: int) -> None:
    address = read_pbx_address(f"https://erp.provedor.com.br:{port}/")
    assert isinstance(address, ErpAddress)
    assert address.url == "https://erp.provedor.com.br"


def test_the_other_services_stand_on_ports_of_the_same_host() -> None:
    address = read_address("https://erp.provedor.com.br:8443")
    assert isinstance(address, ErpAddress)
    assert address.auth_url == "https://erp.provedor.com.br:45700"
    assert address.api_url == "https://erp.provedor.com.br:45715"


@pytest.mark.parametrize(
    ("pasted", "position"),
    [
        ("https://еrp.provedor.com.br", 8),
        (" https://erp.prov\u200bedor.com.br", 17),
        ("erp.provedor\n.com.br", 12),
    ],
)
def test_a_look_alike_or_invisible_character_is_refused_with_its_position(pasted: str, position: int) -> None:
    assert read_address(pasted) == AddressFault(problem=AddressProblem.NOT_ASCII, position=position)


@pytest.mark.parametrize(
    ("pasted", "problem"),
    [
        ("", AddressProblem.EMPTY),
        ("  ", AddressProblem.EMPTY),
        ("ftp://erp.provedor.com.br", AddressProblem.SCHEME),
        ("javascript://erp.provedor.com.br", AddressProblem.SCHEME),
        ("https://admin:secret@erp.provedor.com.br", AddressProblem.USERINFO),
        ("https://erp.provedor.com.br@evil.example", AddressProblem.USERINFO),
        ("https://", AddressProblem.NOT_A_HOST),
        ("https://erp provedor.com.br", AddressProblem.NOT_A_HOST),
        ("https://erp.provedor.com.br:porta", AddressProblem.NOT_A_HOST),
        ("https://erp.provedor.com.br:99999", AddressProblem.NOT_A_HOST),
        ("https://[::1", AddressProblem.NOT_A_HOST),
        ("https://erp..com.br", AddressProblem.NOT_A_HOST),
        ("http://erp.provedor.com.br", AddressProblem.PLAIN_HTTP),
        ("https://intranet", AddressProblem.PRIVATE),
        ("https://erp.local", AddressProblem.PRIVATE),
    ],
)
def test_what_is_no_address_is_refused_with_its_reason(pasted: str, problem: AddressProblem) -> None:
    assert problem_of(pasted) is problem


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "127.0.0.1", "10.0.0.5", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.1", "224.0.0.1"),
        *("[::1]", "[::ffff:127.0.0.1]", "[fe80::1]", "[fd00::1]", "[ff02::1]", "[fec0::1]"),
        *("[::127.0.0.1]", "[64:ff9b::a00:7]", "[2002:a00:7::1]"),
    ],
)
def test_a_private_address_is_refused_unless_it_is_listed(host: str) -> None:
    assert problem_of(f"https://{host}:8443") is AddressProblem.PRIVATE


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.0x1"])
def test_other_spellings_of_an_ip_address_are_no_host(host: str) -> None:
    assert problem_of(f"https://{host}") is AddressProblem.NOT_A_HOST


@pytest.mark.parametrize("host", ["127.0.0.1:9001", "localhost:9001", "[::1]:9001", "erp:8080"])
def test_a_listed_host_may_be_private_and_plain_http(host: str) -> None:
    assert url_of(f"http://{host}/pbx", LISTED) == f"http://{host}"


def test_a_listed_host_is_listed_for_its_port_alone() -> None:
    assert problem_of("http://127.0.0.1:9002", LISTED) is AddressProblem.PRIVATE


@given(st.text(max_size=60))
def test_no_text_breaks_the_reading_and_an_accepted_address_reads_as_itself(pasted: str) -> None:
    address = read_address(pasted)
    if isinstance(address, ErpAddress):
        assert read_address(address.url) == address
        assert address.scheme == "https"


def test_every_fault_says_what_to_do_and_where_without_repeating_what_was_pasted() -> None:
    for problem in AddressProblem:
        assert AddressFault(problem=problem).advice
    fault = read_address("https://сliente.synsuite.com.br")
    assert isinstance(fault, AddressFault)
    assert fault.advice.endswith("(posição 9)")
