"""`ponte` with its commits counted in a file of eight bytes: `python -m benchmarks.counted_serving FILE serve …`.

Each commit reaches the disk by one fsync (SQLite, WAL, synchronous=FULL); those of checkpoints come on top and are few.
"""

import mmap
import struct
import sys
from pathlib import Path

from sqlalchemy import Engine, event

from entrypoints.cli import main


def read_commits(counter: Path) -> int:
    return int(struct.unpack("<Q", counter.read_bytes())[0])


def count_commits(counter: Path) -> None:
    counter.write_bytes(bytes(8))
    with counter.open("r+b") as file:
        page = mmap.mmap(file.fileno(), 8)

    @event.listens_for(Engine, "commit")
    def count(_connection: object) -> None:
        struct.pack_into("<Q", page, 0, struct.unpack_from("<Q", page)[0] + 1)


if __name__ == "__main__":
    count_commits(Path(sys.argv[1]))
    del sys.argv[1]
    sys.exit(main())
