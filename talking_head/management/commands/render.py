"""``manage.py render SCRIPT.txt --portrait P --out X.mp4``: the pipeline without web, database or queue."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from talking_head.decoding.decoder import MediaDecoder
from talking_head.decoding.operations import NARRATION
from talking_head.decoding.results import PLAIN_FLAC
from talking_head.errors import EngineError, InvalidInput, OptionError, ResourceError, ScriptError, TalkingHeadError
from talking_head.management.terminal_line import TerminalLine, bar, write_and_flush
from talking_head.media_io.audio import read_flac
from talking_head.media_io.audio_limits import MAX_RECORDING_SECONDS
from talking_head.pipeline.cache.store import ContentCache
from talking_head.pipeline.checks.reports import NarrationReport
from talking_head.pipeline.narration.read_file import NarrationFile, opened_narration
from talking_head.pipeline.render_script import RenderedScript, RenderProgress, RenderScriptRequest, render_script
from talking_head.profiles import AUTO, DEFAULT_PROFILE
from talking_head.renderer.clip_renderer import SupervisedClipRenderer
from talking_head.renderer.connection import RendererCommand
from talking_head.renderer.supervisor import RendererProcess

EXIT_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_WITH_FALLBACKS = 3  # the video was written, but some sentences are shown as still pictures
EXIT_INTERRUPTED = 130  # 128 + SIGINT, the shells' convention
MAX_SCRIPT_BYTES = 4_000_000  # far above the pipeline's own limit, which counts characters: only rejects a wrong file


class Command(BaseCommand):
    help = "Turns a text file and a portrait into a video of a talking teacher."
    requires_system_checks: list[str] = []  # they check web and database, which are not used here

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "script",
            nargs="?",
            type=Path,
            metavar="SCRIPT.txt",
            help="the script, as UTF-8 text; without it, --audio is transcribed",
        )
        parser.add_argument("--out", type=Path, required=True, metavar="X.mp4", help="the video to write")
        parser.add_argument("--portrait", type=Path, metavar="P", help="a picture of one face")
        parser.add_argument("--profile", default=DEFAULT_PROFILE, help="fast, balanced (default), quality or auto")
        parser.add_argument("--face", default=settings.TALKING_HEAD_FACE, help="face engine (default: auto)")
        parser.add_argument("--pose-video", type=Path, metavar="V", help="move the head as in V (face sadtalker)")
        parser.add_argument("--blink-video", type=Path, metavar="V", help="blink as in V (face sadtalker)")
        parser.add_argument("--speech", default="", help="speech engine (default: auto)")
        parser.add_argument(
            "--audio", type=Path, metavar="NARRATION", help="a recording of the script, instead of a voice"
        )
        parser.add_argument("--transcript", type=Path, metavar="T.txt", help="also write the transcript of --audio")
        parser.add_argument("--voice", default="", help="one of the speech engine's voices")
        parser.add_argument("--speed", type=float, default=1.0, help="1.0 is the voice's own pace")
        parser.add_argument("--language", default="en", help="language of the script, such as en or en-GB")
        parser.add_argument("--title", default="", help="title stored in the video (default: the script's file name)")
        parser.add_argument("--captions", type=Path, metavar="X.vtt", help="also write WebVTT captions")
        parser.add_argument("--metrics", type=Path, metavar="M.json", help="also write metrics")
        parser.add_argument("--cache", type=Path, metavar="DIR", help="folder of the cache of takes and clips")

    def handle(self, *args: Any, **options: Any) -> None:
        progress = RenderBar(sys.stderr)
        try:
            with term_like_interrupt():
                rendered = self._render(options, progress)
        except KeyboardInterrupt:
            progress.end()
            self._stop("Interrupted: no video was written; finished clips are kept for the next run.", EXIT_INTERRUPTED)
        except (InvalidInput, EngineError, ResourceError) as error:
            progress.end()
            self._stop(str(error), EXIT_BAD_INPUT)
        except TalkingHeadError as error:
            progress.end()
            self._stop(str(error), EXIT_FAILED)
        progress.end()
        self._report(rendered, options["out"])
        if any(clip.error for clip in rendered.clips):
            raise SystemExit(EXIT_WITH_FALLBACKS)

    def _render(self, options: dict[str, Any], progress: RenderBar) -> RenderedScript:
        cache = ContentCache(Path(options["cache"] or settings.MEDIA_ROOT / "cache").absolute())
        request = self._request(options)
        for path in (request.out_path, request.captions_path, request.metrics_path, request.transcript_path):
            check_destination(path)
        with SupervisedClipRenderer(RendererProcess(renderer_command(cache))) as renderer:
            if options["pose_video"] or options["blink_video"]:
                adopt_videos(renderer, options)
            return render_script(request, renderer, cache, progress.show)

    def _request(self, options: dict[str, Any]) -> RenderScriptRequest:
        return RenderScriptRequest(
            script=self._script(options),
            out_path=options["out"],
            portrait_path=options["portrait"] and options["portrait"].absolute(),  # the renderer has another folder
            audio_path=options["audio"],
            captions_path=options["captions"],
            metrics_path=options["metrics"],
            transcript_path=options["transcript"],
            checkpoints_dir=settings.CHECKPOINTS_DIR,
            title=options["title"] or (options["script"] or options["audio"]).stem,
            language=options["language"],
            voice=options["voice"],
            speed=options["speed"],
            profile=options["profile"],
            read_recording=read_in_child,
            speech=options["speech"] or (AUTO if options["audio"] else settings.TALKING_HEAD_SPEECH),
            face=options["face"],
        )

    def _script(self, options: dict[str, Any]) -> str:
        """Return the script's text; "" where a recording is to be transcribed."""
        if options["script"] is None and options["audio"] is None:
            raise ScriptError(
                "There is no script.", code="script_missing", hint="Name a text file, or a recording with --audio."
            )
        if options["script"] is not None and options["transcript"] is not None:
            raise OptionError(
                "A transcript can only be written without a script.",
                code="script_and_transcript",
                hint="Leave out either the script or --transcript.",
            )
        if options["script"] is None:
            return ""
        return read_script(options["script"]) or " "  # an empty file is an empty script, not a missing one

    def _report(self, rendered: RenderedScript, out: Path) -> None:
        metrics = rendered.metrics
        for notice in sorted({notice for clip in rendered.clips for notice in clip.result.notices}):
            self.stderr.write(f"note: {notice}")
        for problem in rendered.sound.problems if rendered.sound else ():
            self.stderr.write(f"note: {problem.message} {problem.hint}")
        chosen = metrics["chosen"]
        if chosen["asked_profile"] == AUTO:
            self.stderr.write(f"note: profile {metrics['profile']}: {chosen['profile_reason']}")
        failed = [clip for clip in rendered.clips if clip.error]
        for clip in failed:
            self.stderr.write(f"fallback for “{clip.request.text.strip()[:60]}”: {clip.error}")
        if failed:
            self.stderr.write(
                f"render: {len(failed)} of {len(rendered.clips)} sentences are shown as a still picture"
                f" (exit status {EXIT_WITH_FALLBACKS})."
            )
        video = rendered.video
        self.stdout.write(
            f"{out}: {video.video_seconds:.1f} s, {video.width_px}x{video.height_px}, "
            f"{metrics['total_seconds']:.1f} s to make (real-time factor {metrics['real_time_factor']:.2f})"
        )

    def _stop(self, message: str, status: int) -> None:
        self.stderr.write(f"render: {message}")
        raise SystemExit(status)


