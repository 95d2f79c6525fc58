"""Looks at what goes on failing, and tells what is to be told of it now."""

from application.notice_ports import Problems
from application.ports import Clock, Installations
from application.tell_people import TellPeople
from domain.problem import review


class TellOfProblems:
    """Any number of processes may do this side by side: of each notice one of them is the author."""

    def __init__(self, *, problems: Problems, installations: Installations, clock: Clock, tell: TellPeople) -> None:
        self._problems = problems
        self._installations = installations
        self._clock = clock
        self._tell = tell

    async def __call__(self) -> None:
        for problem in await self._problems.open():
            reviewed = review(problem, self._clock.now())
            installation = await self._installations.get(problem.installation_id)
            if reviewed is None or installation is None:
                continue
            notice = None
            if reviewed.notice is not None:
                notice = self._tell.draft(installation, reviewed.notice, mailed=reviewed.mailed)
            await self._problems.settle(problem, reviewed.after, notice)
