"""What may be typed of an installation, wherever it is typed. Each check says what is wrong, and nothing where all is well;
what was typed is not in its words."""

import re

NAME_MAX = 120
_COMPANY_ID = re.compile(r"[1-9][0-9]{0,17}")
"""in one way of writing, so that nobody sets up one company twice"""
_FLOW_ID = re.compile(r"[0-9]{1,18}")
_EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
_EMAIL_MAX = 254


def wrong_company_id(text: str) -> str:
    if _COMPANY_ID.fullmatch(text):
        return ""
    return "Informe o código da empresa, só números: ele aparece na Huggy em Configurações > Integrações > Webhook."


def wrong_name(text: str) -> str:
    return f"Use até {NAME_MAX} caracteres." if len(text) > NAME_MAX else ""


def wrong_email(text: str) -> str:
    if _EMAIL.fullmatch(text) and len(text) <= _EMAIL_MAX:
        return ""
    return "Informe um e-mail válido, como avisos@provedor.com.br."


def wrong_flow_id(text: str) -> str:
    return "" if _FLOW_ID.fullmatch(text) else "Digite só o número do flow, como 259215."


def wrong_credential(text: str) -> str:
    """Characters that no credential holds: invisible ones, look-alikes, a space in the middle."""
    for position, character in enumerate(text, start=1):
        if not (character.isascii() and character.isprintable()) or character == " ":
            return f"Há um espaço, um caractere invisível ou parecido com outro (posição {position}): copie de novo."
    return ""
