"""The house is as docs/architecture.md draws it: few modules side by side, one of each, in the field's words."""

from __future__ import annotations

import json
import re
import tomllib

from talking_head import services
from talking_head.models import JobState
from tests import architecture
from tests.architecture import ROOT
from tests.talking_head.rows import make_finished_job, make_job

MAX_MODULES_SIDE_BY_SIDE = 15
MAX_DIALECT_PER_1000_LINES = 0.5
OFFERED_TO_OTHER_APPS = {"services", "errors", "profiles", "signals", "api"}


def test_few_modules_stand_beside_the_packages_of_talking_head() -> None:
    modules = [path.name for path in (ROOT / "talking_head").glob("*.py") if path.name != "__init__.py"]
    assert len(modules) <= MAX_MODULES_SIDE_BY_SIDE, modules


def test_other_apps_are_kept_from_every_module_that_is_not_offered_to_them() -> None:
    """A new module of talking_head is forbidden to lessons and avatars until it is added to what they may know."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = (
        contract
        for contract in config["tool"]["importlinter"]["contracts"]
        if contract.get("source_modules") == ["lessons", "avatars"]
    )
    folder = ROOT / "talking_head"
    there = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    kept = {f"talking_head.{name}" for name in there - OFFERED_TO_OTHER_APPS - {"__init__", "apps", "migrations"}}
    assert set(contract["forbidden_modules"]) == kept


def test_the_document_begins_with_the_rooms_and_lists_the_services_as_they_are() -> None:
    text = architecture.DOCUMENT.read_text(encoding="utf-8")
    assert text == architecture.document_as_it_should_be(text), "run: python -m tests.architecture"
    assert text.index(architecture.BEGIN.format("rooms")) < text.index("\n## ")


def test_the_document_names_every_package_and_no_module_that_is_gone() -> None:
    text = architecture.DOCUMENT.read_text(encoding="utf-8")
    for app in architecture.APPS:
        missing = [name for name in architecture.packages(app) if f"{app}/{name}/" not in text]
        assert not missing, f"docs/architecture.md does not mention {missing} of {app}"
    named = re.findall(r"`((?:edu_platform|lessons|avatars|talking_head)/[\w/.]+)`", text)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_no_two_classes_have_one_name() -> None:
    assert architecture.classes_of_one_name() == []


def test_prose_is_in_the_words_of_the_field() -> None:
    found, lines = architecture.dialect()
    assert 1000 * len(found) / lines <= MAX_DIALECT_PER_1000_LINES, "\n".join(found)


def test_comments_and_documents_name_the_actor() -> None:
    found = architecture.sentences_without_actor()
    assert found == [], "\n".join(found)


def test_docstrings_of_functions_begin_with_a_verb() -> None:
    found = architecture.docstrings_without_verb()
    assert found == [], "\n".join(found)


def test_the_snapshot_in_the_document_has_the_fields_of_a_real_one(db: None) -> None:
    shown = re.search(r"```json\n(\{\n.*?)```", architecture.DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert shown
    example = json.loads(shown[1])
    job = make_finished_job(
        state=JobState.FALLBACK, error_code="job_timeout", error_message="Slow.", error_hint="Fast."
    )
    snapshot = json.loads(json.dumps({"type": "snapshot", "seq": job.seq, "job": services.job_snapshot(job)}))
    assert fields(example) == fields(snapshot)


def test_the_changes_in_the_document_have_the_fields_of_real_ones(db: None) -> None:
    shown = re.findall(r"```json\n(\{\n.*?)```", architecture.DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    changes, edit = (json.loads(example) for example in shown[1:3])
    job = make_finished_job()
    real_changes = json.loads(json.dumps(services.job_changes(job.pk, 0)))
    real_edit = json.loads(json.dumps(services.job_since_edit(make_job(sentences=("New.",)), job.pk)))
    assert set(changes["job"]) <= set(real_changes["job"])
    assert set(real_changes["job"]) == set(services.job_snapshot(job)) - {"clips", "narration"}
    for example, real in ((changes, real_changes), (edit, real_edit)):
        assert fields({**example, "job": {}}) == fields(
            {**real, "job": {}, "clips": example["clips"] and real["clips"]}
        )


def fields(value: object) -> object:
    """The names in a JSON value, in their order; every list by its first item."""
    if isinstance(value, dict):
        return {name: fields(each) for name, each in value.items()}
    return [fields(value[0])] if isinstance(value, list) and value else None
