"""Brings what is missing: file by file, source by source, and says what became of each."""

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
    digest_beside,
    finish,
    locked,
    part_bytes,
    part_of,
    state_of,
    write_digest,
)
from talking_head.checkpoints.http_transfer import Patience
from talking_head.checkpoints.licences import is_accepted
from talking_head.checkpoints.manifest import Checkpoint, Manifest
from talking_head.checkpoints.sources import Source, SourceError, sources_of
from talking_head.digests import sha256_of_file
from talking_head.errors import TalkingHeadError, map_os_errors


class Result(StrEnum):
    KEPT = "kept"  # was there and sound
    FETCHED = "fetched"
    FAILED = "failed"
    LICENCE = "licence"  # has to be accepted first


@dataclass(frozen=True, slots=True)
class DownloadOutcome:
    """``reasons`` says for a failed one what every source answered."""

    checkpoint: Checkpoint
    result: Result
    reasons: tuple[str, ...] = ()

    @property
    def is_there(self) -> bool:
        return self.result in (Result.KEPT, Result.FETCHED)


class Audience(Protocol):
    """Who watches a download."""

    def begin(self, checkpoint: Checkpoint, have_bytes: int) -> None: ...

    def advance(self, have_bytes: int) -> None: ...

    def note(self, text: str) -> None: ...

    def end(self) -> None: ...


@dataclass(slots=True)
class Downloader:
    """``force`` fetches again what is sound, too, and replaces weights of one's own."""

    folder: Path
    manifest: Manifest
    audience: Audience
    mirror: Source | None = None
    force: bool = False
    patience: Patience = field(default_factory=Patience)

    def run(self, checkpoints: Sequence[Checkpoint]) -> list[DownloadOutcome]:
        """One outcome for each, in their order.

        Raises:
            ResourceError: ``no_space`` before anything began, ``download_running``, ``storage_denied``.
        """
        with locked(self.folder):
            missing = [] if self.force else [one for one in checkpoints if not self._is_there(one)]
            wanted = list(checkpoints) if self.force else missing
            to_fetch = [one for one in wanted if is_accepted(one.licence, self.folder)]
            check_space(to_fetch, self.folder)
            fetched = self._fetch_all(to_fetch)
        outcomes = []
        for one in checkpoints:
            if one.name in fetched:
                outcomes.append(fetched[one.name])
            else:
                outcomes.append(DownloadOutcome(one, Result.LICENCE if one in wanted else Result.KEPT))
        return outcomes

    def _is_there(self, checkpoint: Checkpoint) -> bool:
        state = state_of(checkpoint, self.folder)
        if state in (FileState.CORRUPT, FileState.UNREADABLE):
            self.audience.note(f"{checkpoint.file} is damaged and will be replaced.")
        path = checkpoint.path_in(self.folder)
        if state is FileState.GOOD and digest_beside(path) != checkpoint.sha256:  # brought here by other means
            with map_os_errors(CHECKPOINTS_FOLDER):
                write_digest(path, checkpoint.sha256)
        return state.is_usable

    def _fetch_all(self, checkpoints: Sequence[Checkpoint]) -> dict[str, DownloadOutcome]:
        outcomes: dict[str, DownloadOutcome] = {}
        folder_refuses: TalkingHeadError | None = None
        needs_http = not isinstance(self.mirror, Path)
        opened: AbstractContextManager[httpx.Client | None] = (
            http_transfer.make_client() if needs_http else nullcontext(None)
        )
        with opened as client:
            for one in checkpoints:
                if folder_refuses is None:
                    try:
                        check_space([one], self.folder)
                        outcomes[one.name] = self._fetch(one, client)
                        continue
                    except TalkingHeadError as error:  # the disk, not a source: the others would fare no better
                        folder_refuses = error
                    finally:
                        self.audience.end()
                outcomes[one.name] = DownloadOutcome(one, Result.FAILED, (str(folder_refuses),))
        return outcomes

    def _fetch(self, checkpoint: Checkpoint, client: httpx.Client | None) -> DownloadOutcome:
        reasons = []
        for source in sources_of(checkpoint, self.manifest, self.mirror):
            try:
                self._fetch_from(source, checkpoint, client)
            except SourceError as error:
                reasons.append(f"{source}: {error.message}")
                self.audience.note(f"{source}: {error.message}")
            else:
                return DownloadOutcome(checkpoint, Result.FETCHED)
        return DownloadOutcome(checkpoint, Result.FAILED, tuple(reasons) or ("No source is known for it.",))

    def _fetch_from(self, source: Source, checkpoint: Checkpoint, client: httpx.Client | None) -> None:
        """
        Raises:
            SourceError: it does not give the right bytes.
        """
        part = part_of(checkpoint, self.folder)
        while True:
            resumed = part_bytes(checkpoint, self.folder) > 0 and not isinstance(source, Path)
            self._transfer(source, checkpoint, part, client)
            with map_os_errors(CHECKPOINTS_FOLDER):
                is_right = sha256_of_file(part) == checkpoint.sha256
                if not is_right:
                    part.unlink()
            if is_right:
                return finish(part, checkpoint.path_in(self.folder), checkpoint.sha256)
            if not resumed:
                raise SourceError("The bytes are not those of the file (its digest differs).", permanent=True)
            # The first half may be to blame, which an earlier run or another source brought: once more, from nothing.

    def _transfer(self, source: Source, checkpoint: Checkpoint, part: Path, client: httpx.Client | None) -> None:
        self.audience.begin(checkpoint, part_bytes(checkpoint, self.folder))
        if isinstance(source, Path):
            folder_transfer.copy(source, part, checkpoint.bytes, on_progress=self.audience.advance)
            return
        if client is None:
            raise SourceError("Addresses are not asked when a folder is the mirror.", permanent=True)
        http_transfer.fetch(
            client,
            source,
            part,
            checkpoint.bytes,
            patience=self.patience,
            on_progress=self.audience.advance,
            on_wait=self.audience.note,
        )
