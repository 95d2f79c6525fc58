import pytest
from msgspec.structs import replace

from domain.identifiers import CompanyId, FlowId, InstallationId, Secret
from domain.installation import ErpAccess, ErpKind, FlowKey, Installation, Policies
from domain.readiness import missing

ready = Installation(
    id=InstallationId("i-1"),
    company_id=CompanyId("1001"),
    name="Provedor Exemplo",
    email="avisos@provedor.example",
    erp=ErpAccess(kind=ErpKind.VOALLE, url="https://erp.example", token=Secret(value="t"), pbx="PBX"),
    huggy_token=Secret(value="h"),
    flows={key: FlowId(str(number)) for number, key in enumerate(FlowKey, start=11)},
    webhook_key=Secret(value="w"),
    flow_api_key=Secret(value="f"),
)


def keys(installation: Installation) -> list[str]:
    return [lack.key for lack in missing(installation)]


def test_an_installation_with_everything_lacks_nothing() -> None:
    assert missing(ready) == ()


@pytest.mark.parametrize(
    ("incomplete", "key"),
    [
        (replace(ready, company_id=CompanyId("")), "company_id"),
        (replace(ready, name=" "), "name"),
        (replace(ready, huggy_token=Secret(value="")), "huggy_token"),
        (replace(ready, email=""), "email"),
        (replace(ready, erp=replace(ready.erp, url="")), "erp_url"),
        (replace(ready, erp=replace(ready.erp, token=Secret(value=""))), "erp_token"),
        (replace(ready, erp=replace(ready.erp, pbx="")), "erp_pbx"),
    ],
)
def test_each_thing_that_lacks_is_named(incomplete: Installation, key: str) -> None:
    assert keys(incomplete) == [key]


@pytest.mark.parametrize("flow", FlowKey)
def test_a_live_installation_needs_each_of_the_nine_flows(flow: FlowKey) -> None:
    others = {key: flow_id for key, flow_id in ready.flows.items() if key is not flow}

    assert keys(replace(ready, flows=others)) == [f"flow.{flow}"]
    assert keys(replace(ready, flows={**ready.flows, flow: FlowId("")})) == [f"flow.{flow}"]


def test_the_pbx_may_also_be_named_by_the_vendors_own_setting() -> None:
    erp = replace(ready.erp, pbx="", settings={"pbx_segment": "central"})

    assert missing(replace(ready, erp=erp)) == ()


def test_policies_do_not_make_an_installation_unready() -> None:
    assert missing(replace(ready, policies=Policies(paused=True, shadow=True))) == ()


def test_what_lacks_is_told_without_the_secrets_that_are_there() -> None:
    assert "hunter2" not in repr(missing(replace(ready, name="", huggy_token=Secret(value="hunter2"))))
