"""The command line's grammar, and what it says of an installation as values."""

import argparse
from collections.abc import Callable

from domain.identifiers import Secret
from domain.installation import ErpKind, FlowKey
from entrypoints.cli_installation import Changes
from entrypoints.policies import POLICY_NAMES
from entrypoints.reply import WrongUsage
from entrypoints.settings import OfferedTokens

FROM_INPUT = "-"
"""as the value of a secret: read one line of standard input"""

ReadLine = Callable[[], str]


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ponte", description="Liga a Huggy ao ERP de um provedor de Internet.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMANDO")

    serve = commands.add_parser("serve", help="webhooks, API de flows, console e o trabalho, num só processo")
    serve.add_argument("--host", help="padrão: PONTE_HOST")
    serve.add_argument("--port", type=_port, help="padrão: PONTE_PORT")
    serve.add_argument("--no-worker", action="store_true", help="só recebe; o trabalho fica com `ponte worker`")

    commands.add_parser("worker", help="só o trabalho; quantos se queira, sobre um PostgreSQL")
    commands.add_parser("migrate", help="traz o banco de dados para esta versão")

    sandbox = commands.add_parser("sandbox", help="tudo de uma vez, com simuladores da Huggy e do ERP")
    sandbox.add_argument("--port", type=_port, help="porta do Ponte; padrão: PONTE_PORT")
    sandbox.add_argument("--chat", action="store_true", help="conversa no terminal como se fosse o cliente")
    sandbox.add_argument("--say", action="append", default=[], metavar="TEXTO", help="diz isto como cliente e termina")
    sandbox.add_argument("--as", dest="person", default="ana", metavar="QUEM", help="quem escreve; padrão: ana")
    sandbox.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="ALVO=FALHA",
        help="quebra erp, huggy ou webhook (down, slow:2, 500, html, …); vazio conserta",
    )

    doctor = commands.add_parser("doctor", help="confere configuração, banco, chaves, relógio e acessos")
    _add_json(doctor)

    _add_installation(commands.add_parser("installation", help="cadastra e configura empresas"))

    _add_operator(commands.add_parser("operator", help="quem cuida de tudo e entra no console com senha"))

    _add_outage(commands.add_parser("outage", help="falhas massivas (Rede Off): abre, corrige, encerra, lista"))

    replay = commands.add_parser("replay", help="envia uma notificação gravada ao webhook")
    replay.add_argument("file", metavar="ARQUIVO", help="JSON ou formulário; - lê da entrada padrão")
    replay.add_argument("--installation", required=True, metavar="ID")
    _add_json(replay)

    keys = commands.add_parser("keys", help="chaves que cifram os segredos").add_subparsers(
        dest="action", required=True, metavar="AÇÃO"
    )
    keys.add_parser("new", help="mostra uma chave nova para PONTE_SECRET_KEYS")
    _add_json(keys.add_parser("rotate", help="cifra tudo de novo com a primeira chave"))
    return parser


def read_changes(args: argparse.Namespace, tokens: OfferedTokens, read_line: ReadLine) -> Changes:
    """Secrets given as `-` take one line of standard input each: the ERP's token, Huggy's, then `--erp-set` in order."""
    return Changes(
        company_id=args.company_id,
        name=args.name,
        email=args.email,
        erp=ErpKind(args.erp) if args.erp else None,
        erp_url=args.erp_url,
        erp_token=_secret(args.erp_token, read_line) or tokens.erp,
        erp_pbx=args.erp_pbx,
        huggy_token=_secret(args.huggy_token, read_line) or tokens.huggy,
        forget_webhook_token=args.forget_webhook_token,
        flows=[_pair("--flow", text) for text in args.flow],
        policies=[_pair("--set", text) for text in args.set],
        erp_settings=[(name, _from_input(value, read_line)) for name, value in map(_erp_setting, args.erp_set)],
    )


def _add_installation(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="AÇÃO")
    add = actions.add_parser("add", help="cadastra uma empresa")
    add.set_defaults(forget_webhook_token=False)
    _add_changes(add)
    for action, summary in (
        ("set", "altera o que for informado"),
        (
            "show",
            "mostra tudo, menos os tokens da Huggy e do ERP; os endereços e chaves próprios da instalação aparecem",
        ),
        ("remove", "apaga a empresa e tudo o que há dela"),
        ("test", "confere os acessos de uma empresa"),
    ):
        command = actions.add_parser(action, help=summary)
        command.add_argument("installation", metavar="ID")
        if action == "set":
            command.add_argument(
                "--forget-webhook-token",
                action="store_true",
                help="o Token Webhook foi renovado na Huggy: vale o próximo que ela validar",
            )
            _add_changes(command)
        else:
            _add_json(command)
        if action == "test":
            command.add_argument("--document", metavar="CPF", help="consulta este CPF ou CNPJ, sem mostrar de quem é")
    _add_json(actions.add_parser("list", help="lista as empresas"))


