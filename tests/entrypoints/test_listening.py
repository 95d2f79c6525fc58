import errno
import socket
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from entrypoints.composition import commands
from entrypoints.listening import listening, port_of
from entrypoints.reply import CommandFailed
from entrypoints.settings import read_settings


def test_a_server_that_cannot_listen_ends_before_it_opens_the_database(tmp_path: Path) -> None:
    settings = read_settings(
        {"PONTE_DATABASE_URL": f"sqlite:///{tmp_path}/ponte.db", "PONTE_SECRET_KEYS": Fernet.generate_key().decode()}
    )
    with listening("127.0.0.1", 0) as taken:
        with pytest.raises(CommandFailed, match=rf"a porta {port_of(taken)} já está em uso: .* PONTE_PORT"):
            commands.run_server(settings, "127.0.0.1", port_of(taken), True)
        with pytest.raises(CommandFailed, match="PONTE_HOST"):
            commands.run_server(settings, "no.such.host.invalid", 0, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("host", ["no.such.host.invalid", "203.0.113.7", "a..b", "256.1.1.1"])
def test_a_host_that_this_machine_is_not_is_told_by_the_settings_name(host: str) -> None:
    with pytest.raises(CommandFailed, match=r"não tem o endereço .* PONTE_HOST"), listening(host, 0):
        pass


def test_a_port_that_the_system_keeps_is_told_by_the_settings_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> socket.socket:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket, "create_server", forbidden)
    with pytest.raises(CommandFailed, match=r"não deixa usar a porta 80: .* PONTE_PORT"), listening("127.0.0.1", 80):
        pass


def test_a_port_is_free_again_after_the_block() -> None:
    with listening("127.0.0.1", 0) as first:
        port = port_of(first)
    with listening("127.0.0.1", port) as again:
        assert port_of(again) == port


def test_every_address_of_a_name_is_listened_at_with_one_port() -> None:
    with listening("localhost", 0) as sockets:
        assert {each.getsockname()[1] for each in sockets} == {port_of(sockets)}
        for each in sockets:
            socket.create_connection(each.getsockname()[:2], timeout=5).close()
