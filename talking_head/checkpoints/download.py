"""Downloads missing checkpoints file by file, source by source, and reports the outcome of each."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import httpx

from talking_head.checkpoints import folder_transfer, http_transfer
from talking_head.checkpoints.folder import (
    CHECKPOINTS_FOLDER,
    FileState,
    check_space,
    finish,
    locked,
    part_bytes,
    part_path,
    sidecar_digest,
    state_of,
    write_digest,
)
from talking_head.checkpoints.http_transfer import RetryPolicy
from talking_head.checkpoints.licences import is_accepted
from talking_head.checkpoints.manifest import Checkpoint, Manifest
from talking_head.checkpoints.sources import Source, SourceError, sources_of
from talking_head.digests import sha256_of_file
from talking_head.errors import TalkingHeadError, map_os_errors


class Result(StrEnum):
    KEPT = "kept"  # already there and intact
    FETCHED = "fetched"
    FAILED = "failed"
    LICENCE = "licence"  # must be accepted first


@dataclass(frozen=True, slots=True)
class DownloadOutcome:
    """The outcome for one checkpoint; if it failed, ``reasons`` holds the error of every source."""

    checkpoint: Checkpoint
    result: Result
    reasons: tuple[str, ...] = ()

    @property
    def is_available(self) -> bool:
        return self.result in (Result.KEPT, Result.FETCHED)


class ProgressReporter(Protocol):
    """Reports the progress of a download to the user."""

    def begin(self, checkpoint: Checkpoint, have_bytes: int) -> None: ...

    def advance(self, have_bytes: int) -> None: ...

    def note(self, text: str) -> None: ...

    def end(self) -> None: ...


@dataclass(slots=True)
class Downloader:
    """Downloads checkpoints into a folder. ``force`` fetches intact files again, too, and replaces custom weights."""

    folder: Path
    manifest: Manifest
    reporter: ProgressReporter
    mirror: Source | None = None
    force: bool = False
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)

    def run(self, checkpoints: Sequence[Checkpoint]) -> list[DownloadOutcome]:
        """Download what is missing and return one outcome for each checkpoint, in their order.

        Raises:
            ResourceError: ``no_space`` before anything is downloaded, ``download_running``, ``storage_denied``.
        """
        with locked(self.folder):
            missing = [] if self.force else [item for item in checkpoints if not self._is_usable(item)]
            wanted = list(checkpoints) if self.force else missing
            to_fetch = [item for item in wanted if is_accepted(item.licence, self.folder)]
            check_space(to_fetch, self.folder)
            fetched = self._fetch_all(to_fetch)
        outcomes = []
        for checkpoint in checkpoints:
            if checkpoint.name in fetched:
                outcomes.append(fetched[checkpoint.name])
            else:
                result = Result.LICENCE if checkpoint in wanted else Result.KEPT
                outcomes.append(DownloadOutcome(checkpoint, result))
        return outcomes

    def _is_usable(self, checkpoint: Checkpoint) -> bool:
        state = state_of(checkpoint, self.folder)
        if state in (FileState.CORRUPT, FileState.UNREADABLE):
            self.reporter.note(f"{checkpoint.file} is damaged and will be replaced.")
        path = checkpoint.path_in(self.folder)
        if state is FileState.GOOD and sidecar_digest(path) != checkpoint.sha256:  # placed here by other means
            with map_os_errors(CHECKPOINTS_FOLDER):
                write_digest(path, checkpoint.sha256)
        return state.is_usable

    def _fetch_all(self, checkpoints: Sequence[Checkpoint]) -> dict[str, DownloadOutcome]:
        outcomes: dict[str, DownloadOutcome] = {}
        folder_error: TalkingHeadError | None = None
        needs_http = not isinstance(self.mirror, Path)
        client_context: AbstractContextManager[httpx.Client | None] = (
            http_transfer.make_client() if needs_http else nullcontext(None)
        )
        with client_context as client:
            for checkpoint in checkpoints:
                if folder_error is None:
                    try:
                        check_space([checkpoint], self.folder)
                        outcomes[checkpoint.name] = self._fetch(checkpoint, client)
                        continue
                    except TalkingHeadError as error:  # the disk failed, not a source: the other files would fail, too
                        folder_error = error
                    finally:
                        self.reporter.end()
                outcomes[checkpoint.name] = DownloadOutcome(checkpoint, Result.FAILED, (str(folder_error),))
        return outcomes

    def _fetch(self, checkpoint: Checkpoint, client: httpx.Client | None) -> DownloadOutcome:
        reasons = []
        for source in sources_of(checkpoint, self.manifest, self.mirror):
            try:
                self._fetch_from(source, checkpoint, client)
            except SourceError as error:
                reasons.append(f"{source}: {error.message}")
                self.reporter.note(f"{source}: {error.message}")
            else:
                return DownloadOutcome(checkpoint, Result.FETCHED)
        return DownloadOutcome(checkpoint, Result.FAILED, tuple(reasons) or ("No source is known for this file.",))

    def _fetch_from(self, source: Source, checkpoint: Checkpoint, client: httpx.Client | None) -> None:
        """Download one checkpoint from one source and give it its final name.

        Raises:
            SourceError: the source does not deliver the right bytes.
        """
        part = part_path(checkpoint, self.folder)
        while True:
            resumed = part_bytes(checkpoint, self.folder) > 0 and not isinstance(source, Path)
            self._transfer(source, checkpoint, part, client)
            with map_os_errors(CHECKPOINTS_FOLDER):
                is_correct = sha256_of_file(part) == checkpoint.sha256
                if not is_correct:
                    part.unlink()
            if is_correct:
                return finish(part, checkpoint.path_in(self.folder), checkpoint.sha256)
            if not resumed:
                raise SourceError("The digest of the downloaded file is wrong.", permanent=True)
            # The first part, from an earlier run or another source, may be wrong: download the whole file once more.

    def _transfer(self, source: Source, checkpoint: Checkpoint, part: Path, client: httpx.Client | None) -> None:
        self.reporter.begin(checkpoint, part_bytes(checkpoint, self.folder))
        if isinstance(source, Path):
            folder_transfer.copy(source, part, checkpoint.bytes, on_progress=self.reporter.advance)
            return
        if client is None:
            raise SourceError("URLs are not used when the mirror is a folder.", permanent=True)
        http_transfer.fetch(
            client,
            source,
            part,
            checkpoint.bytes,
            retry_policy=self.retry_policy,
            on_progress=self.reporter.advance,
            on_wait=self.reporter.note,
        )
