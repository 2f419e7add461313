"""RFC 6455 as far as a client needs it: short masked frames out, whole frames in."""

import asyncio
import secrets
from dataclasses import dataclass

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
FINAL, MASKED = 0x80, 0x80
SHORTEST_EXTENDED, LONG, LONGER = 126, 126, 127


@dataclass(frozen=True)
class Frame:
    opcode: int
    payload: bytes


def packed(opcode: int, payload: bytes, mask: bytes = b"") -> bytes:
    """Given at most 125 bytes, a frame as a client sends it."""
    if len(payload) >= SHORTEST_EXTENDED:
        raise ValueError("only short frames are sent")
    key = mask or secrets.token_bytes(4)
    masked = bytes(byte ^ key[place % 4] for place, byte in enumerate(payload))
    return bytes((FINAL | opcode, MASKED | len(payload))) + key + masked


async def read_frame(reader: asyncio.StreamReader) -> Frame | None:
    """The next frame; None where the stream ends between two frames."""
    first = await reader.read(1)
    if not first:
        return None
    length = (await reader.readexactly(1))[0] & ~MASKED
    if length >= LONG:
        length = int.from_bytes(await reader.readexactly(2 if length == LONG else 8))
    return Frame(first[0] & 0x0F, await reader.readexactly(length))
