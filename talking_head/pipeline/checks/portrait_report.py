"""The report on a portrait: its problems in words that a teacher understands, each with a hint.

``stop`` means that no talking face can be made of the picture; ``warn`` means that the video will be worse than it
could be. The limits were set on six portraits (photos and paintings, tanned to pale, smiling and serious) and on
versions of them that were blurred, darkened, bleached, turned, shrunk, doubled, cut off and covered with masks, scarves
and patches.

Known limits of the covered-mouth check, which is a heuristic and therefore only ever warns: it looks for lips, that is
for changes of light and colour down across the mouth. It misses folded masks in black-and-white pictures and masks with
a mouth printed on them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from talking_head.engines.face.mesh import FaceBox
from talking_head.errors import PortraitError
from talking_head.media_io.arrays import Frame
from talking_head.media_io.image_limits import GOOD_FACE_PX
from talking_head.pipeline.checks.portrait_measurements import FaceMeasurements, is_upside_down, measure_faces
from talking_head.pipeline.checks.problem import Problem
from talking_head.pipeline.checks.reports import PortraitReport, Rectangle
from talking_head.pipeline.checks.upright import LYING_DEGREES, TILTED_DEGREES, turned_upright

MIN_FACE_PX = 40  # below this the mouth is a handful of pixels
RIVAL_FACE_AREA = 0.35  # of the largest face: then it is not clear which person should speak
OTHER_FACE_AREA = 0.04  # smaller ones are strangers in the background, or no faces at all
BLURRED = 0.008
TOO_DARK = 85.0  # even the brightest skin; well-lit dark skin reaches 120 and more
BURNT_OUT_SHARE = 0.2
WASHED_OUT = 0.35
TURNED_DEGREES, TURNED_AWAY_DEGREES = 25.0, 50.0
NODDING_DEGREES = 25.0
PARTED_LIPS = 0.06
NO_MOUTH_RELIEF = 0.05
NO_LIPS_COLOUR_RELIEF = 0.045
OTHER_COLOUR_BELOW = 10.0
MIN_MARGIN = 0.04  # in heights of the face: the mesh squeezes itself into what is left of a face
MIN_MESH_SCORE = 0.5


@dataclass(frozen=True, slots=True)
class CheckedPortrait:
    """A picture as it is stored, (height, width, 3), and what is good and bad about it."""

    rgb: Frame
    report: PortraitReport


def check_portrait(rgb: Frame) -> CheckedPortrait:
    """Turn a decoded picture (height, width, 3) so that the head is upright, and report on it.

    Raises:
        EngineError: ``engine_unavailable`` when the face models are not installed.
    """
    upright, degrees = turned_upright(rgb)
    report = report_on(upright)
    if degrees and report.is_usable:
        return CheckedPortrait(upright, replace(report, problems=(_turned_upright(), *report.problems)))
    return CheckedPortrait(upright, report)


def report_on(rgb: Frame) -> PortraitReport:
    """Check a picture (height, width, 3) as it is and return the report.

    Raises:
        EngineError: ``engine_unavailable`` when the face models are not installed.
    """
    faces, measurements = measure_faces(rgb)
    if measurements is None:
        return PortraitReport((_no_face(),), 0, None)
    if is_upside_down(rgb, measurements.box) or abs(measurements.roll_degrees) > LYING_DEGREES:
        return PortraitReport((_not_upright(),), len(faces), None)
    if measurements.mesh_score < MIN_MESH_SCORE:  # something that only resembles a face
        return PortraitReport((_no_face(),), 0, None)
    problems = [*_other_face_problems(faces), *_position_problems(measurements)]
    if not any(problem.severity == "stop" for problem in problems):  # otherwise the rest would be noise
        problems += [*_light_problems(measurements), *_mouth_problems(measurements)]
    problems.sort(key=lambda problem: problem.severity != "stop")  # stable: keeps the order within each
    box = measurements.box
    rectangle = Rectangle(box.center_x - box.width / 2, box.center_y - box.height / 2, box.width, box.height)
    return PortraitReport(tuple(problems), len(faces), rectangle)


def refuse_unusable(report: PortraitReport) -> None:
    """Raise the report's first ``stop`` problem, if it has one.

    Raises:
        PortraitError: the problem, with its code and hint.
    """
    for problem in report.problems:
        if problem.severity == "stop":
            raise PortraitError(problem.message, code=problem.code, hint=problem.hint)


def _no_face() -> Problem:
    return Problem(
        "no_face",
        "stop",
        "No face was found in this picture.",
        "Use a picture of one person who looks at the camera, with the whole face visible.",
    )


def _not_upright() -> Problem:
    return Problem(
        "not_upright", "stop", "The picture is not upright.", "Turn it the right way up, save it, and upload it again."
    )


def _turned_upright() -> Problem:
    return Problem(
        "turned_upright",
        "warn",
        "The head was tilted, so the picture was turned upright and cropped.",
        "Look at the picture. If something is missing, use one in which the head is upright.",
    )


def _other_face_problems(faces: list[FaceBox]) -> Iterator[Problem]:
    shares = [face.area / faces[0].area for face in faces[1:]]
    if any(share >= RIVAL_FACE_AREA for share in shares):
        yield Problem(
            "several_faces",
            "stop",
            "There is more than one face in this picture, so it is not clear who should speak.",
            "Crop the picture so that only one person is left.",
        )
    elif any(share >= OTHER_FACE_AREA for share in shares):
        yield Problem(
            "several_faces",
            "warn",
            "There are other people in this picture.",
            "The largest face will speak. Crop the others out if they should not be in the video.",
        )


def _position_problems(face: FaceMeasurements) -> Iterator[Problem]:
    yield from _size_problems(face)
    yield from _edge_problems(face)
    yield from _pose_problems(face)


def _size_problems(face: FaceMeasurements) -> Iterator[Problem]:
    hint = (
        "Use a closer picture, or the original in full size: "
        f"the face should be at least {GOOD_FACE_PX} pixels high, from forehead to chin."
    )
    if face.height_px < MIN_FACE_PX:
        yield Problem("face_too_small", "stop", f"The face is too small ({face.height_px:.0f} pixels high).", hint)
    elif face.height_px < GOOD_FACE_PX:
        yield Problem(
            "face_small", "warn", f"The face is small ({face.height_px:.0f} pixels high): it will look soft.", hint
        )


def _edge_problems(face: FaceMeasurements) -> Iterator[Problem]:
    hint = "Use a picture that shows the whole head with some room around it."
    if face.mouth_is_outside:
        yield Problem("mouth_cut_off", "stop", "The mouth is not in the picture.", hint)
    elif face.margin < MIN_MARGIN:
        yield Problem("head_cut_off", "warn", "Part of the face is cut off by the edge of the picture.", hint)


def _pose_problems(face: FaceMeasurements) -> Iterator[Problem]:
    hint = "Use a picture in which the person looks straight at the camera."
    if abs(face.yaw_degrees) > TURNED_AWAY_DEGREES:
        yield Problem("turned_away", "stop", "The face is turned too far to the side.", hint)
    elif abs(face.yaw_degrees) > TURNED_DEGREES:
        yield Problem(
            "turned", "warn", "The face is turned to the side: the far corner of the mouth will look odd.", hint
        )
    if abs(face.pitch_degrees) > NODDING_DEGREES:
        direction = "down" if face.pitch_degrees > 0 else "up"
        yield Problem("nodding", "warn", f"The person looks {direction}.", hint)
    if abs(face.roll_degrees) > TILTED_DEGREES:
        yield Problem("tilted", "warn", "The head is tilted far to one side.", "An upright head looks more natural.")


def _light_problems(face: FaceMeasurements) -> Iterator[Problem]:
    if face.sharpness < BLURRED:
        yield Problem(
            "blurred",
            "warn",
            "The face is blurred.",
            "Use a sharper picture: hold the camera still, use more light, and avoid enlarging small pictures.",
        )
    if face.burnt_out_share > BURNT_OUT_SHARE:
        yield Problem(
            "too_bright",
            "warn",
            "The face is too bright: parts of it are plain white.",
            "Take the picture without flash and away from direct sun.",
        )
    elif face.brightest < TOO_DARK:
        yield Problem(
            "too_dark", "warn", "The face is too dark.", "Take the picture facing a window or a lamp, or brighten it."
        )
    elif face.contrast < WASHED_OUT:
        yield Problem(
            "low_contrast",
            "warn",
            "The face is washed out: light and dark hardly differ.",
            "Raise the contrast, or take the picture in clearer light.",
        )


def _mouth_problems(face: FaceMeasurements) -> Iterator[Problem]:
    if _mouth_seems_covered(face):
        yield Problem(
            "mouth_covered",
            "warn",
            "Something seems to cover the mouth.",
            "Use a picture without a mask, scarf, hand or microphone in front of the mouth. "
            "If nothing covers it, you can go on.",
        )
    elif face.mouth_gap > PARTED_LIPS:
        yield Problem(
            "open_mouth",
            "warn",
            "The mouth is open.",
            "Parted lips work; a closed mouth works better, because the face returns to it between sentences.",
        )


def _mouth_seems_covered(face: FaceMeasurements) -> bool:
    if face.burnt_out_share > BURNT_OUT_SHARE:  # white skin hides the lips as well
        return False
    if face.mouth_relief < NO_MOUTH_RELIEF:
        return True
    # Folded cloth has relief, but one colour that differs from the skin; a beard differs too, but shows lips.
    lips_are_coloured = face.mouth_colour_relief > NO_LIPS_COLOUR_RELIEF
    return not lips_are_coloured and face.lower_face_colour_distance > OTHER_COLOUR_BELOW
