"""`python -m benchmarks [names…]`: measures, shows the progress on standard error, and prints a table for each form."""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.accept import accept, fsyncs, lone, yardstick
from benchmarks.bench import Bench
from benchmarks.child import Child
from benchmarks.console_pages import console_pages
from benchmarks.console_queries import console
from benchmarks.endurance import idle, memory
from benchmarks.independent import independent
from benchmarks.neighbours import backlog, hanging
from benchmarks.report import as_markdown, as_text, write_between_marks
from benchmarks.rows import FULL, SMOKE, Row, Size
from benchmarks.stores import PostgresStore, SqliteStore, Store, own_server
from benchmarks.storm import storm
from benchmarks.whole_way import latency, whole_way

BENCHMARKS: dict[str, Callable[[Bench], Iterator[Row]]] = {
    each.__name__: each
    for each in (
        yardstick,
        accept,
        lone,
        fsyncs,
        independent,
        whole_way,
        latency,
        backlog,
        hanging,
        storm,
        idle,
        memory,
        console,
        console_pages,
    )
}
FORMS = (SqliteStore.name, PostgresStore.name)
BAR = 24


class Progress:
    """One line on standard error, rewritten in place where that is a terminal."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._done = 0
        self._what = ""

    def begin(self, what: str) -> None:
        self._what = what
        self.say("")

    def done(self) -> None:
        self._done += 1

    def say(self, detail: str) -> None:
        full = BAR * self._done // self._steps
        line = f"[{'#' * full}{'.' * (BAR - full)}] {self._done}/{self._steps} {self._what} {detail}"
        start, end = ("\r\x1b[K", "") if sys.stderr.isatty() else ("", "\n")
        print(f"{start}{line}", end=end, file=sys.stderr, flush=True)

    def close(self) -> None:
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def measure(names: Sequence[str], *, store: Store, size: Size, directory: Path) -> list[Row]:
    rows: list[Row] = []
    progress = Progress(len(names))
    with ExitStack() as stack:
        load = stack.enter_context(Child("benchmarks.load"))
        standins = stack.enter_context(Child("benchmarks.standins"))
        stack.callback(progress.close)
        bench = Bench(store=store, size=size, directory=directory, load=load, standins=standins, say=progress.say)
        for name in names:
            progress.begin(name)
            rows += BENCHMARKS[name](bench)
            progress.done()
    return rows


def main(argv: Sequence[str]) -> int:
    args = _read(argv)
    size = SMOKE if args.smoke else FULL
    args.directory.mkdir(parents=True, exist_ok=True)
    for form in args.form or FORMS:
        with tempfile.TemporaryDirectory(dir=args.directory, prefix="benchmarks-") as home:
            directory = Path(home)
            with _store(form, args.database_url, directory) as store:
                rows = measure(args.names or list(BENCHMARKS), store=store, size=size, directory=directory)
        print(f"{form}\n{as_text(rows)}\n")
        if args.markdown:
            write_between_marks(args.markdown, form, as_markdown(form, rows))
    return 0


@contextmanager
def _store(form: str, database_url: str | None, directory: Path) -> Iterator[Store]:
    if form == SqliteStore.name:
        yield SqliteStore()
    elif database_url:
        yield PostgresStore(database_url)
    else:
        with own_server(directory / "postgres") as url:
            yield PostgresStore(url)


def _read(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], metavar="name", help=", ".join(BENCHMARKS))
    parser.add_argument("--smoke", action="store_true", help="tiny sizes: shows that it runs, measures nothing")
    parser.add_argument("--form", action="append", choices=FORMS, help="this form alone; without it both, one by one")
    parser.add_argument(
        "--database-url", help="a PostgreSQL server to take, in databases of its own, in place of one's own"
    )
    parser.add_argument("--directory", type=Path, default=Path("var"), help="on the disk that is to be measured")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="rewrites the tables in this page")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
