"""A disk that is full, and one that fails: nothing acknowledged is lost, and nothing is acknowledged that is not kept."""

import asyncio
import errno
import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.chaos.deployment import deployment_of, scene_of
from tests.chaos.reckoning import reckon, recorded_by_chat, written_twice
from tests.chaos.talks import IN_DOUBT, Huggy, Talk, crowd, settle
from tests.e2e import upstream
from tests.e2e.books import Bill, today
from tests.e2e.notifications import BOLETO, LOOKUP, TICKET, UNBLOCK
from tests.e2e.scene import Plan, Provider, Scene, new_chat
from tests.e2e.upstream import Stage

PLANS = (Plan(name="pbx", policies={"erp_concurrency": "32", "reply_deadline_s": "60"}),)
ENDED_BY_ITSELF = 70


class SmallDisk:
    """A file system of some megabytes that can be filled to the last byte."""

    def __init__(self, mounted_at: Path) -> None:
        self.mounted_at = mounted_at
        self._ballast = mounted_at / "ballast"

    def fill(self) -> None:
        with self._ballast.open("ab", buffering=0) as ballast:
            for size in (65536, 4096, 1):
                self._write_until_full(ballast.fileno(), size)

    def free(self) -> None:
        self._ballast.unlink(missing_ok=True)

    @staticmethod
    def _write_until_full(descriptor: int, size: int) -> None:
        while True:
            try:
                os.write(descriptor, bytes(size))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                return


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    mounted_at = tmp_path / "disk"
    mounted_at.mkdir()
    mount = shutil.which("mount")
    done = mount and subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=16m", "none", str(mounted_at)], capture_output=True, check=False
    )
    if not done or done.returncode != 0:
        pytest.skip("a small disk needs the right to mount a tmpfs")
    yield SmallDisk(mounted_at)
    subprocess.run([shutil.which("umount") or "umount", str(mounted_at)], check=True)


@pytest.fixture
def on_disk(stage: Stage, tmp_path: Path, disk: SmallDisk) -> Iterator[Scene]:
    kept_at = {"PONTE_DATABASE_URL": f"sqlite:///{disk.mounted_at}/ponte.db"}
    with scene_of(stage, tmp_path, PLANS, environment=kept_at) as scene:
        yield scene
        disk.free()


@pytest.fixture
def provider(on_disk: Scene) -> Provider:
    return on_disk.providers["pbx"]


async def test_while_the_disk_is_full_nothing_is_acknowledged_and_what_was_is_kept(
    on_disk: Scene, provider: Provider, disk: SmallDisk
) -> None:
    gate = upstream.Gate(on_disk.stage)
    provider.erp.misbehave("*", gate)
    before, after = (crowd(random.Random(seed), [provider], 12) for seed in (1, 2))
    async with Huggy() as huggy:
        await huggy.deliver(before)
        await asyncio.to_thread(on_disk.stage.wait_until, lambda: gate.held >= 12, "work under way")
        disk.fill()
        refused = [await huggy.post(provider, talk.wishes[0].body) for talk in after]
        assert {answer.status_code for answer in refused} == {httpx.codes.SERVICE_UNAVAILABLE}
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
        disk.free()
        provider.erp.heal()
        gate.open()
        await huggy.deliver(after)
    await settle([*before, *after])
    assert not any(wish.duplicate for talk in after for wish in talk.wishes), "what was refused had been kept"
    records = await recorded_by_chat(deployment_of(on_disk), [*before, *after])
    tally = reckon([*before, *after], records, kills=0)
    assert tally.doubts_started == tally.doubts_silent == 0


async def test_a_message_whose_sending_can_not_be_recorded_is_not_repeated_while_the_disk_is_full(
    on_disk: Scene, provider: Provider, disk: SmallDisk
) -> None:
    bill = Bill(number=provider.books.number(), due_on=today() + timedelta(days=5))
    chat, gate = new_chat(), upstream.Gate(on_disk.stage, take_effect_first=True)
    on_disk.huggy.misbehave("huggy.message", gate, times=1)
    provider.notify(BOLETO, chat, document=provider.books.add(bills=[bill]).tax_id)
    await full_while_held(on_disk, disk, gate)
    await asyncio.to_thread(provider.settle, chat)
    ledger = on_disk.huggy.chats[chat]
    texts = [text for text in ledger.said if text != IN_DOUBT]
    assert {bill.pix, bill.line} <= set(texts)
    assert max(texts.count(text) for text in texts) <= 2, "the customer read one message again and again"
    assert len(ledger.flows) == 2, "the flow and the sentinel's"


