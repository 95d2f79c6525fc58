"""The words of Huggy's notifications: event names, and the keys under which each field may come.

The payload of "Notificar App" is not public, so several spellings of everything are known. All names are folded (see
`adapters.huggy.fields.fold`): accents, case and punctuation do not count, and a nested key is written in one word with
its parents, so that `chatid` stands for `chatID`, `chat_id`, `chat.id` and `{"chat": {"id": …}}` alike.
"""

from collections.abc import Iterator
from enum import StrEnum
from itertools import product


class Asked(StrEnum):
    """What a notification may ask of Ponte; the values are the tags of the domain's notifications."""

    CUSTOMER = "customer_lookup"
    BOLETO = "boleto_requested"
    UNBLOCK = "unblock_requested"
    TICKET = "ticket_requested"


def _phrases(*words: tuple[str, ...]) -> Iterator[str]:
    return ("".join(choice) for choice in product(*words))


_OF = ("", "de", "do", "da", "dos", "das")
_MAKING = ("", "geracaode")
_SECOND = ("2", "2a", "2o", "segunda")

SPELLINGS: dict[str, Asked] = {
    **dict.fromkeys(
        _phrases(("consultar", "consulta", "consultas", "buscar", "identificar"), _OF, ("cliente", "clientes")),
        Asked.CUSTOMER,
    ),
    **dict.fromkeys(("customerlookup", "identificacaocliente", "identificacaodecliente"), Asked.CUSTOMER),
    **dict.fromkeys(_phrases(_MAKING, _SECOND, ("via", "vias")), Asked.BOLETO),
    **dict.fromkeys(
        _phrases(_MAKING, _SECOND, ("via", "vias"), _OF, ("boleto", "boletos", "fatura", "faturas", "conta")),
        Asked.BOLETO,
    ),
    **dict.fromkeys(("boletorequested", "emitirboleto", "enviarboleto"), Asked.BOLETO),
    **dict.fromkeys(
        _phrases(("desbloquear", "desbloqueio"), _OF, ("", "contrato", "cliente", "confianca")), Asked.UNBLOCK
    ),
    **dict.fromkeys(
        ("desbloqueioporconfianca", "desbloqueioemconfianca", "trustunblock", "unblockrequested"), Asked.UNBLOCK
    ),
    **dict.fromkeys(
        _phrases(
            ("abrir", "abertura"),
            (*_OF, "um", "uma"),
            ("solicitacao", "solicitacoes", "chamado", "chamados", "atendimento", "ticket"),
            ("", *_phrases(("", "de", "ao"), ("suporte", "suportetecnico")), "tecnico", "tecnica"),
        ),
        Asked.TICKET,
    ),
    **dict.fromkeys(("ticketrequested", "openticket"), Asked.TICKET),
}
"""Names of the events that Ponte acts on. Whole names only: `desbloqueio_negado` must not unblock anybody."""

NOT_USED = frozenset(
    {
        "receivedmessage",
        "receivedallmessage",
        "sentallmessage",
        "sendedallmessage",
        "startedchat",
        "createdchat",
        "closedchat",
        "agententered",
        "leftqueue",
        "answeredchatform",
        "createdcustomer",
        "updatedcustomer",
        "startedwidgetattendance",
        "finishedautomationflow",
        "updatedworkflowstep",
        "updatedchatdepartment",
    }
)
"""Huggy's own events that ask nothing of Ponte. Source: vendor documentation and public client code."""

FLOW_STARTED = "startedautomationflow"
"""Huggy's event whose `flowToken` may carry one of our event names. Source: public client code."""

FREE_FORM = ("data", "params", "fields", "custom", "variables", "context", "body")
"""keys that may hold the fields: as an object, as JSON in a text, or as a list of keys and values"""

NESTED = frozenset({*FREE_FORM, "chat", "customer", "contact", "company", "event", "evento", "notification"})
"""keys whose text may itself be JSON"""

NOT_TYPED = frozenset(
    {
        "agent",
        "channel",
        "channels",
        "chat",
        "chatcustomer",
        "company",
        "contact",
        "customer",
        "department",
        "receiver",
        "sender",
        "system",
        "tabulation",
    }
)
"""objects of Huggy's own: what is in them was not put there by the flow's author, nor typed by the customer"""


def _anywhere(*paths: str) -> tuple[str, ...]:
    return (*paths, *(holder + path for holder in FREE_FORM for path in paths))


EVENT = (
    *("event", "evento", "eventname", "name", "type", "action", "notification"),
    *("eventoname", "eventonome", "typename", "actionname", "notificationname", "notificationevent"),
    *(holder + key for holder in FREE_FORM for key in ("event", "evento", "eventname", "notification")),
)
EVENT_LABEL = tuple(path for path in EVENT if path != "name")
"""where an unknown event's name is taken from for people to read; a bare `name` may be a person's"""
FLOW_TOKEN = ("flowtoken",)

CHAT_ID = _anywhere("chatid", "chat", "systemchatid")
EVENT_ID = ("eventid", "notificationid", "eventoid", "idevento", "idnotificacao")
COMPANY_ID = _anywhere("companyid", "company")
CONTACT_ID = _anywhere("customerid", "contactid", "contact", "chatcustomerid", "chatcontactid")
PHONE = (
    *("chatcustomerphone", "chatcustomermobile", "customerphone", "customermobile", "contactphone", "contactmobile"),
    *_anywhere("systemclientnumber"),
)
"""the channel's own knowledge of the number, never what the customer typed: identity may hang on it"""
FLOW_PHONE = (*PHONE, *_anywhere("telefone", "phone", "celular", "mobile", "whatsapp"))
"""the same from a flow that asks by "Enviar requisição": its author names the field and gives `{{SYSTEM.CLIENT_NUMBER}}`"""
CHANNEL = ("chatchannel", "channel", "chatchannelname", "channelname", "chatchannelsname", "channelsname")
CHANNEL_UUID = ("chatchannelsuuid", "channelsuuid", "chatchanneluuid", "channeluuid")
TIME = ("time", "timestamp", "sendat", "createdat")

DOCUMENT = (
    *("cpfcnpj", "cpfoucnpj", "cnpjcpf", "cnpjoucpf", "cpfecnpj", "cpf", "cnpj"),
    *("documento", "document", "numerododocumento", "numerodocumento", "txid", "taxid"),
    *("cpfcnpjcliente", "cpfcliente", "cnpjcliente", "cpfdocliente", "cpftitular", "cpfdotitular"),
)
CONTRACT = (
    *("contrato", "contract", "contratoid", "contractid", "idcontrato", "iddocontrato"),
    *("numerocontrato", "numerodocontrato", "contractnumber", "contratonumero"),
)
DESCRIPTION = (
    *("descricao", "description", "descricaodoproblema", "descricaoproblema", "descricaosolicitacao"),
    *("descricaodasolicitacao", "mensagem", "message", "problema", "relato", "motivo", "detalhes", "observacao"),
)

PAIR_KEYS = frozenset({"key", "chave", "name", "nome", "campo", "field"})
PAIR_VALUES = frozenset({"value", "valor"})
