"""The clip renderer: it turns one request into one clip in the cache. What it loads stays warm for the next request."""

from __future__ import annotations

import logging
import math
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from talking_head.digests import sha256_of_file
from talking_head.engines.base import EngineSettings, Framing, PortraitImage, Take
from talking_head.engines.speech.coqui.voice_names import SampleVoice, parsed
from talking_head.engines.speech.recorded import RecordedSpeech
from talking_head.errors import (
    PortraitError,
    RendererError,
    TalkingHeadError,
    from_os_error,
    is_out_of_memory,
    out_of_memory,
)
from talking_head.media_io.arrays import Frame, Waveform
from talking_head.pipeline.cache.entries import (
    CLIP_POSTER,
    CLIP_VIDEO,
    ClipMetadata,
    DamagedEntryError,
    store_clip_metadata,
    verified_clip_metadata,
)
from talking_head.pipeline.cache.store import CLIPS, TAKES, ContentCache, key_of
from talking_head.pipeline.cache.takes import load_take, store_take
from talking_head.pipeline.clip_plan import ClipPlan, plan_clip
from talking_head.pipeline.fitted_frames import fitted_frames
from talking_head.pipeline.frames_to_clip import frames_to_clip
from talking_head.pipeline.passage_to_take import passage_to_take
from talking_head.pipeline.performance import ProcessUsage
from talking_head.pipeline.portrait_to_source import load_portrait, portrait_to_source
from talking_head.pipeline.requests import ClipRequest, ClipResult, EventSink, RenderEvent, ignore_events
from talking_head.pipeline.stopwatch import Stopwatch
from talking_head.pipeline.utterance_to_take import utterance_to_take
from talking_head.pipeline.warm_engines import WarmEngines
from talking_head.profiles import CHARACTERS_SPOKEN_PER_SECOND
from talking_head.timebase import AUDIO_HZ, VIDEO_FPS, round_up_to_quantum

logger = logging.getLogger(__name__)

WARM_SOURCES = 8  # a prepared portrait at 512 px holds some ten megabytes
LEAST_SILENCE_SECONDS = 2.0


