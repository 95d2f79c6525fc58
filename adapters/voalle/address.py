"""The ERP's address, from what an admin pastes.

Pure: names are not looked up here, so a name that points to a private address is caught where connections are made.
"""

import re
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from msgspec import Struct

AUTH_PORT, API_PORT = 45700, 45715
_OTHER_SERVICES = frozenset({AUTH_PORT, 45701, API_PORT})
"""ports of the ERP's other services; the PBX answers on the ordinary one. Source: vendor documentation."""
_DEFAULT_PORT = {"https": 443, "http": 80}
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMERIC = re.compile(r"\d+|0x[0-9a-f]*")
_UNICAST = IPv6Network("2000::/3")
"""all that is routed in public; what lies outside of it, 6to4 too, may stand for an IPv4 address behind a gateway"""
_PRIVATE_SUFFIXES = ("localhost", "local", "internal", "lan", "intranet", "home.arpa")


class AddressProblem(StrEnum):
    EMPTY = "empty"
    NOT_ASCII = "not_ascii"
    """a look-alike or invisible character"""
    NOT_A_HOST = "not_a_host"
    SCHEME = "scheme"
    """something else than http or https"""
    PLAIN_HTTP = "plain_http"
    USERINFO = "userinfo"
    """a user name or password in the address"""
    PRIVATE = "private"
    """this machine or its own network, and not listed"""


class AddressFault(Struct, frozen=True, kw_only=True):
    problem: AddressProblem
    position: int | None = None
    """where in the pasted text, counted from 0"""

    @property
    def advice(self) -> str:
        """What to do, for the person who pasted it; nothing of the text is repeated."""
        place = "" if self.position is None else f" (posição {self.position + 1})"
        return _ADVICE[self.problem] + place


_ADVICE = {
    AddressProblem.EMPTY: "informe o endereço do ERP, como https://cliente.synsuite.com.br",
    AddressProblem.NOT_ASCII: "há um caractere invisível ou parecido com outro: digite o endereço em vez de colar",
    AddressProblem.NOT_A_HOST: "não parece um endereço; use algo como https://cliente.synsuite.com.br",
    AddressProblem.SCHEME: "o endereço deve começar com https://",
    AddressProblem.PLAIN_HTTP: "use https:// no lugar de http://: por http o token seguiria sem proteção",
    AddressProblem.USERINFO: "o endereço não pode conter usuário e senha",
    AddressProblem.PRIVATE: "o endereço é da rede interna; o operador precisa incluí-lo em PONTE_PRIVATE_HOSTS",
}


class ErpAddress(Struct, frozen=True, kw_only=True):
    """`scheme://host[:port]`, lower case, with neither path nor final slash."""

    scheme: str
    host: str
    """an IPv6 address in brackets"""
    port: int | None = None
    """None: the scheme's own"""

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}" + (f":{self.port}" if self.port else "")

    @property
    def auth_url(self) -> str:
        """Where tokens of the third-party API come from. Source: vendor documentation."""
        return f"{self.scheme}://{self.host}:{AUTH_PORT}"

    @property
    def api_url(self) -> str:
        """Where the third-party API answers. Source: vendor documentation."""
        return f"{self.scheme}://{self.host}:{API_PORT}"


def read_pbx_address(pasted: str, *, private_hosts: frozenset[str] = frozenset()) -> ErpAddress | AddressFault:
    """As `read_address`; a port of another of the ERP's services, pasted by mistake, is left out."""
    address = read_address(pasted, private_hosts=private_hosts)
    if isinstance(address, AddressFault) or address.port not in _OTHER_SERVICES or _key(address) in private_hosts:
        return address
    return ErpAddress(scheme=address.scheme, host=address.host)


def read_address(pasted: str, *, private_hosts: frozenset[str] = frozenset()) -> ErpAddress | AddressFault:
    """The address in any of the ways it is pasted; without a scheme it is https.

    `private_hosts` ("host:port") may be private, loopback or plain http; nothing else may.
    """
    text = pasted.strip()
    if not text:
        return AddressFault(problem=AddressProblem.EMPTY)
    for position, character in enumerate(text, start=pasted.index(text)):
        if not character.isascii() or not character.isprintable():
            return AddressFault(problem=AddressProblem.NOT_ASCII, position=position)
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "https", text.lstrip("/")
    scheme = scheme.lower()
    if scheme not in _DEFAULT_PORT:
        return AddressFault(problem=AddressProblem.SCHEME)
    return _read_authority(scheme, re.split(r"[/?#\\]", rest.strip(), maxsplit=1)[0], private_hosts)


def _read_authority(scheme: str, authority: str, private_hosts: frozenset[str]) -> ErpAddress | AddressFault:
    if "@" in authority:
        return AddressFault(problem=AddressProblem.USERINFO)
    try:
        split = urlsplit(f"//{authority.lower()}")
        host, port = (split.hostname or "").removesuffix("."), split.port
        ip = _ip(host)
    except ValueError:
        return AddressFault(problem=AddressProblem.NOT_A_HOST)
    if port == 0 or (ip is None and not _is_name(host)):
        return AddressFault(problem=AddressProblem.NOT_A_HOST)
    address = ErpAddress(
        scheme=scheme,
        host=f"[{ip}]" if isinstance(ip, IPv6Address) else host,
        port=None if port == _DEFAULT_PORT[scheme] else port,
    )
    if _key(address) in private_hosts:
        return address
    if _is_private(host, ip):
        return AddressFault(problem=AddressProblem.PRIVATE)
    if scheme == "http":
        return AddressFault(problem=AddressProblem.PLAIN_HTTP)
    return address


def _key(address: ErpAddress) -> str:
    return f"{address.host}:{address.port or _DEFAULT_PORT[address.scheme]}"


def _ip(host: str) -> IPv4Address | IPv6Address | None:
    """None: a name. A host whose last part is a number is an address or nothing: resolvers read `127.1` as one too."""
    if ":" in host or _NUMERIC.fullmatch(host.rpartition(".")[2]):
        return ip_address(host)
    return None


def _is_name(host: str) -> bool:
    return len(host) <= 253 and all(_LABEL.fullmatch(label) for label in host.split("."))


def _is_private(host: str, ip: IPv4Address | IPv6Address | None) -> bool:
    if ip is None:
        return "." not in host or host.endswith(tuple(f".{suffix}" for suffix in _PRIVATE_SUFFIXES))
    if isinstance(ip, IPv6Address) and (ip not in _UNICAST or ip.sixtofour is not None):
        return True
    return not ip.is_global or ip.is_multicast
