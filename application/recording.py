"""What one attempt at a notification tells the journal, in as few commits as the promises allow.

A conclusion, and that a step happened, wait for what has to be durable anyway: the intent of the next step, or the end.
So nothing is done in the chat before its conclusion is kept, and it is kept by the same commit.
"""

from application.ports import Begun, Conclusion, Entry, Journal
from domain.identifiers import EffectKey
from domain.trail import Ending, Trail


class Recording:
    """Every method that is awaited may raise `Unavailable`: then what waits goes on waiting."""

    def __init__(self, journal: Journal, entry: Entry) -> None:
        self._journal = journal
        self._entry = entry
        self._concluded: Conclusion | None = None
        self._happened: EffectKey | None = None
        """the step before, as long as that is not recorded"""

    def conclude(self, concluded: Conclusion) -> None:
        self._concluded = concluded

    def step_happened(self, key: EffectKey) -> None:
        self._happened = key

    async def begin(self, key: EffectKey, note: bytes = b"") -> Begun:
        """`Ledger.begin`, with all that waits."""
        begun = await self._journal.begin(self._entry, key, note, concluded=self._concluded, happened=self._happened)
        self._concluded = self._happened = None
        return begun

    async def recall(self, key: EffectKey) -> Begun | None:
        """`Ledger.recall`."""
        return await self._journal.recall(self._entry, key)

    async def forget(self, key: EffectKey) -> None:
        """`Ledger.forget`."""
        await self._journal.forget(self._entry, key)

    async def settle(self) -> None:
        """Nothing waits any more: for before anything that may take long, or fail."""
        if self._concluded is not None:
            await self._journal.conclude(self._entry, self._concluded)
            self._concluded = None
        if self._happened is not None:
            await self._journal.finish(self._entry, self._happened)
            self._happened = None

    async def put_off(self, trail: Trail) -> None:
        """The attempt finished nothing."""
        await self.settle()
        await self._journal.keep_trail(self._entry, trail)

    async def end(self, ending: Ending, trail: Trail) -> Entry | None:
        """`Journal.finish_entry`, with all that waits."""
        return await self._journal.finish_entry(
            self._entry, concluded=self._concluded, happened=self._happened, ending=ending, trail=trail
        )
