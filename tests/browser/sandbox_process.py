"""`ponte sandbox` as a process of its own, in a folder of its own, with what it printed."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PONTE = Path(sys.executable).with_name("ponte")
READY = "Ctrl+C encerra."


class SandboxProcess:
    def __init__(self, printed: str) -> None:
        self.printed = printed
        self.url = self._found(r"^Ponte +(http://\S+)")
        self.huggy_url = self._found(r"^Huggy simulada +(http://\S+)")
        self.erp_url = self._found(r"^Voalle simulado +(http://\S+)")
        self.password = self._found(r", senha (\S+)$")

    def _found(self, pattern: str) -> str:
        found = re.search(pattern, self.printed, re.MULTILINE)
        assert found, f"the sandbox did not say {pattern!r}:\n{self.printed}"
        return found[1]


@contextmanager
def running_sandbox(home: Path) -> Iterator[SandboxProcess]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PONTE_")}
    with (home / "sandbox.log").open("wb") as log:
        process = subprocess.Popen(
            [PONTE, "sandbox", "--port", "0"], cwd=home, env=environment, stdout=subprocess.PIPE, stderr=log
        )
    assert process.stdout is not None
    try:
        with process.stdout:
            printed = ""
            for line in process.stdout:
                printed += line.decode()
                if READY in printed:
                    break
            yield SandboxProcess(printed)
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        finally:
            process.kill()
            process.wait()
