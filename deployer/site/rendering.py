"""Files as they land on the host, from site/templates; an unknown name in one is an error, not an empty text."""

import re
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from deployer.text.marker import MARKER
from deployer.text.shell import quote

_WORD = re.compile(r"[A-Za-z0-9_.,:/@%+=*~-]+")
_TEXT = re.compile(r"""[ !#%&'()*+,./0-9:;<=>?@A-Z\[\]^_`a-z{|}~-]*""")


def render(template_name: str, **values: object) -> str:
    """The file's text, from a template's name and the values that it uses."""
    return _environment().get_template(template_name).render(marker=MARKER, **values)


def nginx_word(value: object) -> str:
    """One bare word for nginx. Raise ValueError for what could end its directive, open a block or name a variable."""
    text = str(value)
    if not _WORD.fullmatch(text):
        raise ValueError(f"not a word for nginx: {text!r}")
    return text


def nginx_text(value: object) -> str:
    """A text in double quotes for nginx; `;` and braces mean nothing in them, but quotes, backslash and `$` do."""
    text = str(value)
    if not _TEXT.fullmatch(text):
        raise ValueError(f"not a text for nginx: {text!r}")
    return f'"{text}"'


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("deployer.site"),
        undefined=StrictUndefined,
        autoescape=False,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(nginx=nginx_word, nginx_text=nginx_text, sh=quote)
    return environment
