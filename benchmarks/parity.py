"""Holds the SadTalker networks against golden numbers of the original program, stage by stage.

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
import random
import sys
import wave
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from talking_head.engines.face.sadtalker import (
    alignment,
    audio_to_pose,
    blink,
    checkpoints,
    coefficients,
    dense_motion,
    face_crop,
    keypoint_transform,
    mel,
    networks,
    semantics,
)
from talking_head.engines.face.sadtalker.coefficients import Layout
from talking_head.engines.face.sadtalker.fast_generator import FastGenerator
from talking_head.engines.face.sadtalker.keypoint_transform import HeadMotion
from talking_head.engines.face.sadtalker.sizes import OFFICIAL, NetworkSizes
from talking_head.errors import EngineError

Array = NDArray[Any]
MAIN_PICTURE, MAIN_CLIP = "art_1", "speech_a"


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison. ``measure`` is relative, absolute, rms (of the golden's deviation) or mean (grey levels)."""

    stage: str
    array: str
    measure: str
    error: float
    accepted: float

    @property
    def passed(self) -> bool:
        return bool(self.error <= self.accepted)  # not-a-number never passes


def error_between(own: Any, golden: Array, measure: str) -> float:
    own, golden = np.asarray(own, np.float64), np.asarray(golden, np.float64)
    if own.shape != golden.shape:
        return float("inf")
    difference = np.abs(own - golden)
    if measure == "rms":
        return float(np.sqrt((difference**2).mean()) / golden.std())
    if measure == "mean":
        return float(difference.mean())
    largest = float(difference.max())
    return largest if measure == "absolute" else largest / (float(np.abs(golden).max()) or 1.0)