def read_in_child(path: Path) -> NarrationFile:
    """Read a recording in a process of its own, so that one on which a codec crashes does not end the command.

    Raises:
        InvalidInput: as for :func:`talking_head.pipeline.narration.read_file.read_narration`.
    """
    with opened_narration(path) as file, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        decoder = MediaDecoder(folder)
        try:
            with decoder.decoded(NARRATION, file, folder, max_seconds=MAX_RECORDING_SECONDS) as recording:
                report = NarrationReport.from_json(recording.values["report"])
                return NarrationFile(*read_flac(recording.folder / PLAIN_FLAC), report)
        finally:
            decoder.close()


def adopt_videos(renderer: SupervisedClipRenderer, options: dict[str, Any]) -> None:
    """Have sadtalker take its head motion or its blinks from videos.

    Raises:
        InvalidInput: another engine was chosen, or a video cannot be used. EngineError: sadtalker cannot be used here.
    """
    if options["face"] != "sadtalker":
        raise OptionError(
            "Only the face engine “sadtalker” can follow a video.",
            code="video_without_sadtalker",
            hint="Add --face sadtalker, or leave out --pose-video and --blink-video.",
        )
    renderer.adopt_videos(options["pose_video"], options["blink_video"])


def renderer_command(cache: ContentCache) -> RendererCommand:
    """Return the command of the renderer process; ``settings.TALKING_HEAD_RENDERER`` replaces its arguments (tests)."""
    return RendererCommand(
        arguments=getattr(settings, "TALKING_HEAD_RENDERER", [sys.executable, "-m", "talking_head.renderer.child"]),
        folder=settings.BASE_DIR,
        scratch_root=cache.root / "tmp",
        settings={
            "cache_root": str(cache.root),
            "checkpoints_dir": str(Path(settings.CHECKPOINTS_DIR).absolute()),
            "threads": os.cpu_count() or 1,
            "enhance": settings.TALKING_HEAD_ENHANCE,
        },
    )


