"""The parity of everything before the pictures: sound, crop, coefficients, head motion, keypoints."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import torch

from benchmarks.golden import MAIN_CLIP, MAIN_PICTURE, Array, Check, Stages, error_between, read_tag
from talking_head.engines.face.sadtalker import blink, coefficients, keypoint_transform, mel, semantics
from talking_head.engines.face.sadtalker.coefficients import CoefficientLayout
from talking_head.engines.face.sadtalker.face import alignment, face_crop
from talking_head.engines.face.sadtalker.keypoint_transform import HeadMotion
from talking_head.engines.face.sadtalker.networks import audio_to_pose
from talking_head.engines.face.sadtalker.source import to_tensor


class MotionStages(Stages):
    """The stages before the pictures; each method yields the checks of one golden file, in the order of the data."""

    # --- everything before the networks -------------------------------------------------------------------------

    def audio(self) -> Iterator[Check]:
        stage, stored = "audio", self.golden["a_audio"]
        yield self.check(stage, "a_audio:mel_basis", mel.mel_filters(), 1e-5)
        for clip in self.golden.clips:
            samples = self.golden.wave(clip)
            frames = mel.frames_in(len(samples))
            spectrogram = mel.mel_spectrogram(samples)
            windows = mel.mel_windows(spectrogram, frames)
            name = f"a_audio:{clip}"
            yield self.check(stage, f"{name}.num_frames", frames, 0, "absolute")
            yield self.check(stage, f"{name}.used_samples", frames * mel.SAMPLES_PER_FRAME, 0, "absolute")
            yield self.check(stage, f"{name}.mel", spectrogram, 1e-5, "absolute")
            yield self.check(stage, f"{name}.window_start", mel.window_starts(frames), 0, "absolute")
            some = windows[stored[f"{clip}.windows_some_frames"]]
            yield self.check(stage, f"{name}.windows_some", some, 1e-5, "absolute")
            yield self.check(stage, f"{name}.windows_sum", windows.astype(np.float64).sum(axis=(1, 2)), 1e-5)
        for key in sorted(key for key in stored if key.startswith("blink_random_seed")):
            seed, frames = (int(part) for part in key.removeprefix("blink_random_seed").split("_T"))
            yield self.check("blink", f"a_audio:{key}", blink.blink_ratio(frames, random.Random(seed)), 0, "absolute")

    def crop(self) -> Iterator[Check]:
        stored = self.golden["b0_face_crop"]
        for case in sorted({key.split(".")[0] for key in stored}):
            width, height = (int(side) for side in stored[f"{case}.image_wh"])
            own = face_crop.face_crop((width, height), stored[f"{case}.landmarks68"])
            name = f"b0_face_crop:{case}"
            yield self.check("face crop", f"{name}.resize_wh", own.working_size, 0, "absolute")
            yield self.check("face crop", f"{name}.crop_xyxy", own.outer, 0, "absolute")
            yield self.check("face crop", f"{name}.quad_xyxy", own.inner, 1e-9)

    def reconstruction(self) -> Iterator[Check]:
        stored, stage = self.golden["b_recon"], "reconstruction"
        yield self.check("alignment", "b_recon:lm3d_5", alignment.STANDARD_FIVE, 1e-6)
        yield self.check("alignment", "b_recon:lm3d_5", alignment.five_points(stored["lm3d_68"]), 1e-6)
        for stem in sorted(key.removesuffix(".coeff257") for key in stored if key.endswith(".coeff257")):
            picture, *fallback = stem.split(".")
            crop = self.golden.picture(f"{picture}_256")
            if fallback:
                points = alignment.five_points_without_face(len(crop))
            else:
                points = alignment.five_points_in_crop(stored[f"{stem}.landmarks68"], len(crop))
            own = alignment.align(crop, points)
            yield self.check("alignment", f"b_recon:{stem}.landmarks_5_yup", points, 1e-6)
            yield self.check("alignment", f"b_recon:{stem}.trans_params_whstxty", own.parameters, 1e-4)
            aligned = self.golden.picture(f"{stem}_aligned224")
            error = error_between(own.picture, aligned, "mean")
            yield Check("alignment", f"{stem}_aligned224.png", "mean", error, 1.0)
            reconstructed = self.networks.reconstruction(to_tensor(aligned))[0].numpy()
            yield self.check(stage, f"b_recon:{stem}.coeff257", reconstructed, 1e-5)
            packed = coefficients.pack(reconstructed, own.parameters)
            yield self.check(stage, f"b_recon:{stem}.packed73", packed, 1e-5)

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
            yield self.check(stage, f"c_audio2exp:{clip}.audio_embedding_frames0to3", embedding, 1e-5)
            yield self.check(stage, f"c_audio2exp:{clip}.exp", self._expression(clip), 1e-5)

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
            yield self.check(stage, f"{name}.pose_motion", motion, 1e-5)
            yield self.check(stage, f"{name}.pose_raw", rest + motion, 1e-5)
            yield self.check(stage, f"{name}.pose_smoothed", smoothed, 1e-5)
            window = audio_to_pose.smoothing_window(len(windows))
            yield self.check(stage, f"{name}.savgol_window", window, 0, "absolute")
            if clip not in first_clip:
                first_clip[clip] = np.hstack([self._expression(clip), smoothed])
                embedding = self.networks.pose.embed(windows[1:4])
                yield self.check(stage, f"d_audio2pose:{clip}.audio_embedding_frames1to3", embedding, 1e-5)
                yield self.check(stage, f"d_audio2pose:{clip}.coeff70_first_style", first_clip[clip], 1e-5)
        if "refpose.coeff" in stored:
            own = first_clip[MAIN_CLIP].copy()
            reference = stored["refpose.coeff"][:, coefficients.POSE]
            own[:, coefficients.POSE] = audio_to_pose.add_reference_pose(own[:, coefficients.POSE], reference)
            yield self.check(stage, "d_audio2pose:refpose.result_clip0", own, 1e-5)

    def semantics(self) -> Iterator[Check]:
        stage, stored = "semantics", self.golden["e_semantics"]
        driven, source = self.golden["d_audio2pose"][f"{MAIN_CLIP}.coeff70_first_style"], stored["source73"]
        for tag in sorted(
            key.removesuffix(".target_centre_sequence") for key in stored if key.endswith("centre_sequence")
        ):
            layout, still, scale = read_tag(tag)
            sequence = semantics.target_sequence(driven, source, layout, expression_scale=scale, still=still)
            windows = semantics.windows(sequence)
            name = f"e_semantics:{tag}"
            yield self.check(stage, f"{name}.target_centre_sequence", sequence, 1e-5)
            yield self.check(stage, f"{name}.target_windows_some", windows[stored["frames"]], 1e-5)
            column = semantics.source_window(source, layout)[0, :, 0]
            yield self.check(stage, f"{name}.source_window_col0", column, 1e-5)
        for angle, stations in (("yaw", (-20, 30, 10)), ("pitch", (15,)), ("roll", (0, -25))):
            schedule = semantics.angle_schedule(stations, len(driven))
            yield self.check("schedule", f"e_semantics:{angle}_schedule_bs1", schedule[None], 1e-5)
        if "bs2.target_shape" in stored:
            yield from self._two_rows(driven, source)

    def _two_rows(self, driven: Array, source: Array) -> Iterator[Check]:
        """Check a batch of two rows: the original cuts the clip into padded rows, here it stays one sequence."""
        sequence = semantics.target_sequence(driven, source, CoefficientLayout.DRIVEN)
        padded = np.concatenate([sequence, sequence[-1:].repeat(len(sequence) % 2, axis=0)])
        windows = semantics.windows(padded).reshape(2, len(padded) // 2, -1, semantics.MAPPING_WINDOW_FRAMES)
        centres = windows[:, :, 0, semantics.RADIUS_FRAMES]
        schedule = semantics.angle_schedule((-20, 30, 10), len(padded)).reshape(2, -1)
        yield self.check("semantics", "e_semantics:bs2.target_shape", windows.shape, 0, "absolute")
        yield self.check("semantics", "e_semantics:bs2.target_first_channel", centres, 1e-5)
        yield self.check("schedule", "e_semantics:bs2.yaw", schedule, 1e-5)

    def map(self) -> Iterator[Check]:
        stored = self.golden["f_mapping"]
        for tag in sorted(key.removesuffix(".input") for key in stored if key.endswith(".input")):
            name = f"f_mapping:{tag}"
            mapped = self.mapping[read_tag(tag)[0]](torch.from_numpy(stored[f"{tag}.input"]))
            for angle in ("yaw", "pitch", "roll"):
                logits = getattr(mapped, angle)
                yield self.check("mapping", f"{name}.{angle}", logits, 1e-5)
                degrees = keypoint_transform.degrees_of(logits)
                yield self.check("mapping", f"{name}.{angle}_degrees", degrees, 1e-3, "absolute")
            yield self.check("mapping", f"{name}.t", mapped.translation, 1e-5)
            yield self.check("mapping", f"{name}.exp", mapped.expression, 1e-5)
            rotation = keypoint_transform.rotation_matrices(self.stored_motion(tag).degrees)
            yield self.check("keypoint transform", f"{name}.rotation", rotation, 1e-6)

    def keypoints(self) -> Iterator[Check]:
        stage, network = "keypoints", self.networks.keypoints
        for name in sorted(key.removesuffix(".kp") for key in self.golden["g_keypoints"] if key.endswith(".kp")):
            picture = to_tensor(self.picture(name))
            yield self.check(stage, f"g_keypoints:{name}.kp", network(picture)[0], 5e-5)
            if f"{name}.input64" in self.golden["g_keypoints"]:
                small = network.down(picture)
                feature = network.predictor(small)[0, :, ::5, ::8, ::8]
                yield self.check(stage, f"g_keypoints:{name}.input64", small[0], 5e-5)
                yield self.check(stage, f"g_keypoints:{name}.feature_sub", feature, 5e-5)

    def transform(self) -> Iterator[Check]:
        canonical = torch.from_numpy(self.golden["g_keypoints"][f"{MAIN_PICTURE}.kp"])
        for key in sorted(key for key in self.golden["h_keypoint_transform"] if key != "rows"):
            tag, given = key.split(".kp_transformed")
            motion = self.stored_motion(tag)
            if given:
                motion = HeadMotion(_given_degrees(given, motion.degrees), motion.translation, motion.expression)
            own = keypoint_transform.transform_keypoints(canonical, motion)
            yield self.check("keypoint transform", f"h_keypoint_transform:{key}", own, 1e-6)


def _given_degrees(given: str, like: torch.Tensor) -> torch.Tensor:
    """Parse ``_yaw15_pitch-10_roll5`` -> those angles for every row."""
    angles = {name: float(given.split(name)[1].split("_")[0]) for name in ("yaw", "pitch", "roll")}
    return torch.tensor([list(angles.values())]).expand_as(like)
