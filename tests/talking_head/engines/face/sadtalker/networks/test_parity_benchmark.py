"""``benchmarks/parity.py`` passes on numbers that are right and fails on numbers that are not.

The golden folder is made here with the narrow networks, in the format of the real one: this tests the comparison.
Equality with the original is shown by running the benchmark on the real golden folder.
"""

from __future__ import annotations

import random
import shutil
import sys
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import golden, golden_sample, parity, parity_stages
from talking_head.engines.face.sadtalker import blink, coefficients, mel, semantics
from talking_head.engines.face.sadtalker.checkpoints import FACE_256, MAPPING_FILES
from talking_head.engines.face.sadtalker.coefficients import CoefficientLayout
from talking_head.engines.face.sadtalker.face import alignment, face_crop
from talking_head.engines.face.sadtalker.keypoint_transform import (
    HeadMotion,
    head_motion,
    rotation_matrices,
    transform_keypoints,
)
from talking_head.engines.face.sadtalker.networks import audio_to_pose, load
from talking_head.engines.face.sadtalker.source import to_tensor
from tests.talking_head.engines.face.sadtalker.networks.stand_in_weights import TINY

Arrays = dict[str, Any]


def landmarks(size: int) -> np.ndarray:
    points = np.random.default_rng(4).uniform(0.2, 0.8, (68, 2)) * size
    points[36:42], points[42:48] = (0.35 * size, 0.4 * size), (0.65 * size, 0.4 * size)
    points[30], points[48], points[54] = (0.5 * size, 0.55 * size), (0.4 * size, 0.7 * size), (0.6 * size, 0.7 * size)
    return points


def audio_arrays(samples: np.ndarray) -> tuple[Arrays, torch.Tensor]:
    frames, spectrogram = mel.frames_in(len(samples)), mel.mel_spectrogram(samples)
    windows = mel.mel_windows(spectrogram, frames)
    name = "speech_a"
    arrays = {
        "mel_basis": mel.mel_filters(),
        "blink_random_seed0_T70": blink.blink_ratio(70, random.Random(0)),
        f"{name}.num_frames": frames,
        f"{name}.used_samples": frames * 640,
        f"{name}.mel": spectrogram,
        f"{name}.window_start": mel.window_starts(frames),
        f"{name}.windows_some": windows[:3],
        f"{name}.windows_some_frames": np.arange(3),
        f"{name}.windows_sum": windows.astype(np.float64).sum(axis=(1, 2)),
    }
    return arrays, torch.from_numpy(windows)