async def test_a_flow_whose_start_can_not_be_recorded_is_owned_up_to_once(
    on_disk: Scene, provider: Provider, disk: SmallDisk
) -> None:
    chat, gate = new_chat(), upstream.Gate(on_disk.stage, take_effect_first=True)
    on_disk.huggy.misbehave("huggy.flow", gate, times=1)
    provider.notify(LOOKUP, chat, document=provider.books.add().tax_id)
    await full_while_held(on_disk, disk, gate)
    await asyncio.to_thread(provider.settle, chat)
    ledger = on_disk.huggy.chats[chat]
    assert len(ledger.flows) == 2, "the flow and the sentinel's"
    assert ledger.said.count(IN_DOUBT) <= 1


@pytest.mark.parametrize(("event", "operation"), [(UNBLOCK, "pbx.unblock"), (TICKET, "pbx.open")])
async def test_a_write_whose_answer_can_not_be_recorded_is_read_back_and_not_repeated(
    on_disk: Scene, provider: Provider, disk: SmallDisk, event: str, operation: str
) -> None:
    talk, gate = Talk(provider=provider, chat=new_chat()), upstream.Gate(on_disk.stage, take_effect_first=True)
    talk.ask(event)
    provider.erp.misbehave(operation, gate, times=1)
    async with Huggy() as huggy:
        await huggy.deliver([talk])
    await asyncio.to_thread(on_disk.stage.wait_until, lambda: gate.held == 1, "the write under way")
    disk.fill()
    gate.open()
    tried = provider.erp.count("pbx.validate") + 2
    await asyncio.to_thread(on_disk.stage.wait_until, lambda: provider.erp.count("pbx.validate") >= tried, "two tries")
    disk.free()
    await settle([talk])
    tally = reckon([talk], await recorded_by_chat(deployment_of(on_disk), [talk]), kills=0)
    assert (tally.writes, tally.writes_in_doubt) == (1, 0)


async def full_while_held(scene: Scene, disk: SmallDisk, gate: upstream.Gate) -> None:
    """The disk is full when the answer that is held comes, and until Ponte has tried three times to go on."""
    await asyncio.to_thread(scene.stage.wait_until, lambda: gate.held == 1, "the request under way")
    disk.fill()
    gate.open()
    tried = scene.huggy.count("huggy.chat") + 3
    await asyncio.to_thread(scene.stage.wait_until, lambda: scene.huggy.count("huggy.chat") >= tried, "three tries")
    disk.free()


@pytest.fixture
def scene(stage: Stage, tmp_path: Path) -> Iterator[Scene]:
    with scene_of(stage, tmp_path, PLANS) as scene:
        yield scene


@pytest.mark.parametrize("commits", [3, 17, 60])
async def test_a_disk_that_fails_ends_the_process_and_the_next_one_goes_on(scene: Scene, commits: int) -> None:
    """The fsync of this commit, and every later one, fails as a dying disk does."""
    deployment, provider = deployment_of(scene), scene.providers["pbx"]
    deployment.stop()
    deployment.wrapped_in = failing_sync(after=commits)
    deployment.serve()
    provider.erp.misbehave("*", upstream.slow(0.01))
    talks = crowd(random.Random(commits), [provider], 24)
    async with Huggy() as huggy:
        huggy.hold()
        delivery = asyncio.create_task(huggy.deliver(talks))
        assert await asyncio.to_thread(deployment.wait_for_the_end, 30.0) == ENDED_BY_ITSELF
        deployment.wrapped_in = ()
        await asyncio.to_thread(deployment.serve)
        huggy.go_on()
        await delivery
    await settle(talks)
    reckon(talks, await recorded_by_chat(deployment, talks), kills=1)
    assert not written_twice([provider])


def failing_sync(*, after: int) -> list[str]:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("a failing fsync needs strace")
    calls = "fsync,fdatasync"
    traced = [strace, "--follow-forks", "--output=/dev/null", f"--trace={calls}"]
    if subprocess.run([*traced, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("a failing fsync needs the right to trace a process")
    return [*traced, f"--inject={calls}:error=EIO:when={after}+"]
