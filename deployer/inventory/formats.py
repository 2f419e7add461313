"""Is this text a path, a git ref, a policy, an amount ...? Each answer is a plain yes or no.

As in `locations`, everything is a whitelist; only words of commands and values of variables are free: they are
quoted or escaped where they are used.
"""

import re

_CLOSED = re.compile(r"/(?:bin|boot|dev|etc|lib(?:32|64|x32)?|proc|run|sbin|sys|tmp|usr|var/lib/docker)(?:/.*)?")
_TAKEN = re.compile(r"/(?:(?:home|media|mnt|opt|root|srv|var)?|var/(?:cache|lib|log|mail|run|spool|tmp|www))")
_INNER = {"/", "/bin", "/dev", "/etc", "/lib", "/proc", "/sys", "/usr"}


def is_name(text: str) -> bool:
    return bool(re.fullmatch(r"[a-z][a-z0-9-]{1,30}", text))


def is_absolute(text: str) -> bool:
    """A path that has one spelling only: no `..`, no `//`, no slash at the end."""
    parts = text.split("/")[1:]
    safe = re.fullmatch(r"/[A-Za-z0-9._+@/-]*", text)
    return bool(safe) and len(text) <= 200 and (text == "/" or not {"", ".", ".."}.intersection(parts))


def is_relative(text: str) -> bool:
    """`.`, or a path below: what is built comes from inside the repository."""
    return text == "." or (not text.startswith("-") and is_absolute(f"/{text}") and text != "")


def is_ref(text: str) -> bool:
    """What `git check-ref-format` accepts, without characters that a shell interprets."""
    if not re.fullmatch(r"[A-Za-z0-9_#+@.][A-Za-z0-9._/#+@-]{0,199}", text) or text == "@":
        return False
    parts = text.split("/")
    strange = ".." in text or text.endswith(".") or "" in parts
    return not strange and not any(part.startswith(".") or part.endswith(".lock") for part in parts)


def is_own_directory(text: str) -> bool:
    """Not a directory of the system or of other software: a restore swaps ours completely."""
    return is_absolute(text) and not _CLOSED.fullmatch(text) and not _TAKEN.fullmatch(text)


def is_inner_directory(text: str) -> bool:
    return is_absolute(text) and text not in _INNER


def is_local_path(text: str) -> bool:
    """On the operator's machine, where directories with a space in their name are common."""
    unsafe = re.search(r"""["'`$;&|<>*?\\!#]|^-|^~(?!/)""", text)
    return text.isprintable() and text.strip() == text != "" and not unsafe


def is_url_path(text: str) -> bool:
    """nginx compares with the path it has decoded and cleaned, so only such a path ever matches."""
    parts = text.split("/")[1:]
    safe = re.fullmatch(r"/[A-Za-z0-9._~:@+,=/-]*", text)
    return bool(safe) and len(text) <= 200 and not {".", ".."}.intersection(parts) and "" not in parts[:-1]


def is_policy(text: str) -> bool:
    """Directives separated by `;`, each named once; `{api}` stands for the API's origin."""
    directives = [part.strip(" ") for part in text.replace("{api}", "https://api").split(";") if part.strip(" ")]
    well_formed = all(
        re.fullmatch(r"""[a-z][a-z-]*(?: +[!#%&'()*+./0-9:<=>?@A-Z_a-z~-]+)*""", directive) for directive in directives
    )
    named = [directive.split(" ")[0] for directive in directives]
    return bool(directives) and well_formed and len(named) == len(set(named))


def is_amount(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9]{1,4}(?:\.[0-9]{1,3})?", text)) and float(text) > 0


def is_one_line(text: str) -> bool:
    return not re.search("[\0\r\n]", text) and _is_unicode(text)


def is_word(text: str) -> bool:
    return text != "" and not re.search("[\0-\x1f\x7f]", text) and _is_unicode(text)


def _is_unicode(text: str) -> bool:
    return not re.search("[\ud800-\udfff]", text)
