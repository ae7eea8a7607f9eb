"""``manage.py diagnose``: it finds what works, names what does not, and its exit status says how bad that is."""

from __future__ import annotations

import io
import json
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from talking_head.checks import check_checkpoints
from talking_head.diagnostics import background, diagnosis, machine, services
from talking_head.diagnostics.engines import TrialSettings, try_one
from talking_head.diagnostics.findings import Level, Report
from talking_head.diagnostics.judgements import judge_checkpoints, judge_engines, judge_machine, recommend
from talking_head.pipeline.probes.engine_trial import Trial

SECTIONS = {"python", "packages", "cpu", "memory", "disk", "gpu", "checkpoints", "engines", "services"}
KEYS = {"format", "severity", "verdict", "findings", "recommendations", *SECTIONS}


def trial(kind: str, name: str, *, factor: float | None = None, code: str = "") -> dict[str, Any]:
    error = {"code": code, "message": "It does not work.", "hint": "Mend it."} if code else None
    return Trial(kind, name, usable=not code, version="1", error=error, real_time_factor=factor).to_json()


BARE = [
    trial("speech", "hibari", factor=0.02),
    trial("face", "puppet", factor=0.1),
    trial("face", "sadtalker", code="engine_unavailable"),
    trial("face", "still", factor=0.01),
]
NO_GPU: dict[str, Any] = {"driver_devices": [], "torch": None, "devices": [], "error": ""}
GPU: dict[str, Any] = {**NO_GPU, "driver_devices": ["NVIDIA H200"], "torch": "12.8"}


@pytest.fixture
def bare_checkpoints(settings: Settings, tmp_path: Path) -> Path:
    settings.CHECKPOINTS_DIR = tmp_path / "checkpoints"
    return settings.CHECKPOINTS_DIR


