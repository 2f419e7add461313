"""The texts for users in bash: what echo, printf and functions such as `say` and `refuse` are given."""

import re
from collections.abc import Iterator

PRINTS = ("echo", "printf", "say", "refuse", "give_up", "because", "fail", "die", "warn", "report", "log")
INSERTED = r"""\$\((?:[^()\n]|\((?:[^()\n]|\([^()\n]*\))*\))*\)|\$\{[^}\n]*\}|\$\w+|\$[?#@*!]"""
WORD = rf"""(?:"(?:\\.|{INSERTED}|[^"\\\n])*"|'[^'\n]*'|\\.|{INSERTED}|[^\s;&|<>()"'\\])+"""
STATEMENT = re.compile(rf"(?<![\w$-])(?:{'|'.join(PRINTS)})((?:[ \t]+{WORD})+)")
REASON = re.compile(rf"(?<![\w$-])(?:why|remedy|reason|said)\+?=({WORD})")
SET_IN = re.compile(rf"{INSERTED}|%[-+ 0]*[\d.]*[a-z]|\\[nt0-7]+")


def texts(script: str) -> Iterator[str]:
    """Those of a script; comment lines have none."""
    yield from printed_texts(re.sub(r"^\s*#.*$", "", script, flags=re.MULTILINE))


def printed_texts(script: str) -> Iterator[str]:
    """What is printed, or assigned to a variable that is printed as a reason, and has two words of its own."""
    for found in (*STATEMENT.finditer(script), *REASON.finditer(script)):
        text = " ".join(_bare(word) for word in re.findall(WORD, found[1]))
        own = SET_IN.sub(" ", text)
        if len(re.findall(r"[A-Za-z]{2,}", own)) > 1 and " " in text and not own.lstrip().startswith("{"):
            yield re.sub(r"^(?:%s|\\n| )+(?=\w)", "", text)


def _bare(word: str) -> str:
    """A word of bash without the quotes around all of it."""
    return word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "'\"" else word
