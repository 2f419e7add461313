"""Text from a host, harmless on a terminal: a visitor can write into a log, and a name can be anything."""


def printable(text: str) -> str:
    """Replace control characters, which would steer the operator's terminal; a tab stays."""
    return "".join(letter if letter.isprintable() or letter == "\t" else "\N{REPLACEMENT CHARACTER}" for letter in text)
