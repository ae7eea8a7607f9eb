"""The real library speaking: what comes out, what stays warm, what is refused."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from talking_head.engines.base import CloningSpeechEngine, EngineSettings, Speech
from talking_head.engines.speech.coqui import models
from talking_head.engines.speech.coqui.engine import BREATH_SECONDS, CoquiSpeech
from talking_head.engines.speech.coqui.library import tts_class
from talking_head.engines.speech.coqui.samples import sample_file
from talking_head.errors import EngineError, InvalidInput, OptionError, ScriptError
from tests.talking_head.engines.speech.coqui.library.conftest import store_sample
from tests.talking_head.engines.speech.coqui.library.tiny_models import vouch_for

TINY, WINZIG = "coqui:vits:tiny", "coqui:vits:winzig"
ANA = "coqui:en:ana-florence"
SENTENCE = "Water boils at one hundred degrees."


def speak(engine: CoquiSpeech, text: str, voice: str = TINY, speed: float = 1.0) -> Speech:
    return engine.speak(text, text, voice=voice, speed=speed)


def seconds(speech: Speech) -> float:
    return len(speech.waveform) / speech.sample_rate_hz


@pytest.fixture
def own_checkpoints(checkpoints_dir: Path, tmp_path: Path) -> Path:
    """A copy of the VITS models that a test may damage."""
    shutil.copytree(checkpoints_dir / "vits", tmp_path / "checkpoints" / "vits")
    return tmp_path / "checkpoints"


@pytest.fixture
def own_xtts(checkpoints_dir: Path, own_checkpoints: Path) -> Path:
    """The same with XTTS: its files are linked, and a test replaces those that it damages."""
    shutil.copytree(checkpoints_dir / "xtts_v2", own_checkpoints / "xtts_v2", copy_function=os.link)
    return own_checkpoints


# --- VITS ----------------------------------------------------------------------------------------------------------


def test_a_local_model_speaks_for_about_as_long_as_the_text_is(engine: CoquiSpeech) -> None:
    short, long = speak(engine, "Water."), speak(engine, f"{SENTENCE} {SENTENCE}")
    assert short.waveform.dtype == np.float32 and short.sample_rate_hz == 22_050
    assert np.isfinite(long.waveform).all() and np.any(long.waveform)
    assert 5 < seconds(long) / seconds(short) < 20
    assert 0.02 < seconds(long) / (2 * len(SENTENCE)) < 0.2


def test_the_same_sentence_gives_the_same_samples_whatever_was_said_before(engine: CoquiSpeech) -> None:
    first = speak(engine, SENTENCE)
    speak(engine, "Something else.")
    assert np.array_equal(speak(engine, SENTENCE).waveform, first.waveform)
    assert not np.array_equal(speak(engine, SENTENCE, WINZIG).waveform, first.waveform)


def test_speed_is_obeyed_and_does_not_stick(engine: CoquiSpeech) -> None:
    usual = seconds(speak(engine, SENTENCE))
    assert seconds(speak(engine, SENTENCE, speed=2.0)) < 0.75 * usual
    assert seconds(speak(engine, SENTENCE, speed=0.5)) > 1.5 * usual
    assert seconds(speak(engine, SENTENCE)) == usual


def test_a_model_is_loaded_once(checkpoints_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []

    class Counted(models.VitsModel):
        def __init__(self, folder: Path, device: str) -> None:
            made.append(folder)
            super().__init__(folder, device)

    monkeypatch.setattr(models, "VitsModel", Counted)
    engine = CoquiSpeech(EngineSettings(checkpoints_dir))
    assert not made, "making the engine loads nothing"
    for _ in range(3):
        speak(engine, SENTENCE)
    assert made == [checkpoints_dir / "vits" / "tiny"]


def test_words_point_into_the_text_and_follow_each_other(engine: CoquiSpeech) -> None:
    written = "Wasser kocht bei 100 Grad."
    speech = engine.speak("Wasser kocht bei einhundert Grad.", written, voice=WINZIG, speed=1.0)
    assert [word.text for word in speech.words] == ["Wasser", "kocht", "bei", "100", "Grad"]
    assert all(written[word.start : word.end] == word.text for word in speech.words)
    times = [time for word in speech.words for time in (word.start_seconds, word.end_seconds)]
    assert times == sorted(times) and times[0] >= 0 and times[-1] <= seconds(speech) + 0.01
    assert speech.times_from == "estimate", "there is no acoustic model for German here"
    assert speech.phoneme_alphabet == "arpabet" and speech.phonemes


def test_a_long_sentence_is_said_in_pieces(engine: CoquiSpeech, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    whole = models.VitsModel.say

    def spy(model: models.VitsModel, text: str, speed: float) -> Any:
        said.append(text)
        return whole(model, text, speed)

    monkeypatch.setattr(models.VitsModel, "say", spy)
    monkeypatch.setattr(models.VitsModel, "max_characters", 60)
    text = " ".join(["Wasser kocht, Eis schmilzt, und Dampf steigt auf"] * 4)
    speech = speak(engine, text, WINZIG)
    assert " ".join(said) == text and all(len(piece) <= 60 for piece in said) and len(said) > 2
    assert len(speech.words) == len(text.split())
    assert seconds(speech) > BREATH_SECONDS * (len(said) - 1)
    starts = [word.start_seconds for word in speech.words]
    assert starts == sorted(starts)


def test_what_the_model_never_learned_is_refused(engine: CoquiSpeech) -> None:
    with pytest.raises(ScriptError) as refused:
        speak(engine, "Привет", WINZIG)
    assert refused.value.code == "nothing_speakable"


@pytest.mark.parametrize("voice", ["coqui:vits:nobody", "coqui:vits:../tiny", "hibari", "coqui:xx:ana-florence"])
def test_unknown_voices_are_refused(engine: CoquiSpeech, voice: str) -> None:
    with pytest.raises(OptionError) as refused:
        speak(engine, SENTENCE, voice)
    assert refused.value.code == "unknown_voice"


def test_impossible_speeds_are_refused(engine: CoquiSpeech) -> None:
    with pytest.raises(OptionError) as refused:
        speak(engine, SENTENCE, speed=9.0)
    assert refused.value.code == "speed_out_of_range"


# --- XTTS ----------------------------------------------------------------------------------------------------------


def test_xtts_speaks_with_a_speaker_of_its_own_in_several_languages(engine: CoquiSpeech) -> None:
    english, german = speak(engine, SENTENCE, ANA), speak(engine, "Wasser kocht.", "coqui:de:ana-florence")
    assert english.sample_rate_hz == german.sample_rate_hz == 24_000
    assert np.isfinite(english.waveform).all() and np.any(english.waveform)
    assert np.array_equal(speak(engine, SENTENCE, ANA).waveform, english.waveform)
    assert not np.array_equal(speak(engine, SENTENCE, "coqui:en:damien-black").waveform, english.waveform)


def test_figures_that_the_library_cannot_count_are_told(engine: CoquiSpeech) -> None:
    with pytest.raises(ScriptError) as refused:
        speak(engine, "पानी 12", "coqui:hi:ana-florence")
    assert refused.value.code == "nothing_speakable" and "in words" in refused.value.hint


def test_loading_leaves_the_official_file_as_it_is(checkpoints_dir: Path, engine: CoquiSpeech) -> None:
    path = checkpoints_dir / "xtts_v2" / "model.pth"
    speak(engine, SENTENCE, ANA)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == path.with_name("model.pth.sha256").read_text()


def test_a_sample_gives_a_voice_whose_print_is_computed_once(
    engine: CoquiSpeech, samples_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    whole = models.XttsModel.voice_print

    def spy(model: models.XttsModel, waveform: Any, sample_rate_hz: int) -> Any:
        calls.append(len(waveform))
        return whole(model, waveform, sample_rate_hz)

    monkeypatch.setattr(models.XttsModel, "voice_print", spy)
    voice = f"coqui:de:{store_sample(samples_dir, 12.0)}"
    other = f"coqui:de:{store_sample(samples_dir, 12.0, seed=2)}"
    first = speak(engine, "Guten Tag.", voice)
    assert np.array_equal(speak(engine, "Guten Tag.", voice).waveform, first.waveform)
    assert len(calls) == 1
    assert not np.array_equal(speak(engine, "Guten Tag.", other).waveform, first.waveform)


def test_a_warm_engine_stops_speaking_with_a_sample_that_was_deleted(engine: CoquiSpeech, samples_dir: Path) -> None:
    digest = store_sample(samples_dir, 12.0, seed=3)
    voice = f"coqui:en:{digest}"
    assert isinstance(engine, CloningSpeechEngine)
    assert engine.cloned_voice(voice) is not None
    speak(engine, SENTENCE, voice)
    sample_file(samples_dir, digest).unlink()
    assert engine.cloned_voice(voice) is None
    with pytest.raises(InvalidInput) as refused:
        speak(engine, SENTENCE, voice)
    assert refused.value.code == "voice_withdrawn"
    assert digest not in engine._prints


def test_samples_are_not_listed(engine: CoquiSpeech, samples_dir: Path) -> None:
    digest = store_sample(samples_dir, 12.0, seed=4)
    names = [voice.name for voice in engine.voices()]
    assert names[:2] == [TINY, WINZIG] and ANA in names
    assert not any(digest in name for name in names)


def test_a_sample_that_is_too_short_is_refused(engine: CoquiSpeech, samples_dir: Path) -> None:
    with pytest.raises(InvalidInput) as refused:
        speak(engine, SENTENCE, f"coqui:en:{store_sample(samples_dir, 4.0)}")
    assert refused.value.code == "sample_too_short"


def test_without_an_accepted_licence_xtts_neither_speaks_nor_asks(
    checkpoints_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COQUI_TOS_AGREED")
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("no person sits at a renderer"))
    engine = CoquiSpeech(EngineSettings(checkpoints_dir))
    assert ANA not in [voice.name for voice in engine.voices()]
    with pytest.raises(EngineError) as refused:
        speak(engine, SENTENCE, ANA)
    assert refused.value.code == "licence_not_accepted" and "COQUI_TOS_AGREED=1" in refused.value.hint


def test_a_gpu_is_used_where_torch_finds_one_and_a_new_engine_says_the_same(
    engine: CoquiSpeech, checkpoints_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, asked_for = tts_class(), []
    move = library.to

    def to(tts: Any, device: str) -> Any:
        asked_for.append(device)
        return move(tts, "cpu")

    expected = speak(engine, SENTENCE), speak(engine, SENTENCE, ANA)
    monkeypatch.setattr(library, "to", to)
    monkeypatch.setattr(models, "best_device", lambda: "cuda")
    another = CoquiSpeech(EngineSettings(checkpoints_dir))
    for speech, voice in zip(expected, (TINY, ANA), strict=True):
        assert np.array_equal(speak(another, SENTENCE, voice).waveform, speech.waveform)
    assert asked_for == ["cuda", "cuda"]


# --- what lies in the folder ---------------------------------------------------------------------------------------


class Payload:
    """What a malicious checkpoint does when it is unpickled carelessly."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"touch {self.trace}",)


