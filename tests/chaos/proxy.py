"""A TCP proxy in front of Valkey: as quick as none, or slow."""

import asyncio
import contextlib
import socket
import threading
from pathlib import Path


class SlowProxy:
    """
    Carries bytes between a TCP port and Valkey's Unix socket, each way later by `delay_s`.

    It listens all the time, so that the panel's REDIS_URL stays the same while Valkey dies and comes back; whoever
    connects while Valkey is dead is cut off at once.
    """

    def __init__(self, upstream: Path) -> None:
        self.delay_s = 0.0
        self._upstream = upstream
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.port = int(self._socket.getsockname()[1])
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, sock=self._socket))
        self._loop.run_forever()
        server.close()
        waiting = asyncio.all_tasks(self._loop)
        for task in waiting:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*waiting, return_exceptions=True))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_unix_connection(str(self._upstream))
        except OSError:
            writer.transport.abort()
            return
        ways = [
            asyncio.ensure_future(self._carry(reader, up_writer)),
            asyncio.ensure_future(self._carry(up_reader, writer)),
        ]
        try:
            # Either side's end is the end of both.
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            for end in (writer, up_writer):
                end.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while block := await reader.read(65536):
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                writer.write(block)
                await writer.drain()