@contextmanager
def term_like_interrupt() -> Iterator[None]:
    """Handle TERM like Ctrl-C, so that it leaves nothing half-written either."""
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def read_script(path: Path) -> str:
    """Return the script's text without a byte order mark.

    Raises:
        ScriptError: ``script_missing``, ``script_too_long``, ``script_encoding``.
    """
    try:
        if path.stat().st_size > MAX_SCRIPT_BYTES:
            raise ScriptError(f"“{path.name}” is too long for a script.", code="script_too_long", hint="Split it.")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ScriptError(
            f"The script “{path}” cannot be read: {error.strerror}.", code="script_missing", hint="Check the file name."
        ) from error
    except UnicodeDecodeError as error:
        raise ScriptError(
            f"“{path.name}” is not UTF-8 text.", code="script_encoding", hint="Save it as UTF-8."
        ) from error


def check_destination(path: Path | None) -> None:
    """Check a file to write before minutes of work.

    Raises:
        OptionError: ``bad_destination``.
    """
    if path is None:
        return
    problem = ""
    if path.is_dir():
        problem = "is a folder"
    elif path.exists() and not path.is_file():  # writing replaces what is there, and a device must not be replaced
        problem = "is not a regular file"
    elif not path.parent.is_dir():
        problem = "is in a folder that does not exist"
    if problem:
        raise OptionError(f"“{path}” {problem}.", code="bad_destination", hint="Name a file in an existing folder.")


class RenderBar:
    """A line that is redrawn on a terminal; elsewhere one plain line per finished clip."""

    WIDTH = 30
    REDRAW_SECONDS = 0.1

    def __init__(self, stream: TextIO) -> None:
        self._is_terminal = stream.isatty()
        self._write = write_and_flush(stream)
        self._line = TerminalLine(self._write, self.REDRAW_SECONDS)
        self._started = time.monotonic()

    def show(self, progress: RenderProgress) -> None:
        """Draw the progress."""
        is_finished = progress.event.stage == "done"
        share, clip = progress.done_share, f"clip {progress.index + 1}/{progress.clips}"
        if self._is_terminal:
            text = f"{bar(share, self.WIDTH)} {share:4.0%}  {clip}  {progress.event.stage}{self._left(share)}"
            self._line.draw(text, now=is_finished)
        elif is_finished:
            self._write(f"{clip} done\n")

    def end(self) -> None:
        """Clear the terminal's line for the next output."""
        self._line.end()

    def _left(self, done_share: float) -> str:
        if done_share < 0.02:
            return ""
        seconds = (time.monotonic() - self._started) * (1 - done_share) / done_share
        return f"  {seconds:.0f} s left"
