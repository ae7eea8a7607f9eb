"""Prints how pages, edits and processes grow: ``python -m benchmarks.growth --scale 1 10 100 --database sqlite``."""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from benchmarks.growth.databases import ROOT, Database, empty_site
from benchmarks.growth.figures import Figure, table
from benchmarks.machine import describe_machine

# Modules of this package: see its docstring for what each has to offer.
AREAS = ("edits", "served_edits", "wire", "disk", "lists")


def main() -> int:
    options = _options()
    if options.child:
        _measure_here(options.only[0], options.scale[0])
        return 0
    machine = describe_machine()
    print(
        f"{machine['cpu']}, {machine['cores']} cores, load {machine['load_1_minute']}, {options.database}", flush=True
    )
    figures = [
        figure for area in options.only for scale in options.scale for figure in _measure(area, scale, options.database)
    ]
    print(table(figures))
    if options.json:
        options.json.write_text(json.dumps([figure.to_json() for figure in figures], indent=1) + "\n", encoding="utf-8")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=int, nargs="+", default=[1, 10, 100], help="each scale has a site of its own")
    parser.add_argument("--database", choices=get_args(Database), default="sqlite")
    parser.add_argument("--only", nargs="+", choices=AREAS, default=list(AREAS), metavar="AREA")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)  # the process that measures
    return parser.parse_args()


def _measure(area: str, scale: int, database: Database) -> Iterator[Figure]:
    """Measure one area at one scale, in a process and with a site of its own."""
    command = [sys.executable, "-m", "benchmarks.growth", "--child", "--only", area, "--scale", str(scale)]
    with (
        empty_site(database) as environment,
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as child,
    ):
        assert child.stdout is not None
        for line in child.stdout:
            figure = Figure.from_json(json.loads(line))
            print(f"{area}, scale {scale}: {figure.what}: {figure.median:.4f} s", file=sys.stderr, flush=True)
            yield figure
    if child.returncode:
        raise SystemExit(f"Measuring {area} at scale {scale} failed.")


def _measure_here(area: str, scale: int) -> None:
    import django

    django.setup()
    for figure in importlib.import_module(f"benchmarks.growth.{area}").measure(scale):
        print(json.dumps(figure.to_json()), flush=True)


if __name__ == "__main__":
    sys.exit(main())