@pytest.fixture(scope="module")
def golden_dir(checkpoints_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("golden")
    with torch.inference_mode():
        write_golden(folder, checkpoints_dir)
    return folder


def write_golden(folder: Path, checkpoints_dir: Path) -> None:
    """One clip of 15 frames, one picture, one frame, every kind of array."""
    (folder / "images").mkdir()
    (folder / "audio").mkdir()
    nets = load.load_networks(checkpoints_dir / FACE_256.name, TINY)
    mappings = {
        layout: load.load_mapping_net(checkpoints_dir / file.name, layout, TINY)
        for layout, file in MAPPING_FILES.items()
    }
    noise = np.random.default_rng(0)

    def save(name: str, arrays: Arrays) -> None:
        entries: Arrays = {key: np.asarray(value) for key, value in arrays.items()}
        np.savez(folder / f"{name}.npz", **entries)

    levels = (noise.normal(0, 0.2, 15 * 640 + 99).clip(-1, 1) * 32767).astype("<i2")
    with wave.open(str(folder / "audio" / "speech_a.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(levels.tobytes())
    arrays, windows = audio_arrays(levels.astype(np.float32) / 32768)
    save("a_audio", arrays)

    crop = face_crop.face_crop((300, 260), landmarks(250))
    save(
        "b0_face_crop",
        {
            "case0.image_wh": (300, 260),
            "case0.landmarks68": landmarks(250),
            "case0.resize_wh": crop.working_size,
            "case0.crop_xyxy": crop.outer,
            "case0.quad_xyxy": crop.inner,
        },
    )

    picture = noise.integers(0, 256, (256, 256, 3), np.uint8)
    large = noise.integers(0, 256, (512, 512, 3), np.uint8)
    Image.fromarray(picture).save(folder / "images" / "art_1_256.png")
    Image.fromarray(large).save(folder / "images" / "art_1_512.png")
    points = alignment.five_points_in_crop(landmarks(256), 256)
    aligned = alignment.align(picture, points)
    Image.fromarray(aligned.picture).save(folder / "images" / "art_1_aligned224.png")
    reconstructed = nets.reconstruction(to_tensor(aligned.picture))[0].numpy()
    source = coefficients.pack(reconstructed, aligned.parameters)
    standard = np.zeros((68, 3))
    standard[[36, 39]], standard[[42, 45]] = alignment.STANDARD_FIVE[:2]
    standard[[30, 48, 54]] = alignment.STANDARD_FIVE[2:]
    save(
        "b_recon",
        {
            "lm3d_5": alignment.STANDARD_FIVE,
            "lm3d_68": standard,
            "art_1.landmarks68": landmarks(256),
            "art_1.landmarks_5_yup": points,
            "art_1.trans_params_whstxty": aligned.parameters,
            "art_1.coeff257": reconstructed,
            "art_1.packed73": source,
        },
    )

    ratio = noise.random(15, np.float32)
    expression = nets.expression(windows, torch.from_numpy(source[None, :64]), torch.from_numpy(ratio)).numpy()
    save(
        "c_audio2exp",
        {
            "speech_a.ref70": source[:70],
            "speech_a.ratio": ratio,
            "speech_a.exp": expression,
            "speech_a.audio_embedding_frames0to3": nets.expression.audio_encoder(windows[:4, None]).flatten(1),
        },
    )

    z, rest = noise.normal(size=(1, 64)).astype(np.float32), source[64:70]
    moved = nets.pose(windows, torch.from_numpy(rest), 0, torch.from_numpy(z)).numpy()
    smoothed = audio_to_pose.smooth_pose(rest + moved)
    driven, reference = np.hstack([expression, smoothed]), noise.random((4, 73), np.float32)
    followed = driven.copy()
    followed[:, 64:] = audio_to_pose.add_reference_pose(smoothed, reference[:, 64:70])
    save(
        "d_audio2pose",
        {
            "speech_a.style0.z": z,
            "speech_a.style0.pose_motion": moved,
            "speech_a.style0.pose_raw": rest + moved,
            "speech_a.style0.pose_smoothed": smoothed,
            "speech_a.style0.savgol_window": 13,
            "speech_a.ref6": rest,
            "speech_a.audio_embedding_frames1to3": nets.pose.embed(windows[1:4]),
            "speech_a.coeff70_first_style": driven,
            "refpose.coeff": reference,
            "refpose.result_clip0": followed,
        },
    )

    semantic: Arrays = {"frames": np.array([0, 7]), "source73": source}
    mapped: Arrays = {"rows": np.array(["source", "frame0", "frame7"])}
    motions = {}
    for tag, layout in (("crop", CoefficientLayout.DRIVEN), ("full_still_scale1.3", CoefficientLayout.WITH_CROP)):
        scale, still = (1.3, True) if "still" in tag else (1.0, False)
        sequence = semantics.target_sequence(driven, source, layout, expression_scale=scale, still=still)
        some = semantics.windows(sequence)[[0, 7]]
        column = semantics.source_window(source, layout)
        semantic |= {
            f"{tag}.target_centre_sequence": sequence,
            f"{tag}.target_windows_some": some,
            f"{tag}.source_window_col0": column[0, :, 0],
        }
        rows = np.concatenate([column, some])
        out = mappings[layout](torch.from_numpy(rows))
        motions[tag] = head_motion(out)
        mapped |= {f"{tag}.input": rows, f"{tag}.t": out.translation, f"{tag}.exp": out.expression}
        for index, angle in enumerate(("yaw", "pitch", "roll")):
            mapped |= {f"{tag}.{angle}": getattr(out, angle), f"{tag}.{angle}_degrees": motions[tag].degrees[:, index]}
        mapped[f"{tag}.rotation"] = rotation_matrices(motions[tag].degrees)
    for angle, stations in (("yaw", (-20, 30, 10)), ("pitch", (15,)), ("roll", (0, -25))):
        semantic[f"{angle}_schedule_bs1"] = semantics.angle_schedule(stations, 15)[None]
    save("e_semantics", semantic)
    save("f_mapping", mapped)

    canonical = nets.keypoints(to_tensor(picture))[0]
    canonical_large = nets.keypoints(to_tensor(large))[0]
    small = nets.keypoints.down(to_tensor(picture))
    save(
        "g_keypoints",
        {
            "art_1.kp": canonical,
            "art_1_512.kp": canonical_large,
            "art_1.input64": small[0],
            "art_1.feature_sub": nets.keypoints.predictor(small)[0, :, ::5, ::8, ::8],
        },
    )

    turned = transform_keypoints(canonical, motions["crop"])
    given = HeadMotion(torch.tensor([[15.0, -10.0, 5.0]] * 3), motions["crop"].translation, motions["crop"].expression)
    save(
        "h_keypoint_transform",
        {
            "crop.kp_transformed": turned,
            "crop.kp_transformed_yaw15_pitch-10_roll5": transform_keypoints(canonical, given),
            "rows": mapped["rows"],
        },
    )

    frame = nets.generator(to_tensor(picture), turned[:1], turned[1:2])
    later = nets.generator(to_tensor(picture), turned[:1], turned[2:])
    drawn = np.rint(frame.picture[0].numpy() * 255).astype(np.uint8).transpose(1, 2, 0)
    Image.fromarray(drawn).save(folder / "images" / "out_art_1_frame0.png")
    inside: Arrays = {}
    handle = nets.generator.decoder.fc.register_forward_hook(lambda _m, i, o: inside.update(before=i[0], after=o))
    nets.generator(to_tensor(picture), turned[:1], turned[1:2])
    handle.remove()
    generated: Arrays = {
        "frame0.uint8": drawn,
        "feature3d_sub": nets.generator.encode(to_tensor(picture))[0, :, ::5, ::8, ::8],
        "frame0.mask_sub": torch.softmax(frame.motion.mask_logits, dim=1)[0, :, ::5, ::4, ::4],
        "frame0.mask_logits_sub": frame.motion.mask_logits[0, :, ::5, ::8, ::8],
        "frame0.decoder_in_sub": inside["before"][0, ::8, ::4, ::4],
        "frame0.fc_sub": inside["after"][0, ::16, ::4, ::4],
    }
    for name, row, result in (("frame0", 1, frame), ("frame7", 2, later)):
        step = 1 if row == 1 else 4
        generated |= {
            f"crop.{name}.prediction": result.picture[0],
            f"crop.{name}.occlusion": result.motion.occlusion[0, 0],
            f"crop.{name}.deformation": result.motion.deformation[0, :: 1 if row == 1 else 5, ::step, ::step],
            f"crop.{name}.kp_source": turned[0],
            f"crop.{name}.kp_driving": turned[row],
        }
    save("i_generator", generated)
    save("j_generator512", {})


def compare(checkpoints_dir: Path, golden_dir: Path, *forms: str) -> list[golden.Outcome]:
    """Compare everything before the generator, and its frames in these forms (seconds each)."""
    with torch.inference_mode():
        networks, mapping = parity_stages.load_all(checkpoints_dir, TINY)
        return list(parity.Comparison(golden.Golden(golden_dir), networks, mapping).run(list(forms)))


def checks_of(outcomes: list[golden.Outcome]) -> list[golden.Check]:
    return [outcome for outcome in outcomes if isinstance(outcome, golden.Check)]


def skipped_of(outcomes: list[golden.Outcome]) -> set[str]:
    return {outcome.array for outcome in outcomes if isinstance(outcome, golden.Skipped)}


@pytest.fixture(scope="module")
def complete(checkpoints_dir: Path, golden_dir: Path) -> list[golden.Outcome]:
    return compare(checkpoints_dir, golden_dir, "plain", "fast")


def test_right_numbers_pass_in_every_stage(complete: list[golden.Outcome]) -> None:
    assert [check.array for check in checks_of(complete) if not check.passed] == []
    assert skipped_of(complete) == {
        *("speech_a.wav_samples", "first_sub", "frame0.warped_sub", "frame0.gm0_sub", "frame0.gm5_sub"),
        *(
            "frame0.up0_sub",
            "predictions",
            "j_generator512.npz",
        ),  # what this small folder has not got; no frame of twice the size
    }


def renamed(folder: Path, out: Path, names: dict[str, str]) -> None:
    """Copy a golden folder, giving its pictures and sounds other names."""

    def other(name: str) -> str:
        for old, new in names.items():
            name = name.replace(old, new)
        return name

    for path in folder.rglob("*.*"):
        copy = out / path.relative_to(folder).with_name(other(path.name))
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".npz":
            with np.load(path) as file:
                arrays: Arrays = {other(key): file[key] for key in file.files}
            np.savez(copy, **arrays)
        else:
            shutil.copy(path, copy)


def test_pictures_and_sounds_may_have_any_names(
    checkpoints_dir: Path, golden_dir: Path, complete: list[golden.Outcome], tmp_path: Path
) -> None:
    names = {"art_1": "frame_of.Ada", "speech_a": "talk.style 2"}
    renamed(golden_dir, tmp_path / "golden", names)

    outcomes = checks_of(compare(checkpoints_dir, tmp_path / "golden", "plain"))

    assert [check.array for check in outcomes if not check.passed] == []
    assert len(outcomes) == len([check for check in checks_of(complete) if "(fast)" not in check.stage])


def without(folder: Path, out: Path, keys: dict[str, list[str]]) -> None:
    """Copy a golden folder without these arrays of each file; without the whole file, where none is named."""
    shutil.copytree(folder, out)
    for file, gone in keys.items():
        path = out / f"{file}.npz"
        with np.load(path) as stored:
            arrays: Arrays = {key: stored[key] for key in stored.files if key not in gone}
        path.unlink()
        if gone:
            np.savez(path, **arrays)


MISSING: dict[str, dict[str, list[str]]] = {
    "results": {
        "a_audio": ["mel_basis", "speech_a.mel"],
        "b_recon": ["art_1.coeff257", "art_1.trans_params_whstxty"],
        "c_audio2exp": ["speech_a.audio_embedding_frames0to3"],
        "e_semantics": ["yaw_schedule_bs1", "crop.source_window_col0"],
        "f_mapping": ["crop.rotation", "full_still_scale1.3.yaw"],
        "g_keypoints": ["art_1.input64"],
        "i_generator": ["crop.frame0.deformation", "frame0.uint8", "frame0.fc_sub"],
    },
    "inputs": {
        "a_audio": ["speech_a.windows_some_frames"],
        "b_recon": ["lm3d_68", "art_1.landmarks68"],
        "c_audio2exp": ["speech_a.ratio"],
        "d_audio2pose": ["speech_a.style0.z", "refpose.coeff"],
        "e_semantics": ["frames"],
        "f_mapping": ["crop.input"],
        "g_keypoints": ["art_1.kp"],
        "i_generator": ["crop.frame7.kp_driving"],
    },
    "the files of the beginning": {name: [] for name in ("a_audio", "b0_face_crop", "b_recon", "c_audio2exp")},
    "the files of the end": {name: [] for name in parity.FILES[4:]},
}


@pytest.mark.parametrize("case", MISSING)
def test_what_is_missing_is_skipped_and_said(
    checkpoints_dir: Path, golden_dir: Path, complete: list[golden.Outcome], tmp_path: Path, case: str
) -> None:
    without(golden_dir, tmp_path / "golden", MISSING[case])

    outcomes = compare(checkpoints_dir, tmp_path / "golden", "plain")

    assert checks_of(outcomes)
    assert [check.array for check in checks_of(outcomes) if not check.passed] == []
    said = " ".join(f"{o.array} {o.reason}" for o in outcomes if isinstance(o, golden.Skipped))
    compared_before = {check.array for check in checks_of(complete)}
    compared = {check.array for check in checks_of(outcomes)}
    for file, keys in MISSING[case].items():
        with np.load(golden_dir / f"{file}.npz") as stored:
            assert compared.isdisjoint(set(keys or stored.files) & compared_before), file
        assert all(name in said for name in keys or [f"{file}.npz"]), file


@pytest.mark.parametrize("file", ["images/art_1_256.png", "images/art_1_aligned224.png", "audio/speech_a.wav"])
def test_a_missing_picture_or_sound_is_said(checkpoints_dir: Path, golden_dir: Path, tmp_path: Path, file: str) -> None:
    folder = tmp_path / "golden"
    shutil.copytree(golden_dir, folder)
    (folder / file).unlink()

    outcomes = compare(checkpoints_dir, folder)

    assert [check.array for check in checks_of(outcomes) if not check.passed] == []
    assert any(file in outcome.reason for outcome in outcomes if isinstance(outcome, golden.Skipped))


def test_an_array_that_no_stage_knows_is_said(checkpoints_dir: Path, golden_dir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "golden"
    shutil.copytree(golden_dir, folder)
    np.savez(folder / "k_enhancer.npz", output=np.zeros(3))

    assert "k_enhancer:output" in skipped_of(compare(checkpoints_dir, folder))


def test_a_sample_of_a_folder_passes_and_its_wrong_values_fail(
    checkpoints_dir: Path, golden_dir: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "small"
    golden_sample.sample(golden.Golden(golden_dir), folder, ["art_1"], ["speech_a"])
    checks = checks_of(compare(checkpoints_dir, folder, "plain"))
    assert {"mel_basis", "crop.frame7.prediction"} <= {check.array for check in checks}
    assert [check.array for check in checks if not check.passed] == []

    path = folder / "i_generator.npz"
    with np.load(path) as stored:
        arrays: Arrays = {key: stored[key] for key in stored.files}
    assert arrays["crop.frame7.prediction"].ndim == 1
    arrays["crop.frame7.prediction"][-1] += 0.01
    np.savez(path, **arrays)

    assert "crop.frame7.prediction" in {
        c.array for c in checks_of(compare(checkpoints_dir, folder, "plain")) if not c.passed
    }


@pytest.mark.parametrize("stem", ["crop.frame0", "full_still_scale1.3.a.b.frame23.yaw20_pitch-8", "crop_scale2.frame1"])
def test_names_of_frames_are_read(stem: str) -> None:
    drawn = golden.Drawn.parse(stem)
    assert ".".join(part for part in (drawn.tag, drawn.picture, drawn.row, drawn.given) if part) == stem
    assert golden.read_tag(drawn.tag)[2] in (1.0, 1.3, 2.0)


PERTURBED = [
    ("a_audio", "speech_a.mel"),
    ("a_audio", "blink_random_seed0_T70"),
    ("b0_face_crop", "case0.crop_xyxy"),
    ("b_recon", "art_1.coeff257"),
    ("c_audio2exp", "speech_a.exp"),
    ("d_audio2pose", "speech_a.style0.pose_smoothed"),
    ("e_semantics", "crop.target_windows_some"),
    ("f_mapping", "crop.yaw"),
    ("g_keypoints", "art_1.kp"),
    ("h_keypoint_transform", "crop.kp_transformed"),
    ("i_generator", "crop.frame7.prediction"),
    ("i_generator", "crop.frame0.deformation"),
]


@pytest.mark.parametrize("value", ["one percent", "not a number"])
def test_one_wrong_value_fails_and_is_named(
    checkpoints_dir: Path, golden_dir: Path, tmp_path: Path, value: str
) -> None:
    """One number of each array is moved by a hundredth of the array's largest, all arrays at once."""
    folder = tmp_path / "golden"
    shutil.copytree(golden_dir, folder)
    for name, key in PERTURBED:
        with np.load(folder / f"{name}.npz") as file:
            arrays: Arrays = {stored: file[stored] for stored in file.files}
        flat = np.array(arrays[key], np.float64).reshape(-1)
        middle = len(flat) // 2
        flat[middle] += 0.01 * np.abs(flat).max() if value == "one percent" else np.nan
        kind = arrays[key].dtype if np.issubdtype(arrays[key].dtype, np.floating) else np.float64
        arrays[key] = flat.reshape(arrays[key].shape).astype(kind)
        np.savez(folder / f"{name}.npz", **arrays)

    failed = {check.array for check in checks_of(compare(checkpoints_dir, folder, "plain")) if not check.passed}

    assert {key for _, key in PERTURBED} <= failed


def test_an_array_of_another_shape_fails() -> None:
    assert golden.error_between(np.zeros(3), np.zeros((1, 3)), "relative") == float("inf")


@pytest.mark.parametrize("missing", ["checkpoints", "golden"])
def test_input_that_cannot_be_read_is_status_2(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    missing: str,
) -> None:
    monkeypatch.setattr(
        sys, "argv", ["parity.py", "--checkpoints", str(tmp_path), "--golden", str(tmp_path), "--threads", "1"]
    )
    if missing == "golden":
        monkeypatch.setattr(parity, "load_all", lambda *_: pytest.fail("The folder is looked at first."))
    else:
        np.savez(tmp_path / "a_audio.npz", mel_basis=np.zeros(1))
    assert parity.main() == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_report_says_pass_or_fail(capsys: pytest.CaptureFixture[str]) -> None:
    good = parity.Check("mapping", "crop.yaw", "relative", 1e-7, 1e-5)
    bad = parity.Check("mapping", "crop.exp", "relative", 1e-3, 1e-5)
    parity.report([good, bad], as_json=False)
    assert "1 of 2 passed" in capsys.readouterr().out
    parity.report([good, bad], as_json=True)
    assert '"passed": false' in capsys.readouterr().out
