"""Renders clips in a supervised renderer process, for a caller without jobs: what kills the process fails one clip."""

from __future__ import annotations

import logging
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from talking_head.errors import OUT_OF_MEMORY, RendererError, TalkingHeadError
from talking_head.media_io.arrays import Waveform
from talking_head.media_io.audio import write_flac
from talking_head.pipeline.performance import ProcessUsage
from talking_head.pipeline.requests import ClipRequest, ClipResult, EventSink, RenderEvent, ignore_events
from talking_head.renderer.supervisor import RendererProcess, RenderOutcome, Watcher

logger = logging.getLogger(__name__)

MAX_TRIES = 2  # of one clip whose process died; a job allows as many crashes
RECORDING = "recording.flac"


class SupervisedClipRenderer:
    """The interface of :class:`talking_head.pipeline.render_clip.ClipRenderer`, with the engines in another process.

    A context manager: the process ends at the end of the block. Not for use by two threads at once.
    """

    def __init__(self, process: RendererProcess) -> None:
        self._process = process
        self._folder = tempfile.TemporaryDirectory(prefix="render-")
        self._setup: list[tuple[str, dict[str, Any]]] = []  # what every new process has to hear first
        self._prepared_pid: int | None = None
        self._usage = ProcessUsage()

    def __enter__(self) -> SupervisedClipRenderer:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.close()
        self._folder.cleanup()

    def adopt_videos(self, pose_video: Path | None, blink_video: Path | None) -> None:
        """Take head motion and blinks of the engine sadtalker from videos.

        Raises:
            InvalidInput: a video cannot be used. EngineError: sadtalker cannot be used here.
        """
        videos = {"pose_video": pose_video, "blink_video": blink_video}
        self._adopt("adopt_videos", {name: str(path.absolute()) if path else "" for name, path in videos.items()})

    def adopt_recording(
        self, waveform: Waveform, sample_rate_hz: int, spoken: Sequence[str], language: str
    ) -> tuple[str, list[str]]:
        """Add a recording (samples,) as a speech engine; return its name and the voice of each utterance.

        Raises:
            InvalidInput: ``audio_text_mismatch``. ScriptError: ``unsupported_language``.
        """
        path = Path(self._folder.name) / RECORDING
        write_flac(path, waveform, sample_rate_hz)
        adopted = self._adopt("adopt_recording", {"path": str(path), "spoken": list(spoken), "language": language})
        return adopted["name"], adopted["voices"]

    def render(self, request: ClipRequest, on_event: EventSink = ignore_events) -> ClipResult:
        """Ensure that the clip is in the cache and return its result.

        Raises:
            TalkingHeadError: as the renderer reports it; ``poisoned`` when the clip ended its process ``MAX_TRIES``
                times.
        """

        def on_progress(stage: str, frame: int, frames: int, jpeg: bytes) -> None:
            on_event(RenderEvent(stage, frame, frames, jpeg))

        return ClipResult.from_json(self._ask("render", request.to_json(), Watcher(on_progress=on_progress)))

    def usage(self) -> ProcessUsage:
        """Return what the processes have used so far."""
        return self._usage

    def _adopt(self, command: str, values: dict[str, Any]) -> dict[str, Any]:
        answer = self._ask(command, values, Watcher())
        self._setup.append((command, values))
        self._prepared_pid = self._process.pid
        return answer

    def _ask(self, command: str, values: dict[str, Any], watcher: Watcher) -> dict[str, Any]:
        for attempt in range(1, MAX_TRIES + 1):
            outcome = self._run_prepared(command, values, watcher)
            if outcome.is_done:
                return outcome.values
            if outcome.error and (outcome.is_answer or outcome.error.code == OUT_OF_MEMORY):
                raise outcome.error
            logger.warning("attempt %d: %s", attempt, outcome.error or "the renderer was stopped")
            if outcome.log_tail:
                logger.warning("the renderer's last words: %s", outcome.log_tail)
        raise _poisoned(outcome.error)

    def _run_prepared(self, command: str, values: dict[str, Any], watcher: Watcher) -> RenderOutcome:
        """Run a request in a process that has heard all of the setup."""
        if self._setup and (self._process.pid is None or self._process.pid != self._prepared_pid):
            for earlier, earlier_values in self._setup:
                outcome = self._process.run(earlier, earlier_values, math.inf, Watcher())
                if not outcome.is_done:
                    return outcome
            self._prepared_pid = self._process.pid
        outcome = self._process.run(command, values, math.inf, watcher)
        self._usage = self._usage.plus(outcome.usage)
        return outcome


def _poisoned(error: TalkingHeadError | None) -> RendererError:
    reason = error.message if error else "The renderer was stopped."
    return RendererError(
        f"This sentence could not be rendered: {reason[:1].lower()}{reason[1:]}",
        code="poisoned",
        hint="Rephrase it, or choose another face engine with --face.",
    )
