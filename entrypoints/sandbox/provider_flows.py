"""The flows of the sandbox's provider: a welcome, and the nine that its form asks for, in the form's order."""

from entrypoints.sandbox.flows import START, Ask, Branch, Close, Flow, Goto, Menu, NotifyApp, Option, Say, Step, ToAgent

WELCOME = 10
FLOW_IDS = {
    "customer_found": 11,
    "customer_not_found": 12,
    "boletos_found": 13,
    "boletos_none": 14,
    "unblock_granted": 15,
    "unblock_denied": 16,
    "ticket_opened": 17,
    "ticket_refused": 18,
    "auxiliary": 19,
}

_DOCUMENT = {"cpf_cnpj": "{{cpf}}"}
_ON_CONTRACT = {**_DOCUMENT, "CONTRATO": "{{contrato}}"}
_LOOK_UP = NotifyApp(event="CONSULTAR_CLIENTE", fields=_DOCUMENT)
_BOLETO = NotifyApp(event="2_VIA_BOLETO", fields=_ON_CONTRACT)
_UNBLOCK = NotifyApp(event="DESBLOQUEAR_CONTRATO", fields=_ON_CONTRACT)
_TICKET = NotifyApp(event="ABRIR_SOLICITACAO", fields={**_DOCUMENT, "Descrição": "{{descricao}}"})

_MORE: dict[str, tuple[Step, ...]] = {
    "mais": (
        Menu(
            question="Posso ajudar em algo mais?",
            variable="mais",
            options=(
                Option(key="sim", title="Sim, outro assunto", goto="de_novo"),
                Option(key="atendente", title="Falar com atendente", goto="atendente"),
                Option(key="nao", title="Não, obrigado", goto="tchau"),
            ),
        ),
    ),
    "de_novo": (Goto(flow_id=WELCOME, section="menu"),),
    "atendente": (Say(text="Certo! Já chamo alguém da nossa equipe para falar com você. 🙋"), ToAgent()),
    "tchau": (Say(text="Eu que agradeço! Conte com a gente. 💙"), Close()),
}


def _flow(flow_id: int, name: str, start: tuple[Step, ...], **sections: tuple[Step, ...]) -> Flow:
    return Flow(id=flow_id, name=name, sections={START: start, **sections, **_MORE})


_ENOUGH = Goto(section="mais")

PROVIDER_FLOWS = (
    _flow(
        WELCOME,
        "Boas-vindas",
        (
            Say(
                text="Oi! 👋 Eu sou o assistente virtual do Provedor Exemplo. Seus dados são usados só neste atendimento."
            ),
            Goto(section="menu"),
        ),
        menu=(
            Menu(
                question="Como posso ajudar?",
                variable="desejo",
                options=(
                    Option(key="boleto", title="2ª via de boleto", goto="cpf"),
                    Option(key="desbloqueio", title="Desbloqueio por confiança", goto="cpf"),
                    Option(key="suporte", title="Suporte técnico", goto="cpf"),
                    Option(key="consultar", title="Consultar meu cadastro", goto="cpf"),
                    Option(key="atendente", title="Falar com atendente", goto="atendente"),
                ),
            ),
        ),
        cpf=(Ask(question="Qual é o CPF ou CNPJ do titular?", variable="cpf", once=True), _LOOK_UP),
    ),
    _flow(
        FLOW_IDS["customer_found"],
        "Cliente cadastrado",
        (
            Ask(
                question="Encontrei o seu cadastro! 😊 Para qual contrato você quer atendimento? Se for um só, responda 1.",
                variable="contrato",
            ),
            Branch(
                variable="desejo",
                cases={"boleto": "boleto", "desbloqueio": "desbloqueio", "suporte": "suporte"},
                otherwise="assunto",
            ),
        ),
        assunto=(
            Menu(
                question="O que você precisa nesse contrato?",
                variable="desejo",
                options=(
                    Option(key="boleto", title="2ª via de boleto", goto="boleto"),
                    Option(key="desbloqueio", title="Desbloqueio por confiança", goto="desbloqueio"),
                    Option(key="suporte", title="Suporte técnico", goto="suporte"),
                    Option(key="atendente", title="Falar com atendente", goto="atendente"),
                ),
            ),
        ),
        boleto=(Say(text="Só um instante, vou buscar o seu boleto."), _BOLETO),
        desbloqueio=(Say(text="Só um instante, vou pedir o desbloqueio."), _UNBLOCK),
        suporte=(
            Ask(question="Me conte em uma mensagem o que está acontecendo.", variable="descricao"),
            Say(text="Obrigado! Vou registrar."),
            _TICKET,
        ),
    ),
    _flow(
        FLOW_IDS["customer_not_found"],
        "Cliente não cadastrado",
        (
            Menu(
                question="Não localizei um cadastro com esses dados. 🤔",
                variable="tentar",
                options=(
                    Option(key="outro", title="Informar outro CPF ou CNPJ", goto="cpf"),
                    Option(key="atendente", title="Falar com atendente", goto="atendente"),
                ),
            ),
        ),
        cpf=(Ask(question="Qual é o CPF ou CNPJ do titular?", variable="cpf"), _LOOK_UP),
    ),
    _flow(
        FLOW_IDS["boletos_found"],
        "Existem boletos",
        (Say(text="Prontinho! Por Pix o pagamento compensa na hora. Use só um dos códigos. 😉"), _ENOUGH),
    ),
    _flow(
        FLOW_IDS["boletos_none"],
        "Não existem boletos",
        (Say(text="Você não tem boletos em aberto nesse contrato. Tudo em dia! 🎉"), _ENOUGH),
    ),
    _flow(
        FLOW_IDS["unblock_granted"],
        "Desbloqueio liberado",
        (Say(text="Feito! Se a internet não voltar em alguns minutos, desligue e ligue o roteador."), _ENOUGH),
    ),
    _flow(
        FLOW_IDS["unblock_denied"],
        "Desbloqueio negado",
        (
            Menu(
                question="Dessa vez não consegui liberar por aqui. O que prefere?",
                variable="negado",
                options=(
                    Option(key="boleto", title="Receber a 2ª via do boleto", goto="boleto"),
                    Option(key="atendente", title="Falar com atendente", goto="atendente"),
                    Option(key="nao", title="Encerrar", goto="tchau"),
                ),
            ),
        ),
        boleto=(_BOLETO,),
    ),
    _flow(
        FLOW_IDS["ticket_opened"],
        "Chamado aberto",
        (Say(text="Seu chamado está aberto. Nossa equipe técnica vai falar com você. 🛠️"), _ENOUGH),
    ),
    _flow(
        FLOW_IDS["ticket_refused"],
        "Chamado não pode ser aberto",
        (Say(text="Por isso não abri um chamado novo agora."), _ENOUGH),
    ),
    _flow(
        FLOW_IDS["auxiliary"],
        "Auxiliar",
        (Say(text="Tive um probleminha para consultar o sistema. Vou passar você para a nossa equipe. 🙏"), ToAgent()),
    ),
)
