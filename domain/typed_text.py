"""Text as people type, paste and forward it, brought to the few characters that documents and numbers are made of."""

import unicodedata


def simplify(text: str) -> str:
    """Upper case, ASCII digits whatever their script, one kind of dash and of space, nothing invisible.

    Letters keep their accents; keycap emoji, full-width forms, zero-width and direction marks do not. Total over `str`.
    """
    # Marks go last: some capitals come with marks of their own.
    return "".join(_simplest(character) for character in unicodedata.normalize("NFKC", text).upper())


def _simplest(character: str) -> str:
    match unicodedata.category(character):
        case "Mn" | "Me" | "Cf":
            return ""
        case "Nd":
            return str(unicodedata.decimal(character))
        case "Pd":
            return "-"
        case "Zs":
            return " "
        case _:
            return character
