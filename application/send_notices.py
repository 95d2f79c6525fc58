"""Sends what waits to be sent, one after the other; what fails waits longer each time, for a day."""

from application.failures import Rejected, Unavailable
from application.notice_ports import Notices, Post
from application.ports import Clock
from domain.notice import next_try

LEASE_S = 120.0
"""longer than the post may take for one letter; after it, a letter whose sender died is sent by another"""


class SendNotices:
    """Each letter is sent once, save that a crash between its sending and the record of that sends it once more."""

    def __init__(self, *, notices: Notices, post: Post, clock: Clock) -> None:
        self._notices = notices
        self._post = post
        self._clock = clock

    async def __call__(self) -> None:
        """Ends early at the first letter that the server would not take now: the next call goes on with the others."""
        while (notice := await self._notices.take(self._clock.now(), lease_s=LEASE_S)) is not None:
            try:
                await self._post.send(notice.letter, reference=f"{notice.installation_id}.{notice.id}")
            except Unavailable as failure:
                again_at = next_try(notice.created_at, notice.tries, self._clock.now())
                await self._notices.failed(notice, failure.cause, again_at)
                return
            except Rejected as failure:
                await self._notices.failed(notice, failure.cause, None)
            else:
                await self._notices.sent(notice, self._clock.now())
