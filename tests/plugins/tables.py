"""Small aligned tables of a name and numbers, for summaries."""

from collections.abc import Iterator, Sequence

WIDTH = 80
_NUMBER_WIDTH = 14

Row = tuple[str, tuple[float | None, ...]]


def aligned(title: str, columns: Sequence[str], rows: Sequence[Row]) -> Iterator[str]:
    """A head and a line for each row, in 80 columns; a name too long for its place is cut, no number is blank."""
    place = WIDTH - _NUMBER_WIDTH * len(columns)
    yield _line(title, columns, place)
    for name, numbers in rows:
        yield _line(name, ["" if number is None else f"{number:,.0f}" for number in numbers], place)


def _line(name: str, cells: Sequence[str], place: int) -> str:
    return (name[:place].ljust(place) + "".join(cell.rjust(_NUMBER_WIDTH) for cell in cells)).rstrip()