@pytest.fixture
def engines_tried_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that are about something else than engines."""
    monkeypatch.setattr(diagnosis, "try_engines", lambda settings, on_start: BARE)
    monkeypatch.setattr(machine, "gpu_facts", lambda: NO_GPU)


def diagnosed(*arguments: str) -> tuple[int, dict[str, Any]]:
    out = io.StringIO()
    status = 0
    try:
        call_command("diagnose", "--json", *arguments, stdout=out, stderr=io.StringIO())
    except SystemExit as end:
        status = int(str(end.code))
    return status, json.loads(out.getvalue())


def codes(report: dict[str, Any]) -> set[str]:
    return {finding["code"] for finding in report["findings"]}


@pytest.mark.django_db
def test_on_a_bare_machine_the_embedded_engines_work_and_sadtalker_says_why_not(bare_checkpoints: Path) -> None:
    modules = set(sys.modules)
    status, report = diagnosed()
    engines = {engine["name"]: engine for engine in report["engines"]}
    for name in ("hibari", "puppet", "still"):
        assert engines[name]["usable"], engines[name]
        assert engines[name]["real_time_factor"] > 0
        assert engines[name]["result_seconds"] >= 1
    assert not engines["sadtalker"]["usable"]
    assert engines["sadtalker"]["error"]["code"] in ("engine_unavailable", "checkpoint_missing")
    assert engines["sadtalker"]["error"]["hint"]
    assert set(report["services"].values()) <= {"ok", "idle"}
    assert {row["state"] for row in report["checkpoints"]} == {"missing"}
    assert (status, report["severity"]) == (0, 0), report["findings"]
    assert report["recommendations"]["profile"] in ("fast", "balanced")
    assert any("download_checkpoints --only sadtalker" in action for action in report["recommendations"]["actions"])
    assert "torch" not in set(sys.modules) - modules


@pytest.mark.django_db
@pytest.mark.usefixtures("engines_tried_before", "bare_checkpoints")
class TestReport:
    def test_the_keys_that_scripts_read_are_stable(self) -> None:
        _, report = diagnosed()
        assert set(report) == KEYS
        assert set(report["services"]) == {
            "database", "migrations", "media", "run_dir", "workers", "rows", "queue", "channel_layer"
        }  # fmt: skip
        assert set(report["cpu"]) >= {"model", "cores", "cores_usable", "features", "load_1_minute"}
        assert set(report["memory"]) == {"total_bytes", "available_bytes"}
        assert set(report["disk"]) == {"folder", "total_bytes", "free_bytes"}
        assert set(report["gpu"]) == {"driver_devices", "torch", "devices", "error"}
        assert set(report["recommendations"]) == {"profile", "face", "why", "actions"}
        assert set(report["checkpoints"][0]) == {
            "name", "file", "bytes", "needed_by", "optional", "state", "digest_checked",
        }  # fmt: skip
        assert {frozenset(finding) for finding in report["findings"]} == {
            frozenset({"level", "code", "message", "hint"})
        }
        assert report["packages"]["django"]

    def test_people_get_words(self) -> None:
        out = io.StringIO()
        call_command("diagnose", stdout=out, stderr=io.StringIO())
        text = out.getvalue()
        fast = "10 times real-time speed"
        assert f"face engine    puppet: usable (version 1), real-time factor 0.100 ({fast})" in text
        assert f"Recommended profile: balanced. puppet runs at {fast} here." in text
        assert "none of 5 downloaded; only optional engines need them" in text
        assert "Everything needed works." in text

    def test_a_media_folder_that_takes_nothing_is_severity_2(self, settings: Settings, tmp_path: Path) -> None:
        settings.MEDIA_ROOT = tmp_path / "file"
        settings.MEDIA_ROOT.write_text("not a folder")
        status, report = diagnosed()
        assert (status, report["severity"]) == (2, 2)
        assert report["services"]["media"] != "ok"
        assert report["findings"][0]["level"] == "broken"

    def test_an_unreachable_redis_is_severity_2(self, settings: Settings) -> None:
        settings.REDIS_URL = "redis://127.0.0.1:9/0"
        status, report = diagnosed()
        assert status == 2
        assert report["services"]["queue"] == "ConnectionError"
        assert "queue_unreachable" in codes(report)

    def test_without_a_channel_layer_lessons_still_work(self, settings: Settings) -> None:
        settings.CHANNEL_LAYERS = {}
        status, report = diagnosed()
        assert status == 1
        assert report["services"]["channel_layer"] == "none"

    def test_a_silent_channel_layer_does_not_hold_the_diagnosis_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Silent:
            async def new_channel(self, prefix: str) -> str:
                raise TimeoutError

        monkeypatch.setattr(services, "get_channel_layer", Silent)
        status, report = diagnosed()
        assert (status, report["services"]["channel_layer"]) == (1, "no answer")

    def test_what_the_system_checks_say_is_part_of_it(self, settings: Settings) -> None:
        settings.Q_CLUSTER = {**settings.Q_CLUSTER, "timeout": 7_200, "retry": 3_600}
        status, report = diagnosed()
        assert status == 2
        assert "talking_head.E001" in codes(report)

    def test_a_damaged_checkpoint_is_severity_1(self, bare_checkpoints: Path) -> None:
        bare_checkpoints.mkdir()
        (bare_checkpoints / "GFPGANv1.4.pth").write_bytes(b"cut")
        status, report = diagnosed()
        assert status == 1
        assert "checkpoint_corrupt" in codes(report)

    def test_one_broken_probe_does_not_silence_the_others(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken() -> dict[str, Any]:
            raise RuntimeError("the sensor is gone")

        monkeypatch.setattr(machine, "cpu_facts", broken)
        status, report = diagnosed()
        assert status == 1
        assert any("the sensor is gone" in finding["message"] for finding in report["findings"])
        assert report["engines"] == BARE
        assert report["recommendations"]["profile"]


# --- engines in processes of their own ---


def interpreter(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("script", "code", "words"),
    [
        ("kill -SEGV $$", "engine_crashed", "SIGSEGV"),
        ("echo 'ImportError: libcudart.so.12' >&2; exit 1", "engine_crashed", "libcudart"),
        ("echo nonsense", "engine_crashed", "returned no result"),
        ("exec sleep 60", "engine_too_slow", "not ready"),
    ],
)
def test_an_engine_that_takes_its_process_down_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, code: str, words: str
) -> None:
    monkeypatch.setattr(sys, "executable", interpreter(tmp_path / "python", script))
    limit = 0.2 if code == "engine_too_slow" else 60.0
    found = try_one("face", "puppet", TrialSettings(tmp_path, tmp_path, None, loading_seconds=limit, working_seconds=0))
    assert not found["usable"]
    assert found["error"]["code"] == code
    assert ("less busy" in found["error"]["hint"]) is (code == "engine_too_slow")
    assert words in found["error"]["message"]


def judged(engines: list[dict[str, Any]], chosen: dict[str, str] | None = None) -> Report:
    report = Report({"engines": engines})
    judge_engines(report, chosen or {"face": "auto", "speech": "auto"})
    return report


@pytest.mark.parametrize(
    ("changed", "chosen", "status"),
    [
        ({}, {}, 0),
        ({"sadtalker": "checkpoint_corrupt"}, {}, 1),
        ({"sadtalker": "engine_crashed"}, {}, 1),
        ({"still": "engine_crashed"}, {}, 1),
        ({"puppet": "engine_crashed"}, {}, 2),
        ({"hibari": "checkpoint_missing"}, {}, 2),
        ({}, {"face": "sadtalker"}, 2),
        ({}, {"face": "puppet"}, 0),
    ],
)
def test_how_bad_it_is_depends_on_what_is_needed(changed: dict[str, str], chosen: dict[str, str], status: int) -> None:
    engines = [
        trial(one["kind"], one["name"], code=changed[one["name"]]) if one["name"] in changed else one for one in BARE
    ]
    assert judged(engines, chosen).exit_status == status


# --- advice ---


def advised(
    engines: list[dict[str, Any]], gpu: dict[str, Any], torch: str | None = None, face: str = "auto"
) -> dict[str, Any]:
    missing = [{"name": "x", "file": "x", "needed_by": ["sadtalker"], "optional": False, "state": "missing"}]
    report = Report({"engines": engines, "gpu": gpu, "packages": {"torch": torch}, "checkpoints": missing})
    return recommend(report, {"face": face, "speech": "auto"})


def test_a_gpu_is_worth_the_quality_engine() -> None:
    wanted = advised(BARE, GPU)
    assert wanted["profile"] == "balanced"
    (action,) = wanted["actions"]
    assert action.startswith("The quality engine sadtalker can use the GPU")
    assert "requirements/sadtalker.txt" in action
    assert "requirements" not in advised(BARE, GPU, torch="2.13.0")["actions"][0]


def test_a_fast_gpu_gets_the_quality_profile_and_a_slow_machine_the_fast_one() -> None:
    quick = [*BARE[:2], trial("face", "sadtalker", factor=0.2), BARE[3]]
    assert advised(quick, GPU, "2.13.0", face="sadtalker")["profile"] == "quality"
    assert advised(quick, GPU, "2.13.0")["actions"][0].endswith("TALKING_HEAD_FACE=sadtalker.")
    slow = [BARE[0], trial("face", "puppet", factor=1.5), *BARE[2:]]
    wanted = advised(slow, NO_GPU)
    assert (wanted["profile"], wanted["why"]) == ("fast", "puppet takes 1.5 s per second of output here.")


def test_a_machine_on_which_no_picture_talks_is_not_praised_for_its_speed() -> None:
    without = [BARE[0], trial("face", "puppet", code="engine_unavailable"), *BARE[2:]]
    wanted = advised(without, NO_GPU)
    assert (wanted["profile"], wanted["face"]) == ("fast", "still")
    assert "still pictures" in wanted["why"]


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("It does not work.", "enhancer gfpgan: It does not work."),
        ("The GFPGAN weights are not there.", "The GFPGAN weights are not there."),
    ],
)
def test_an_engine_is_named_once(message: str, said: str) -> None:
    broken = trial("enhancer", "gfpgan", code="checkpoint_missing")
    broken["error"]["message"] = message
    assert judged([*BARE, broken]).findings[-1].message == said


def test_what_sadtalker_can_do_on_a_processor_is_said_in_seconds_of_video() -> None:
    slow = [*BARE[:2], trial("face", "sadtalker", factor=60.0), BARE[3]]
    (action,) = advised(slow, NO_GPU, "2.13.0")["actions"]
    assert "5 s under fast, 10 s under balanced, 15 s under quality" in action


@pytest.mark.parametrize(("factor", "is_said"), [(154.0, True), (0.5, False), (None, False)])
def test_a_restorer_that_is_too_slow_to_be_used_is_named(factor: float | None, is_said: bool) -> None:
    actions = advised([*BARE, trial("enhancer", "gfpgan", factor=factor)], NO_GPU, "2.13.0")["actions"]
    said = any(action.startswith("gfpgan takes 6.2 s per frame") for action in actions)
    assert said is is_said


def test_a_torch_that_cannot_use_the_card_is_named() -> None:
    report = Report(
        {
            "gpu": {**GPU, "torch": "cpu"},
            "disk": {"free_bytes": 10**9},
            "memory": {"available_bytes": 10**8},
        }
    )
    judge_machine(report)
    assert [finding.code for finding in report.findings] == ["little_space", "little_memory", "gpu_unused"]
    assert report.exit_status == Level.DEGRADED


def test_half_a_set_of_checkpoints_is_completed() -> None:
    rows = [
        {"name": n, "file": n, "needed_by": ["sadtalker"], "state": s} for n, s in (("a", "good"), ("b", "missing"))
    ]
    report = Report({"checkpoints": rows, "engines": BARE})
    judge_checkpoints(report)
    (finding,) = report.findings
    assert (finding.code, finding.level) == ("checkpoints_incomplete", Level.ADVICE)
    assert finding.hint.endswith("--only sadtalker")


def test_other_weights_are_a_fault_only_where_their_engine_refuses_them() -> None:
    rows = [{"name": "a", "file": "a", "needed_by": ["sadtalker"], "state": "corrupt"}]
    for engine, level in (
        (trial("face", "sadtalker", factor=1.0), Level.ADVICE),
        (trial("face", "sadtalker", code="checkpoint_foreign"), Level.DEGRADED),
    ):
        report = Report({"checkpoints": rows, "engines": [engine]})
        judge_checkpoints(report)
        assert [finding.level for finding in report.findings] == [level]
        assert "a.sha256" in report.findings[0].hint


def test_an_engine_that_is_asked_for_without_its_weights_is_a_warning(
    settings: Settings, bare_checkpoints: Path
) -> None:
    assert check_checkpoints(None) == []
    settings.TALKING_HEAD_FACE = "sadtalker"
    (warning,) = check_checkpoints(None)
    assert warning.id == "talking_head.W004"
    assert str(warning.hint).endswith("download_checkpoints --only sadtalker")
    bare_checkpoints.mkdir()
    (bare_checkpoints / "SadTalker_V0.0.2_512.safetensors").touch()
    assert check_checkpoints(None) == []
    settings.TALKING_HEAD_SPEECH = "coqui"
    assert [warning.id for warning in check_checkpoints(None)] == ["talking_head.W004"]
    own_model = bare_checkpoints / "vits" / "own"
    own_model.mkdir(parents=True)
    for file in ("config.json", "model.pth"):
        (own_model / file).touch()
    assert check_checkpoints(None) == []


# --- the graphics card ---

FAKE_TORCH = """
class version: cuda, hip = "12.8", None
class cuda:
    is_available = staticmethod(lambda: True)
    device_count = staticmethod(lambda: 1)
    @staticmethod
    def get_device_properties(index):
        class found: name, total_memory = "NVIDIA H200", 150_000_000_000
        return found
