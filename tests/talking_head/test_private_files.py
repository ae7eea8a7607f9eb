"""Uploads are kept once, whole, and found by nothing but the digest of their bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from talking_head.errors import InvalidInput, ResourceError
from talking_head.files import local, uploads
from talking_head.files.uploads import UploadKind

DATA = b"RIFF a narration"


def test_bytes_are_kept_under_their_digest(media_root: Path) -> None:
    digest = uploads.store(UploadKind.NARRATION, DATA)
    assert digest == hashlib.sha256(DATA).hexdigest()
    assert uploads.fetch(UploadKind.NARRATION, digest).read_bytes() == DATA
    assert uploads.fetch(UploadKind.NARRATION, digest) == media_root / "narrations" / digest[:2] / digest


def test_the_same_bytes_twice_are_one_file(media_root: Path) -> None:
    assert uploads.store(UploadKind.NARRATION, DATA) == uploads.store(UploadKind.NARRATION, DATA)
    assert len([path for path in media_root.rglob("*") if path.is_file()]) == 1


def test_kinds_do_not_mix() -> None:
    digest = uploads.store(UploadKind.NARRATION, DATA)
    assert uploads.exists(UploadKind.NARRATION, digest)
    assert not uploads.exists(UploadKind.PORTRAIT, digest)


@pytest.mark.parametrize("digest", ["", "..", "../../db.sqlite3", "A" * 64, "a" * 63, "a" * 64 + "/..", "é" * 64])
def test_no_path_comes_from_outside(digest: str) -> None:
    assert not uploads.exists(UploadKind.PORTRAIT, digest)
    for use in (uploads.local_path, uploads.fetch, uploads.delete):
        with pytest.raises(InvalidInput) as caught:
            use(UploadKind.PORTRAIT, digest)
        assert caught.value.code == "unknown_file"


def test_what_is_deleted_is_gone_and_may_be_deleted_again() -> None:
    digest = uploads.store(UploadKind.VOICE_SAMPLE, DATA)
    uploads.delete(UploadKind.VOICE_SAMPLE, digest)
    uploads.delete(UploadKind.VOICE_SAMPLE, digest)
    with pytest.raises(InvalidInput):
        uploads.fetch(UploadKind.VOICE_SAMPLE, digest)


def test_a_failure_leaves_nothing_behind(media_root: Path) -> None:
    (media_root / "portraits").write_text("in the way")
    with pytest.raises(ResourceError):
        uploads.store(UploadKind.PORTRAIT, DATA)
    assert list(local.temporary_root().iterdir()) == []
