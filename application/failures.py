"""What a port may raise, and nothing else.

    Failure
    ├── Unavailable      the world did not answer in time or said "not now"; a read may be tried again
    │   └── InDoubt      …and it is not known whether the request took effect: a write is never repeated blindly
    ├── Rejected         it answered: no (wrong token, unknown id, refused request); trying again changes nothing
    └── Unintelligible   it answered something that we do not understand: a person must look, the vendor changed

`cause` is a short stable slug without data, such as `"erp.timeout"`; it groups problems for the admin. `detail` is a
redacted sentence: never a token, a document, a name, a query string.
"""


class Failure(Exception):
    def __init__(self, cause: str, detail: str = "", *, retry_after_s: float | None = None) -> None:
        super().__init__(f"{cause}: {detail}" if detail else cause)
        self.cause = cause
        self.detail = detail
        self.retry_after_s = retry_after_s


class Unavailable(Failure):
    """Not now: a time-out, a refused connection, 429, 5xx. The request surely had no effect, or was a read."""


class InDoubt(Unavailable):
    """The request left us and no answer came back: it may have taken effect."""


class Rejected(Failure):
    """The other side understood and refused; do not repeat."""


class Unintelligible(Failure):
    """The answer has a shape that we do not know; do not repeat, tell a person."""
