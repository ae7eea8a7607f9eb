"""Listening piece by piece must hear what listening to the whole hears, at the same times."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from talking_head.errors import InvalidInput
from talking_head.media_io.recordings import plain_recording
from talking_head.pipeline.narration import transcribe
from talking_head.pipeline.narration.transcribe import TranscribedChunk, TranscribeRequest, transcribe_chunk
from tests.talking_head.recordings import RATE_HZ, spoken, wav


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recordings") / "plain"
    plain_recording(io.BytesIO(wav(spoken())), path, max_seconds=600)
    return path


def listen(path: Path) -> list[TranscribedChunk]:
    pieces: list[TranscribedChunk] = []
    while not (pieces and pieces[-1].is_last):
        start_seconds = pieces[-1].end_seconds if pieces else 0.0
        pieces.append(transcribe_chunk(TranscribeRequest(str(path), start_seconds, "", "/nowhere")))
    return pieces


def test_a_short_recording_is_one_piece(recording: Path) -> None:
    (piece,) = listen(recording)
    assert piece.end_seconds == pytest.approx(len(spoken()) / RATE_HZ, abs=0.001)
    assert (piece.language, piece.recogniser) == ("en", "pocketsphinx 1")


def test_pieces_are_cut_in_pauses_and_their_words_are_in_place(
    recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = listen(recording)[0].segments
    monkeypatch.setattr(transcribe, "CHUNK_SECONDS", 6.0)
    monkeypatch.setattr(transcribe, "_CUT_WITHIN_SECONDS", 5.0)
    pieces = listen(recording)
    assert len(pieces) > 1
    for piece in pieces[:-1]:
        cut = round(piece.end_seconds * RATE_HZ)
        assert np.abs(spoken()[cut - 1_000 : cut + 1_000]).max() < 0.02
    heard = [word for piece in pieces for segment in piece.segments for word in segment.words]
    expected = [word for segment in whole for word in segment.words]
    same = {word.text: word.start_seconds for word in expected}
    known = [word for word in heard if word.text in same and list(same).count(word.text) == 1]
    assert len(known) > len(expected) / 2
    late = [abs(word.start_seconds - same[word.text]) for word in known]
    assert np.median(late) < 0.05


def test_silence_says_nothing_and_is_no_error(tmp_path: Path) -> None:
    plain_recording(io.BytesIO(wav(0 * spoken())), tmp_path / "plain", max_seconds=600)
    (piece,) = listen(tmp_path / "plain")
    assert (piece.segments, piece.is_last) == ((), True)


def test_a_recording_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        listen(tmp_path / "none")
    assert caught.value.code == "unknown_file"
