"""What probes are told."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from talking_head import checks
from talking_head.diagnostics.findings import Report
from talking_head.diagnostics.services import look_at_services
from talking_head.models import Clip, ClipState, Job
from talking_head.monitoring import health
from tests.talking_head.rows import make_job


def test_a_process_lives_even_without_a_database(client: Client) -> None:
    assert client.get("/livez").json() == {"status": "alive"}


@pytest.mark.django_db
class TestReadiness:
    def test_all_is_well(self, client: Client) -> None:
        response = client.get("/readyz")
        assert (response.status_code, response.json()["status"]) == (200, "ready")
        assert response.json()["checks"] == {
            "database": "ok",
            "migrations": "ok",
            "media": "ok",
            "run_dir": "ok",
            "workers": "idle",
            "rows": "ok",
        }

    def test_the_database_does_not_answer(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_arguments: object, **_options: object) -> None:
            raise DatabaseError("away, at /secret/place")

        monkeypatch.setattr(connection, "cursor", refuse)
        response = client.get("/readyz")
        assert response.status_code == 503
        assert response.json()["problems"] == ["The database does not respond."]

    def test_a_migration_is_missing(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(health.MigrationExecutor, "migration_plan", lambda *_arguments: [("a migration", False)])
        response = client.get("/readyz")
        assert response.status_code == 503
        assert "migrate" in response.json()["problems"][0]

    def test_a_folder_of_sockets_that_others_may_enter_is_said_by_check_diagnose_and_readyz(
        self, client: Client, settings: Settings, tmp_path: Path
    ) -> None:
        settings.RUN_DIR = tmp_path / "run"
        assert client.get("/readyz").json()["checks"]["run_dir"] == "ok"  # it is made when it is needed
        settings.RUN_DIR.mkdir()
        settings.RUN_DIR.chmod(0o755)
        response = client.get("/readyz")
        assert (response.status_code, response.json()["checks"]["run_dir"]) == (200, "run_dir_refused")
        assert response.json()["warnings"][0].startswith("Pages do not show live progress")
        assert [message.id for message in checks.check_run_dir(None)] == ["talking_head.W006"]
        report = Report()
        look_at_services(report)
        findings = [finding["code"] for finding in report.as_json()["findings"]]
        assert findings.count("talking_head.W006") == 1 and "no_workers" not in findings
        settings.RUN_DIR.chmod(0o700)
        assert client.get("/readyz").json()["warnings"] == [] == checks.check_run_dir(None)

    def test_the_media_folder_is_almost_full(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(health, "MIN_FREE_BYTES", 10**18)
        response = client.get("/readyz")
        assert (response.status_code, response.json()["checks"]["media"]) == (503, "no_space")

    def test_the_media_folder_cannot_be_written_to(self, client: Client, media_root: Path) -> None:
        media_root.rmdir()
        media_root.write_text("a file where the folder should be")
        response = client.get("/readyz")
        assert response.status_code == 503
        assert str(media_root) not in response.content.decode()

    def test_videos_that_wait_without_a_worker_are_a_warning(self, client: Client) -> None:
        job = make_job()
        Job.objects.update(created_at=timezone.now() - timedelta(minutes=5))
        response = client.get("/readyz")
        assert response.status_code == 200
        assert response.json()["checks"]["workers"] == "none seen"
        lease = timezone.now() + timedelta(seconds=30)
        Clip.objects.filter(job=job, index=0).update(state=ClipState.LEASED, lease_expires_at=lease)
        assert client.get("/readyz").json()["warnings"] == []
