"""An installation that sets no SECRET_KEY keeps one of its own."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

from edu_platform.secret_key import persistent_secret_key


def test_the_key_is_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / ".secret_key"
    first = persistent_secret_key(path)
    assert len(first) >= 50
    assert persistent_secret_key(path) == first


def test_only_the_owner_may_read_it_and_no_draft_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "installation"
    folder.mkdir()
    path = folder / ".secret_key"
    persistent_secret_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(folder.iterdir()) == [path]


def test_processes_that_start_at_once_agree(tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from edu_platform.secret_key import persistent_secret_key as k; "
    script += "sys.stdin.readline(); print(k(Path(sys.argv[1])))"
    path = tmp_path / ".secret_key"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert len({process.communicate(timeout=60)[0] for process in processes}) == 1
