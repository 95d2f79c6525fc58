"""Every cause of a problem in words for a provider's admin: what it is, and what to do.

Causes are slugs without data. One that nobody gave words to is spoken of by what it begins with.
"""

import re

from msgspec import Struct

UNNAMED = "ponte.unnamed"

_CAUSE = re.compile(r"[a-z][a-z_]{0,30}(\.[a-z0-9_]{1,50}){1,3}", re.ASCII)
_FIGURES = re.compile(r"\d{4}", re.ASCII)


class Advice(Struct, frozen=True, kw_only=True):
    title: str
    what_to_do: str


def as_cause(text: str) -> str:
    """The text, if it can be a slug without data; else a slug that says that there is none."""
    return text if _CAUSE.fullmatch(text) and not _FIGURES.search(text) else UNNAMED


def advise(cause: str) -> Advice:
    """Total; it never repeats the cause itself."""
    if cause in ADVICE:
        return ADVICE[cause]
    return next((advice for beginning, advice in _BEGINNINGS.items() if cause.startswith(beginning)), _UNKNOWN)


def _advice(title: str, what_to_do: str) -> Advice:
    return Advice(title=title, what_to_do=what_to_do)


_CHECK_ACCESS = "Confira o token, o endereço e o nome do PBX na página de configuração."
_ERP_IS_SLOW = (
    "Veja com o suporte do ERP se ele está no ar. Enquanto isso, os clientes seguem para o flow auxiliar; quando o ERP "
    "voltar, tudo se normaliza sozinho."
)
_ERP_CHANGED = (
    "O ERP respondeu de um jeito que o Ponte não conhece, talvez depois de uma atualização. Avise quem cuida do Ponte."
)
_ASK_PONTE = "Avise quem cuida do Ponte: os registros do servidor mostram o que houve."
_HUGGY_IS_SLOW = "Veja se a Huggy está no ar. As conversas esperam e seguem sozinhas quando ela voltar."
_HELD_BACK = "O código não foi enviado ao cliente. Confira no ERP o cadastro da fatura e da conta bancária."
_ALLOWED_LIST = (
    "Nada dessa fatura foi enviado. Se a conta for mesmo sua, acrescente-a às permitidas na configuração; se não for, "
    "verifique o ERP com urgência."
)

