import json
import logging
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from domain.tax_id import Cpf
from entrypoints.logs import MASK, configure_logging, redact
from entrypoints.settings import LogFormat


def redacted(**event: Any) -> dict[str, Any]:
    return dict(redact(None, "info", event))


@pytest.mark.parametrize(
    "name",
    ["token", "erp_token", "cpf", "document", "Authorization", "text", "customer_name", "phone", "url", "webhook_key"],
)
def test_a_field_with_a_telling_name_is_masked_whatever_it_holds(name: str) -> None:
    assert redacted(**{name: "Ana"}) == {name: MASK}
    assert redacted(**{name: {"a": 1}}) == {name: MASK}
    assert redacted(at={name: ["Ana"]}) == {"at": {name: MASK}}


@pytest.mark.parametrize(
    "personal",
    [
        "529.982.247-25",
        "52998224725",
        "529 982 247 25",
        "12.ABC.345/01DE-35",
        "11.222.333/0001-81",
        "11222333000181",
        "+5511987654321",
        "(11) 98765-4321",
        "11 3222-1234",
        "ana@exemplo.com.br",
        "34191101213456788005871234570001616670000012345",
        "Bearer abc.def",
        "bearer x",
        "gAAAAABn0ZyqHk2Yl3bq5v7m9Qw1xZ8cVbN",
    ],
)
def test_what_looks_personal_or_secret_is_masked_in_every_text(personal: str) -> None:
    for shown in (
        redacted(event=f"failed for {personal}, sorry"),
        redacted(event="failed", detail=[f"x={personal}"]),
        redacted(event="failed", cause=ValueError(personal)),
    ):
        assert personal not in repr(shown)
    assert redacted(event=f"failed for {personal}, sorry")["event"] == f"failed for {MASK}, sorry"


def test_a_long_number_is_masked_and_a_short_one_is_not() -> None:
    assert redacted(a=52998224725, b=12345, c=0.25, d=True, e=None) == {
        "a": MASK,
        "b": 12345,
        "c": 0.25,
        "d": True,
        "e": None,
    }


def test_our_own_ids_and_the_time_stay_readable() -> None:
    event = {
        "timestamp": "2026-11-23T05:27:00.123456Z",
        "installation_id": "9f8e7d6c5b4a39281706",
        "chat_id": "5550112345678",
        "request_id": "0123456789abcdef",
    }

    assert redacted(**event) == event


def test_plain_words_stay_readable() -> None:
    event = "listening on 127.0.0.1:8000 since 2026-11-23, revision 0001, cause erp.timeout"

    assert redacted(event=event) == {"event": event}


@given(st.text(), st.text())
def test_no_document_passes_whatever_surrounds_it(before: str, after: str) -> None:
    cpf = Cpf(digits="52998224725")

    assert cpf.formatted not in redacted(event=f"{before} {cpf.formatted} {after}")["event"]
    assert cpf.plain not in redacted(event=f"{before}{cpf.plain}{after}")["event"]


@pytest.mark.usefixtures("restored_logging")
def test_json_logs_are_one_object_a_line_with_level_and_time(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(LogFormat.JSON)
    structlog.get_logger("ponte").info("worker.started", lanes=3)
    logging.getLogger("uvicorn.error").warning("Started for cpf %s", "529.982.247-25")

    ours, theirs = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (ours["event"], ours["lanes"], ours["level"]) == ("worker.started", 3, "info")
    assert ours["timestamp"].endswith("Z")
    assert theirs["event"] == f"Started for cpf {MASK}"


@pytest.mark.usefixtures("restored_logging")
@pytest.mark.parametrize("log_format", LogFormat)
def test_an_exception_is_told_by_type_and_place_never_by_its_words(
    capsys: pytest.CaptureFixture[str], log_format: LogFormat
) -> None:
    configure_logging(log_format)
    try:
        _quote_a_customer()
    except RuntimeError as error:
        structlog.get_logger().error("ours", exc_info=error)
        structlog.get_logger().exception("ours too")
        logging.getLogger("uvicorn.error").exception("theirs")

    logged = capsys.readouterr().err
    assert "Ana" not in logged
    assert logged.count("RuntimeError") == 3
    assert logged.count(" > test_logs.py:") == 3


def _quote_a_customer() -> None:
    raise RuntimeError("Ana Souza was here")


@pytest.mark.usefixtures("restored_logging")
def test_request_lines_with_keys_or_documents_are_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(LogFormat.CONSOLE)
    logging.getLogger("uvicorn.access").info('"POST /webhooks/huggy/secret-key HTTP/1.1" 200')
    logging.getLogger("httpx").info("HTTP Request: GET https://erp.example/people/txid/52998224725")

    assert capsys.readouterr().err == ""
