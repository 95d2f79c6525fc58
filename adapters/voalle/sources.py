"""Two APIs, one ERP: when one fails and the other knows, the customer is served and the operator is told."""

import structlog

from application.failures import Failure

log = structlog.get_logger("ponte.voalle")


def tell_failing_source(source: str, failure: Failure) -> None:
    """`source` is `pbx` or `third_party`."""
    log.warning("erp.source_failed", source=source, cause=failure.cause, detail=failure.detail)
