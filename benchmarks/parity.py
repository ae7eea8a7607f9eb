"""Compares the SadTalker networks with golden numbers of the original program, stage by stage.

    python benchmarks/parity.py --checkpoints DIR --golden DIR [--form plain|fast|both] [--json]

DIR of the checkpoints holds ``SadTalker_V0.0.2_256.safetensors`` and the two mapping files; the golden folder holds
``a_audio.npz`` to ``j_generator512.npz``, ``images`` and ``audio``. Every line is one stored array: the largest error,
what is accepted, and whether it passed. The exit status is 1 when anything failed, 2 when the input could not be read.

Errors are the largest difference divided by the largest golden value, unless the line says otherwise. The generator is
measured twice: the plain networks and the fast form that the engine uses.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.golden import Check, Golden
from benchmarks.parity_motion import MotionStages
from benchmarks.parity_pictures import PictureStages
from talking_head.errors import EngineError


class Comparison(MotionStages, PictureStages):
    """All stages of the comparison."""

    def run(self, forms: list[str]) -> Iterator[Check]:
        for stage in (
            self.audio,
            self.crop,
            self.reconstruction,
            self.expression,
            self.pose,
            self.semantics,
            self.map,
            self.keypoints,
            self.transform,
        ):
            yield from stage()
        for form in forms:
            yield from self.generator(form)
            yield from self.end_to_end(form)
            yield from self.generator_512(form)


def report(checks: list[Check], *, as_json: bool) -> None:
    if as_json:
        rows = [asdict(check) | {"passed": check.passed} for check in checks]
        json.dump({"passed": all(check.passed for check in checks), "checks": rows}, sys.stdout, indent=1)
        print()
        return
    for check in checks:
        verdict = "ok  " if check.passed else "FAIL"
        print(
            f"{verdict} {check.stage:24} {check.array:58} {check.measure:8} {check.error:9.2e} <= {check.accepted:.0e}"
        )
    print()
    for stage in dict.fromkeys(check.stage for check in checks):
        worst = max((c for c in checks if c.stage == stage), key=lambda c: c.error / (c.accepted or 1e-300))
        failed = sum(not check.passed for check in checks if check.stage == stage)
        verdict = f"{failed} FAILED" if failed else "ok"
        print(f"{stage:24} worst {worst.error:9.2e} ({worst.measure}, accepted {worst.accepted:.0e})  {verdict}")
    failed = sum(not check.passed for check in checks)
    print(f"{len(checks) - failed} of {len(checks)} passed")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--checkpoints", type=Path, required=True)
    parser.add_argument("--golden", type=Path, required=True)
    parser.add_argument("--form", choices=("plain", "fast", "both"), default="both")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    forms = ["plain", "fast"] if arguments.form == "both" else [arguments.form]
    try:
        with torch.inference_mode():
            checks = list(Comparison(arguments.checkpoints, Golden(arguments.golden)).run(forms))
    except EngineError as error:
        print(error, file=sys.stderr)
        return 2
    except (OSError, KeyError, ValueError) as error:
        print(f"The golden folder cannot be read: {error}", file=sys.stderr)
        return 2
    report(checks, as_json=arguments.json)
    return 0 if checks and all(check.passed for check in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
