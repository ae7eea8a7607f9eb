"""Prints the packages from outside that a statement loads, each with the chain of files that imported it.

``python -m tests.edu_platform.loaded_packages "STATEMENT"`` in a process of its own, so that nothing is loaded yet.
"""

from __future__ import annotations

import json
import sys
import sysconfig
import traceback
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder
from pathlib import Path

SITE_PACKAGES = sysconfig.get_paths()["purelib"]
CHAIN_LENGTH = 8


class Recorder(MetaPathFinder):
    """Notes each package when it is first looked for, and finds nothing itself."""

    def __init__(self) -> None:
        self.chains: dict[str, list[str]] = {}

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if "." in name or name in self.chains:
            return
        spec = PathFinder.find_spec(name)
        where = str(spec.origin or next(iter(spec.submodule_search_locations or [""]))) if spec else ""
        if where.startswith(SITE_PACKAGES):
            frames = [frame for frame in traceback.extract_stack()[:-1] if "importlib" not in frame.filename]
            chain = [
                f"{Path(frame.filename).parent.name}/{Path(frame.filename).name}:{frame.lineno}" for frame in frames
            ]
            self.chains[name] = chain[-CHAIN_LENGTH:]


def main() -> None:
    recorder = Recorder()
    sys.meta_path.insert(0, recorder)
    exec(sys.argv[1], {"__name__": "statement"})
    print(json.dumps({name: chain for name, chain in recorder.chains.items() if name in sys.modules}))


if __name__ == "__main__":
    main()
