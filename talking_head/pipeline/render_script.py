"""Renders a script into a video without web, database or queue: the implementation of ``manage.py render``."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from talking_head.engines import registry
from talking_head.engines.speech.pace import check_speed
from talking_head.engines.speech.recognition import recognise
from talking_head.errors import OUT_OF_MEMORY, OptionError, RendererError, ResourceError, TalkingHeadError
from talking_head.media_io.arrays import Waveform
from talking_head.media_io.atomic_files import write_atomically
from talking_head.media_io.video import VideoInfo
from talking_head.pipeline.cache.entries import CLIP_VIDEO
from talking_head.pipeline.cache.store import CLIPS, TAKES, ContentCache
from talking_head.pipeline.cache.takes import load_take
from talking_head.pipeline.checks.reports import NarrationReport
from talking_head.pipeline.clips_to_video import ChapterStart, clips_to_video
from talking_head.pipeline.narration.read_file import NarrationFile, read_narration
from talking_head.pipeline.performance import (
    ProcessUsage,
    ResourceMeter,
    clip_metrics,
    error_summary,
    performance_metrics,
)
from talking_head.pipeline.portrait_to_source import load_portrait
from talking_head.pipeline.probes.auto_local import LocalChoice, choose_here
from talking_head.pipeline.requests import ClipRequest, ClipResult, EventSink, RenderEvent
from talking_head.pipeline.script.script_to_utterances import Script, estimated_seconds, script_to_utterances
from talking_head.pipeline.takes_to_captions import takes_to_captions
from talking_head.profiles import AUTO, profile_named


@dataclass(frozen=True, slots=True)
class RenderScriptRequest:
    """What to render, and the files to write. The path of a file that is not wanted is None."""

    script: str  # "" with a recording: its transcript becomes the script
    out_path: Path
    portrait_path: Path | None = None
    audio_path: Path | None = None  # a recording of the script, instead of a synthetic voice
    captions_path: Path | None = None
    metrics_path: Path | None = None
    transcript_path: Path | None = None  # of the recording, when there is no script
    checkpoints_dir: Path = Path("checkpoints")  # may hold a model that recognises speech
    title: str = ""
    language: str = "en"
    voice: str = ""
    speed: float = 1.0
    profile: str = ""
    speech: str = AUTO
    face: str = AUTO
    read_recording: Callable[[Path], NarrationFile] = read_narration  # or in a process of its own


@dataclass(frozen=True, slots=True)
class RenderProgress:
    """The progress of the whole render: clip ``index`` of ``clips``, and the event inside it."""

    index: int
    clips: int
    event: RenderEvent
    done_share: float  # of the whole script, 0..1, by the length of the texts


@dataclass(frozen=True, slots=True)
class RenderedClip:
    """One clip of the video. ``error`` is why it is a fallback, None when it is not."""

    request: ClipRequest
    result: ClipResult
    seconds: float
    error: TalkingHeadError | None


@dataclass(frozen=True, slots=True)
class RenderedScript:
    """The result. ``metrics`` is the document that was written to ``metrics_path``, if one was requested; ``sound`` is
    the report on the recording, if one was used."""

    video: VideoInfo
    clips: tuple[RenderedClip, ...]
    metrics: dict[str, Any]
    sound: NarrationReport | None


ProgressSink = Callable[[RenderProgress], None]


class ClipSource(Protocol):
    """What renders the clips: a :class:`ClipRenderer` of this process, or one in a process of its own."""

    def render(self, request: ClipRequest, on_event: EventSink) -> ClipResult: ...

    def adopt_recording(
        self, waveform: Waveform, sample_rate_hz: int, spoken: Sequence[str], language: str
    ) -> tuple[str, list[str]]: ...

    def usage(self) -> ProcessUsage: ...


def render_script(
    request: RenderScriptRequest, renderer: ClipSource, cache: ContentCache, on_progress: ProgressSink
) -> RenderedScript:
    """Render a script into ``out_path``, and write captions and metrics if requested.

    A sentence on which the renderer fails is shown by the still engine, in the size of the other clips, and counted;
    wrong input and missing resources
    end the whole render. Metrics are written in every case; video and captions appear under their names only when
    complete.

    Raises:
        TalkingHeadError: always one of its subclasses.
    """
    run = _Run(request, renderer, cache, on_progress)
    try:
        return run.execute()
    except TalkingHeadError as error:
        run.write_metrics("failed", error_summary(error))
        raise


class _Run:
    """One call of :func:`render_script`, with its state so far."""

    def __init__(
        self, request: RenderScriptRequest, renderer: ClipSource, cache: ContentCache, on_progress: ProgressSink
    ) -> None:
        self._request = request
        self._renderer = renderer
        self._cache = cache
        self._on_progress = on_progress
        self._started = time.monotonic()
        self._resources = ResourceMeter()
        self._clips: dict[int, RenderedClip] = {}
        self._publish_seconds = 0.0
        self._recording: tuple[Waveform, int] | None = None
        self._sound: NarrationReport | None = None
        self._choice: LocalChoice | None = None

    def execute(self) -> RenderedScript:
        """Validate everything first, then render clip by clip, then write the files."""
        if self._request.profile != AUTO:
            profile_named(self._request.profile)
        self._read_recording()
        script = script_to_utterances(self._request.script, self._request.language)
        check_speed(self._request.speed)
        self._resolve_auto(script)
        requests = self._clip_requests(script)
        failures = {index: self._render_clip(index, requests) for index in range(len(requests))}
        for index, failure in failures.items():  # last, when the size of the other clips is known
            if failure is not None:
                self._render_fallback(index, requests, failure)
        started = time.monotonic()
        video = self._write_files(script)
        self._publish_seconds = time.monotonic() - started
        clips = [self._clips[index] for index in range(len(requests))]
        errors = [clip.error for clip in clips if clip.error]
        metrics = self.write_metrics("fallback" if errors else "completed", error_summary(next(iter(errors), None)))
        return RenderedScript(video, tuple(clips), metrics, self._sound)

    def _resolve_auto(self, script: Script) -> None:
        """Replace "auto" in the request by the chosen names."""
        request = self._request
        self._choice = choose_here(
            request.profile,
            request.face,
            script=request.script,
            video_seconds=estimated_seconds(script, request.speed),
            has_portrait=request.portrait_path is not None,
            checkpoints_dir=request.checkpoints_dir,
        )
        self._request = replace(request, profile=self._choice.profile.name, face=self._choice.face.name)

    def _read_recording(self) -> None:
        """Read the recording, and transcribe it when the request has no script."""
        request = self._request
        if request.audio_path is None:
            return
        if request.voice or request.speech != AUTO:
            raise OptionError(
                "A recording and a voice cannot be used together.",
                code="audio_and_voice",
                hint="Leave out either the recording or the voice.",
            )
        waveform, sample_rate_hz, self._sound = request.read_recording(request.audio_path)
        self._recording = waveform, sample_rate_hz
        if request.script:
            return
        text, metadata = recognise(waveform, sample_rate_hz, checkpoints_dir=request.checkpoints_dir)
        self._request = replace(request, script=text, language=metadata.language)
        if request.transcript_path is not None:
            write_atomically(request.transcript_path, (text + "\n").encode())

    def _clip_requests(self, script: Script) -> list[ClipRequest]:
        request = self._request
        portrait_digest = load_portrait(request.portrait_path).digest if request.portrait_path else ""
        speech, voices = self._speech(script)
        return [
            ClipRequest(
                text=utterance.text,
                spoken=utterance.spoken,
                pause_seconds=utterance.pause_seconds,
                language=request.language,
                voice=voice,
                speed=request.speed,
                portrait_path=str(request.portrait_path or ""),
                portrait_digest=portrait_digest,
                profile=profile_named(request.profile).name,
                speech=speech,
                face=request.face,
            )
            for utterance, voice in zip(script.utterances, voices, strict=True)
        ]

    def _speech(self, script: Script) -> tuple[str, list[str]]:
        """Return the speech engine's name, and the voice of each utterance."""
        request = self._request
        if self._recording is None:
            return registry.resolve("speech", request.speech), [request.voice] * len(script.utterances)
        waveform, sample_rate_hz = self._recording
        spoken = [utterance.spoken for utterance in script.utterances]
        return self._renderer.adopt_recording(waveform, sample_rate_hz, spoken, request.language)

    def _event_sink(self, index: int, requests: Sequence[ClipRequest]) -> EventSink:
        """Return the sink of one clip's events, which says how far the whole script is."""
        lengths = [len(clip_request.text) + 1 for clip_request in requests]
        before, length, total = sum(lengths[:index]), lengths[index], sum(lengths)

        def on_event(event: RenderEvent) -> None:
            clip_share = event.frame / event.frames if event.frames else 0.0
            self._on_progress(RenderProgress(index, len(requests), event, (before + clip_share * length) / total))

        return on_event

    def _render_clip(self, index: int, requests: Sequence[ClipRequest]) -> TalkingHeadError | None:
        """Render a clip as requested, or at half resolution when memory ran out; return why neither could be done."""
        request, on_event, started = requests[index], self._event_sink(index, requests), time.monotonic()
        try:
            result = self._renderer.render(request, on_event)
        except (RendererError, ResourceError) as failure:
            if failure.code != OUT_OF_MEMORY and not isinstance(failure, RendererError):
                raise
            if failure.code != OUT_OF_MEMORY:
                return failure
            request = replace(request, half_resolution=True)
            try:
                result = self._renderer.render(request, on_event)
            except (RendererError, ResourceError):
                return failure
        on_event(RenderEvent("done", 1, 1))
        self._clips[index] = RenderedClip(request, result, time.monotonic() - started, None)
        return None

    def _render_fallback(self, index: int, requests: Sequence[ClipRequest], failure: TalkingHeadError) -> None:
        """Render the still picture that replaces a clip, in the size of the others: clips of two sizes cannot join."""
        on_event, started = self._event_sink(index, requests), time.monotonic()
        request = replace(requests[index], fallback=True)
        neighbour = next((clip.result for clip in self._clips.values() if not clip.request.fallback), None)
        if neighbour is not None:
            request = replace(request, width_px=neighbour.width_px, height_px=neighbour.height_px)
        result = self._renderer.render(request, on_event)
        on_event(RenderEvent("done", 1, 1))
        self._clips[index] = RenderedClip(request, result, time.monotonic() - started, failure)

    def _write_files(self, script: Script) -> VideoInfo:
        request = self._request
        captions, clips = "", [self._clips[index] for index in sorted(self._clips)]
        if request.captions_path is not None:
            takes = [load_take(self._entry(TAKES, clip.result.take_key)) for clip in clips]
            captions = takes_to_captions(script.utterances, takes)
        video = clips_to_video(
            [self._entry(CLIPS, clip.result.clip_key) / CLIP_VIDEO for clip in clips],
            request.out_path,
            title=request.title,
            language=request.language,
            chapters=_chapter_starts(script),
            is_recorded=request.audio_path is not None,
        )
        if request.captions_path is not None:
            write_atomically(request.captions_path, captions.encode())
        return video

    def _entry(self, kind: str, key: str) -> Path:
        """Return the folder of an entry that was in the cache a moment ago."""
        folder = self._cache.get(kind, key)
        if folder is None:
            raise RendererError(
                "A finished clip is no longer in the cache.", code="clip_missing", hint="Render the video again."
            )
        return folder

    def write_metrics(self, outcome: str, error: dict[str, str] | None) -> dict[str, Any]:
        request = self._request
        metrics = performance_metrics(
            job=None,
            outcome=outcome,
            error=error,
            profile=request.profile,
            timeout_seconds=self._timeout_seconds(),
            total_seconds=time.monotonic() - self._started,
            clips=[
                clip_metrics(index, clip.result, clip.seconds, is_fallback=clip.request.fallback, error=clip.error)
                for index, clip in sorted(self._clips.items())
            ],
            engines=next((clip.result.engines for _, clip in sorted(self._clips.items())), {}),
            publish_seconds=self._publish_seconds,
            resources=self._resources.read(self._renderer.usage()),
        )
        metrics["chosen"] = self._choice.metrics() if self._choice else {}
        if request.metrics_path is not None:
            write_atomically(request.metrics_path, (json.dumps(metrics, indent=1, ensure_ascii=False) + "\n").encode())
        return metrics

    def _timeout_seconds(self) -> float:
        """Return the timeout that a job would have; nothing is cut off here, but the metrics stay comparable."""
        try:
            return profile_named(self._request.profile).timeout_for(self._request.script)
        except TalkingHeadError:
            return 0.0


def _chapter_starts(script: Script) -> list[ChapterStart]:
    return [ChapterStart(utterance.chapter, utterance.index) for utterance in script.utterances if utterance.chapter]
