"""The content cache of a machine, with the bucket behind it: what one machine rendered, any other can join and show.

The renderer process knows only the folder: it reads what strangers upload, and has no business with the bucket. So the
worker brings what the renderer will want before it asks for it, and takes the finished entries to the bucket before it
says "done". Entries never change, hence every key is written with the same bytes by whoever writes it. Without a bucket
nothing here does anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from talking_head.engines.speech.coqui.voice_names import SampleVoice, parsed
from talking_head.errors import map_os_errors
from talking_head.files import bucket, local, uploads
from talking_head.files.uploads import UploadKind
from talking_head.models import Clip, ClipState
from talking_head.pipeline.cache.store import CLIPS, TAKES, ContentCache, entry_name
from talking_head.pipeline.requests import ClipResult

KeepGoing = Callable[[], bool]
Entry = tuple[str, str]  # kind, key


def fetch_inputs(clip_id: int, keep_going: KeepGoing) -> None:
    """The portrait that the clip shows, the recording or the voice sample that speaks in it, and the clip itself where
    an earlier video of the same subject had the same sentence: the renderer then finds it in its cache, or finds that
    something else decides about it too.

    Raises:
        ResourceError: ``storage_unavailable``. InvalidInput: ``unknown_file``. TransferCancelled: ``keep_going`` said
        no.
    """
    if not bucket.is_enabled():
        return
    clip = Clip.objects.select_related("job").get(pk=clip_id)
    work: list[Callable[[], object]] = []
    if clip.job.portrait_digest:
        work.append(partial(uploads.fetch, UploadKind.PORTRAIT, clip.job.portrait_digest))
    if clip.job.narration_digest:
        work.append(partial(uploads.fetch, UploadKind.NARRATION, clip.job.narration_digest))
    voice = parsed(clip.job.voice)
    if isinstance(voice, SampleVoice):
        work.append(partial(uploads.fetch, UploadKind.VOICE_SAMPLE, voice.digest))
    if earlier := _same_sentence_before(clip):
        work += [partial(_bring, (CLIPS, earlier.clip_key)), partial(_bring, (TAKES, earlier.take_key))]
    bucket.transfer(work, keep_going)


def store(result: ClipResult, keep_going: KeepGoing) -> None:
    """Takes a finished clip and its take to the bucket, unless they are there.

    Raises:
        ResourceError: ``storage_unavailable``, ``storage_damaged``. TransferCancelled: ``keep_going`` said no.
    """
    if bucket.is_enabled():
        entries = ((CLIPS, result.clip_key), (TAKES, result.take_key))
        bucket.transfer([partial(_keep, entry) for entry in entries], keep_going)


def delete(entry: Entry) -> None:
    """Removes an entry for good, here and in the bucket. (What other machines have kept goes when their caches are
    cleared.)

    Raises:
        ResourceError: ``storage_unavailable``.
    """
    ContentCache(local.cache_root()).remove(*entry)
    if bucket.is_enabled():
        for name in bucket.names(_name(entry)):
            bucket.delete(name)


def delete_withdrawn(voice: str, result: ClipResult) -> None:
    """For a clip that was made in vain: if its cloned voice was withdrawn meanwhile, nothing of it stays.

    Raises:
        ResourceError: ``storage_unavailable``.
    """
    sample = parsed(voice)
    if isinstance(sample, SampleVoice) and not uploads.exists(UploadKind.VOICE_SAMPLE, sample.digest):
        for entry in ((CLIPS, result.clip_key), (TAKES, result.take_key)):
            delete(entry)


def missing_clips(clips: Iterable[Clip], keep_going: KeepGoing) -> list[int]:
    """Brings what the clips of a video consist of; returns the indexes of those that are nowhere any more."""
    clips = list(clips)
    if bucket.is_enabled():
        entries = {entry for clip in clips for entry in ((CLIPS, clip.clip_key), (TAKES, clip.take_key))}
        bucket.transfer([partial(_bring, entry) for entry in sorted(entries)], keep_going)
    return [clip.index for clip in clips if not _place((CLIPS, clip.clip_key)).is_dir()]


def clip_name(clip_key: str, file: str) -> str:
    """The name below ``MEDIA_ROOT`` or in the bucket of a file of a finished clip."""
    return f"{_name((CLIPS, clip_key))}{file}"


def _same_sentence_before(clip: Clip) -> Clip | None:
    job = clip.job
    if not job.subject:
        return None
    same = Clip.objects.filter(
        job__subject=job.subject,
        job__portrait_digest=job.portrait_digest,
        job__voice=job.voice,
        job__profile=job.profile,
        text=clip.text,
        state=ClipState.DONE,
        is_fallback=clip.is_fallback,
    )
    return same.exclude(clip_key="").order_by("-pk").first()


def _keep(entry: Entry) -> None:
    there = bucket.sizes(_name(entry))
    with map_os_errors():
        files = list(_place(entry).iterdir()) if _place(entry).is_dir() else []
        for path in files:
            name = f"{_name(entry)}{path.name}"
            if there.get(name) != path.stat().st_size:
                bucket.upload(name, path)


def _bring(entry: Entry) -> None:
    """Nothing happens when the entry is here already, or nowhere."""
    kind, key = entry
    if not key or _place(entry).is_dir():
        return
    names = bucket.names(_name(entry))
    if names:
        with ContentCache(local.cache_root()).building(kind, key) as folder:
            for name in names:
                bucket.download(name, folder / Path(name).name)


def _name(entry: Entry) -> str:
    return f"{local.cache_root().name}/{entry_name(*entry)}/"


def _place(entry: Entry) -> Path:
    return ContentCache(local.cache_root()).path(*entry)
