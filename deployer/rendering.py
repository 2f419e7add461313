"""Templates."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from deployer.marker import MARKER


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("deployer"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(template_name: str, **values: object) -> str:
    return _environment().get_template(template_name).render(marker=MARKER, **values)
