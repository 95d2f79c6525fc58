"""Brings up real processes: stand-ins for Huggy and the ERPs, and Ponte between them. One scene for each module.

A module names its providers in `PROVIDERS`; without that it gets one with the PBX token alone (`pbx`) and one with both
of the ERP's APIs (`both`).
"""

from collections.abc import Iterator

import pytest

from tests.e2e.huggy_standin import HuggyStandIn
from tests.e2e.scene import Plan, Provider, Scene
from tests.e2e.upstream import Stage

STANDARD = (Plan(name="pbx"), Plan(name="both", third_party=True))


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.close()


@pytest.fixture(scope="module")
def scene(request: pytest.FixtureRequest, stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """No log may tell whom it was about, and nothing may be asked of a vendor that the vendor would refuse."""
    plans = getattr(request.module, "PROVIDERS", STANDARD)
    scene = Scene(stage, tmp_path_factory.mktemp("ponte"), plans)
    try:
        scene.begin()
        yield scene
    finally:
        scene.end()
    told = scene.secrets_told(scene.ponte.log.read_text(errors="replace"))
    assert not told, f"the log tells: {sorted(set(told))}"
    assert not scene.violations, f"a vendor would have refused: {scene.violations}"


@pytest.fixture
def provider(request: pytest.FixtureRequest, scene: Scene) -> Iterator[Provider]:
    """The provider that the test names as its parameter; its ERP is well again afterwards."""
    provider = scene.providers[request.param]
    yield provider
    for upstream in provider.upstreams:
        upstream.heal()


@pytest.fixture
def huggy(scene: Scene) -> Iterator[HuggyStandIn]:
    yield scene.huggy
    scene.huggy.heal()