@pytest.mark.parametrize("as_archive", [True, False])
@pytest.mark.parametrize(("file", "voice"), [("vits/tiny/model.pth", TINY), ("xtts_v2/model.pth", ANA)])
def test_a_payload_in_a_checkpoint_never_runs(
    own_xtts: Path, tmp_path: Path, as_archive: bool, file: str, voice: str
) -> None:
    trace, path = tmp_path / "ran", own_xtts / file
    path.unlink()
    if as_archive:
        torch.save({"model": Payload(trace)}, path)
    else:
        path.write_bytes(pickle.dumps({"model": Payload(trace)}, protocol=2))
    path.with_name("model.pth.sha256").unlink(missing_ok=True)
    vouch_for(path)
    with pytest.raises(EngineError) as refused:
        speak(CoquiSpeech(EngineSettings(own_xtts)), SENTENCE, voice)
    assert refused.value.code == "checkpoint_foreign"
    assert not trace.exists()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"model": "tacotron2"}, "checkpoint_foreign"),
        ({"use_speaker_embedding": True}, "checkpoint_foreign"),
        ({"speakers_file": "http://example.org/speakers.pth"}, "checkpoint_foreign"),
        ({"model_args": {"speaker_encoder_model_path": "http://example.org/encoder.pth"}}, "checkpoint_foreign"),
        ({"characters": {"characters_class": "os.system"}}, "checkpoint_foreign"),
    ],
)
def test_a_configuration_that_leads_elsewhere_is_refused(
    own_checkpoints: Path, changes: dict[str, Any], code: str
) -> None:
    path = own_checkpoints / "vits" / "tiny" / "config.json"
    config = json.loads(path.read_text())
    for name, value in changes.items():
        config[name] = {**config[name], **value} if isinstance(value, dict) else value
    path.write_text(json.dumps(config))
    with pytest.raises(EngineError) as refused:
        speak(CoquiSpeech(EngineSettings(own_checkpoints)), SENTENCE)
    assert refused.value.code == code