class ClipRenderer:
    """Renders clips one after the other. Not for use by two threads at once.

    Engines are created on first use and kept; prepared portraits are kept too, the last ``WARM_SOURCES`` of them.
    """

    def __init__(self, cache: ContentCache, settings: EngineSettings) -> None:
        self._cache = cache
        self._engines = WarmEngines(settings)
        self._sources: OrderedDict[tuple[object, ...], Any] = OrderedDict()

    def adopt(self, kind: str, engine: Any) -> None:
        """Add an engine that is not in the registry, under its own name (recorded speech is made for one script)."""
        self._engines.adopt(kind, engine)

    def adopt_recording(
        self, waveform: Waveform, sample_rate_hz: int, spoken: Sequence[str], language: str
    ) -> tuple[str, list[str]]:
        """Add a recording (samples,) as a speech engine; return its name and the voice of each utterance.

        Raises:
            InvalidInput: ``audio_text_mismatch``. ScriptError: ``unsupported_language``.
        """
        recorded = RecordedSpeech(waveform, sample_rate_hz, spoken, language)
        self.adopt("speech", recorded)
        return recorded.name, [recorded.passage(index) for index in range(len(spoken))]

    def usage(self) -> ProcessUsage:
        """Return what other processes have used: this renderer has none."""
        return ProcessUsage()

    def warm_up(self, speech: str, face: str) -> None:
        """Load what the next request will probably need, so that it does not wait for it.

        Raises:
            TalkingHeadError: these engines cannot be used here.
        """
        self._engines.get("face", face)
        engine = self._engines.get("speech", speech)
        engine.speak("Hello.", "Hello.", voice="", speed=1.0)  # voices load when they speak

    def render(self, request: ClipRequest, on_event: EventSink = ignore_events) -> ClipResult:
        """Ensure that the clip is in the cache and return its result.

        The steps: resolve names and keys; speak, or fetch the take; prepare the portrait, or reuse the warm one; plan
        the motion; draw, enhance and encode the frames side by side; store. A clip that is cached is only looked up.

        With ``request.fallback`` a clip is made even when the voice, the portrait or the face engine fails: the still
        engine shows the portrait (or its neutral card) and the words, with the take or, without one, in silence.

        Raises:
            TalkingHeadError: always one of its subclasses, for every failure inside an engine.
        """
        stopwatch = Stopwatch()
        try:
            return self._render(request, on_event, stopwatch)
        except TalkingHeadError:
            raise
        except Exception as error:  # the engines' libraries (cv2, onnxruntime, av) share no base class
            if is_out_of_memory(error):
                raise out_of_memory() from error
            if isinstance(error, OSError):
                raise from_os_error(error) from error
            stage = next(reversed(stopwatch.seconds), "validation")
            logger.exception("The stage %s failed.", stage)  # the message is for teachers, the log for administrators
            raise RendererError(
                "Something went wrong while this sentence was rendered.",
                code="engine_failed",
                hint="Try again; if it fails again, choose another face engine and tell an administrator.",
            ) from error

    def find(self, request: ClipRequest) -> ClipResult | None:
        """Return the result of a clip that is in the cache, without rendering anything; None when it is not, or when
        there is a problem, which :meth:`render` reports."""
        stopwatch = Stopwatch()
        try:
            with stopwatch.stage("validation"):
                plan = plan_clip(request, self._engines)
                metadata = self._cached_clip(plan, plan.take_key)
        except TalkingHeadError:
            return None
        return _result(plan, metadata, stopwatch, cached=True, take_cached=True) if metadata else None

    def _render(self, request: ClipRequest, on_event: EventSink, stopwatch: Stopwatch) -> ClipResult:
        on_event(RenderEvent("validation"))
        with stopwatch.stage("validation"):
            plan = plan_clip(request, self._engines)
            cached_clip = self._cached_clip(plan, plan.take_key)
        if cached_clip is not None:
            return _result(plan, cached_clip, stopwatch, cached=True, take_cached=True)

        on_event(RenderEvent("speech"))
        with stopwatch.stage("speech"):
            take, take_key, take_cached = self._take(plan)
            cached_clip = self._cached_clip(plan, take_key) if take_key != plan.take_key else None
        if cached_clip is not None:
            return _result(plan, cached_clip, stopwatch, cached=True, take_cached=take_cached)

        on_event(RenderEvent("motion", 0, take.frame_count))
        with stopwatch.stage("motion"):
            face = plan.face_engine(self._engines)
            source = self._source(plan, face)
            motion = face.motion(
                source,
                take,
                text=request.text,
                seed=int(plan.clip_key(take_key)[:8], 16),
                expression_scale=plan.profile.expression_scale,
            )

        drawn = face.frames(source, motion)
        if plan.fallback_size_px:
            drawn = fitted_frames(drawn, *plan.fallback_size_px)
        frames = stopwatch.timed("frames", drawn)
        if plan.enhancer is not None:
            frames = stopwatch.timed_enhancer("enhance", plan.enhancer, "frames", frames)
        metadata = self._write_clip(plan, take, take_key, frames, on_event, stopwatch)
        if _is_cloned(request) and take_key == plan.take_key and not take_cached:
            self._stored_take(take_key, take)
        return _result(plan, metadata, stopwatch, cached=False, take_cached=take_cached)

    # --- cache lookups -------------------------------------------------------------------------------------------

    def _cached_clip(self, plan: ClipPlan, take_key: str) -> ClipMetadata | None:
        clip_key = plan.clip_key(take_key)
        folder = self._cache.get(CLIPS, clip_key)
        if folder is None:
            return None
        try:
            metadata = verified_clip_metadata(folder)
        except DamagedEntryError:
            metadata = None
        if metadata is None or metadata.take_key != take_key:  # damaged, or exchanged for another entry
            self._cache.remove(CLIPS, clip_key)
            return None
        return metadata

    def _cached_take(self, take_key: str) -> Take | None:
        folder = self._cache.get(TAKES, take_key)
        if folder is None:
            return None
        try:
            return load_take(folder)
        except DamagedEntryError:
            self._cache.remove(TAKES, take_key)
            return None

    # --- the stages ----------------------------------------------------------------------------------------------

    def _take(self, plan: ClipPlan) -> tuple[Take, str, bool]:
        """Return the take, its key, and whether it was cached. A fallback that cannot be spoken gets silence."""
        cached_take = self._cached_take(plan.take_key)
        if cached_take is not None:
            return cached_take, plan.take_key, True
        try:
            return self._spoken_take(plan), plan.take_key, False
        except TalkingHeadError:
            if not plan.request.fallback:
                raise
        return self._silent_take(plan.request)

    def _spoken_take(self, plan: ClipPlan) -> Take:
        request = plan.request
        if request.narration_path:
            take = passage_to_take(request)
        else:
            take = utterance_to_take(self._engines.get("speech", request.speech), request)
        return take if _is_cloned(request) else self._stored_take(plan.take_key, take)

    def _silent_take(self, request: ClipRequest) -> tuple[Take, str, bool]:
        reading_seconds = len(request.text) / CHARACTERS_SPOKEN_PER_SECOND  # as long as saying the text would take
        seconds = max(LEAST_SILENCE_SECONDS, reading_seconds) + request.pause_seconds
        samples = round_up_to_quantum(math.ceil(seconds * AUDIO_HZ))
        key = key_of(entry="silence", samples=samples)
        cached_take = self._cached_take(key)
        if cached_take is not None:
            return cached_take, key, True
        return self._stored_take(key, Take(np.zeros(samples, np.float32), (), (), "")), key, False

    def _stored_take(self, key: str, take: Take) -> Take:
        with self._cache.building(TAKES, key) as folder:
            store_take(folder, take)
        return take

    def _source(self, plan: ClipPlan, face: Any) -> Any:
        framing = Framing(plan.profile.preprocess, plan.profile.size_px)
        key = (plan.engines["face"], plan.portrait_digest, framing)
        if key in self._sources:
            self._sources.move_to_end(key)
            return self._sources[key]
        source = self._prepare(plan, face, framing)
        self._sources[key] = source
        if len(self._sources) > WARM_SOURCES:
            self._sources.popitem(last=False)
        return source

    def _prepare(self, plan: ClipPlan, face: Any, framing: Framing) -> Any:
        try:
            portrait = _load_checked(plan) if plan.request.portrait_path else None
            return portrait_to_source(face, portrait, framing)
        except PortraitError:
            if not plan.request.fallback:
                raise
            return portrait_to_source(face, None, framing)

    def _write_clip(
        self,
        plan: ClipPlan,
        take: Take,
        take_key: str,
        frames: Iterator[Frame],
        on_event: EventSink,
        stopwatch: Stopwatch,
    ) -> ClipMetadata:
        def on_frame(drawn: int, preview_jpeg: bytes) -> None:
            stage = "frames" if drawn < take.frame_count else "encode"
            on_event(RenderEvent(stage, drawn, take.frame_count, preview_jpeg))

        with self._cache.building(CLIPS, plan.clip_key(take_key)) as folder:
            clip = frames_to_clip(frames, take, folder / CLIP_VIDEO, on_frame=on_frame)
            stopwatch.add("encode", clip.encode_seconds)
            (folder / CLIP_POSTER).write_bytes(clip.poster_jpeg)
            metadata = ClipMetadata(
                take_key=take_key,
                frame_count=clip.frame_count,
                width_px=clip.width_px,
                height_px=clip.height_px,
                video_bytes=(folder / CLIP_VIDEO).stat().st_size,
                video_sha256=sha256_of_file(folder / CLIP_VIDEO),
                engines=plan.engines,
                notices=plan.notices,
            )
            store_clip_metadata(folder, metadata)
        return metadata


