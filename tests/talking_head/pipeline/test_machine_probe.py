"""A machine says what it can do, without loading torch for nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from talking_head.pipeline.probes.machine import probe_machine

ASK = (
    "import sys; from pathlib import Path; from talking_head.pipeline.probes.machine import probe_machine;"
    "print(probe_machine(Path(sys.argv[1]))); print('torch' in sys.modules)"
)


def test_without_checkpoints_the_reason_is_said_and_torch_is_not_loaded(tmp_path: Path) -> None:
    machine = probe_machine(tmp_path)
    assert machine.cores >= 1
    assert machine.memory_bytes > 10**8
    assert machine.sadtalker_seconds_per_frame is None
    assert machine.sadtalker_problem in ("its checkpoints are missing.", "torch is not installed.")
    asked = subprocess.run([sys.executable, "-c", ASK, str(tmp_path)], capture_output=True, text=True, check=True)
    assert asked.stdout.splitlines()[-1] == "False"
