"""`ponte operator …`: who runs the whole service and enters the console with a password.

A password comes from the environment (`PONTE_OPERATOR_PASSWORD`), from a person who is asked for it, or as one line of
standard input; never as an argument, where others on the machine could read it.
"""

from collections.abc import Callable

from application.console_ports import Operators
from domain.identifiers import Secret
from entrypoints.doorkeeper import PASSWORD_MAX, PASSWORD_MIN, hash_password, is_name
from entrypoints.reply import CommandFailed, Reply, WrongUsage

ReadPassword = Callable[[], Secret]


async def add(operators: Operators, name: str, read_password: ReadPassword) -> Reply:
    name = _name(name)
    if not await operators.add(name, _hashed(read_password)):
        raise CommandFailed(f"já existe o operador {name}; para trocar a senha: ponte operator password {name}")
    return Reply(facts={"operator": name, "added": True}, lines=(f"Operador {name} criado.",))


async def set_password(operators: Operators, name: str, read_password: ReadPassword) -> Reply:
    """Whoever is signed in with the old one is signed out."""
    name = _name(name)
    if not await operators.set_password(name, _hashed(read_password)):
        raise _unknown(name)
    return Reply(facts={"operator": name, "changed": True}, lines=(f"Senha do operador {name} trocada.",))


async def remove(operators: Operators, name: str) -> Reply:
    name = _name(name)
    if not await operators.remove(name):
        raise _unknown(name)
    return Reply(facts={"operator": name, "removed": True}, lines=(f"Operador {name} removido.",))


async def list_all(operators: Operators) -> Reply:
    everybody = await operators.all()
    rows = [{"operator": each.name, "created_at": each.created_at.isoformat()} for each in everybody]
    lines = tuple(f"{each.name}  desde {each.created_at:%d/%m/%Y}" for each in everybody)
    return Reply(facts={"operators": rows}, lines=lines or ("Nenhum operador. Crie um: ponte operator add NOME",))


def _name(text: str) -> str:
    name = text.strip().lower()
    if not is_name(name):
        raise WrongUsage("o nome do operador tem até 64 letras, números ou . _ @ -")
    return name


def _hashed(read_password: ReadPassword) -> Secret:
    password = read_password()
    if not PASSWORD_MIN <= len(password.reveal()) <= PASSWORD_MAX:
        raise WrongUsage(f"a senha precisa de pelo menos {PASSWORD_MIN} caracteres")
    return hash_password(password)


def _unknown(name: str) -> CommandFailed:
    return CommandFailed(f"não existe o operador {name}; veja `ponte operator list`")
