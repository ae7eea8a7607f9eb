"""The parity of everything before the pictures: sound, crop, coefficients, head motion, keypoints."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import torch

from benchmarks.golden import Array, Check, Golden, Outcome, error_between, given_degrees, read_tag
from benchmarks.parity_stages import MappingNets, Stages
from talking_head.engines.face.sadtalker import blink, coefficients, keypoint_transform, mel, semantics
from talking_head.engines.face.sadtalker.coefficients import CoefficientLayout
from talking_head.engines.face.sadtalker.face import alignment, face_crop
from talking_head.engines.face.sadtalker.keypoint_transform import HeadMotion
from talking_head.engines.face.sadtalker.networks import audio_to_pose
from talking_head.engines.face.sadtalker.networks.load import Networks
from talking_head.engines.face.sadtalker.source import to_tensor

SCHEDULES = {"yaw": (-20, 30, 10), "pitch": (15,), "roll": (0, -25)}  # degrees, as the golden folder has them


class MotionStages(Stages):
    """The stages before the pictures; each method yields the checks of one golden file, in the order of the data."""

    def __init__(self, golden: Golden, networks: Networks, mapping: MappingNets) -> None:
        super().__init__(golden, networks, mapping)
        # What several stages need, by the name of the picture or sound: each costs seconds.
        self._reconstructed: dict[str, Array] = {}
        self._expressions_of: dict[str, Array] = {}
        self._motions: dict[str, tuple[Array, Array]] = {}

    # --- everything before the networks -------------------------------------------------------------------------

    def audio(self) -> Iterator[Outcome]:
        stage = "audio"
        yield self.check(stage, "a_audio:mel_basis", mel.mel_filters(), 1e-5)
        for clip in self.golden.clips:
            yield from self.part(stage, clip, self._sound(stage, clip))
        for key in sorted(key for key in self.golden["a_audio"] if key.startswith("blink_random_seed")):
            seed, frames = (int(part) for part in key.removeprefix("blink_random_seed").split("_T"))
            yield self.check("blink", f"a_audio:{key}", blink.blink_ratio(frames, random.Random(seed)), 0, "absolute")

    def _sound(self, stage: str, clip: str) -> Iterator[Outcome]:
        stored, samples, name = self.golden["a_audio"], self.golden.wave(clip), f"a_audio:{clip}"
        frames = mel.frames_in(len(samples))
        spectrogram = mel.mel_spectrogram(samples)
        windows = mel.mel_windows(spectrogram, frames)
        yield self.check(stage, f"{name}.wav_samples", len(samples), 0, "absolute")
        yield self.check(stage, f"{name}.num_frames", frames, 0, "absolute")
        yield self.check(stage, f"{name}.used_samples", frames * mel.SAMPLES_PER_FRAME, 0, "absolute")
        yield self.check(stage, f"{name}.mel", spectrogram, 1e-5, "absolute")
        yield self.check(stage, f"{name}.window_start", mel.window_starts(frames), 0, "absolute")
        yield self.check(stage, f"{name}.windows_sum", windows.astype(np.float64).sum(axis=(1, 2)), 1e-5)
        some = windows[stored[f"{clip}.windows_some_frames"]]
        yield self.check(stage, f"{name}.windows_some", some, 1e-5, "absolute")

    def crop(self) -> Iterator[Outcome]:
        endings = (".image_wh", ".landmarks68", ".resize_wh", ".crop_xyxy", ".quad_xyxy")
        for case in self.golden["b0_face_crop"].stems(*endings):
            yield from self.part("face crop", case, self._crop(case))

    def _crop(self, case: str) -> Iterator[Outcome]:
        stage, stored, name = "face crop", self.golden["b0_face_crop"], f"b0_face_crop:{case}"
        width, height = (int(side) for side in stored[f"{case}.image_wh"])
        own = face_crop.face_crop((width, height), stored[f"{case}.landmarks68"])
        yield self.check(stage, f"{name}.resize_wh", own.working_size, 0, "absolute")
        yield self.check(stage, f"{name}.crop_xyxy", own.outer, 0, "absolute")
        yield self.check(stage, f"{name}.quad_xyxy", own.inner, 1e-9)

    def reconstruction(self) -> Iterator[Outcome]:
        stored = self.golden["b_recon"]
        yield self.check("alignment", "b_recon:lm3d_5", alignment.STANDARD_FIVE, 1e-6)
        yield from self.part("alignment", "lm3d_68", self._standard_face())
        for stem in stored.stems(".coeff257", ".packed73", ".landmarks_5_yup", ".trans_params_whstxty"):
            yield from self.part("reconstruction", f"{stem}.coeff257", self._coefficients(stem))
            yield from self.part("alignment", stem, self._alignment(stem))

    def _standard_face(self) -> Iterator[Outcome]:
        points = alignment.five_points(self.golden["b_recon"]["lm3d_68"])
        yield self.check("alignment", "b_recon:lm3d_5", points, 1e-6)

    def _coefficients(self, stem: str) -> Iterator[Outcome]:
        yield self.check("reconstruction", f"b_recon:{stem}.coeff257", self.reconstructed(stem), 1e-5)

    def _alignment(self, stem: str) -> Iterator[Outcome]:
        stage = "alignment"
        own, points = self.aligned(stem)
        yield self.check(stage, f"b_recon:{stem}.landmarks_5_yup", points, 1e-6)
        yield self.check(stage, f"b_recon:{stem}.trans_params_whstxty", own.parameters, 1e-4)
        aligned = self.golden.picture(f"{stem}_aligned224")
        yield Check(stage, f"{stem}_aligned224.png", "mean", error_between(own.picture, aligned, "mean"), 1.0)
        packed = coefficients.pack(self.reconstructed(stem), own.parameters)
        yield self.check("reconstruction", f"b_recon:{stem}.packed73", packed, 1e-5)

    def reconstructed(self, stem: str) -> Array:
        """Return our network's numbers (257,) of the stored aligned picture."""
        if stem not in self._reconstructed:
            aligned = to_tensor(self.golden.picture(f"{stem}_aligned224"))
            self._reconstructed[stem] = self.networks.reconstruction(aligned)[0].numpy()
        return self._reconstructed[stem]

    def aligned(self, stem: str) -> tuple[alignment.Alignment, Array]:
        """Return the picture aligned by us, and its five points (5, 2); ``NAME.fallback`` is one without a face."""
        crop = self.golden.crop(stem.removesuffix(".fallback"))
        if stem.endswith(".fallback"):
            points = alignment.five_points_without_face(len(crop))
        else:
            points = alignment.five_points_in_crop(self.golden["b_recon"][f"{stem}.landmarks68"], len(crop))
        return alignment.align(crop, points), points

    # --- audio to coefficients --------------------------------------------------------------------------------

    def _expression(self, clip: str) -> Array:
        if clip in self._expressions_of:
            return self._expressions_of[clip]
        stored = self.golden["c_audio2exp"]
        rest = torch.from_numpy(stored[f"{clip}.ref70"][None, coefficients.EXPRESSION])
        ratio = torch.from_numpy(stored[f"{clip}.ratio"])
        own = self._expressions_of[clip] = self.networks.expression(self.golden.mel_windows(clip), rest, ratio).numpy()
        return own

    def expression(self) -> Iterator[Outcome]:
        for clip in self.golden.clips:
            yield from self.part("audio to expression", clip, self._expressions(clip))

    def _expressions(self, clip: str) -> Iterator[Outcome]:
        stage, windows = "audio to expression", self.golden.mel_windows(clip)
        embedding = self.networks.expression.audio_encoder(windows[:4, None]).flatten(1)
        yield self.check(stage, f"c_audio2exp:{clip}.audio_embedding_frames0to3", embedding, 1e-5)
        yield self.check(stage, f"c_audio2exp:{clip}.exp", self._expression(clip), 1e-5)

    def pose(self) -> Iterator[Outcome]:
        stage, stored = "audio to pose", self.golden["d_audio2pose"]
        for stem in stored.stems(".z", ".pose_motion", ".pose_raw", ".pose_smoothed"):
            yield from self.part(stage, stem, self._pose(stem))
        for clip in stored.stems(".audio_embedding_frames1to3"):
            yield from self.part(stage, f"{clip}.audio_embedding_frames1to3", self._pose_embedding(clip))
        for clip in stored.stems(".coeff70_first_style"):
            yield from self.part(stage, f"{clip}.coeff70_first_style", self._driven(clip))
        if stored.stems(".result_clip0", ".coeff"):
            yield from self.part(stage, "refpose.result_clip0", self._reference_pose())

    def _pose(self, stem: str) -> Iterator[Outcome]:
        stage, name = "audio to pose", f"d_audio2pose:{stem}"
        windows = self.golden.mel_windows(stem.rsplit(".style", 1)[0])
        window = audio_to_pose.smoothing_window(len(windows))
        yield self.check(stage, f"{name}.savgol_window", window, 0, "absolute")
        noise = self.golden["d_audio2pose"][f"{stem}.z"]
        if audio_to_pose.noise_chunks(len(windows)) != len(noise):
            yield Check(stage, f"{stem}.z", "absolute", float("inf"), 0)
            return
        rest, motion = self._moved(stem)
        yield self.check(stage, f"{name}.pose_motion", motion, 1e-5)
        yield self.check(stage, f"{name}.pose_raw", rest + motion, 1e-5)
        yield self.check(stage, f"{name}.pose_smoothed", audio_to_pose.smooth_pose(rest + motion), 1e-5)

    def _moved(self, stem: str) -> tuple[Array, Array]:
        """Return the rest pose (6,) and our motion (n, 6) of ``CLIP.styleN``, with the stored noise."""
        if stem in self._motions:
            return self._motions[stem]
        stored = self.golden["d_audio2pose"]
        clip, style = stem.rsplit(".style", 1)
        rest, noise = stored[f"{clip}.ref6"], torch.from_numpy(stored[f"{stem}.z"])
        windows = self.golden.mel_windows(clip)
        motion = self.networks.pose(windows, torch.from_numpy(rest), int(style), noise).numpy()
        self._motions[stem] = rest, motion
        return rest, motion

    def _pose_embedding(self, clip: str) -> Iterator[Outcome]:
        embedding = self.networks.pose.embed(self.golden.mel_windows(clip)[1:4])
        yield self.check("audio to pose", f"d_audio2pose:{clip}.audio_embedding_frames1to3", embedding, 1e-5)

    def _driven(self, clip: str) -> Iterator[Outcome]:
        style = self.golden.first_style(clip)
        rest, motion = self._moved(f"{clip}.style{style}")
        own = np.hstack([self._expression(clip), audio_to_pose.smooth_pose(rest + motion)])
        yield self.check("audio to pose", f"d_audio2pose:{clip}.coeff70_first_style", own, 1e-5)

    def _reference_pose(self) -> Iterator[Outcome]:
        stored, clip = self.golden["d_audio2pose"], self.golden.main_clip
        reference = stored["refpose.coeff"][:, coefficients.POSE]
        own = stored[f"{clip}.coeff70_first_style"].copy()
        own[:, coefficients.POSE] = audio_to_pose.add_reference_pose(own[:, coefficients.POSE], reference)
        yield self.check("audio to pose", "d_audio2pose:refpose.result_clip0", own, 1e-5)

    # --- head motion ------------------------------------------------------------------------------------------

    def semantics(self) -> Iterator[Outcome]:
        endings = (".target_centre_sequence", ".target_windows_some", ".source_window_col0")
        for tag in self.golden["e_semantics"].stems(*endings):
            yield from self.part("semantics", tag, self._semantics(tag))
        yield from self.part("schedule", "yaw, pitch, roll", self._schedules())
        if self.golden["e_semantics"].stems(".target_shape", ".target_first_channel"):
            yield from self.part("semantics", "bs2", self._two_rows())

    def _main_motion(self) -> tuple[Array, Array]:
        """Return the stored coefficients of the main sound (n, 70) and of the main picture (73,)."""
        driven = self.golden["d_audio2pose"][f"{self.golden.main_clip}.coeff70_first_style"]
        return driven, self.golden["e_semantics"]["source73"]

    def _semantics(self, tag: str) -> Iterator[Outcome]:
        stage, name = "semantics", f"e_semantics:{tag}"
        layout, still, scale = read_tag(tag)
        driven, source = self._main_motion()
        sequence = semantics.target_sequence(driven, source, layout, expression_scale=scale, still=still)
        yield self.check(stage, f"{name}.target_centre_sequence", sequence, 1e-5)
        column = semantics.source_window(source, layout)[0, :, 0]
        yield self.check(stage, f"{name}.source_window_col0", column, 1e-5)
        some = semantics.windows(sequence)[self.golden["e_semantics"]["frames"]]
        yield self.check(stage, f"{name}.target_windows_some", some, 1e-5)

    def _schedules(self) -> Iterator[Outcome]:
        frames = len(self._main_motion()[0])
        for angle, stations in SCHEDULES.items():
            schedule = semantics.angle_schedule(stations, frames)
            yield self.check("schedule", f"e_semantics:{angle}_schedule_bs1", schedule[None], 1e-5)

    def _two_rows(self) -> Iterator[Outcome]:
        """Check a batch of two rows: the original cuts the clip into padded rows, here it stays one sequence."""
        sequence = semantics.target_sequence(*self._main_motion(), CoefficientLayout.DRIVEN)
        padded = np.concatenate([sequence, sequence[-1:].repeat(len(sequence) % 2, axis=0)])
        windows = semantics.windows(padded).reshape(2, len(padded) // 2, -1, semantics.MAPPING_WINDOW_FRAMES)
        centres = windows[:, :, 0, semantics.RADIUS_FRAMES]
        schedule = semantics.angle_schedule(SCHEDULES["yaw"], len(padded)).reshape(2, -1)
        yield self.check("semantics", "e_semantics:bs2.target_shape", windows.shape, 0, "absolute")
        yield self.check("semantics", "e_semantics:bs2.target_first_channel", centres, 1e-5)
        yield self.check("schedule", "e_semantics:bs2.yaw", schedule, 1e-5)

    def map(self) -> Iterator[Outcome]:
        for tag in self.golden["f_mapping"].stems(".input", ".yaw", ".t", ".exp", ".yaw_degrees", ".rotation"):
            yield from self.part("mapping", tag, self._mapped(tag))
            yield from self.part("keypoint transform", f"{tag}.rotation", self._rotation(tag))

    def _mapped(self, tag: str) -> Iterator[Outcome]:
        stage, name = "mapping", f"f_mapping:{tag}"
        mapped = self.mapping[read_tag(tag)[0]](torch.from_numpy(self.golden["f_mapping"][f"{tag}.input"]))
        for angle in ("yaw", "pitch", "roll"):
            logits = getattr(mapped, angle)
            yield self.check(stage, f"{name}.{angle}", logits, 1e-5)
            degrees = keypoint_transform.degrees_of(logits)
            yield self.check(stage, f"{name}.{angle}_degrees", degrees, 1e-3, "absolute")
        yield self.check(stage, f"{name}.t", mapped.translation, 1e-5)
        yield self.check(stage, f"{name}.exp", mapped.expression, 1e-5)

    def _rotation(self, tag: str) -> Iterator[Outcome]:
        rotation = keypoint_transform.rotation_matrices(self.stored_motion(tag).degrees)
        yield self.check("keypoint transform", f"f_mapping:{tag}.rotation", rotation, 1e-6)

    def keypoints(self) -> Iterator[Outcome]:
        for name in self.golden["g_keypoints"].stems(".kp", ".input64", ".feature_sub"):
            yield from self.part("keypoints", name, self._keypoints(name))

    def _keypoints(self, name: str) -> Iterator[Outcome]:
        stage, network, stored = "keypoints", self.networks.keypoints, self.golden["g_keypoints"]
        picture = to_tensor(self.golden.crop(name))
        yield self.check(stage, f"g_keypoints:{name}.kp", network(picture)[0], 5e-5)
        if name == self.golden.main_picture or {f"{name}.input64", f"{name}.feature_sub"} & stored.keys():
            small = network.down(picture)
            feature = network.predictor(small)[0, :, ::5, ::8, ::8]
            yield self.check(stage, f"g_keypoints:{name}.input64", small[0], 5e-5)
            yield self.check(stage, f"g_keypoints:{name}.feature_sub", feature, 5e-5)

    def transform(self) -> Iterator[Outcome]:
        for key in sorted(key for key in self.golden["h_keypoint_transform"] if key != "rows"):
            yield from self.part("keypoint transform", key, self._transformed(key))

    def _transformed(self, key: str) -> Iterator[Outcome]:
        canonical = torch.from_numpy(self.golden["g_keypoints"][f"{self.golden.main_picture}.kp"])
        tag, given = key.split(".kp_transformed")
        motion = self.stored_motion(tag)
        degrees = motion.degrees.clone()
        for column, angle in enumerate(("yaw", "pitch", "roll")):
            degrees[:, column] = given_degrees(given).get(angle, degrees[:, column])
        own = keypoint_transform.transform_keypoints(
            canonical, HeadMotion(degrees, motion.translation, motion.expression)
        )
        yield self.check("keypoint transform", f"h_keypoint_transform:{key}", own, 1e-6)
