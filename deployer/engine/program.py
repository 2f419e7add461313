"""The host-side scripts that ship with the tool, with their parameters as shell assignments in front."""

from functools import cache
from importlib.resources import files

from deployer.text.dotenv import SECRET_WORDS
from deployer.text.shell import quote


def script(name: str, **parameters: str | int) -> str:
    """The text of deployer/NAME, after one assignment for each parameter."""
    assignments = (f"{key}={quote(str(value))}" for key, value in parameters.items())
    return "\n".join((*assignments, text(name)))


@cache
def text(name: str) -> str:
    """Once a run: an upgrade of the tool meanwhile must not change what is asked and compared.

    @SECRET_WORDS@ becomes the words that make a name a secret's: no script can be sent without them.
    """
    return files("deployer").joinpath(name).read_text().replace("@SECRET_WORDS@", "|".join(SECRET_WORDS))
