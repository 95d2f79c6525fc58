"""The way to a server, layer by layer: its name, a connection to it, its certificate. Nothing is asked of it."""

import asyncio
import ipaddress
import socket
import ssl
from enum import StrEnum
from time import perf_counter
from urllib.parse import urlsplit

from msgspec import Struct

from adapters.web.client import is_allowed

TIMEOUT_S = 5.0
"""for each layer"""
_PORTS = {"https": 443, "http": 80}


class Layer(StrEnum):
    DNS = "dns"
    TCP = "tcp"
    TLS = "tls"


class Fault(StrEnum):
    NO_ADDRESS = "no_address"
    """there is no address to go to: nothing that could be read as one"""
    NAME_UNKNOWN = "name_unknown"
    NAME_TIMED_OUT = "name_timed_out"
    PRIVATE = "private"
    """of the operator's own network, and not listed"""
    REFUSED = "refused"
    CONNECT_TIMED_OUT = "connect_timed_out"
    UNREACHABLE = "unreachable"
    CERTIFICATE_SELF_SIGNED = "certificate_self_signed"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_NOT_YET = "certificate_not_yet"
    CERTIFICATE_OTHER_NAME = "certificate_other_name"
    CERTIFICATE_CHAIN = "certificate_chain"
    """an intermediate one is not sent along, or nobody knows who signed"""
    CERTIFICATE_REFUSED = "certificate_refused"
    NOT_TLS = "not_tls"
    """something else than TLS speaks on this port"""
    TLS_TIMED_OUT = "tls_timed_out"


class Reached(Struct, frozen=True, kw_only=True):
    """One layer: how long it took, and what kept us from getting through it."""

    layer: Layer
    ms: float
    fault: Fault | None = None


_BY_VERIFY_CODE = {
    9: Fault.CERTIFICATE_NOT_YET,
    10: Fault.CERTIFICATE_EXPIRED,
    18: Fault.CERTIFICATE_SELF_SIGNED,
    19: Fault.CERTIFICATE_SELF_SIGNED,
    20: Fault.CERTIFICATE_CHAIN,
    21: Fault.CERTIFICATE_CHAIN,
    62: Fault.CERTIFICATE_OTHER_NAME,
    64: Fault.CERTIFICATE_OTHER_NAME,
}
"""OpenSSL's numbers (X509_V_ERR_*). A chain that ends in a root nobody knows is `self signed` too (19)."""


async def probe(
    url: str, *, tls: ssl.SSLContext, private_hosts: frozenset[str] | None, timeout_s: float = TIMEOUT_S
) -> tuple[Reached, ...]:
    """The layers in their order, up to the first that failed. Never raises.

    `private_hosts` as in `open_http`: what would not be connected to there is not connected to here.
    """
    reached: list[Reached] = []
    begun = perf_counter()

    def done(layer: Layer, fault: Fault | None = None) -> None:
        nonlocal begun
        now = perf_counter()
        reached.append(Reached(layer=layer, ms=(now - begun) * 1000, fault=fault))
        begun = now

    target = _target(url)
    if target is None:
        done(Layer.DNS, Fault.NO_ADDRESS)
        return tuple(reached)
    scheme, host, port = target
    addresses = await _addresses(host, port, private_hosts, timeout_s)
    done(Layer.DNS, addresses if isinstance(addresses, Fault) else None)
    if isinstance(addresses, Fault):
        return tuple(reached)
    connected = await _connected(addresses, port, timeout_s)
    done(Layer.TCP, connected if isinstance(connected, Fault) else None)
    if isinstance(connected, Fault):
        return tuple(reached)
    try:
        if scheme == "https":
            done(Layer.TLS, await _tls_fault(connected, tls, host, timeout_s))
    finally:
        connected.transport.abort()
    return tuple(reached)


def _target(url: str) -> tuple[str, str, int] | None:
    try:
        split = urlsplit(url)
        host, port = split.hostname, split.port or _PORTS.get(split.scheme)
    except ValueError:
        return None
    return None if not host or port is None else (split.scheme, host, port)


async def _addresses(host: str, port: int, private_hosts: frozenset[str] | None, timeout_s: float) -> list[str] | Fault:
    """Where the name points to, as far as we may go there."""
    try:
        async with asyncio.timeout(timeout_s):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError:
        return Fault.NAME_TIMED_OUT
    except (OSError, UnicodeError):
        return Fault.NAME_UNKNOWN
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    allowed = [address for address in addresses if is_allowed(address, _written(host), port, private_hosts)]
    return allowed or Fault.PRIVATE


def _written(host: str) -> str:
    """As addresses are listed: an IPv6 address in brackets."""
    try:
        return f"[{host}]" if ipaddress.ip_address(host).version == 6 else host
    except ValueError:
        return host


async def _connected(addresses: list[str], port: int, timeout_s: float) -> asyncio.StreamWriter | Fault:
    """To the first address that answers; the addresses checked, not the name once more."""
    fault = Fault.UNREACHABLE
    try:
        async with asyncio.timeout(timeout_s):
            for address in addresses:
                try:
                    return (await asyncio.open_connection(address, port))[1]
                except ConnectionRefusedError:
                    fault = Fault.REFUSED
                except OSError:
                    continue
    except TimeoutError:
        return Fault.CONNECT_TIMED_OUT
    return fault


async def _tls_fault(connected: asyncio.StreamWriter, tls: ssl.SSLContext, host: str, timeout_s: float) -> Fault | None:
    try:
        async with asyncio.timeout(timeout_s):
            await connected.start_tls(tls, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        return _BY_VERIFY_CODE.get(error.verify_code, Fault.CERTIFICATE_REFUSED)
    except TimeoutError:
        return Fault.TLS_TIMED_OUT
    except OSError:  # ssl.SSLError is one of them
        return Fault.NOT_TLS
    return None
