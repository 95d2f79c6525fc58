import pytest

from adapters.web.client import is_allowed


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.7", "169.254.169.254", "100.64.0.1", "0.0.0.1", "224.0.0.1", "255.255.255.255"),
        *("::1", "::", "fd00::1", "fe80::1%eth0", "fec0::1", "ff02::1"),
        *("::127.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a00:7", "2002:a00:7::1"),
    ],
)
def test_a_name_of_a_tenant_leads_into_no_network_of_ours_in_whatever_notation(address: str) -> None:
    assert not is_allowed(address, "erp.example.com.br", 443, frozenset())
    assert is_allowed(address, "erp.example.com.br", 443, frozenset({"erp.example.com.br:443"}))
    assert not is_allowed(address, "erp.example.com.br", 444, frozenset({"erp.example.com.br:443"}))


@pytest.mark.parametrize("address", ["8.8.8.8", "200.160.2.3", "2001:12ff:0:2::3", "2600::1"])
def test_a_public_address_is_one(address: str) -> None:
    assert is_allowed(address, "erp.example.com.br", 443, frozenset())
