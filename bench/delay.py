"""A TCP proxy on loopback that delays every byte by half a round trip in each direction, and changes nothing else."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def delayed(address: str, port: int, round_trip: float) -> Iterator[int]:
    """Forward to address:port for as long as the context lasts; gives the local port. `round_trip` in seconds."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="delay", daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(_serve(address, port, round_trip / 2), loop).result(10)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _serve(address: str, port: int, delay: float) -> asyncio.Server:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(address, port)
        try:
            await asyncio.gather(_pass_on(reader, far_writer, delay), _pass_on(far_reader, writer, delay))
        except asyncio.CancelledError:  # the measurement is over; whoever still talks is cut off
            pass
        finally:
            writer.transport.abort()
            far_writer.transport.abort()

    return await asyncio.start_server(accept, "127.0.0.1", 0)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Each piece leaves `delay` seconds after it came, in order; pieces under way do not wait for each other."""
    pending: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    sender = asyncio.create_task(_send(pending, writer))
    clock = asyncio.get_running_loop().time
    try:
        while data := await reader.read(65536):
            pending.put_nowait((clock() + delay, data))
    except OSError:
        pass
    pending.put_nowait((clock() + delay, b""))
    await sender


async def _send(pending: "asyncio.Queue[tuple[float, bytes]]", writer: asyncio.StreamWriter) -> None:
    clock = asyncio.get_running_loop().time
    try:
        while True:
            due, data = await pending.get()
            await asyncio.sleep(max(0.0, due - clock()))
            if not data:
                break
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    writer.close()
