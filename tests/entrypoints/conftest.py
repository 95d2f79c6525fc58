import logging
from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture
def restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    access = logging.getLogger("uvicorn.access").disabled
    yield
    root.handlers, root.level = handlers, level
    logging.getLogger("uvicorn.access").disabled = access
    structlog.reset_defaults()
