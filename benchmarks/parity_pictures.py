"""The parity of the pictures: the generator in both forms, from stored keypoints and end to end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np
import torch

from benchmarks.golden import MAIN_CLIP, MAIN_PICTURE, Check, Stages, error_between
from talking_head.engines.face.sadtalker import coefficients, keypoint_transform, semantics
from talking_head.engines.face.sadtalker.coefficients import CoefficientLayout
from talking_head.engines.face.sadtalker.face import alignment
from talking_head.engines.face.sadtalker.fast.generator import FastGenerator
from talking_head.engines.face.sadtalker.networks import audio_to_pose, dense_motion
from talking_head.engines.face.sadtalker.source import to_tensor


class PictureStages(Stages):
    """The stages of the pictures: ``form`` is plain (the networks as published) or fast (as the engine draws)."""

    def generator(self, form: str) -> Iterator[Check]:
        stage, stored = f"generator ({form})", self.golden["i_generator"]
        draw = self._drawing(form)
        for stem in sorted(key.removesuffix(".prediction") for key in stored if key.endswith(".prediction")):
            parts = stem.split(".")
            picture = next((part for part in parts if self.golden.has_picture(f"{part}_256")), MAIN_PICTURE)
            kp_source, kp_driving = (
                torch.from_numpy(stored[f"{stem}.kp_{which}"])[None] for which in ("source", "driving")
            )
            own, motion = draw(to_tensor(self.picture(picture)), kp_source, kp_driving)
            name = f"i_generator:{stem}"
            yield self.check(stage, f"{name}.prediction", own, 5e-4)
            yield self.check(stage, f"{name}.prediction", own, 2e-4, "rms")
            if f"{stem}.deformation" in stored:
                deformation = motion.deformation[0]
                if len(stored[f"{stem}.deformation"]) < len(deformation):
                    deformation = deformation[::5, ::4, ::4]
                yield self.check(stage, f"{name}.deformation", deformation, 1e-4, "absolute")
                yield self.check(stage, f"{name}.occlusion", motion.occlusion[0, 0], 1e-4, "absolute")
            if stem == "crop.frame0":
                levels = np.rint(own.numpy() * 255)
                yield self.check(stage, "i_generator:frame0.uint8", levels.transpose(1, 2, 0), 1, "absolute")
                drawn = self.golden.picture(f"out_{MAIN_PICTURE}_frame0")
                error = error_between(levels.transpose(1, 2, 0), drawn, "absolute")
                yield Check(stage, f"out_{MAIN_PICTURE}_frame0.png", "absolute", error, 1)
                if form == "plain":
                    yield from self._inside(to_tensor(self.picture(picture)), kp_source, kp_driving)

    def _inside(self, picture: torch.Tensor, kp_source: torch.Tensor, kp_driving: torch.Tensor) -> Iterator[Check]:
        """Check maps inside the plain generator, to find where a difference begins."""
        network, tensors = self.networks.generator, {}
        watched = {"first": network.first, "fc": network.decoder.fc, "up0": network.decoder.up_0}
        watched |= {f"gm{i}": network.decoder.get_submodule(f"G_middle_{i}") for i in (0, 5)}

        def recorder(name: str) -> Callable[..., None]:
            def record(_module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
                tensors[name], tensors[f"{name}.input"] = output[0], inputs[0]

            return record

        handles = [module.register_forward_hook(recorder(name)) for name, module in watched.items()]
        handles.append(network.third.register_forward_hook(recorder("third")))
        motion = network(picture, kp_source, kp_driving).motion
        for handle in handles:
            handle.remove()
        mask = torch.softmax(motion.mask_logits, dim=1)[0]
        maps = {
            "first_sub": tensors["first"][::8, ::16, ::16],
            "feature3d_sub": network.encode(picture)[0, :, ::5, ::8, ::8],
            "frame0.mask_logits_sub": motion.mask_logits[0, :, ::5, ::8, ::8],
            "frame0.mask_sub": mask[:, ::5, ::4, ::4],
            "frame0.warped_sub": tensors["third.input"][0, ::16, ::4, ::4],
            "frame0.decoder_in_sub": tensors["fc.input"][0, ::8, ::4, ::4],
            "frame0.fc_sub": tensors["fc"][::16, ::4, ::4],
            "frame0.gm0_sub": tensors["gm0"][::16, ::4, ::4],
            "frame0.gm5_sub": tensors["gm5"][::16, ::4, ::4],
            "frame0.up0_sub": tensors["up0"][::16, ::8, ::8],
        }
        for key in sorted(maps.keys() & self.golden["i_generator"].keys()):
            yield self.check("generator, inside", f"i_generator:{key}", maps[key], 1e-4)

    def end_to_end(self, form: str) -> Iterator[Check]:
        """Check from the wave, the aligned picture and the crop; only the blinks and the noise are the stored ones."""
        stage, rows = f"end to end ({form})", self.golden["f_mapping"]["rows"].tolist()
        source = self.golden["b_recon"][f"{MAIN_PICTURE}.packed73"]
        aligned = to_tensor(self.golden.picture(f"{MAIN_PICTURE}_aligned224"))
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
        sequence = semantics.target_sequence(driven, source, CoefficientLayout.DRIVEN)
        picture = to_tensor(crop)
        canonical = self.networks.keypoints(picture)[0]
        draw, mapping = self._drawing(form), self.mapping[CoefficientLayout.DRIVEN]
        for row in rows[1:]:
            frame = int(row.removeprefix("frame"))
            both = np.concatenate(
                [
                    semantics.source_window(source, CoefficientLayout.DRIVEN),
                    semantics.windows(sequence)[frame : frame + 1],
                ]
            )
            turned = [
                keypoint_transform.transform_keypoints(
                    canonical, keypoint_transform.head_motion(mapping(torch.from_numpy(window[None])))
                )
                for window in both
            ]
            own, _ = draw(picture, *turned)
            yield self.check(stage, f"i_generator:crop.{row}.prediction", own, 1e-2)
            yield self.check(stage, f"i_generator:crop.{row}.prediction", own, 1e-3, "rms")

    def generator_512(self, form: str) -> Iterator[Check]:
        """Check the same weights on a picture of twice the size, from keypoints that are computed here."""
        stage, stored = f"generator 512 ({form})", self.golden["j_generator512"]
        rows = self.golden["f_mapping"]["rows"].tolist()
        for key in sorted(key for key in stored if key.endswith(".prediction")):
            tag, picture_name, row, _ = key.split(".")
            picture = to_tensor(self.golden.picture(picture_name))
            canonical = self.networks.keypoints(picture)[0]
            turned = keypoint_transform.transform_keypoints(canonical, self.stored_motion(tag))
            own, moved = self._drawing(form)(picture, turned[:1], turned[rows.index(row)][None])
            yield self.check(stage, f"j_generator512:{key}", own, 2e-3)
            yield self.check(stage, f"j_generator512:{key}", own, 2e-3, "rms")
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