"""


@pytest.fixture
def install_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def install(source: str) -> None:
        (tmp_path / "torch.py").write_text(source)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setenv("PATH", str(tmp_path))

    return install


def test_torch_is_asked_about_the_card_without_being_imported_here(
    install_torch: Callable[[str], None], tmp_path: Path
) -> None:
    install_torch(FAKE_TORCH)
    modules = set(sys.modules)
    interpreter(tmp_path / "nvidia-smi", "echo 'NVIDIA H200, 143771 MiB, 570.86'")
    assert machine.gpu_facts() == {
        "driver_devices": ["NVIDIA H200, 143771 MiB, 570.86"],
        "torch": "12.8",
        "devices": [{"name": "NVIDIA H200", "memory_bytes": 150_000_000_000}],
        "error": "",
    }
    assert "torch" not in set(sys.modules) - modules


def test_a_torch_that_cannot_be_imported_is_a_reason_and_no_crash(install_torch: Callable[[str], None]) -> None:
    install_torch("raise OSError('libtorch_cuda.so: file too short')")
    facts = machine.gpu_facts()
    assert facts["devices"] == []
    assert "file too short" in facts["error"]


# --- the administrators' page ---


@pytest.mark.usefixtures("engines_tried_before", "bare_checkpoints")
class TestPage:
    @pytest.fixture(autouse=True)
    def started(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bool]]:
        """The diagnoses that were started: noted as running, and run by the test itself."""
        asked: list[bool] = []

        def start(*, measure: bool) -> None:
            asked.append(measure)
            cache.set(background.RUNNING, timezone.now())

        monkeypatch.setattr(background, "start", start)
        yield asked
        cache.delete_many([background.RESULT, background.RUNNING])

    def test_administrators_see_what_the_command_says(
        self, client: Client, admin_user: User, started: list[bool]
    ) -> None:
        client.force_login(admin_user)
        address = reverse("admin:talking_head_diagnosis")
        assert address in client.get(reverse("admin:index")).content.decode()
        first = client.get(address)
        assert "A diagnosis has been running since" in first.content.decode()
        assert started == [False]
        background.run(measure=False)
        page = client.get(address)
        assert page.status_code == 200
        text = page.content.decode()
        assert "Last diagnosis:" in text
        assert "puppet: usable" in text
        assert "It does not work." in text
        assert "no-cache" in page["Cache-Control"]

    def test_engines_are_measured_only_when_asked(self, client: Client, admin_user: User, started: list[bool]) -> None:
        client.force_login(admin_user)
        address = reverse("admin:talking_head_diagnosis")
        background.run(measure=False)
        client.get(address)
        assert started == [], "there is a result to show"
        assert client.post(address, {"measure": "Measure the engines"}).status_code == 302
        client.post(address)
        assert started == [True, False]

    def test_a_diagnosis_runs_once_at_a_time_and_one_that_fails_ends(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.undo()
        ran, may_end = [], threading.Event()

        def broken(_depth: Any) -> None:
            ran.append(1)
            may_end.wait(30)
            raise ValueError("a probe broke")

        monkeypatch.setattr(background, "diagnose", broken)
        background.start(measure=False)
        background.start(measure=False)
        (thread,) = [thread for thread in threading.enumerate() if thread.name == "diagnosis"]
        may_end.set()
        thread.join(30)
        assert len(ran) == 1
        assert background.running_since() is None and background.last_result() is None

    def test_nobody_else_sees_it(self, client: Client, teacher: User) -> None:
        address = reverse("admin:talking_head_diagnosis")
        assert client.get(address).status_code == 302
        client.force_login(teacher)
        assert client.get(address).status_code == 302
        teacher.is_staff = True
        teacher.save()
        assert client.get(address).status_code == 403
        assert address not in client.get(reverse("admin:index")).content.decode()
