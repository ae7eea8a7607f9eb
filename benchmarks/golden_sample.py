"""Writes a small golden folder from a whole one: some pictures and sounds, and every n-th value of the large arrays.

    python benchmarks/golden_sample.py --golden WHOLE --out SMALL --pictures art_1 astronaut --clips speech_a short_c

Arrays that a comparison needs as input stay whole. ``golden.json`` says which arrays are samples: their shape, and the
step between the stored values of the flattened array. The steps are primes, so that samples fall on every row and
every column. ``parity.py`` reads both kinds of folders.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.golden import MANIFEST, Drawn, Golden

Array = NDArray[Any]
LARGE_VALUES = 3_000  # arrays with fewer values stay whole
STEPS = {
    "i_generator": 29,
    "a_audio": 3,
    "e_semantics": 5,
    "g_keypoints": 5,
}  # files with large arrays that are results
INPUTS = ("kp_source", "kp_driving", "windows_some_frames", "coeff70_first_style", "crop.target_centre_sequence")


def sample(golden: Golden, out: Path, pictures: list[str], clips: list[str]) -> None:
    """Write the small folder. Frames of twice the size are left out: they cost four times as much to compare."""
    out.mkdir(parents=True)
    samples: dict[str, dict[str, dict[str, Any]]] = {}
    for path in sorted(golden.folder.glob("*.npz")):
        name = path.stem
        if name.endswith("512"):
            continue
        kept = {key: array for key, array in golden[name].items() if _is_kept(golden, name, key, pictures, clips)}
        stored: dict[str, Array] = {}
        for key, array in kept.items():
            step = STEPS.get(name, 1)
            if step > 1 and array.size >= LARGE_VALUES and not key.endswith(INPUTS):
                samples.setdefault(name, {})[key] = {"shape": list(array.shape), "step": step}
                stored[key] = array.reshape(-1)[::step]
            else:
                stored[key] = array
        np.savez_compressed(out / path.name, **stored)  # type: ignore[arg-type]
    for folder, names in (("images", pictures), ("audio", clips)):
        (out / folder).mkdir()
        for file in sorted((golden.folder / folder).iterdir()):
            if any(file.name.startswith((f"{name}.", f"{name}_")) for name in names) and "_512" not in file.stem:
                shutil.copy(file, out / folder)
    manifest = {"pictures": pictures, "clips": clips, "samples": samples}
    (out / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def _is_kept(golden: Golden, file: str, key: str, pictures: list[str], clips: list[str]) -> bool:
    if file in ("a_audio", "c_audio2exp", "d_audio2pose"):
        return not any(key.startswith(f"{clip}.") for clip in golden.clips if clip not in clips)
    if file == "b_recon":
        return key.startswith("lm3d") or any(key.startswith(f"{picture}.") for picture in pictures)
    if file == "g_keypoints":
        return key.split(".")[0] in pictures
    if file == "i_generator" and key.rsplit(".", 1)[0] in golden[file].stems(".kp_source"):
        return Drawn.parse(key.rsplit(".", 1)[0]).picture in (None, *pictures)
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--golden", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="the folder to write; must not exist")
    parser.add_argument("--pictures", nargs="+", required=True)
    parser.add_argument("--clips", nargs="+", required=True)
    arguments = parser.parse_args()
    try:
        sample(Golden(arguments.golden), arguments.out, arguments.pictures, arguments.clips)
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