def _add_operator(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="AÇÃO")
    for action, summary in (
        ("add", "cria; a senha vem de PONTE_OPERATOR_PASSWORD ou é perguntada"),
        ("password", "troca a senha, e quem estava dentro com a antiga sai"),
        ("remove", "tira o acesso"),
    ):
        command = actions.add_parser(action, help=summary)
        command.add_argument("name", metavar="NOME")
        _add_json(command)
    _add_json(actions.add_parser("list", help="lista os operadores"))


def _add_outage(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="AÇÃO")
    for action, summary in (
        ("open", "abre uma falha: os clientes atingidos são avisados"),
        ("update", "diz que ela continua e altera o que for informado"),
        ("close", "encerra a falha: ninguém mais é avisado"),
        ("list", "lista as falhas abertas"),
    ):
        command = actions.add_parser(action, help=summary)
        if action in {"update", "close"}:
            command.add_argument("outage", metavar="FALHA", help="o código que aparece em `list`")
        command.add_argument("--installation", metavar="ID", help="dispensável quando só há uma empresa")
        if action in {"open", "update"}:
            _add_outage_form(command, required=action == "open")
        if action == "list":
            command.add_argument("--all", action="store_true", help="também as encerradas e vencidas")
        _add_json(command)


def _add_outage_form(command: argparse.ArgumentParser, *, required: bool) -> None:
    command.add_argument(
        "--scope",
        required=required,
        metavar="ALCANCE",
        help="all, city=Nome, district=Nome, access-point=Nome ou contracts=1,2",
    )
    command.add_argument("--predicted", metavar="QUANDO", help='previsão: "18:30", "24/11 02:00" ou ISO; vazio: sem')
    command.add_argument("--cause", metavar="TEXTO", help="em palavras para o cliente: {{cause}} na mensagem")
    command.add_argument("--protocol", metavar="NÚMERO")
    command.add_argument("--expires", metavar="QUANDO", help="até quando vale; padrão: a política outage_expires_h")


def _add_changes(command: argparse.ArgumentParser) -> None:
    command.add_argument("--company-id", metavar="ID", help="empresa na Huggy")
    command.add_argument("--name", metavar="NOME")
    command.add_argument("--email", metavar="E-MAIL", help="recebe os avisos importantes")
    command.add_argument("--erp", choices=list(ErpKind))
    command.add_argument("--erp-url", metavar="URL")
    command.add_argument("--erp-token", metavar="TOKEN", help="- lê da entrada padrão; em add, também PONTE_ERP_TOKEN")
    command.add_argument("--erp-pbx", metavar="NOME")
    command.add_argument(
        "--huggy-token", metavar="TOKEN", help="- lê da entrada padrão; em add, também PONTE_HUGGY_TOKEN"
    )
    command.add_argument(
        "--flow", action="append", default=[], metavar="CHAVE=ID", help=f"vazio apaga; chaves: {', '.join(FlowKey)}"
    )
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="POLÍTICA=VALOR",
        help=f"vazio volta ao padrão; listas com vírgulas; políticas: {', '.join(POLICY_NAMES)}",
    )
    command.add_argument(
        "--erp-set", action="append", default=[], metavar="CHAVE=VALOR", help="vazio apaga; - lê da entrada padrão"
    )
    _add_json(command)


def _add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="responde com um único objeto JSON")


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError("use um número de 0 a 65535")
    return int(text)


def _pair(flag: str, text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name.strip():
        raise WrongUsage(f"{flag}: escreva chave=valor")
    return name.strip(), value.strip()


def _erp_setting(text: str) -> tuple[str, str]:
    return _pair("--erp-set", text)


def _secret(text: str | None, read_line: ReadLine) -> Secret | None:
    return Secret(value=_from_input(text, read_line)) if text else None


def _from_input(text: str, read_line: ReadLine) -> str:
    if text != FROM_INPUT:
        return text
    line = read_line().strip()
    if not line:
        raise WrongUsage("um segredo foi pedido da entrada padrão (-) e nada veio por ela")
    return line