def test_a_cut_model_is_corrupt(own_checkpoints: Path) -> None:
    path = own_checkpoints / "vits" / "tiny" / "model.pth"
    path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(EngineError) as refused:
        speak(CoquiSpeech(EngineSettings(own_checkpoints)), SENTENCE)
    assert refused.value.code == "checkpoint_corrupt"


def test_official_names_with_other_bytes_are_corrupt_unless_vouched_for(own_xtts: Path) -> None:
    (own_xtts / "xtts_v2" / "vocab.json.sha256").unlink()
    with pytest.raises(EngineError) as refused:
        speak(CoquiSpeech(EngineSettings(own_xtts)), SENTENCE, ANA)
    assert refused.value.code == "checkpoint_corrupt"


def test_other_weights_give_other_cache_keys(own_checkpoints: Path) -> None:
    before = CoquiSpeech(EngineSettings(own_checkpoints)).version
    assert CoquiSpeech(EngineSettings(own_checkpoints)).version == before
    path = own_checkpoints / "vits" / "winzig" / "model.pth"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert CoquiSpeech(EngineSettings(own_checkpoints)).version != before


def test_a_model_that_reads_with_a_missing_program_says_which(own_checkpoints: Path) -> None:
    path = own_checkpoints / "vits" / "tiny" / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "use_phonemes": True, "phonemizer": "espeak"}))
    if shutil.which("espeak-ng") or shutil.which("espeak"):
        pytest.skip("espeak is installed here")
    with pytest.raises(EngineError) as refused:
        speak(CoquiSpeech(EngineSettings(own_checkpoints)), SENTENCE)
    assert refused.value.code == "engine_unavailable" and "espeak-ng" in refused.value.hint
