"""What went wrong with a call to Huggy, in the words of `application.failures`.

A write whose fate is unknown is `InDoubt`; a read has no effect, so that its doubt is plain `Unavailable`. No text here
holds an address, a token or anything that was sent.
"""

import aiohttp
import httpx

from application.failures import Failure, InDoubt, Rejected, Unavailable, Unintelligible

_REFUSED = {403: "huggy.forbidden", 404: "huggy.not_found"}
_SURELY_WITHOUT_EFFECT = (500, 503)

LOST = (httpx.HTTPError, aiohttp.ClientError, TimeoutError)
"""what a call without a whole answer raises; the transport lets some of aiohttp's own errors through"""


def of_status(status: int, *, writes: bool) -> Failure | None:
    """None for a success."""
    detail = f"status {status}"
    if status == 401:  # nothing happened, and nothing will until somebody signs in again: then the chats go on
        return Unavailable("huggy.unauthorized", detail, retry_after_s=60)
    if 200 <= status < 300:
        return None
    if status in _SURELY_WITHOUT_EFFECT:
        return Unavailable("huggy.unavailable", detail)
    if status >= 500:
        return _doubt("huggy.unavailable", detail, writes=writes)
    if status >= 400:
        return Rejected(_REFUSED.get(status, "huggy.refused"), detail)
    return Unintelligible("huggy.unexpected_status", detail)


def of_lost_call(error: Exception, *, writes: bool) -> Failure:
    if _never_left(error):
        return Unavailable("huggy.unreachable", "no connection")
    if isinstance(error, TimeoutError | httpx.TimeoutException) and not _was_dropped(error):
        return _doubt("huggy.timeout", "no answer in time", writes=writes)
    return _doubt("huggy.connection_lost", "the connection ended before the answer", writes=writes)


def _never_left(error: Exception) -> bool:
    """httpx-aiohttp gives a refused connection and one that is dropped before the answer the same type, `ConnectTimeout`;
    only aiohttp's own error behind it tells whether anything was sent."""
    if isinstance(error, httpx.UnsupportedProtocol):
        return True
    behind = error.__cause__
    if isinstance(behind, aiohttp.ClientError):
        return isinstance(behind, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
    return isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)


def _was_dropped(error: Exception) -> bool:
    behind = error.__cause__
    return isinstance(behind, aiohttp.ClientError) and not isinstance(behind, aiohttp.ServerTimeoutError)


def _doubt(cause: str, detail: str, *, writes: bool) -> Failure:
    return InDoubt(cause, detail) if writes else Unavailable(cause, detail)
