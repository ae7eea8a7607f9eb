"""Writes a golden folder for ``parity.py`` by running the original SadTalker with any weights of the official shapes.

    python benchmarks/golden_from_original.py --original REPOSITORY --checkpoints DIR --inputs GOLDEN --out GOLDEN2

``--inputs`` is a golden folder whose pictures, sounds and chosen inputs (noise, blinks, frames) are used again. What
does not depend on weights is copied from it; every other array is computed anew by the original's own networks and
functions. Some seven frames are drawn: minutes on a CPU.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.io import loadmat, savemat
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.golden import Drawn, Golden, given_degrees, read_tag
from benchmarks.original_sadtalker import Original, OriginalMissingError, load_original
from talking_head.engines.face.sadtalker import coefficients
from talking_head.engines.face.sadtalker.coefficients import CoefficientLayout
from talking_head.engines.face.sadtalker.source import to_tensor

Array = NDArray[Any]
Arrays = dict[str, Any]
SAME_FOR_ALL_WEIGHTS = ("a_audio", "b0_face_crop")
SCHEDULES = {"yaw": [-20, 30, 10], "pitch": [15], "roll": [0, -25]}
ANGLES = ("yaw", "pitch", "roll")


class Writer:
    """The writer of the golden files: one method per file, in the order in which they build on each other."""

    def __init__(self, original: Original, inputs: Golden, out: Path, scratch: Path) -> None:
        self.original, self.inputs, self.out, self.scratch = original, inputs, out, scratch
        self.written: dict[str, Arrays] = {}

    def write(self) -> None:
        for folder in ("images", "audio"):
            shutil.copytree(self.inputs.folder / folder, self.out / folder)
        for name in SAME_FOR_ALL_WEIGHTS:
            shutil.copy(self.inputs.folder / f"{name}.npz", self.out)
        steps: dict[str, Callable[[], Arrays]] = {
            "b_recon": self.reconstruction,
            "c_audio2exp": self.expression,
            "d_audio2pose": self.pose,
            "e_semantics": self.semantics,
            "f_mapping": self.mapping,
            "g_keypoints": self.keypoints,
            "h_keypoint_transform": self.transform,
            "i_generator": self.generator,
            "j_generator512": self.generator_512,
        }
        for name, step in steps.items():
            self.written[name] = {key: np.asarray(value) for key, value in step().items()}
            np.savez_compressed(self.out / f"{name}.npz", **self.written[name])
            print(f"{name}: {len(self.written[name])} arrays", file=sys.stderr)

    # --- coefficients ----------------------------------------------------------------------------------------------

    def reconstruction(self) -> Arrays:
        arrays: Arrays = dict(self.inputs["b_recon"])
        for stem in [key.removesuffix(".coeff257") for key in arrays if key.endswith(".coeff257")]:
            values = self.original.reconstruction(to_tensor(self.inputs.picture(f"{stem}_aligned224")))[0].numpy()
            arrays[f"{stem}.coeff257"] = values
            kept = (values[80:144], values[224:227], values[254:257], arrays[f"{stem}.trans_params_whstxty"][2:])
            arrays[f"{stem}.packed73"] = np.concatenate(kept)
        return arrays

    def expression(self) -> Arrays:
        arrays: Arrays = dict(self.inputs["c_audio2exp"])
        encoder = self.original.audio.audio2exp_model.netG.audio_encoder
        for clip in self.inputs.clips:
            arrays[f"{clip}.ref70"] = self._source_of(clip)[: CoefficientLayout.DRIVEN]
            windows = self.inputs.mel_windows(clip)
            arrays[f"{clip}.audio_embedding_frames0to3"] = encoder(windows[:4, None]).flatten(1)
            batch = self._audio_batch(clip, arrays)
            arrays[f"{clip}.exp"] = self.original.audio.audio2exp_model.test(batch)["exp_coeff_pred"][0]
        return arrays

    def _source_of(self, clip: str) -> Array:
        """Return the new coefficients of the portrait that the inputs' folder used for that clip."""
        before, rest = self.inputs["b_recon"], self.inputs["c_audio2exp"][f"{clip}.ref70"]
        stems = [key for key in before if key.endswith(".packed73") and np.array_equal(before[key][:70], rest)]
        source: Array = self.written["b_recon"][stems[0]]
        return source

    def _audio_batch(self, clip: str, stored: Arrays) -> Arrays:
        windows = self.inputs.mel_windows(clip)[None, :, None]  # (1, t, 1, 80, 16)
        frames = windows.shape[1]
        return {
            "indiv_mels": windows,
            "ref": torch.from_numpy(stored[f"{clip}.ref70"]).expand(1, frames, -1),
            "num_frames": frames,
            "ratio_gt": torch.from_numpy(stored[f"{clip}.ratio"])[None, :, None],
            "audio_name": clip,
            "pic_name": self.inputs.main_picture,
        }

    def pose(self) -> Arrays:
        arrays, audio = dict(self.inputs["d_audio2pose"]), self.original.audio
        expression = self.written["c_audio2exp"]
        done = set()
        for stem in [key.removesuffix(".z") for key in arrays if key.endswith(".z")]:
            clip, style = stem.rsplit(".style", 1)
            batch = self._audio_batch(clip, expression)
            with self._noise(arrays[f"{stem}.z"]):
                coefficients_file = audio.generate(batch, str(self.scratch), int(style))
            with self._noise(arrays[f"{stem}.z"]):
                moved = audio.audio2pose_model.test(batch)
            driven = loadmat(coefficients_file)["coeff_3dmm"]
            arrays[f"{stem}.pose_motion"] = moved["pose_motion_pred"][0]
            arrays[f"{stem}.pose_raw"] = moved["pose_pred"][0]
            arrays[f"{stem}.pose_smoothed"] = driven[:, coefficients.POSE]
            if clip not in done:
                done.add(clip)
                arrays[f"{clip}.ref6"] = expression[f"{clip}.ref70"][coefficients.POSE]
                windows = self.inputs.mel_windows(clip)[None, 1:4, None]
                arrays[f"{clip}.audio_embedding_frames1to3"] = audio.audio2pose_model.audio_encoder(windows)[0]
                arrays[f"{clip}.coeff70_first_style"] = driven
        reference = self.scratch / "reference.mat"
        savemat(reference, {"coeff_3dmm": arrays["refpose.coeff"]})
        followed = audio.using_refpose(arrays[f"{self.inputs.main_clip}.coeff70_first_style"].copy(), str(reference))
        arrays["refpose.result_clip0"] = followed
        return arrays

    @staticmethod
    def _noise(stored: Array) -> Any:
        """Patch torch.randn to return the stored noise: the original draws it where it needs it."""
        return mock.patch("torch.randn", side_effect=[torch.from_numpy(row)[None] for row in stored])

    # --- head motion -----------------------------------------------------------------------------------------------

    def _facerender_data(self, tag: str, batch_size: int = 1) -> Arrays:
        layout, still, scale = read_tag(tag)
        first, driven = self.scratch / "first.mat", self.scratch / "driven.mat"
        savemat(first, {"coeff_3dmm": self.written["b_recon"][f"{self.inputs.main_picture}.packed73"][None]})
        savemat(driven, {"coeff_3dmm": self.written["d_audio2pose"][f"{self.inputs.main_clip}.coeff70_first_style"]})
        picture = str(self.out / "images" / f"{self.inputs.main_picture}_256.png")
        data: Arrays = self.original.semantics.get_facerender_data(
            str(driven), picture, str(first), "", batch_size, SCHEDULES["yaw"],
            SCHEDULES["pitch"], SCHEDULES["roll"], expression_scale=scale, still_mode=still, preprocess="full" if layout
            is CoefficientLayout.WITH_CROP else "crop",
        )  # fmt: skip
        return data

    def semantics(self) -> Arrays:
        arrays: Arrays = dict(self.inputs["e_semantics"])
        arrays["source73"] = self.written["b_recon"][f"{self.inputs.main_picture}.packed73"]
        for tag in self._tags():
            data = self._facerender_data(tag)
            windows = data["target_semantics_list"][0]  # (t, c, 27)
            arrays[f"{tag}.target_windows_some"] = windows[arrays["frames"]]
            arrays[f"{tag}.target_centre_sequence"] = windows[:, :, 13]
            arrays[f"{tag}.source_window_col0"] = data["source_semantics"][0, :, 0]
            for angle in ANGLES:
                arrays[f"{angle}_schedule_bs1"] = data[f"{angle}_c_seq"]
        rows = self._facerender_data("crop", batch_size=2)
        arrays["bs2.target_shape"] = rows["target_semantics_list"].shape
        arrays["bs2.target_first_channel"] = rows["target_semantics_list"][:, :, 0, 13]
        arrays["bs2.yaw"] = rows["yaw_c_seq"]
        return arrays

    def _tags(self) -> list[str]:
        ending = ".target_centre_sequence"
        return [key.removesuffix(ending) for key in self.inputs["e_semantics"] if key.endswith(ending)]

    def mapping(self) -> Arrays:
        arrays: Arrays = dict(self.inputs["f_mapping"])
        frames = [int(row.removeprefix("frame")) for row in arrays["rows"][1:]]
        for tag in [key.removesuffix(".input") for key in arrays if key.endswith(".input")]:
            data = self._facerender_data(tag)
            rows = torch.cat([data["source_semantics"], data["target_semantics_list"][0][frames]])  # (1 + n, c, 27)
            moved = self.original.mapping[read_tag(tag)[0]](rows)
            arrays |= {f"{tag}.input": rows, f"{tag}.t": moved["t"].clone(), f"{tag}.exp": moved["exp"]}
            degrees = {angle: self.original.animation.headpose_pred_to_degree(moved[angle]) for angle in ANGLES}
            for angle in ANGLES:
                arrays |= {f"{tag}.{angle}": moved[angle], f"{tag}.{angle}_degrees": degrees[angle]}
            arrays[f"{tag}.rotation"] = self.original.animation.get_rotation_matrix(**degrees)
        return arrays

    def keypoints(self) -> Arrays:
        arrays: Arrays = dict(self.inputs["g_keypoints"])
        network: Any = self.original.keypoints
        for name in [key.removesuffix(".kp") for key in arrays if key.endswith(".kp")]:
            picture = self._picture(name)
            arrays[f"{name}.kp"] = network(picture)["value"][0]
            if f"{name}.input64" in arrays:
                small = network.down(picture)
                arrays[f"{name}.input64"] = small[0]
                arrays[f"{name}.feature_sub"] = network.predictor(small)[0, :, ::5, ::8, ::8]
        return arrays

    def _picture(self, name: str) -> Tensor:
        return to_tensor(self.inputs.picture(name if self.inputs.has_picture(name) else f"{name}_256"))

    def _rows(self, tag: str) -> Tensor:
        return torch.from_numpy(self.written["f_mapping"][f"{tag}.input"])

    def transform(self) -> Arrays:
        arrays: Arrays = dict(self.inputs["h_keypoint_transform"])
        for key in [key for key in arrays if key != "rows"]:
            tag, given = key.split(".kp_transformed")
            rows = self._rows(tag)
            angles = {f"{angle}_in": value.expand(len(rows)) for angle, value in _given_angles(given).items()}
            arrays[key] = self.original.keypoints_of(
                self._picture(self.inputs.main_picture), rows, read_tag(tag)[0], **angles
            )
        return arrays

    # --- pictures --------------------------------------------------------------------------------------------------

    def generator(self) -> Arrays:
        arrays: Arrays = dict(self.inputs["i_generator"])
        for stem in [key.removesuffix(".prediction") for key in arrays if key.endswith(".prediction")]:
            drawn = Drawn.parse(stem)
            name = drawn.picture or self.inputs.main_picture
            tensors = self._draw(name, drawn.tag, drawn.row, _given_angles(drawn.given))
            arrays[f"{stem}.prediction"] = tensors["prediction"][0]
            arrays |= {f"{stem}.kp_source": tensors["kp_source"][0], f"{stem}.kp_driving": tensors["kp_driving"][0]}
            if f"{stem}.deformation" in arrays:
                whole = stem == "crop.frame0"
                deformation = tensors["motion"]["deformation"][0]
                arrays[f"{stem}.deformation"] = deformation if whole else deformation[::5, ::4, ::4]
                arrays[f"{stem}.occlusion"] = tensors["motion"]["occlusion_map"][0, 0]
            if stem == "crop.frame0":
                arrays |= _inside(tensors)
                Image.fromarray(arrays["frame0.uint8"]).save(self.out / "images" / f"out_{name}_frame0.png")
        return arrays

    def generator_512(self) -> Arrays:
        arrays: Arrays = dict(self.inputs["j_generator512"])
        for key in [key for key in arrays if key.endswith(".prediction")]:
            drawn = Drawn.parse(key.removesuffix(".prediction"))
            name = drawn.picture or f"{self.inputs.main_picture}_512"
            tensors = self._draw(name, drawn.tag, drawn.row, {})
            arrays[key] = tensors["prediction"][0].half()
            arrays["occlusion_sub"] = tensors["motion"]["occlusion_map"][0, 0, ::4, ::4]
            arrays["deformation_sub"] = tensors["motion"]["deformation"][0, ::5, ::8, ::8]
        return arrays

    def _draw(self, name: str, tag: str, frame: str, angles: dict[str, Tensor]) -> Arrays:
        """Draw one frame and return it with the intermediate tensors."""
        picture, layout, rows = self._picture(name), read_tag(tag)[0], self._rows(tag)
        row = self.written["f_mapping"]["rows"].tolist().index(frame)
        given = {f"{angle}_in": value for angle, value in angles.items()}
        kp_source = self.original.keypoints_of(picture, rows[:1], layout)
        kp_driving = self.original.keypoints_of(picture, rows[row : row + 1], layout, **given)
        network: Any = self.original.generator
        watched = {name: network.get_submodule(path) for name, path in WATCHED.items()}
        tensors: Arrays = {"kp_source": kp_source, "kp_driving": kp_driving}

        def recorder(name: str) -> Callable[..., None]:
            def record(_module: Any, inputs: tuple[Any, ...], output: Any) -> None:
                tensors[name] = output
                tensors[f"{name}.input"] = inputs[0] if inputs else None

            return record

        handles = [module.register_forward_hook(recorder(name)) for name, module in watched.items()]
        tensors["prediction"] = self.original.draw(picture, kp_source, kp_driving)
        for handle in handles:
            handle.remove()
        return tensors