class Golden:
    """The golden folder; files are opened when asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[str, dict[str, Array]] = {}

    def __getitem__(self, name: str) -> dict[str, Array]:
        if name not in self._files:
            with np.load(self.folder / f"{name}.npz") as file:
                self._files[name] = {key: file[key] for key in file.files}
        return self._files[name]

    def picture(self, name: str) -> NDArray[np.uint8]:
        return np.asarray(Image.open(self.folder / "images" / f"{name}.png").convert("RGB"))

    def has_picture(self, name: str) -> bool:
        return (self.folder / "images" / f"{name}.png").exists()

    def wave(self, clip: str) -> NDArray[np.float32]:
        with wave.open(str(self.folder / "audio" / f"{clip}.wav")) as file:
            return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / np.float32(32768)

    @cached_property
    def clips(self) -> list[str]:
        return sorted({key.split(".")[0] for key in self["a_audio"] if key.endswith(".mel")})

    def mel_windows(self, clip: str) -> torch.Tensor:
        samples = self.wave(clip)
        return torch.from_numpy(mel.mel_windows(mel.mel_spectrogram(samples), mel.frames_in(len(samples))))


class Comparison:
    """Everything that is compared, in the order of the data's way. Each method yields the checks of one golden file."""

    def __init__(self, checkpoint_folder: Path, golden: Golden, sizes: NetworkSizes = OFFICIAL) -> None:
        self.golden = golden
        # The golden pictures of both sizes were drawn with the weights of the 256 file.
        self.networks = networks.load_networks(checkpoint_folder / checkpoints.FACE_256.name, sizes)
        self.mapping = {
            layout: networks.load_mapping_net(checkpoint_folder / file.name, layout, sizes)
            for layout, file in checkpoints.MAPPING_FILES.items()
        }

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

    def _check(self, stage: str, name: str, own: Any, accepted: float, measure: str = "relative") -> Check:
        file, key = name.split(":", 1)
        return Check(stage, key, measure, error_between(own, self.golden[file][key], measure), accepted)

    # --- everything before the networks -------------------------------------------------------------------------

    def audio(self) -> Iterator[Check]:
        stage, stored = "audio", self.golden["a_audio"]
        yield self._check(stage, "a_audio:mel_basis", mel.mel_filters(), 1e-5)
        for clip in self.golden.clips:
            samples = self.golden.wave(clip)
            frames = mel.frames_in(len(samples))
            spectrogram = mel.mel_spectrogram(samples)
            windows = mel.mel_windows(spectrogram, frames)
            name = f"a_audio:{clip}"
            yield self._check(stage, f"{name}.num_frames", frames, 0, "absolute")
            yield self._check(stage, f"{name}.used_samples", frames * mel.SAMPLES_PER_FRAME, 0, "absolute")
            yield self._check(stage, f"{name}.mel", spectrogram, 1e-5, "absolute")
            yield self._check(stage, f"{name}.window_start", mel.window_starts(frames), 0, "absolute")
            some = windows[stored[f"{clip}.windows_some_frames"]]
            yield self._check(stage, f"{name}.windows_some", some, 1e-5, "absolute")
            yield self._check(stage, f"{name}.windows_sum", windows.astype(np.float64).sum(axis=(1, 2)), 1e-5)
        for key in sorted(key for key in stored if key.startswith("blink_random_seed")):
            seed, frames = (int(part) for part in key.removeprefix("blink_random_seed").split("_T"))
            yield self._check("blink", f"a_audio:{key}", blink.blink_ratio(frames, random.Random(seed)), 0, "absolute")

    def crop(self) -> Iterator[Check]:
        stored = self.golden["b0_face_crop"]
        for case in sorted({key.split(".")[0] for key in stored}):
            width, height = (int(side) for side in stored[f"{case}.image_wh"])
            own = face_crop.face_crop((width, height), stored[f"{case}.landmarks68"])
            name = f"b0_face_crop:{case}"
            yield self._check("face crop", f"{name}.resize_wh", own.working_size, 0, "absolute")
            yield self._check("face crop", f"{name}.crop_xyxy", own.outer, 0, "absolute")
            yield self._check("face crop", f"{name}.quad_xyxy", own.inner, 1e-9)

    def reconstruction(self) -> Iterator[Check]:
        stored, stage = self.golden["b_recon"], "reconstruction"
        yield self._check("alignment", "b_recon:lm3d_5", alignment.STANDARD_FIVE, 1e-6)
        yield self._check("alignment", "b_recon:lm3d_5", alignment.five_points(stored["lm3d_68"]), 1e-6)
        for stem in sorted(key.removesuffix(".coeff257") for key in stored if key.endswith(".coeff257")):
            picture, *fallback = stem.split(".")
            crop = self.golden.picture(f"{picture}_256")
            if fallback:
                points = alignment.five_points_without_face(len(crop))
            else:
                points = alignment.five_points_in_crop(stored[f"{stem}.landmarks68"], len(crop))
            own = alignment.align(crop, points)
            yield self._check("alignment", f"b_recon:{stem}.landmarks_5_yup", points, 1e-6)
            yield self._check("alignment", f"b_recon:{stem}.trans_params_whstxty", own.parameters, 1e-4)
            aligned = self.golden.picture(f"{stem}_aligned224")
            error = error_between(own.picture, aligned, "mean")
            yield Check("alignment", f"{stem}_aligned224.png", "mean", error, 1.0)
            reconstructed = self.networks.reconstruction(_to_tensor(aligned))[0].numpy()
            yield self._check(stage, f"b_recon:{stem}.coeff257", reconstructed, 1e-5)
            packed = coefficients.pack(reconstructed, own.parameters)
            yield self._check(stage, f"b_recon:{stem}.packed73", packed, 1e-5)

    # --- audio to coefficients --------------------------------------------------------------------------------

    def _expression(self, clip: str) -> Array:
        stored = self.golden["c_audio2exp"]
        rest = torch.from_numpy(stored[f"{clip}.ref70"][None, coefficients.EXPRESSION])
        ratio = torch.from_numpy(stored[f"{clip}.ratio"])
        return self.networks.expression(self.golden.mel_windows(clip), rest, ratio).numpy()

    def expression(self) -> Iterator[Check]:
        stage = "audio to expression"
        for clip in self.golden.clips:
            windows = self.golden.mel_windows(clip)
            embedding = self.networks.expression.audio_encoder(windows[:4, None]).flatten(1)
            yield self._check(stage, f"c_audio2exp:{clip}.audio_embedding_frames0to3", embedding, 1e-5)
            yield self._check(stage, f"c_audio2exp:{clip}.exp", self._expression(clip), 1e-5)

    def pose(self) -> Iterator[Check]:
        stage, stored, first_clip = "audio to pose", self.golden["d_audio2pose"], {}
        for stem in sorted(key.removesuffix(".z") for key in stored if key.endswith(".z")):
            clip, style = stem.split(".style")
            rest, noise = stored[f"{clip}.ref6"], torch.from_numpy(stored[f"{stem}.z"])
            windows, name = self.golden.mel_windows(clip), f"d_audio2pose:{stem}"
            if audio_to_pose.noise_chunks(len(windows)) != len(noise):
                yield Check(stage, f"{stem}.z", "absolute", float("inf"), 0)
                continue
            motion = self.networks.pose(windows, torch.from_numpy(rest), int(style), noise).numpy()
            smoothed = audio_to_pose.smooth_pose(rest + motion)
            yield self._check(stage, f"{name}.pose_motion", motion, 1e-5)
            yield self._check(stage, f"{name}.pose_raw", rest + motion, 1e-5)
            yield self._check(stage, f"{name}.pose_smoothed", smoothed, 1e-5)
            window = audio_to_pose.smoothing_window(len(windows))
            yield self._check(stage, f"{name}.savgol_window", window, 0, "absolute")
            if clip not in first_clip:
                first_clip[clip] = np.hstack([self._expression(clip), smoothed])
                embedding = self.networks.pose.embed(windows[1:4])
                yield self._check(stage, f"d_audio2pose:{clip}.audio_embedding_frames1to3", embedding, 1e-5)
                yield self._check(stage, f"d_audio2pose:{clip}.coeff70_first_style", first_clip[clip], 1e-5)
        if "refpose.coeff" in stored:
            own = first_clip[MAIN_CLIP].copy()
            reference = stored["refpose.coeff"][:, coefficients.POSE]
            own[:, coefficients.POSE] = audio_to_pose.add_reference_pose(own[:, coefficients.POSE], reference)
            yield self._check(stage, "d_audio2pose:refpose.result_clip0", own, 1e-5)

    def semantics(self) -> Iterator[Check]:
        stage, stored = "semantics", self.golden["e_semantics"]
        driven, source = self.golden["d_audio2pose"][f"{MAIN_CLIP}.coeff70_first_style"], stored["source73"]
        for tag in sorted(
            key.removesuffix(".target_centre_sequence") for key in stored if key.endswith("centre_sequence")
        ):
            layout, still, scale = _read_tag(tag)
            sequence = semantics.target_sequence(driven, source, layout, expression_scale=scale, still=still)
            windows = semantics.windows(sequence)
            name = f"e_semantics:{tag}"
            yield self._check(stage, f"{name}.target_centre_sequence", sequence, 1e-5)
            yield self._check(stage, f"{name}.target_windows_some", windows[stored["frames"]], 1e-5)
            column = semantics.source_window(source, layout)[0, :, 0]
            yield self._check(stage, f"{name}.source_window_col0", column, 1e-5)
        for angle, stations in (("yaw", (-20, 30, 10)), ("pitch", (15,)), ("roll", (0, -25))):
            schedule = semantics.angle_schedule(stations, len(driven))
            yield self._check("schedule", f"e_semantics:{angle}_schedule_bs1", schedule[None], 1e-5)
        if "bs2.target_shape" in stored:
            yield from self._two_rows(driven, source)

    def _two_rows(self, driven: Array, source: Array) -> Iterator[Check]:
        """The original cuts the clip into rows of a batch, padded with the last frame; here it stays one sequence."""
        sequence = semantics.target_sequence(driven, source, Layout.DRIVEN)
        padded = np.concatenate([sequence, sequence[-1:].repeat(len(sequence) % 2, axis=0)])
        windows = semantics.windows(padded).reshape(2, len(padded) // 2, -1, semantics.MAPPING_WINDOW_FRAMES)
        centres = windows[:, :, 0, semantics.RADIUS_FRAMES]
        schedule = semantics.angle_schedule((-20, 30, 10), len(padded)).reshape(2, -1)
        yield self._check("semantics", "e_semantics:bs2.target_shape", windows.shape, 0, "absolute")
        yield self._check("semantics", "e_semantics:bs2.target_first_channel", centres, 1e-5)
        yield self._check("schedule", "e_semantics:bs2.yaw", schedule, 1e-5)

    def map(self) -> Iterator[Check]:
        stored = self.golden["f_mapping"]
        for tag in sorted(key.removesuffix(".input") for key in stored if key.endswith(".input")):
            name = f"f_mapping:{tag}"
            mapped = self.mapping[_read_tag(tag)[0]](torch.from_numpy(stored[f"{tag}.input"]))
            for angle in ("yaw", "pitch", "roll"):
                logits = getattr(mapped, angle)
                yield self._check("mapping", f"{name}.{angle}", logits, 1e-5)
                degrees = keypoint_transform.degrees_of(logits)
                yield self._check("mapping", f"{name}.{angle}_degrees", degrees, 1e-3, "absolute")
            yield self._check("mapping", f"{name}.t", mapped.translation, 1e-5)
            yield self._check("mapping", f"{name}.exp", mapped.expression, 1e-5)
            rotation = keypoint_transform.rotation_matrices(self._stored_motion(tag).degrees)
            yield self._check("keypoint transform", f"{name}.rotation", rotation, 1e-6)

    def _stored_motion(self, tag: str) -> HeadMotion:
        stored = {key: torch.from_numpy(value) for key, value in self.golden["f_mapping"].items() if key != "rows"}
        degrees = torch.stack([stored[f"{tag}.{angle}_degrees"] for angle in ("yaw", "pitch", "roll")], dim=1)
        return HeadMotion(degrees, stored[f"{tag}.t"], stored[f"{tag}.exp"].unflatten(1, (15, 3)))

    def keypoints(self) -> Iterator[Check]:
        stage, network = "keypoints", self.networks.keypoints
        for name in sorted(key.removesuffix(".kp") for key in self.golden["g_keypoints"] if key.endswith(".kp")):
            picture = _to_tensor(self._picture(name))
            yield self._check(stage, f"g_keypoints:{name}.kp", network(picture)[0], 5e-5)
            if f"{name}.input64" in self.golden["g_keypoints"]:
                small = network.down(picture)
                feature = network.predictor(small)[0, :, ::5, ::8, ::8]
                yield self._check(stage, f"g_keypoints:{name}.input64", small[0], 5e-5)
                yield self._check(stage, f"g_keypoints:{name}.feature_sub", feature, 5e-5)

    def _picture(self, name: str) -> NDArray[np.uint8]:
        return self.golden.picture(name if self.golden.has_picture(name) else f"{name}_256")

    def transform(self) -> Iterator[Check]:
        canonical = torch.from_numpy(self.golden["g_keypoints"][f"{MAIN_PICTURE}.kp"])
        for key in sorted(key for key in self.golden["h_keypoint_transform"] if key != "rows"):
            tag, given = key.split(".kp_transformed")
            motion = self._stored_motion(tag)
            if given:
                motion = HeadMotion(_given_degrees(given, motion.degrees), motion.translation, motion.expression)
            own = keypoint_transform.transform_keypoints(canonical, motion)
            yield self._check("keypoint transform", f"h_keypoint_transform:{key}", own, 1e-6)

    # --- pictures ------------------------------------------------------------------------------------------------

    def generator(self, form: str) -> Iterator[Check]:
        stage, stored = f"generator ({form})", self.golden["i_generator"]
        draw = self._drawing(form)
        for stem in sorted(key.removesuffix(".prediction") for key in stored if key.endswith(".prediction")):
            parts = stem.split(".")
            picture = next((part for part in parts if self.golden.has_picture(f"{part}_256")), MAIN_PICTURE)
            kp_source, kp_driving = (
                torch.from_numpy(stored[f"{stem}.kp_{which}"])[None] for which in ("source", "driving")
            )
            own, motion = draw(_to_tensor(self._picture(picture)), kp_source, kp_driving)
            name = f"i_generator:{stem}"
            yield self._check(stage, f"{name}.prediction", own, 5e-4)
            yield self._check(stage, f"{name}.prediction", own, 2e-4, "rms")
            if f"{stem}.deformation" in stored:
                deformation = motion.deformation[0]
                if len(stored[f"{stem}.deformation"]) < len(deformation):
                    deformation = deformation[::5, ::4, ::4]
                yield self._check(stage, f"{name}.deformation", deformation, 1e-4, "absolute")
                yield self._check(stage, f"{name}.occlusion", motion.occlusion[0, 0], 1e-4, "absolute")
            if stem == "crop.frame0":
                levels = np.rint(own.numpy() * 255)
                yield self._check(stage, "i_generator:frame0.uint8", levels.transpose(1, 2, 0), 1, "absolute")
                drawn = self.golden.picture(f"out_{MAIN_PICTURE}_frame0")
                error = error_between(levels.transpose(1, 2, 0), drawn, "absolute")
                yield Check(stage, f"out_{MAIN_PICTURE}_frame0.png", "absolute", error, 1)
                if form == "plain":
                    yield from self._inside(_to_tensor(self._picture(picture)), kp_source, kp_driving)

    def _inside(self, picture: torch.Tensor, kp_source: torch.Tensor, kp_driving: torch.Tensor) -> Iterator[Check]:
        """Maps inside the plain generator, for finding out where a difference begins."""
        network, seen = self.networks.generator, {}
        watched = {"first": network.first, "fc": network.decoder.fc, "up0": network.decoder.up_0}
        watched |= {f"gm{i}": network.decoder.get_submodule(f"G_middle_{i}") for i in (0, 5)}

        def keeper(name: str) -> Callable[..., None]:
            def keep(_module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
                seen[name], seen[f"{name}.input"] = output[0], inputs[0]

            return keep

        handles = [module.register_forward_hook(keeper(name)) for name, module in watched.items()]
        handles.append(network.third.register_forward_hook(keeper("third")))
        motion = network(picture, kp_source, kp_driving).motion
        for handle in handles:
            handle.remove()
        mask = torch.softmax(motion.mask_logits, dim=1)[0]
        maps = {
            "first_sub": seen["first"][::8, ::16, ::16],
            "feature3d_sub": network.encode(picture)[0, :, ::5, ::8, ::8],
            "frame0.mask_logits_sub": motion.mask_logits[0, :, ::5, ::8, ::8],
            "frame0.mask_sub": mask[:, ::5, ::4, ::4],
            "frame0.warped_sub": seen["third.input"][0, ::16, ::4, ::4],
            "frame0.decoder_in_sub": seen["fc.input"][0, ::8, ::4, ::4],
            "frame0.fc_sub": seen["fc"][::16, ::4, ::4],
            "frame0.gm0_sub": seen["gm0"][::16, ::4, ::4],
            "frame0.gm5_sub": seen["gm5"][::16, ::4, ::4],
            "frame0.up0_sub": seen["up0"][::16, ::8, ::8],
        }
        for key in sorted(maps.keys() & self.golden["i_generator"].keys()):
            yield self._check("generator, inside", f"i_generator:{key}", maps[key], 1e-4)

    def end_to_end(self, form: str) -> Iterator[Check]:
        """From the wave, the aligned picture and the crop; only the blinks and the noise are the stored ones."""
        stage, rows = f"end to end ({form})", self.golden["f_mapping"]["rows"].tolist()
        source = self.golden["b_recon"][f"{MAIN_PICTURE}.packed73"]
        aligned = _to_tensor(self.golden.picture(f"{MAIN_PICTURE}_aligned224"))
        crop = self.golden.picture(f"{MAIN_PICTURE}_256")
        points = alignment.five_points_in_crop(self.golden["b_recon"][f"{MAIN_PICTURE}.landmarks68"], len(crop))
        source = coefficients.pack(
            self.networks.reconstruction(aligned)[0].numpy(), alignment.align(crop, points).parameters
        )
        rest, noise = source[coefficients.POSE], self.golden["d_audio2pose"][f"{MAIN_CLIP}.style0.z"]
        windows = self.golden.mel_windows(MAIN_CLIP)
        ratio = torch.from_numpy(self.golden["c_audio2exp"][f"{MAIN_CLIP}.ratio"])
        expression = self.networks.expression(windows, torch.from_numpy(source[None, coefficients.EXPRESSION]), ratio)
        motion = self.networks.pose(windows, torch.from_numpy(rest), 0, torch.from_numpy(noise)).numpy()
        driven = np.hstack([expression.numpy(), audio_to_pose.smooth_pose(rest + motion)])
        sequence = semantics.target_sequence(driven, source, Layout.DRIVEN)
        picture = _to_tensor(crop)
        canonical = self.networks.keypoints(picture)[0]
        draw, mapping = self._drawing(form), self.mapping[Layout.DRIVEN]
        for row in rows[1:]:
            frame = int(row.removeprefix("frame"))
            both = np.concatenate(
                [semantics.source_window(source, Layout.DRIVEN), semantics.windows(sequence)[frame : frame + 1]]
            )
            turned = [
                keypoint_transform.transform_keypoints(
                    canonical, keypoint_transform.head_motion(mapping(torch.from_numpy(window[None])))
                )
                for window in both
            ]
            own, _ = draw(picture, *turned)
            yield self._check(stage, f"i_generator:crop.{row}.prediction", own, 1e-2)
            yield self._check(stage, f"i_generator:crop.{row}.prediction", own, 1e-3, "rms")

    def generator_512(self, form: str) -> Iterator[Check]:
        """The same weights on a picture of twice the size, from keypoints that are computed here."""
        stage, stored = f"generator 512 ({form})", self.golden["j_generator512"]
        rows = self.golden["f_mapping"]["rows"].tolist()
        for key in sorted(key for key in stored if key.endswith(".prediction")):
            tag, picture_name, row, _ = key.split(".")
            picture = _to_tensor(self.golden.picture(picture_name))
            canonical = self.networks.keypoints(picture)[0]
            turned = keypoint_transform.transform_keypoints(canonical, self._stored_motion(tag))
            own, moved = self._drawing(form)(picture, turned[:1], turned[rows.index(row)][None])
            yield self._check(stage, f"j_generator512:{key}", own, 2e-3)
            yield self._check(stage, f"j_generator512:{key}", own, 2e-3, "rms")
            occlusion, deformation = moved.occlusion[0, 0, ::4, ::4], moved.deformation[0, ::5, ::8, ::8]
            yield self._check(stage, "j_generator512:occlusion_sub", occlusion, 1e-4, "absolute")
            yield self._check(stage, "j_generator512:deformation_sub", deformation, 1e-4, "absolute")

    def _drawing(self, form: str) -> Callable[..., tuple[torch.Tensor, dense_motion.Motion]]:
        if form == "plain":

            def draw_plain(picture: torch.Tensor, kp_source: torch.Tensor, kp_driving: torch.Tensor) -> Any:
                frame = self.networks.generator(picture, kp_source, kp_driving)
                return frame.picture[0], frame.motion

            return draw_plain

        def draw_fast(picture: torch.Tensor, kp_source: torch.Tensor, kp_driving: torch.Tensor) -> Any:
            frame = self.fast_generator.draw(self.fast_generator.prepare(picture, kp_source), kp_driving)
            return frame.picture[0], frame.motion

        return draw_fast

    @cached_property
    def fast_generator(self) -> FastGenerator:
        return FastGenerator(self.networks.generator)


def _to_tensor(picture: NDArray[np.uint8]) -> torch.Tensor:
    """(h, w, 3) levels -> (1, 3, h, w) in 0..1."""
    scaled = picture.astype(np.float32) * np.float32(1 / 255)
    return torch.from_numpy(np.ascontiguousarray(scaled.transpose(2, 0, 1)))[None]


def _read_tag(tag: str) -> tuple[Layout, bool, float]:
    """``full_still_scale1.3`` -> 73 coefficients, still, expression scale 1.3."""
    mode, *options = tag.split("_")
    scale = next((float(option.removeprefix("scale")) for option in options if option.startswith("scale")), 1.0)
    return Layout.WITH_CROP if mode == "full" else Layout.DRIVEN, "still" in options, scale


def _given_degrees(given: str, like: torch.Tensor) -> torch.Tensor:
    """``_yaw15_pitch-10_roll5`` -> those angles for every row."""
    angles = {name: float(given.split(name)[1].split("_")[0]) for name in ("yaw", "pitch", "roll")}
    return torch.tensor([list(angles.values())]).expand_as(like)


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
