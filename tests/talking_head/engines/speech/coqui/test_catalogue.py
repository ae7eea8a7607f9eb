"""What is offered, and what is said when something is missing. Needs neither the library nor weights."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from talking_head.engines.base import EngineSettings
from talking_head.engines.speech.coqui import catalogue
from talking_head.engines.speech.coqui.engine import CoquiSpeech
from talking_head.engines.speech.coqui.voice_names import (
    SampleVoice,
    SpeakerVoice,
    VitsVoice,
    parsed,
    sample_voice,
    speaker_voice,
    vits_voice,
)
from talking_head.errors import EngineError

DIGEST = "ab" * 32


@pytest.fixture(autouse=True)
def licence_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COQUI_TOS_AGREED", raising=False)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "PACKAGES", ())


def put_vits(folder: Path, **config: object) -> None:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model": "vits", **config}))
    (folder / "model.pth").write_bytes(b"weights")


def put_xtts(checkpoints_dir: Path) -> None:
    for one in catalogue.xtts_files():
        path = one.path_in(checkpoints_dir)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"weights")


# --- names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "voice"),
    [
        (vits_voice("thorsten"), VitsVoice("thorsten")),
        (speaker_voice("de", "Ana Florence"), SpeakerVoice("de", "ana-florence")),
        (sample_voice("zh", DIGEST), SampleVoice("zh", DIGEST)),
    ],
)
def test_a_name_says_what_speaks(name: str, voice: object) -> None:
    assert parsed(name) == voice
    assert len(name) <= 100, "a job keeps names of this length"


@pytest.mark.parametrize(
    "name", ["", "coqui", "coqui:", "coqui:vits:", "hibari", "coqui:vits:../../etc", "coqui:vits:.", "coqui:vits:a/b"]
)
def test_other_names_are_nobodys(name: str) -> None:
    assert parsed(name) is None


# --- voices --------------------------------------------------------------------------------------------------------


def test_local_models_come_first_each_in_its_language(tmp_path: Path) -> None:
    put_vits(tmp_path / "vits" / "ljspeech", phoneme_language="en-us")
    put_vits(tmp_path / "vits" / "thorsten", phoneme_language="", datasets=[{"language": "de"}])
    put_vits(tmp_path / "vits" / "unnamed")
    put_vits(tmp_path / "vits" / "not a name")
    (tmp_path / "vits" / "empty").mkdir()
    assert [(voice.name, voice.language) for voice in catalogue.voices(tmp_path)] == [
        ("coqui:vits:ljspeech", "en-US"),
        ("coqui:vits:thorsten", "de"),
        ("coqui:vits:unnamed", "en"),
    ]


def test_xtts_is_offered_once_its_licence_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_xtts(tmp_path)
    assert catalogue.voices(tmp_path) == ()
    monkeypatch.setenv("COQUI_TOS_AGREED", "1")
    voices = catalogue.voices(tmp_path)
    assert voices[0].language == "en" and "coqui:de:ana-florence" in [voice.name for voice in voices]


def test_languages_that_need_more_packages_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"pypinyin": False, "cutlet": True}
    monkeypatch.setattr(catalogue, "find_spec", lambda name: there.get(name) or None)
    assert "ja" in catalogue.languages() and "zh" not in catalogue.languages()


# --- what is missing -----------------------------------------------------------------------------------------------


def test_a_missing_package_names_its_requirements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_vits(tmp_path / "vits" / "tiny")
    monkeypatch.setattr(catalogue, "find_spec", lambda name: None)
    with pytest.raises(EngineError) as refused:
        CoquiSpeech(EngineSettings(tmp_path))
    assert refused.value.code == "engine_unavailable" and "requirements/coqui.txt" in refused.value.hint


def test_an_empty_folder_says_how_to_fill_it(tmp_path: Path, installed: None) -> None:
    with pytest.raises(EngineError) as refused:
        CoquiSpeech(EngineSettings(tmp_path))
    assert refused.value.code == "checkpoint_missing" and "download_checkpoints --only coqui" in refused.value.hint


def test_weights_without_a_licence_name_the_licence(tmp_path: Path, installed: None) -> None:
    put_xtts(tmp_path)
    with pytest.raises(EngineError) as refused:
        CoquiSpeech(EngineSettings(tmp_path))
    assert refused.value.code == "licence_not_accepted" and "COQUI_TOS_AGREED=1" in refused.value.hint
    problem = catalogue.cloning_problem(tmp_path)
    assert problem is not None and problem.code == "licence_not_accepted"


def test_voices_can_be_cloned_with_xtts_alone(tmp_path: Path, installed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COQUI_TOS_AGREED", "1")
    put_vits(tmp_path / "vits" / "tiny")
    problem = catalogue.cloning_problem(tmp_path)
    assert problem is not None and problem.code == "checkpoint_missing"
    put_xtts(tmp_path)
    assert catalogue.cloning_problem(tmp_path) is None


@pytest.mark.skipif(find_spec("TTS") is None, reason="coqui-tts is not installed")
def test_asking_for_voices_does_not_load_the_library(tmp_path: Path) -> None:
    import subprocess
    import sys

    put_vits(tmp_path / "vits" / "tiny")
    program = (
        "import sys; from pathlib import Path\n"
        "from talking_head.engines import registry; from talking_head.engines.base import EngineSettings\n"
        f"print(registry.create('speech', 'coqui', EngineSettings(Path({str(tmp_path)!r}))).voices())\n"
        "assert not {'torch', 'TTS', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
