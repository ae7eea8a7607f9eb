"""The plan of one clip: the engines, the profile and the cache keys that a request resolves to.

A clip has three forms: as requested; at *half resolution*, after memory ran out: drawn at half size, scaled up, without
enhancer; and as a *fallback*: the still engine's card. All have the same size as video, because they must join.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from talking_head.engines import registry
from talking_head.engines.base import FaceEngine
from talking_head.engines.face.half_resolution import HalfResolutionFace
from talking_head.media_io.video import ENCODING_VERSION
from talking_head.pipeline.cache.store import key_of
from talking_head.pipeline.passage_to_take import RECORDED_LABEL, narration_key
from talking_head.pipeline.portrait_to_source import load_portrait
from talking_head.pipeline.requests import ClipRequest
from talking_head.pipeline.utterance_to_take import TAKE_VERSION
from talking_head.pipeline.warm_engines import NO_ENHANCER, WarmEngines
from talking_head.profiles import STILL, Profile, profile_named

HALF_RESOLUTION_NOTICE = "Memory ran out: some sentences were drawn at half resolution and without enhancement."


@dataclass(frozen=True, slots=True)
class ClipPlan:
    request: ClipRequest
    profile: Profile
    portrait_digest: str
    face: str
    enhancer: Any  # an Enhancer or None
    engines: dict[str, str]  # speech, face, enhancer -> "name version"
    notices: tuple[str, ...]
    take_key: str

    def clip_key(self, take_key: str) -> str:
        """Return the clip's key when it is rendered with that take (a fallback may have to use silence)."""
        return key_of(
            entry="clip",
            encoding=ENCODING_VERSION,
            take=take_key,
            text=self.request.text,
            portrait=self.portrait_digest,
            preprocess=self.profile.preprocess,
            size_px=self.profile.size_px,
            expression_scale=float(self.profile.expression_scale),
            face=self.engines["face"],
            enhancer=self.engines["enhancer"],
            fallback=self.request.fallback,
            **({"frame": list(self.fallback_size_px)} if self.fallback_size_px else {}),
        )

    def face_engine(self, engines: WarmEngines) -> FaceEngine[Any, Any]:
        engine: FaceEngine[Any, Any] = engines.get("face", self.face)
        return HalfResolutionFace(engine) if self.is_half_resolution else engine

    @property
    def fallback_size_px(self) -> tuple[int, int] | None:
        """Return the width and height that a fallback has to have; None when it may have its own."""
        size_px = (self.request.width_px, self.request.height_px)
        return size_px if self.request.fallback and all(size_px) else None

    @property
    def is_half_resolution(self) -> bool:
        return self.request.half_resolution and not self.request.fallback


def plan_clip(request: ClipRequest, engines: WarmEngines) -> ClipPlan:
    """Return the plan of a request.

    Raises:
        OptionError: an unknown profile or engine. EngineError: an engine that cannot be used here.
    """
    profile = profile_named(request.profile)
    face = STILL if request.fallback else registry.resolve("face", request.face)
    is_plain = request.fallback or request.half_resolution
    enhancer, notices = (None, ()) if is_plain else engines.enhancer(profile)
    face_label = engines.label("face", face)
    if request.half_resolution and not request.fallback:
        face_label, notices = HalfResolutionFace.label(face_label), (HALF_RESOLUTION_NOTICE,)
    labels = {
        "speech": RECORDED_LABEL
        if request.narration_path
        else engines.label("speech", request.speech, or_unknown=request.fallback),
        "face": face_label,
        "enhancer": f"{enhancer.name} {enhancer.version}" if enhancer else NO_ENHANCER,
    }
    portrait_digest = request.portrait_digest or _digest_of(request.portrait_path)
    take_key = key_of(
        entry="take",
        version=TAKE_VERSION,
        engine=labels["speech"],
        text=request.text,
        spoken=request.spoken,
        pause_seconds=float(request.pause_seconds),
        language=request.language,
        voice=request.voice,
        speed=float(request.speed),
        **narration_key(request),
    )
    return ClipPlan(request, profile, portrait_digest, face, enhancer, labels, notices, take_key)


def _digest_of(portrait_path: str) -> str:
    """Return the portrait's digest for requests that do not carry it; "" without a portrait."""
    return load_portrait(portrait_path).digest if portrait_path else ""
