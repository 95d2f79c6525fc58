"""Every policy as the form shows it: what it is called, what it does, its unit, and in which group it stands."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct
from msgspec.structs import fields

from domain.installation import FlowStart, IdentityPolicy, Policies
from entrypoints.http.console.words import KINDS

_DEFAULTS = {field.name: field.default for field in fields(Policies)}


class Rule(Struct, frozen=True, kw_only=True):
    """How one policy is asked for. `kind`: number, switch, choice, several or text."""

    name: str
    label: str
    help: str
    kind: str = "number"
    unit: str = ""
    options: tuple[tuple[str, str], ...] = ()

    @property
    def default(self) -> str:
        """In words, for beside the field."""
        return self.spoken(_DEFAULTS[self.name])

    def spoken(self, value: Any) -> str:
        if isinstance(value, bool):
            return "ligado" if value else "desligado"
        if self.kind == "choice":
            return dict(self.options).get(str(value), str(value))
        text = written(value)
        return f"{text} {self.unit}".strip() if text else "nenhum"


class Group(Struct, frozen=True, kw_only=True):
    title: str
    rules: tuple[Rule, ...]


def written(value: object) -> str:
    """A policy's value as it stands in its field, numbers with a comma."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case tuple():
            return ", ".join(map(str, value))
        case int() | float():
            return f"{value:g}".replace(".", ",")
        case _:
            return str(value)


ZONES = (
    ("America/Sao_Paulo", "Brasília, Sul, Sudeste, Goiás (America/Sao_Paulo)"),
    ("America/Bahia", "Bahia (America/Bahia)"),
    ("America/Fortaleza", "Ceará, Maranhão, Piauí, RN, PB (America/Fortaleza)"),
    ("America/Recife", "Pernambuco (America/Recife)"),
    ("America/Maceio", "Alagoas, Sergipe (America/Maceio)"),
    ("America/Araguaina", "Tocantins (America/Araguaina)"),
    ("America/Belem", "Amapá, leste do Pará (America/Belem)"),
    ("America/Santarem", "Oeste do Pará (America/Santarem)"),
    ("America/Cuiaba", "Mato Grosso (America/Cuiaba)"),
    ("America/Campo_Grande", "Mato Grosso do Sul (America/Campo_Grande)"),
    ("America/Manaus", "Amazonas (America/Manaus)"),
    ("America/Porto_Velho", "Rondônia (America/Porto_Velho)"),
    ("America/Boa_Vista", "Roraima (America/Boa_Vista)"),
    ("America/Rio_Branco", "Acre (America/Rio_Branco)"),
    ("America/Noronha", "Fernando de Noronha (America/Noronha)"),
)