WATCHED = {
    "first": "first",
    "volume": "resblocks_3d",
    "motion": "dense_motion_network",
    "mask": "dense_motion_network.mask",
    "third": "third",
    "fc": "decoder.fc",
    "gm0": "decoder.G_middle_0",
    "gm5": "decoder.G_middle_5",
    "up0": "decoder.up_0",
}


def _inside(tensors: Arrays) -> Arrays:
    """Return samples of the maps inside the generator."""
    levels = np.rint(tensors["prediction"][0].numpy() * 255).astype(np.uint8)
    return {
        "frame0.uint8": levels.transpose(1, 2, 0),
        "first_sub": tensors["first"][0, ::8, ::16, ::16],
        "feature3d_sub": tensors["volume"][0, :, ::5, ::8, ::8],
        "frame0.mask_logits_sub": tensors["mask"][0, :, ::5, ::8, ::8],
        "frame0.mask_sub": tensors["motion"]["mask"][0, :, ::5, ::4, ::4],
        "frame0.warped_sub": tensors["third.input"][0, ::16, ::4, ::4],
        "frame0.decoder_in_sub": tensors["fc.input"][0, ::8, ::4, ::4],
        "frame0.fc_sub": tensors["fc"][0, ::16, ::4, ::4],
        "frame0.gm0_sub": tensors["gm0"][0, ::16, ::4, ::4],
        "frame0.gm5_sub": tensors["gm5"][0, ::16, ::4, ::4],
        "frame0.up0_sub": tensors["up0"][0, ::16, ::8, ::8],
    }


def _given_angles(given: str) -> dict[str, Tensor]:
    """Parse ``_yaw15_pitch-10`` -> those angles, in degrees."""
    return {angle: torch.tensor([degrees]) for angle, degrees in given_degrees(given).items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--original", type=Path, required=True, help="a checkout of the original's repository")
    parser.add_argument("--checkpoints", type=Path, required=True)
    parser.add_argument("--inputs", type=Path, required=True, help="a golden folder to take pictures and sounds from")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write; must not exist")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    try:
        original = load_original(arguments.original, arguments.checkpoints)
        arguments.out.mkdir(parents=True)
    except (OriginalMissingError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    # The original prints while it runs.
    with torch.inference_mode(), tempfile.TemporaryDirectory() as scratch, contextlib.redirect_stdout(io.StringIO()):
        Writer(original, Golden(arguments.inputs), arguments.out, Path(scratch)).write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