def _is_cloned(request: ClipRequest) -> bool:
    """Return whether a person's own voice speaks, which its owner may withdraw.

    No take of such a voice is stored before its clip is done, so that every stored take is named by the row of a
    finished clip.
    """
    return isinstance(parsed(request.voice), SampleVoice)


def _load_checked(plan: ClipPlan) -> PortraitImage:
    """Return the portrait, if it still is the picture with the request's digest (which is part of the cache key)."""
    portrait = load_portrait(plan.request.portrait_path)
    if portrait.digest != plan.portrait_digest:
        raise PortraitError(
            "The portrait's file has changed since it was uploaded.",
            code="portrait_changed",
            hint="Upload the picture again.",
        )
    return portrait


def _result(
    plan: ClipPlan, metadata: ClipMetadata, stopwatch: Stopwatch, *, cached: bool, take_cached: bool
) -> ClipResult:
    return ClipResult(
        clip_key=plan.clip_key(metadata.take_key),
        take_key=metadata.take_key,
        video_seconds=metadata.frame_count / VIDEO_FPS,
        frame_count=metadata.frame_count,
        width_px=metadata.width_px,
        height_px=metadata.height_px,
        cached=cached,
        take_cached=take_cached,
        stages={name: round(seconds, 6) for name, seconds in stopwatch.seconds.items()},
        engines=metadata.engines,
        video_sha256=metadata.video_sha256,
        notices=metadata.notices,
    )