GROUPS = (
    Group(
        title="Atendimento",
        rules=(
            Rule(
                name="reply_deadline_s",
                label="Prazo da resposta",
                help="Se a resposta não sair neste prazo, o flow auxiliar começa e o cliente não fica travado no chat.",
                unit="segundos",
            ),
            Rule(
                name="flow_api_deadline_s",
                label="Prazo da resposta ao “Enviar requisição”",
                help="Quanto um flow que pergunta direto ao Ponte espera, no máximo.",
                unit="segundos",
            ),
            Rule(
                name="timezone",
                label="Fuso horário",
                help="Vale para “hoje”, para os vencimentos e para a previsão da falha massiva.",
                kind="choice",
                options=ZONES,
            ),
            Rule(
                name="flow_start",
                label="Como o flow começa",
                help="Com variáveis, o flow recebe nome, protocolo, boletos e outros dados prontos para usar.",
                kind="choice",
                options=(
                    (FlowStart.CHAT, "No atendimento, sem variáveis"),
                    (FlowStart.CHAT_WITH_VARIABLES, "No atendimento, com variáveis"),
                    (FlowStart.CONTACT, "Pelo contato, com variáveis"),
                ),
            ),
            Rule(
                name="ticket_reuse_h",
                label="Reaproveitar chamado aberto",
                help="Se o cliente já tem um chamado mais novo que isto, recebe o mesmo protocolo. Zero: abre sempre outro.",
                unit="horas",
            ),
            Rule(
                name="dedupe_window_s",
                label="Pedidos repetidos",
                help="Pedidos iguais e sem identificação, dentro deste tempo, contam como um só. Zero: nunca.",
                unit="segundos",
            ),
            Rule(
                name="outage_expires_h",
                label="Validade de uma falha massiva",
                help="Depois deste tempo, uma falha que ninguém encerrou deixa de ser avisada.",
                unit="horas",
            ),
        ),
    ),
    Group(
        title="Identidade",
        rules=(
            Rule(
                name="identity",
                label="Quem é reconhecido como cliente",
                help="Com o telefone, só responde quando o número do chat consta no cadastro do ERP. Protege os dados do cliente.",
                kind="choice",
                options=(
                    (IdentityPolicy.DOCUMENT, "Quem informa o CPF ou CNPJ"),
                    (IdentityPolicy.DOCUMENT_AND_PHONE, "CPF ou CNPJ, e o telefone do cadastro"),
                ),
            ),
        ),
    ),
    Group(
        title="Boletos",
        rules=(
            Rule(
                name="invoices_max",
                label="Boletos enviados de uma vez",
                help="Os mais antigos vão primeiro; os demais são contados na mensagem.",
                unit="boletos",
            ),
            Rule(
                name="boleto_open_amount",
                label="Aceitar boleto sem valor",
                help="Ligue só se os seus boletos vêm com valor em aberto na linha digitável.",
                kind="switch",
            ),
            Rule(
                name="boleto_banks",
                label="Bancos dos seus boletos",
                help="Códigos de três dígitos, separados por vírgula, como 001, 237. Vazio: qualquer banco.",
                kind="text",
            ),
            Rule(
                name="pix_hosts",
                label="Endereços dos seus Pix",
                help="Para onde o Pix copia e cola pode apontar, separados por vírgula. Vazio: qualquer um.",
                kind="text",
            ),
            Rule(
                name="pix_keys",
                label="Chaves Pix da sua empresa",
                help="Quem pode receber um Pix de chave fixa, separadas por vírgula. Vazio: qualquer uma.",
                kind="text",
            ),
        ),
    ),
    Group(
        title="Limites do ERP",
        rules=(
            Rule(
                name="erp_timeout_s",
                label="Espera por chamada",
                help="Quanto esperar por uma resposta do ERP.",
                unit="segundos",
            ),
            Rule(
                name="erp_concurrency",
                label="Chamadas ao mesmo tempo",
                help="Quantas perguntas o ERP recebe de nós ao mesmo tempo.",
                unit="chamadas",
            ),
            Rule(
                name="erp_per_minute",
                label="Chamadas por minuto",
                help="Um teto por minuto, se o ERP tiver um. Vazio: sem teto.",
                unit="chamadas",
            ),
        ),
    ),
    Group(
        title="Sombra e pausa",
        rules=(
            Rule(
                name="shadow",
                label="Modo sombra",
                help="Lê e decide, mas não grava, não escreve e não começa flow. Serve para ver o que o Ponte faria.",
                kind="switch",
            ),
            Rule(
                name="paused",
                label="Atendimento pausado",
                help="Todo pedido vai direto para o flow auxiliar.",
                kind="switch",
            ),
            Rule(
                name="paused_operations",
                label="Pausar só alguns pedidos",
                help="Os marcados vão direto para o flow auxiliar.",
                kind="several",
                options=tuple(KINDS.items()),
            ),
        ),
    ),
    Group(
        title="Registros e avisos",
        rules=(
            Rule(
                name="keep_days",
                label="Guardar os eventos por",
                help="Depois deste tempo, os eventos concluídos são apagados.",
                unit="dias",
            ),
            Rule(
                name="daily_digest",
                label="Resumo diário por e-mail",
                help="Um e-mail por dia com o que aconteceu, além dos avisos.",
                kind="switch",
            ),
        ),
    ),
)

OUTAGE_RULES = (
    Rule(
        name="outage_message_enabled",
        label="Habilitar mensagem de falha massiva",
        help=(
            "Quando o cliente entra em contato com a Huggy, ele é informado sobre a indisponibilidade do acesso e é dada "
            "uma previsão para a resolução."
        ),
        kind="switch",
    ),
    Rule(
        name="outage_message",
        label="Mensagem de falha massiva",
        help=(
            "É possível utilizar a variável {{resolution_time_hour}}: ela apresenta o horário determinado para previsão de "
            "resolução do incidente (este horário é configurado na abertura do ticket de falha massiva da plataforma "
            "Voalle). {{protocol}} apresenta o protocolo, e {{cause}}, o motivo; sem eles, a frase em que estão fica de fora. "
            "Vazio: a mensagem padrão."
        ),
        kind="text",
    ),
    Rule(
        name="outage_closes_chat",
        label="Encerrar atendimento durante falha massiva",
        help="Enquanto o cliente estiver na lista de falha massiva, o atendimento será encerrado automaticamente.",
        kind="switch",
    ),
)
"""the page "Rede Off", in the words of the provider's guide"""

RULES: Mapping[str, Rule] = MappingProxyType({rule.name: rule for group in GROUPS for rule in group.rules})
LABELS: Mapping[str, str] = MappingProxyType({rule.name: rule.label for rule in (*RULES.values(), *OUTAGE_RULES)})
