"""The boleto's PDF, as the sandbox's provider prints it."""

from entrypoints.sandbox import codes
from entrypoints.sandbox.records import Title


def slip_pdf(title: Title) -> bytes:
    return codes.pdf(
        codes.PAYEE,
        f"Fatura {title.name}",
        f"Vencimento {title.due_on:%d/%m/%Y}",
        f"Valor R$ {title.value}",
        title.digitable_line,
    )
