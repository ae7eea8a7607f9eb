"""The parity of the pictures: the generator in both forms, from stored keypoints and end to end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np
import torch

from benchmarks.golden import Array, Check, Drawn, Outcome, Skipped, error_between
from benchmarks.parity_motion import MotionStages
from talking_head.engines.face.sadtalker import coefficients, keypoint_transform, semantics
from talking_head.engines.face.sadtalker.coefficients import CoefficientLayout
from talking_head.engines.face.sadtalker.fast.generator import FastGenerator
from talking_head.engines.face.sadtalker.networks import audio_to_pose, dense_motion
from talking_head.engines.face.sadtalker.networks.generator import Generator
from talking_head.engines.face.sadtalker.source import to_tensor


class PictureStages(MotionStages):
    """The stages of the pictures: ``form`` is plain (the networks as published) or fast (as the engine draws)."""

    def generator(self, form: str, only: Collection[str] | None = None) -> Iterator[Outcome]:
        """Check the stored frames, or only those of that name, from the stored keypoints."""
        stage, stored = f"generator ({form})", self.golden["i_generator"]
        for stem in stored.stems(".prediction", ".deformation", ".occlusion", ".kp_driving"):
            if only is None or stem in only:
                yield from self.part(stage, stem, self._drawn(form, stem))

    def _drawn(self, form: str, stem: str) -> Iterator[Outcome]:
        stage, name, stored = f"generator ({form})", f"i_generator:{stem}", self.golden["i_generator"]
        parsed = Drawn.parse(stem)
        picture = parsed.picture or self.golden.main_picture
        pixels = to_tensor(self.golden.crop(picture))
        source, driving = (torch.from_numpy(stored[f"{stem}.kp_{which}"])[None] for which in ("source", "driving"))
        inside = self._is_inside_stored(parsed) and form == "plain"
        with _watched(self.networks.generator if inside else None) as tensors:
            own, motion = self._drawing(form)(pixels, source, driving)
        yield self.check(stage, f"{name}.prediction", own, 5e-4)
        yield self.check(stage, f"{name}.prediction", own, 2e-4, "rms")
        deformation, is_stored = motion.deformation[0], f"{stem}.deformation" in stored
        if is_stored and self.golden.shape("i_generator", f"{stem}.deformation")[0] < len(deformation):
            deformation = deformation[::5, ::4, ::4]
        yield self.check(stage, f"{name}.deformation", deformation, 1e-4, "absolute")
        yield self.check(stage, f"{name}.occlusion", motion.occlusion[0, 0], 1e-4, "absolute")
        if self._is_inside_stored(parsed):
            levels = np.rint(own.numpy() * 255).transpose(1, 2, 0)
            yield self.check(stage, f"i_generator:{parsed.row}.uint8", levels, 1, "absolute")
            file = f"out_{picture}_{parsed.row}"
            yield from self.part(stage, f"{file}.png", self._shown(stage, file, levels))
        if inside:
            yield from self._inside(parsed.row, tensors, self.networks.generator.encode(pixels), motion.mask_logits)

    def _is_inside_stored(self, drawn: Drawn) -> bool:
        """Return whether maps inside the generator are stored for this frame."""
        plain = drawn.tag == "crop" and drawn.picture is None and not drawn.given
        return plain and any(key.startswith(f"{drawn.row}.") for key in self.golden["i_generator"])

    def _shown(self, stage: str, file: str, levels: Array) -> Iterator[Outcome]:
        yield Check(stage, f"{file}.png", "absolute", error_between(levels, self.golden.picture(file), "absolute"), 1)

    def _inside(
        self, row: str, tensors: dict[str, torch.Tensor], volume: torch.Tensor, mask_logits: torch.Tensor
    ) -> Iterator[Outcome]:
        """Check maps inside the plain generator, to find where a difference begins."""
        mask = torch.softmax(mask_logits, dim=1)[0]
        maps = {
            "first_sub": tensors["first"][::8, ::16, ::16],
            "feature3d_sub": volume[0, :, ::5, ::8, ::8],
            f"{row}.mask_logits_sub": mask_logits[0, :, ::5, ::8, ::8],
            f"{row}.mask_sub": mask[:, ::5, ::4, ::4],
            f"{row}.warped_sub": tensors["third.input"][0, ::16, ::4, ::4],
            f"{row}.decoder_in_sub": tensors["fc.input"][0, ::8, ::4, ::4],
            f"{row}.fc_sub": tensors["fc"][::16, ::4, ::4],
            f"{row}.gm0_sub": tensors["gm0"][::16, ::4, ::4],
            f"{row}.gm5_sub": tensors["gm5"][::16, ::4, ::4],
            f"{row}.up0_sub": tensors["up0"][::16, ::8, ::8],
        }
        for key, own in maps.items():
            yield self.check("generator, inside", f"i_generator:{key}", own, 1e-4)

    def end_to_end(self, form: str) -> Iterator[Outcome]:
        """Check from the wave, the aligned picture and the crop; only the blinks and the noise are the stored ones."""
        yield from self.part(f"end to end ({form})", "predictions", self._end_to_end(form))

    def _end_to_end(self, form: str) -> Iterator[Outcome]:
        stage, draw = f"end to end ({form})", self._drawing(form)
        picture = to_tensor(self.golden.crop(self.golden.main_picture))
        for row, source, driving in self._own_keypoints():
            if f"crop.{row}.prediction" not in self.golden["i_generator"]:
                yield Skipped(stage, f"crop.{row}.prediction", "i_generator.npz does not hold it")
                continue
            own, _ = draw(picture, source, driving)
            yield self.check(stage, f"i_generator:crop.{row}.prediction", own, 1e-2)
            yield self.check(stage, f"i_generator:crop.{row}.prediction", own, 1e-3, "rms")

    def end_to_end_keypoints(self) -> Iterator[Outcome]:
        """Check from the wave, the aligned picture and the crop to the keypoints of both pictures, without drawing."""
        yield from self.part("end to end, keypoints", "keypoints", self._end_to_end_keypoints())

    def _end_to_end_keypoints(self) -> Iterator[Outcome]:
        for row, source, driving in self._own_keypoints():
            yield self.check("end to end, keypoints", f"i_generator:crop.{row}.kp_source", source[0], 5e-5)
            yield self.check("end to end, keypoints", f"i_generator:crop.{row}.kp_driving", driving[0], 5e-5)

    def _own_keypoints(self) -> Iterator[tuple[str, torch.Tensor, torch.Tensor]]:
        """Yield the row's name and both sets of keypoints (1, 15, 3) of each stored frame of the main chain."""
        rows = self.golden["f_mapping"]["rows"].tolist()[1:]
        source, driven = self._own_motion()
        sequence = semantics.target_sequence(driven, source, CoefficientLayout.DRIVEN)
        canonical = self.networks.keypoints(to_tensor(self.golden.crop(self.golden.main_picture)))[0]
        mapping = self.mapping[CoefficientLayout.DRIVEN]
        for row in rows:
            frame = int(row.removeprefix("frame"))
            still = semantics.source_window(source, CoefficientLayout.DRIVEN)
            both = [still, semantics.windows(sequence)[frame : frame + 1]]
            turned = [
                keypoint_transform.transform_keypoints(
                    canonical, keypoint_transform.head_motion(mapping(torch.from_numpy(window)))
                )
                for window in both
            ]
            yield row, turned[0], turned[1]

    def _own_motion(self) -> tuple[Array, Array]:
        """Return our coefficients of the main picture (73,) and of its movements with the main sound (n, 70)."""
        picture, clip = self.golden.main_picture, self.golden.main_clip
        style, windows = self.golden.first_style(clip), self.golden.mel_windows(clip)
        alignment, _ = self.aligned(picture)
        source = coefficients.pack(self.reconstructed(picture), alignment.parameters)
        rest = source[coefficients.POSE]
        noise = torch.from_numpy(self.golden["d_audio2pose"][f"{clip}.style{style}.z"])
        ratio = torch.from_numpy(self.golden["c_audio2exp"][f"{clip}.ratio"])
        expression = self.networks.expression(windows, torch.from_numpy(source[None, coefficients.EXPRESSION]), ratio)
        motion = self.networks.pose(windows, torch.from_numpy(rest), style, noise).numpy()
        return source, np.hstack([expression.numpy(), audio_to_pose.smooth_pose(rest + motion)])

    def generator_512(self, form: str) -> Iterator[Outcome]:
        """Check the same weights on a picture of twice the size, from keypoints that are computed here."""
        stage, stored = f"generator 512 ({form})", self.golden["j_generator512"]
        stems = stored.stems(".prediction")
        if not stems:
            yield Skipped(stage, "predictions", "j_generator512.npz holds none")
        for stem in stems:
            yield from self.part(stage, stem, self._large(form, stem))

    def _large(self, form: str, stem: str) -> Iterator[Outcome]:
        stage, drawn = f"generator 512 ({form})", Drawn.parse(stem)
        rows = self.golden["f_mapping"]["rows"].tolist()
        picture = to_tensor(self.golden.picture(drawn.picture or f"{self.golden.main_picture}_512"))
        canonical = self.networks.keypoints(picture)[0]
        turned = keypoint_transform.transform_keypoints(canonical, self.stored_motion(drawn.tag))
        own, moved = self._drawing(form)(picture, turned[:1], turned[rows.index(drawn.row)][None])
        yield self.check(stage, f"j_generator512:{stem}.prediction", own, 2e-3)
        yield self.check(stage, f"j_generator512:{stem}.prediction", own, 2e-3, "rms")
        occlusion, deformation = moved.occlusion[0, 0, ::4, ::4], moved.deformation[0, ::5, ::8, ::8]
        yield self.check(stage, "j_generator512:occlusion_sub", occlusion, 1e-4, "absolute")
        yield self.check(stage, "j_generator512:deformation_sub", deformation, 1e-4, "absolute")

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


@contextmanager
def _watched(network: Generator | None) -> Iterator[dict[str, torch.Tensor]]:
    """Record what goes through some layers of the plain generator; nothing when there is none."""
    tensors: dict[str, torch.Tensor] = {}

    def recorder(name: str) -> Callable[..., None]:
        def record(_module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
            tensors[name], tensors[f"{name}.input"] = output[0], inputs[0]

        return record

    layers: dict[str, torch.nn.Module] = {}
    if network is not None:
        layers = {"first": network.first, "third": network.third, "fc": network.decoder.fc, "up0": network.decoder.up_0}
        layers |= {f"gm{i}": network.decoder.get_submodule(f"G_middle_{i}") for i in (0, 5)}
    handles = [layer.register_forward_hook(recorder(name)) for name, layer in layers.items()]
    try:
        yield tensors
    finally:
        for handle in handles:
            handle.remove()
