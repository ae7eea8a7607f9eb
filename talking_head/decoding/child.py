"""What a forked child does: gives up what it does not need, limits itself, decodes one file, writes its answer, ends.

The answer is ``answer.json`` in the request's folder: ``{"result": ...}``, ``{"error": ...}`` for an error of our tree,
or ``{"over_limits": true}``. What the process writes to its standard error is ``log.txt`` there.
"""

from __future__ import annotations

import contextlib
import errno
import faulthandler
import json
import os
import resource
import signal
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from talking_head.errors import OUT_OF_MEMORY, TalkingHeadError, from_os_error, is_out_of_memory
from talking_head.renderer.parent_death import die_with_parent
from talking_head.renderer.protocol import error_to_json

ANSWER, LOG = "answer.json", "log.txt"
NICENESS = 5  # the web process answers first
MAX_OPEN_FILES = 64
HARD_CPU_SECONDS = 2  # after the soft limit, which ends a process that does not ignore it


def decode_and_exit(request: dict[str, Any], source: int, host_pid: int) -> NoReturn:
    """Run the request's operation on the file behind the descriptor ``source`` and end the process."""
    status = 1
    try:
        os.setpgid(0, 0)
        die_with_parent(host_pid)
        folder = Path(request["folder"])
        _take_streams(folder, source)
        limit_process(request["memory_bytes"], request["cpu_seconds"], request["output_bytes"])
        answer = _answer(request, source, folder)
        (folder / ANSWER).write_text(json.dumps(answer), encoding="utf-8")
        status = 0
    except BaseException:  # noqa: BLE001 - the end of the process: the client reads the log and the status
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)  # without exit hooks: this is a copy of the host


def _take_streams(folder: Path, source: int) -> None:
    """Keep only the file and a log open, and let signals work as usual."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    log = os.open(folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for copy, descriptor in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(copy, descriptor)
    os.closerange(3, source)
    os.closerange(source + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    faulthandler.enable()


def limit_process(memory_bytes: int, cpu_seconds: int, output_bytes: int) -> None:
    """Limit this process for good: memory beyond what it has now, processor time, size of files, number of files."""
    with contextlib.suppress(OSError):  # Linux; elsewhere the time limits must do
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        limit = pages * resource.getpagesize() + memory_bytes
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + HARD_CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (output_bytes, output_bytes))
    resource.setrlimit(resource.RLIMIT_NOFILE, (MAX_OPEN_FILES, MAX_OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(NICENESS)


def _answer(request: dict[str, Any], source: int, folder: Path) -> dict[str, Any]:
    module, _, name = str(request["function"]).partition(":")
    try:
        os.lseek(source, 0, os.SEEK_SET)
        with os.fdopen(source, "rb") as file:
            return {"result": getattr(import_module(module), name)(file, folder, **request["values"])}
    except TalkingHeadError as error:
        if error.code == OUT_OF_MEMORY or isinstance(error.__cause__, MemoryError):
            return {"over_limits": True}
        return {"error": error_to_json(error)}
    except Exception as error:
        if is_out_of_memory(error) or getattr(error, "errno", None) == errno.EFBIG:
            return {"over_limits": True}
        if isinstance(error, OSError):
            return {"error": error_to_json(from_os_error(error))}
        raise
