"""Where Ponte listens: taken before anything else begins, so that a start that can't be ends with nothing begun."""

import errno
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from entrypoints.reply import CommandFailed

_NOT_HERE = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, socket.EAI_ADDRFAMILY})


@contextmanager
def listening(host: str, port: int) -> Iterator[Sequence[socket.socket]]:
    """A socket for each address of this machine that `host` means, all at one port; 0 takes a free one.

    Whoever connects is answered once there is a server. `CommandFailed` says what to set in place of what can't be.
    """
    sockets: list[socket.socket] = []
    try:
        _listen(host, port, sockets)
        yield sockets
    finally:
        for each in sockets:
            each.close()


def port_of(sockets: Sequence[socket.socket]) -> int:
    port: int = sockets[0].getsockname()[1]
    return port


def _listen(host: str, port: int, sockets: list[socket.socket]) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise _no_such_host(host) from None
    for family, _, _, _, address in dict.fromkeys(found):
        try:
            listener = socket.create_server((address[0], port_of(sockets) if sockets else port), family=family)
        except OSError as error:
            if error.errno in _NOT_HERE:
                continue
            raise _refused(port, error) from None
        # Connections then send what they have at once: asyncio sees to that only for sockets that it made itself, and
        # an answer of two parts would take 40 ms longer.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sockets.append(listener)
    if not sockets:
        raise _no_such_host(host)


def _no_such_host(host: str) -> CommandFailed:
    return CommandFailed(
        f"esta máquina não tem o endereço {host!r}: confira PONTE_HOST (ou --host, no `ponte serve`); use 127.0.0.1 para "
        "atender só nesta máquina, ou 0.0.0.0 para atender em todas as suas redes"
    )


def _refused(port: int, error: OSError) -> CommandFailed:
    if error.errno == errno.EADDRINUSE:
        return CommandFailed(
            f"a porta {port} já está em uso: pare o outro processo, ou escolha outra porta em PONTE_PORT (ou com --port)"
        )
    return CommandFailed(
        f"o sistema não deixa usar a porta {port}: escolha uma a partir de 1024 em PONTE_PORT (ou com --port)"
    )
