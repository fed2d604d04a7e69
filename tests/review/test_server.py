"""The socket that the desk listens on."""

import asyncio
import socket
from pathlib import Path

from review.server import _listen
from review.settings import DeskSettings


def test_an_answer_does_not_wait_behind_its_head(tmp_path: Path) -> None:
    """Without TCP_NODELAY the body of every small answer came 40 ms after its head."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        listening, settings = _listen(DeskSettings(root=tmp_path, port=port), any_port=True)

    async def accepted() -> int:
        found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def meet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            link = writer.get_extra_info("socket")
            found.set_result(link.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        async with await asyncio.start_server(meet, sock=listening):
            _, writer = await asyncio.open_connection(settings.host, settings.port)
            writer.close()
            return await found

    assert asyncio.run(asyncio.wait_for(accepted(), 10))
