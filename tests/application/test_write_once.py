import pytest

from application.failures import Failure, InDoubt, Unintelligible
from application.ports import Lane
from application.write_once import WriteOnce
from tests.application.office import CHAT, Office, unblock


@pytest.mark.parametrize("failure", [InDoubt("erp.dropped"), Unintelligible("erp.not_json")])
async def test_a_write_that_may_have_happened_is_never_made_again_whoever_asks(failure: Failure) -> None:
    office = Office()
    await office.accept(unblock())
    entry = await office.journal.head(Lane(installation_id=office.installation.id, chat_id=CHAT.id))
    assert entry is not None
    write: WriteOnce[str, str] = WriteOnce(journal=office.journal, entry=entry, before=str, answer=str)
    made: list[str] = []

    async def act() -> str:
        made.append("once")
        raise failure

    async def read_back(_: str) -> str | None:
        return None

    for _ in range(2):
        with pytest.raises(InDoubt):
            await write("before", act=act, read_back=read_back)
    assert made == ["once"]
