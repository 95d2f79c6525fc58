"""At most one write to the ERP per notification, whatever dies in between.

No ERP documents an idempotency key. So the intent is recorded before the request goes out; after a time-out or a crash
the ERP is read back, and where that tells nothing, a person must look. Nothing is ever repeated blindly. An intent of
which surely nothing was sent is forgotten.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

import msgspec

from application.failures import Failure, InDoubt, Unavailable, Unintelligible
from application.ports import Begun, EffectState, Entry, Ledger
from application.unsent import is_unsent
from domain.identifiers import EffectKey

Answer = TypeVar("Answer")
Before = TypeVar("Before")
ReadBack = Callable[[Before], Awaitable[Answer | None]]
"""Looks in the ERP for the effect of a write; None: it can't be told."""


class WriteOnce(Generic[Before, Answer]):
    """One write of one notification. `before` is what reading back compares with: it is kept with the intent.

    The constructor takes the types of both, as msgspec decodes them.
    """

    def __init__(self, *, journal: Ledger, entry: Entry, before: Any, answer: Any) -> None:
        self._journal = journal
        self._entry = entry
        self._key = write_key(entry)
        self._before: msgspec.json.Decoder[Before] = msgspec.json.Decoder(before)
        self._answer: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(answer)

    async def earlier(self, *, read_back: ReadBack[Before, Answer]) -> Answer | None:
        """What came of an earlier attempt; None: there was none, so the write may be decided on.

        To be asked before anything is decided: after an unblock that went through, the ERP shows a contract that needs
        none. `InDoubt` when nobody can tell.
        """
        begun = await self._journal.recall(self._entry, self._key)
        if begun is None:
            return None
        if begun.state is EffectState.DONE:
            return self._answer.decode(begun.note)
        return await self._find_out(self._before.decode(begun.note), read_back)

    async def __call__(
        self, before: Before, *, act: Callable[[], Awaitable[Answer]], read_back: ReadBack[Before, Answer]
    ) -> Answer:
        """The ERP's answer, or what reading back shows. `InDoubt` when nobody can tell."""
        begun = await self._begin(before)
        if begun.state is not EffectState.FRESH:
            raise InDoubt("erp.write_in_doubt", "begun before and not asked for by `earlier`")
        try:
            answer = await act()
        except (InDoubt, Unintelligible):  # it answered, and nobody can tell what: it may have written
            return await self._find_out(before, read_back)
        except Failure:
            await self._journal.forget(self._entry, self._key)
            raise
        except asyncio.CancelledError as cancelled:
            if is_unsent(cancelled):
                await self._call_off()
            raise
        await self._keep(answer)
        return answer

    async def _begin(self, before: Before) -> Begun:
        """Whoever is called off meanwhile leaves no intent behind: nothing was asked of the ERP yet."""
        begin = asyncio.ensure_future(self._journal.begin(self._entry, self._key, msgspec.json.encode(before)))
        try:
            return await asyncio.shield(begin)
        except asyncio.CancelledError:
            with suppress(Unavailable):
                if (await begin).state is EffectState.FRESH:
                    await self._call_off()
            raise

    async def _call_off(self) -> None:
        """Where that can't be recorded, it stays in doubt."""
        with suppress(Unavailable):
            await self._journal.forget(self._entry, self._key)

    async def _find_out(self, before: Before, read_back: ReadBack[Before, Answer]) -> Answer:
        try:
            answer = await read_back(before)
        except Failure as failure:
            raise InDoubt("erp.write_in_doubt", failure.cause) from failure
        if answer is None:
            raise InDoubt("erp.write_in_doubt")
        await self._keep(answer)
        return answer

    async def _keep(self, answer: Answer) -> None:
        """What the ERP did is true even while it can't be recorded; after a crash it is read back once more."""
        with suppress(Unavailable):
            await self._journal.finish(self._entry, self._key, msgspec.json.encode(answer))


def write_key(entry: Entry) -> EffectKey:
    return EffectKey(f"{entry.notification.key}:erp")
