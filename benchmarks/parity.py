"""Compares the SadTalker networks with golden numbers of the original program, stage by stage.

    python benchmarks/parity.py --checkpoints DIR --golden DIR [--form plain|fast|both] [--json]

DIR of the checkpoints holds ``SadTalker_V0.0.2_256.safetensors`` and the two mapping files; the golden folder holds
``a_audio.npz`` to ``j_generator512.npz``, ``images`` and ``audio``. Every line is one stored array: the largest error,
what is accepted, and whether it passed. Pictures and sounds may have any names, and every array may be absent: what
could not be compared is listed with the reason. The exit status is 1 when anything failed or nothing could be compared,
2 when the input could not be read.

Errors are the largest difference divided by the largest golden value, unless the line says otherwise. The generator is
measured twice: the plain networks and the fast form that the engine uses.
"""

from __future__ import annotations

import argparse
import json
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.golden import Check, Golden, Outcome, Skipped
from benchmarks.parity_pictures import PictureStages
from benchmarks.parity_stages import load_all
from talking_head.errors import EngineError

FILES = (
    *("a_audio", "b0_face_crop", "b_recon", "c_audio2exp", "d_audio2pose", "e_semantics", "f_mapping", "g_keypoints"),
    *("h_keypoint_transform", "i_generator", "j_generator512"),
)
# What only chooses or accompanies the inputs; nothing has to read it.
ACCOMPANYING = {("h_keypoint_transform", "rows")}


class Comparison(PictureStages):
    """All stages of the comparison."""

    def run(self, forms: list[str]) -> Iterator[Outcome]:
        """Yield the outcomes of all stages, and then what is stored in the folder and was not looked at."""
        for name in FILES:
            if not self.golden[name]:
                yield Skipped("files", f"{name}.npz", "it is missing or empty")
        yield from self.motion()
        for form in forms:
            yield from self.generator(form)
            yield from self.end_to_end(form)
            yield from self.generator_512(form)
        for file, key in self.golden.never_read():
            if (file, key) not in ACCOMPANYING:
                yield Skipped("not compared", f"{file}:{key}", "no stage uses it, or its stage was skipped")

    def motion(self) -> Iterator[Outcome]:
        """Yield the outcomes of everything before the generator."""
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
            self.end_to_end_keypoints,
        ):
            yield from stage()


def report(outcomes: Iterable[Outcome], *, as_json: bool) -> bool:
    """Print the outcomes and return whether all comparisons passed."""
    checks: list[Check] = [outcome for outcome in outcomes if isinstance(outcome, Check)]
    skipped = [outcome for outcome in outcomes if isinstance(outcome, Skipped)]
    passed = bool(checks) and all(check.passed for check in checks)
    if as_json:
        rows = [asdict(check) | {"passed": check.passed} for check in checks]
        result = {"passed": passed, "checks": rows, "skipped": [asdict(skip) for skip in skipped]}
        json.dump(result, sys.stdout, indent=1)
        print()
        return passed
    for check in checks:
        verdict = "ok  " if check.passed else "FAIL"
        print(
            f"{verdict} {check.stage:24} {check.array:58} {check.measure:8} {check.error:9.2e} <= {check.accepted:.0e}"
        )
    for skip in skipped:
        print(f"skip {skip.stage:24} {skip.array:58} {skip.reason}")
    print()
    for stage in dict.fromkeys(check.stage for check in checks):
        worst = max((c for c in checks if c.stage == stage), key=lambda c: c.error / (c.accepted or 1e-300))
        failed = sum(not check.passed for check in checks if check.stage == stage)
        verdict = f"{failed} FAILED" if failed else "ok"
        print(f"{stage:24} worst {worst.error:9.2e} ({worst.measure}, accepted {worst.accepted:.0e})  {verdict}")
    failed = sum(not check.passed for check in checks)
    print(f"{len(checks) - failed} of {len(checks)} passed, {len(skipped)} skipped")
    return passed


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--checkpoints", type=Path, required=True)
    parser.add_argument("--golden", type=Path, required=True)
    parser.add_argument("--picture", default="", help="the main picture (default: found by its coefficients)")
    parser.add_argument("--clip", default="", help="the main sound (default: found by its coefficients)")
    parser.add_argument("--form", choices=("plain", "fast", "both"), default="both")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    forms = ["plain", "fast"] if arguments.form == "both" else [arguments.form]
    try:
        golden = Golden(arguments.golden, picture=arguments.picture, clip=arguments.clip)
        with torch.inference_mode():
            outcomes = list(Comparison(golden, *load_all(arguments.checkpoints)).run(forms))
    except EngineError as error:
        print(error, file=sys.stderr)
        return 2
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        print(f"The golden folder cannot be read: {error}", file=sys.stderr)
        return 2
    return 0 if report(outcomes, as_json=arguments.json) else 1


if __name__ == "__main__":
    sys.exit(main())
