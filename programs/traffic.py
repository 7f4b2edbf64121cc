"""The requests that this process has under way, so that an interrupt can let them land."""

import asyncio
import logging

logger = logging.getLogger(__name__)


class Traffic:
    """Counts requests under way, and holds back new ones on demand. All of it on one event loop."""

    def __init__(self) -> None:
        self._flying = 0
        self._open, self._landed = asyncio.Event(), asyncio.Event()
        self.open()

    async def begin(self) -> None:
        """Take off: at once, unless new requests are held back."""
        while not self._open.is_set():
            await self._open.wait()
        self._flying += 1
        self._landed.clear()

    def end(self) -> None:
        """Land, with an answer or without."""
        self._flying -= 1
        if not self._flying:
            self._landed.set()

    def open(self) -> None:
        """Let requests begin; those that were held back as well."""
        self._open.set()
        if not self._flying:
            self._landed.set()

    async def land(self) -> None:
        """Hold back new requests until `open`, and wait for those under way."""
        self._open.clear()
        if self._flying:
            logger.warning(
                "interrupted: waiting for the answers under way (%d), which are paid for; press "
                "Ctrl-C again to stop now",
                self._flying,
            )
        await self._landed.wait()