ADVICE = {
    # the ERP
    "erp.timeout": _advice("O ERP demorou demais para responder", _ERP_IS_SLOW),
    "erp.unreachable": _advice("Não conseguimos conectar ao ERP", _ERP_IS_SLOW),
    "erp.dropped": _advice("O ERP interrompeu a conexão antes de responder", _ERP_IS_SLOW),
    "erp.http_5xx": _advice("O ERP está com erro interno", _ERP_IS_SLOW),
    "erp.circuit_open": _advice("O ERP falhou várias vezes seguidas e está em descanso", _ERP_IS_SLOW),
    "erp.http_429": _advice(
        "O ERP pediu para irmos mais devagar",
        "Reduza o limite de chamadas por minuto na configuração, ou peça um limite maior ao suporte do ERP.",
    ),
    "erp.unauthorized": _advice("O ERP recusou as nossas credenciais", _CHECK_ACCESS),
    "erp.not_found": _advice("O ERP não reconhece o endereço consultado", _CHECK_ACCESS),
    "erp.refused": _advice(
        "O ERP recusou um pedido", "Veja no histórico de qual atendimento se trata e confira o cadastro no ERP."
    ),
    "erp.http_4xx": _advice("O ERP recusou um pedido", _CHECK_ACCESS),
    "erp.redirected": _advice(
        "O endereço do ERP mudou de lugar", "Confira o endereço do ERP na página de configuração."
    ),
    "erp.address": _advice("O endereço do ERP não pode ser usado", "Confira o endereço na página de configuração."),
    "erp.tls": _advice(
        "O certificado de segurança do ERP não é válido",
        "Peça ao suporte do ERP para renovar o certificado. Sem ele, não enviamos dados dos seus clientes.",
    ),
    "erp.not_offered": _advice(
        "O ERP não oferece uma operação que um flow pediu",
        "Complete as credenciais do ERP na página de configuração, ou retire essa ação do flow.",
    ),
    "erp.write_in_doubt": _advice(
        "Não sabemos se o ERP registrou um pedido",
        "Antes de repetir, confira no ERP se o desbloqueio ou o chamado foi registrado.",
    ),
    "erp.id_not_usable": _advice("O ERP enviou um identificador inválido", _ERP_CHANGED),
    "erp.empty_answer": _advice("O ERP respondeu sem conteúdo", _ERP_CHANGED),
    "erp.not_json": _advice(
        "O ERP respondeu com uma página em vez de dados",
        "Confira o endereço do ERP na página de configuração; se estiver certo, veja se o ERP está em manutenção.",
    ),
    "erp.not_a_pdf": _advice(
        "O ERP não entregou o PDF de um boleto", "Abra esse boleto no ERP e confira se o PDF é gerado."
    ),
    "erp.too_large": _advice("O ERP enviou uma resposta grande demais", _ERP_CHANGED),
    "erp.pages": _advice("O ERP enviou uma lista incompleta de contratos", _ERP_CHANGED),
    "erp.unknown_access_point": _advice("Não entendemos um ponto de acesso enviado pelo ERP", _ERP_CHANGED),
    "erp.unknown_amount": _advice("Não entendemos um valor enviado pelo ERP", _ERP_CHANGED),
    "erp.unknown_client": _advice("Não entendemos o cadastro de um cliente no ERP", _ERP_CHANGED),
    "erp.unknown_contract": _advice("Não entendemos um contrato enviado pelo ERP", _ERP_CHANGED),
    "erp.unknown_date": _advice("Não entendemos uma data enviada pelo ERP", _ERP_CHANGED),
    "erp.unknown_document": _advice("Não entendemos um documento enviado pelo ERP", _ERP_CHANGED),
    "erp.unknown_envelope": _advice("Não entendemos uma resposta do ERP", _ERP_CHANGED),
    "erp.unknown_person": _advice("Não entendemos o cadastro de uma pessoa no ERP", _ERP_CHANGED),
    "erp.unknown_ticket": _advice("Não entendemos um chamado enviado pelo ERP", _ERP_CHANGED),
    "erp.unknown_token": _advice("Não entendemos o acesso dado pelo ERP", _ERP_CHANGED),
    "erp.unknown_unblock": _advice("Não entendemos a resposta do ERP a um desbloqueio", _ERP_CHANGED),
    # the reply deadline
    "deadline.erp_too_slow": _advice("O ERP não respondeu dentro do prazo do atendimento", _ERP_IS_SLOW),
    "deadline.waited_too_long": _advice(
        "Um pedido esperou tempo demais na fila",
        "Se continuar, aumente as chamadas simultâneas ao ERP na configuração, ou avise quem cuida do Ponte.",
    ),
    "deadline.flow_not_answered": _advice(
        "Um flow ficou sem resposta dentro do prazo",
        "O flow seguiu pelo caminho de falha. Se continuar, aumente o prazo da resposta ao flow na configuração.",
    ),
    # Huggy
    "huggy.unauthorized": _advice(
        "A Huggy não aceita mais o nosso acesso",
        "Entre de novo com a Huggy, ou troque o token na configuração. As conversas esperam e depois seguem.",
    ),
    "huggy.reconnect": _advice(
        "A Huggy não aceita mais o nosso acesso",
        "Entre de novo com a Huggy na página de configuração. As conversas esperam e depois seguem.",
    ),
    "huggy.grant_refused": _advice(
        "A Huggy não renovou o nosso acesso", "Entre de novo com a Huggy na página de configuração."
    ),
    "huggy.client_missing": _advice(
        "O acesso à Huggy precisa ser renovado, e falta o aplicativo do Ponte",
        "Quem cuida do Ponte deve definir PONTE_HUGGY_CLIENT_ID e PONTE_HUGGY_CLIENT_SECRET.",
    ),
    "huggy.client_refused": _advice(
        "A Huggy recusou o aplicativo do Ponte",
        "Quem cuida do Ponte deve conferir PONTE_HUGGY_CLIENT_ID e PONTE_HUGGY_CLIENT_SECRET.",
    ),
    "huggy.forbidden": _advice(
        "A Huggy não permite uma ação ao nosso acesso", "Confira as permissões do aplicativo e do token na Huggy."
    ),
    "huggy.unavailable": _advice("A Huggy está indisponível", _HUGGY_IS_SLOW),
    "huggy.unreachable": _advice("Não conseguimos conectar à Huggy", _HUGGY_IS_SLOW),
    "huggy.timeout": _advice("A Huggy demorou demais para responder", _HUGGY_IS_SLOW),
    "huggy.connection_lost": _advice("A Huggy interrompeu a conexão antes de responder", _HUGGY_IS_SLOW),
    "huggy.rate_limited": _advice("A Huggy pediu para irmos mais devagar", _HUGGY_IS_SLOW),
    "huggy.not_found": _advice(
        "A Huggy não encontrou a conversa ou o flow",
        "Confira na configuração se os flows escolhidos ainda existem na Huggy.",
    ),
    "huggy.refused": _advice(
        "A Huggy recusou uma ação",
        "Confira na configuração se os flows escolhidos ainda existem e estão publicados na Huggy.",
    ),
    "huggy.flow_not_chosen": _advice("Falta escolher um flow", "Escolha os nove flows na página de configuração."),
    "huggy.flow_in_doubt": _advice(
        "Não sabemos se um flow começou",
        "Abra essa conversa na página Eventos do console: ela diz o que fazer. O cliente foi convidado a escrever de novo, "
        "caso nada tenha chegado.",
    ),
    "huggy.not_understood": _advice(
        "A Huggy enviou algo que o Ponte não entendeu",
        "Na página Problemas do console, em “O que não foi entendido”, veja o porquê e o exemplo, e confira no flow o nome "
        "do evento e os campos do Notificar App. Se estão certos, mostre o exemplo a quem cuida do Ponte.",
    ),
    "huggy.webhook_token": _advice(
        "A Huggy usa um token do webhook que o Ponte não reconhece",
        "Esses avisos são recusados. Se o Token Webhook foi renovado na Huggy, clique em “Esquecer o token” no passo Huggy "
        "da configuração e valide o endereço de novo na Huggy. Se não foi, avise quem cuida do Ponte.",
    ),
    "huggy.unusable_id": _advice("A Huggy enviou uma conversa sem identificação", _ASK_PONTE),
    "huggy.unexpected_status": _advice("A Huggy respondeu de um jeito inesperado", _ASK_PONTE),
    "huggy.unknown_answer": _advice("Não entendemos uma resposta da Huggy", _ASK_PONTE),
    # the codes of an invoice, held back by the gate
    "invoice.no_way_to_pay": _advice(
        "Há fatura em aberto sem nenhuma forma de pagamento",
        "Confira no ERP se o boleto ou o Pix dessa fatura foi gerado.",
    ),
    "boleto.characters": _advice("Uma linha digitável tem caracteres inválidos", _HELD_BACK),
    "boleto.length": _advice("Uma linha digitável está incompleta", _HELD_BACK),
    "boleto.layout": _advice("Uma linha digitável não segue o padrão dos bancos", _HELD_BACK),
    "boleto.check_digits": _advice("Uma linha digitável tem dígito verificador errado", _HELD_BACK),
    "boleto.barcode_differs": _advice("A linha digitável e o código de barras são de boletos diferentes", _HELD_BACK),
    "boleto.bank_not_allowed": _advice("Um boleto é de um banco que não está na sua lista", _ALLOWED_LIST),
    "boleto.not_comparable": _advice(
        "Um boleto não pode ser conferido",
        "Ele não foi enviado. Se o banco for seu, acrescente-o aos bancos permitidos na configuração.",
    ),
    "boleto.amount_open": _advice(
        "Um boleto não traz o valor",
        "Ele não foi enviado. Se os seus boletos são assim, permita o valor em aberto na configuração.",
    ),
    "boleto.amount_differs": _advice("O valor de um boleto não confere com o da fatura", _HELD_BACK),
    "boleto.due_date_differs": _advice("O vencimento de um boleto não confere com o da fatura", _HELD_BACK),
    "pix.length": _advice("Um código Pix é longo demais", _HELD_BACK),
    "pix.characters": _advice("Um código Pix tem caracteres inválidos", _HELD_BACK),
    "pix.structure": _advice("Um código Pix está cortado ou fora de ordem", _HELD_BACK),
    "pix.checksum": _advice("Um código Pix tem a soma de verificação errada", _HELD_BACK),
    "pix.currency": _advice("Um código Pix não está em reais", _HELD_BACK),
    "pix.country": _advice("Um código Pix não é do Brasil", _HELD_BACK),
    "pix.amount": _advice("Um código Pix tem um valor inválido", _HELD_BACK),
    "pix.arrangement": _advice("Um código não é de Pix", _HELD_BACK),
    "pix.destination": _advice("Um código Pix não diz a quem pagar", _HELD_BACK),
    "pix.authorises_recurring_debit": _advice("Um código Pix autoriza débito recorrente", _HELD_BACK),
    "pix.key_not_allowed": _advice("Um Pix paga a uma chave que não está na sua lista", _ALLOWED_LIST),
    "pix.host_not_allowed": _advice("Um Pix aponta para um endereço que não está na sua lista", _ALLOWED_LIST),
    "pix.amount_differs": _advice("O valor de um Pix não confere com o da fatura", _HELD_BACK),
    # Ponte itself
    "installation.webhook_key_taken": _advice("Duas instalações têm o mesmo endereço de webhook", _ASK_PONTE),
    "storage.busy": _advice("O banco de dados do Ponte está sobrecarregado", _ASK_PONTE),
    "storage.closed": _advice("O Ponte estava sendo reiniciado", "Nada a fazer: o que foi recebido segue sozinho."),
    "storage.entry_gone": _advice("Um pedido era de uma instalação removida", "Nada a fazer."),
    "storage.failed": _advice("O banco de dados do Ponte falhou", _ASK_PONTE),
    "storage.key_missing": _advice("Falta uma chave para abrir dados guardados", _ASK_PONTE),
    "storage.unavailable": _advice("O banco de dados do Ponte não responde", _ASK_PONTE),
    "ponte.fault": _advice("O Ponte teve um erro interno", _ASK_PONTE),
    "ponte.not_running": _advice("O Ponte ainda não estava pronto", _ASK_PONTE),
    "shadow.would_write": _advice("O modo sombra evitou uma gravação no ERP", "Nada a fazer."),
    UNNAMED: _advice("Aconteceu algo sem nome", _ASK_PONTE),
    # the mail itself: shown where notices are listed
    "mail.unreachable": _advice(
        "Não conseguimos conectar ao servidor de e-mail", "Quem cuida do Ponte deve conferir PONTE_SMTP_URL."
    ),
    "mail.timeout": _advice("O servidor de e-mail demorou demais", "Tentamos de novo sozinhos."),
    "mail.tls": _advice(
        "A conexão com o servidor de e-mail não é segura",
        "Quem cuida do Ponte deve conferir o certificado do servidor e PONTE_SMTP_URL.",
    ),
    "mail.login_refused": _advice(
        "O servidor de e-mail recusou usuário ou senha", "Quem cuida do Ponte deve conferir PONTE_SMTP_URL."
    ),
    "mail.deferred": _advice("O servidor de e-mail pediu para tentar depois", "Tentamos de novo sozinhos."),
    "mail.recipient_refused": _advice(
        "O endereço de e-mail foi recusado", "Confira o e-mail dos avisos na página de configuração."
    ),
    "mail.refused": _advice(
        "O servidor de e-mail recusou a mensagem", "Quem cuida do Ponte deve conferir o remetente em PONTE_SMTP_URL."
    ),
    "mail.address_unusable": _advice(
        "O e-mail dos avisos não é um endereço válido", "Confira o e-mail dos avisos na página de configuração."
    ),
}

_BEGINNINGS = {
    "erp.unknown_": _advice("Não entendemos uma resposta do ERP", _ERP_CHANGED),
    "erp.": _advice("Houve um problema com o ERP", _ERP_IS_SLOW),
    "huggy.": _advice("Houve um problema com a Huggy", _HUGGY_IS_SLOW),
    "boleto.": _advice("Um boleto não passou na conferência", _HELD_BACK),
    "pix.": _advice("Um código Pix não passou na conferência", _HELD_BACK),
    "mail.": _advice("Um e-mail não pôde ser enviado", "Quem cuida do Ponte deve conferir PONTE_SMTP_URL."),
}
_UNKNOWN = _advice("Aconteceu algo fora do comum", _ASK_PONTE)
