"""Style sheets and scripts, served by us: each under an address that changes with its content, kept for a year."""

from functools import cache
from hashlib import sha256
from pathlib import Path

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

FOLDER = Path(__file__).with_name("static")
PREFIX = "/estatico"

_MEDIA_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@cache
def address_of(name: str) -> str:
    """The address of a file in `static/`, as pages name it."""
    return f"{PREFIX}/{_fingerprint(name)}/{name}"


@cache
def _files() -> dict[str, bytes]:
    """Every file that is served, by its name: what is not in here has no address."""
    return {
        path.relative_to(FOLDER).as_posix(): path.read_bytes()
        for path in FOLDER.rglob("*")
        if path.suffix in _MEDIA_TYPES
    }


def _fingerprint(name: str) -> str:
    return sha256(_files()[name]).hexdigest()[:12]


@get(f"{PREFIX}/{{fingerprint:str}}/{{name:path}}", sync_to_thread=False)
def static_file(fingerprint: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    plain = name.strip("/")
    content = _files().get(plain)
    if content is None or fingerprint != _fingerprint(plain):
        raise NotFoundException
    return Response(
        content,
        media_type=_MEDIA_TYPES[Path(plain).suffix],
        headers={"cache-control": "public, max-age=31536000, immutable", "x-content-type-options": "nosniff"},
    )
