"""The accepted licences, recorded in ``accepted-licences.json`` in the checkpoints folder: each is asked for once."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from talking_head.checkpoints.folder import CHECKPOINTS_FOLDER
from talking_head.checkpoints.manifest import Licence
from talking_head.errors import map_os_errors

ACCEPTED_FILE = "accepted-licences.json"


def is_accepted(licence: Licence, folder: Path) -> bool:
    """Return whether files under it may be downloaded and used here; accepting other terms does not count."""
    if not licence.needs_acceptance:
        return True
    if licence.accepted_by_environment and os.environ.get(licence.accepted_by_environment, "") == "1":
        return True
    record = _records(folder).get(licence.key)
    return isinstance(record, dict) and (record.get("url"), record.get("terms")) == (licence.url, licence.terms)


def accept(licences: Iterable[Licence], folder: Path, now: datetime | None = None) -> None:
    """Record the licences as accepted, with the terms that were shown.

    Raises:
        ResourceError: the folder cannot be written to.
    """
    records = _records(folder)
    for licence in licences:
        records[licence.key] = {
            "title": licence.title,
            "url": licence.url,
            "terms": licence.terms,
            "accepted_at": (now or datetime.now(UTC)).isoformat(timespec="seconds"),
        }
    text = json.dumps(records, indent=2, ensure_ascii=False) + "\n"
    path = folder / ACCEPTED_FILE
    unfinished = path.with_name(f".{path.name}.part")
    with map_os_errors(CHECKPOINTS_FOLDER):
        folder.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)


def _records(folder: Path) -> dict[str, Any]:
    try:
        records = json.loads((folder / ACCEPTED_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return records if isinstance(records, dict) else {}
