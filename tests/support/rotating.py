"""One of many, another one for each commit: what is too dear for every case of a run is done by one of them."""

import zlib

from tests.plugins.matrices import commit


def chosen(count: int) -> int:
    """A place below `count`, the same one in all processes of a run."""
    return zlib.crc32(commit().encode()) % count
