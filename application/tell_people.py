"""The one door by which the provider's people are told anything: what goes through it is kept, and sent if it can be."""

from application.notice_ports import NewNotice, Notices, Write
from application.ports import Clock, Installations
from domain.identifiers import InstallationId
from domain.installation import Installation
from domain.notice import Notice


class TellPeople:
    """`sends`: there is a mail server. Without one, notices are shown to those who look."""

    def __init__(
        self, *, installations: Installations, notices: Notices, clock: Clock, write: Write, sends: bool
    ) -> None:
        self._installations = installations
        self._notices = notices
        self._clock = clock
        self._write = write
        self._sends = sends

    async def __call__(self, installation_id: InstallationId, notice: Notice) -> bool:
        """Whether it is kept now; not so the digest of a day that has one, or what is for an installation that is gone."""
        installation = await self._installations.get(installation_id)
        return installation is not None and await self._notices.keep(self.draft(installation, notice))

    def draft(self, installation: Installation, notice: Notice, *, mailed: bool = True) -> NewNotice:
        """The notice in words, to be sent at once if it is to be mailed and there is somebody to send it to."""
        now = self._clock.now()
        letter = self._write(notice, installation)
        return NewNotice(
            installation_id=installation.id,
            kind=notice.kind,
            cause=notice.cause,
            letter=letter,
            created_at=now,
            next_try_at=now if mailed and self._sends and letter.recipient else None,
        )
