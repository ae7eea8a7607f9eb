"""The content cache of a machine, with the bucket behind it: clips that one machine rendered, any other can join and
serve.

The renderer process has access only to the folder: it reads untrusted uploads and must not reach the bucket. So the
worker fetches the renderer's inputs beforehand, and uploads the finished entries before it reports the clip as done.
Entries never change, hence every process that writes a key writes the same bytes. Without a bucket nothing is
transferred.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from uuid import UUID

from talking_head.engines.speech.coqui.voice_names import SampleVoice, parsed
from talking_head.errors import map_os_errors
from talking_head.files import bucket, local, uploads
from talking_head.files.uploads import UploadKind
from talking_head.models import Clip, ClipState, Job
from talking_head.pipeline.cache.entries import DamagedEntryError, verified_clip_metadata
from talking_head.pipeline.cache.store import CLIPS, TAKES, ContentCache, entry_name
from talking_head.pipeline.requests import ClipResult

KeepGoing = Callable[[], bool]
Entry = tuple[str, str]  # kind, key


def fetch_inputs(clip_id: int, keep_going: KeepGoing) -> None:
    """Fetch the clip's portrait, its recording or voice sample, and the clip itself if an earlier video of the same
    subject had the same sentence: the renderer then finds it in its cache, unless other inputs of the key differ.

    Raises:
        ResourceError: ``storage_unavailable``. InvalidInput: ``unknown_file``. TransferCancelled: ``keep_going``
        returned False.
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
        work += [partial(_fetch_entry, (CLIPS, earlier.clip_key)), partial(_fetch_entry, (TAKES, earlier.take_key))]
    bucket.transfer(work, keep_going)


def store(results: Iterable[ClipResult], keep_going: KeepGoing) -> None:
    """Upload finished clips and their takes to the bucket, unless they are there.

    Raises:
        ResourceError: ``storage_unavailable``, ``storage_damaged``. TransferCancelled: ``keep_going`` returned False.
    """
    if bucket.is_enabled():
        entries = {entry for result in results for entry in ((CLIPS, result.clip_key), (TAKES, result.take_key))}
        bucket.transfer([partial(_upload_entry, entry) for entry in sorted(entries)], keep_going)


def delete(entry: Entry) -> bool:
    """Delete an entry for good, here and in the bucket; return whether it was here. (Copies on other machines are
    deleted by their sweepers, see :mod:`talking_head.files.removals`.)

    Raises:
        ResourceError: ``storage_unavailable``.
    """
    was_here = _local_path(entry).is_dir()
    ContentCache(local.cache_root()).remove(*entry)
    if bucket.is_enabled():
        for key in bucket.names(_key_prefix(entry)):
            bucket.delete(key)
    return was_here


def delete_withdrawn(job_id: UUID, result: ClipResult) -> None:
    """Delete a clip of a job whose portrait or voice was withdrawn, or that was deleted, while it was rendered. No row
    will ever name it.

    Raises:
        ResourceError: ``storage_unavailable``.
    """
    stays = Job.objects.filter(pk=job_id, consent_withdrawn_at=None, delete_after=None)
    if stays.exists():
        return
    others = Clip.objects.filter(job__consent_withdrawn_at=None)
    if not others.filter(clip_key=result.clip_key).exists():
        delete((CLIPS, result.clip_key))
    if not others.filter(take_key=result.take_key).exists():
        delete((TAKES, result.take_key))


def unusable_clips(clips: Iterable[Clip], keep_going: KeepGoing) -> list[int]:
    """Fetch the cache entries of a video's clips and verify them by their digests; return the indexes of the clips that
    no longer exist anywhere or are damaged. Damaged entries are deleted.

    Raises:
        ResourceError: ``storage_unavailable``. TransferCancelled: ``keep_going`` returned False.
    """
    clips = list(clips)
    _fetch_entries(clips, keep_going)
    unusable = _not_whole(clips, keep_going)
    if unusable and bucket.is_enabled():  # this machine's copies may be damaged, and the bucket's whole
        for clip in unusable:
            ContentCache(local.cache_root()).remove(CLIPS, clip.clip_key)
        _fetch_entries(unusable, keep_going)
        unusable = _not_whole(unusable, keep_going)
    for clip in unusable:
        if clip.clip_key:
            delete((CLIPS, clip.clip_key))
    return [clip.index for clip in unusable]


def _fetch_entries(clips: list[Clip], keep_going: KeepGoing) -> None:
    if bucket.is_enabled():
        entries = {entry for clip in clips for entry in ((CLIPS, clip.clip_key), (TAKES, clip.take_key))}
        bucket.transfer([partial(_fetch_entry, entry) for entry in sorted(entries)], keep_going)


def _not_whole(clips: list[Clip], keep_going: KeepGoing) -> list[Clip]:
    unusable = []
    for clip in clips:
        if not keep_going():
            raise bucket.TransferCancelled
        try:
            digest = clip.result.get("video_sha256", "")
            verified_clip_metadata(_local_path((CLIPS, clip.clip_key)), expected_sha256=digest)
        except DamagedEntryError:
            unusable.append(clip)
    return unusable


def storage_key(clip_key: str, file: str) -> str:
    """Return the path below ``MEDIA_ROOT``, and in the bucket, of a file of a finished clip."""
    return f"{_key_prefix((CLIPS, clip_key))}{file}"


def _same_sentence_before(clip: Clip) -> Clip | None:
    job = clip.job
    if not job.subject:
        return None
    clips = Clip.objects.filter(
        job__subject=job.subject,
        job__portrait_digest=job.portrait_digest,
        job__voice=job.voice,
        job__profile=job.profile,
        text=clip.text,
        state=ClipState.DONE,
        is_fallback=clip.is_fallback,
    )
    return clips.exclude(clip_key="").order_by("-pk").first()


def _upload_entry(entry: Entry) -> None:
    stored_sizes = bucket.sizes(_key_prefix(entry))
    with map_os_errors():
        files = list(_local_path(entry).iterdir()) if _local_path(entry).is_dir() else []
        for path in files:
            name = f"{_key_prefix(entry)}{path.name}"
            if stored_sizes.get(name) != path.stat().st_size:
                bucket.upload(name, path)


def _fetch_entry(entry: Entry) -> None:
    """Download the entry, unless it is here already or does not exist."""
    kind, key = entry
    if not key or _local_path(entry).is_dir():
        return
    names = bucket.names(_key_prefix(entry))
    if names:
        with ContentCache(local.cache_root()).building(kind, key) as folder:
            for name in names:
                bucket.download(name, folder / Path(name).name)


def _key_prefix(entry: Entry) -> str:
    return f"{local.cache_root().name}/{entry_name(*entry)}/"


def _local_path(entry: Entry) -> Path:
    return ContentCache(local.cache_root()).path(*entry)
