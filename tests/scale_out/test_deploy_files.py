"""What is shipped for servers names only what exists: commands, variables, files."""

from __future__ import annotations

import configparser
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands

from tests.talking_head.jobs.site import ROOT

COMPOSE = (ROOT / "docker-compose.yml").read_text()
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
SETTINGS = (ROOT / "edu_platform" / "settings.py").read_text()


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return yaml.safe_load(COMPOSE)["services"]


def unit(path: Path) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(path)
    return parser["Service"]


def assert_known(words: list[str]) -> None:
    if "manage.py" in words:
        assert words[words.index("manage.py") + 1] in get_commands()
    else:
        assert words[words.index("-m") + 1] == "edu_platform.web"


def test_every_part_is_there_and_runs_a_command_that_exists(services: dict[str, Any]) -> None:
    assert {"web", "worker", "worker-gpu", "sweeper", "postgres", "redis", "storage", "proxy"} <= set(services)
    for service in services.values():
        for command in " ".join(service.get("command", [])).split(" && "):
            if "python" in command:
                assert_known(command.split())
    for path in UNITS:
        assert_known(shlex.split(unit(path)["ExecStart"]))


def test_every_variable_of_the_compose_file_is_in_the_example() -> None:
    wanted = set(re.findall(r"\$\{([A-Z_]+)", COMPOSE))
    offered = set(re.findall(r"^([A-Z_]+)=", (ROOT / "deploy" / "env.example").read_text(), re.MULTILINE))
    assert wanted == offered


def test_every_variable_that_is_passed_on_is_read_by_the_settings(services: dict[str, Any]) -> None:
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z0-9_]+)"', SETTINGS))
    passed = set(services["web"]["environment"])
    for path in UNITS:
        passed |= {word.split("=")[0] for word in unit(path)["Environment"].split()}
    assert passed <= read


def test_only_the_proxy_is_reachable_and_gets_media_when_it_is_told_to(services: dict[str, Any]) -> None:
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    prefix = services["web"]["environment"]["MEDIA_ACCEL_PREFIX"]
    for path, configuration in ((f"{prefix}/", "nginx.conf"), (f"{prefix}/bucket/", "nginx-bucket.conf")):
        text = (ROOT / "deploy" / configuration).read_text()
        assert f"./deploy/{configuration}:" in " ".join(services["proxy"]["volumes"])
        location = re.search(rf"location {path} {{(.*?)}}", text, re.DOTALL)
        assert location and "internal;" in location[1]


def test_the_proxy_asks_the_storage_under_the_name_that_addresses_are_signed_for(services: dict[str, Any]) -> None:
    endpoint = services["web"]["environment"]["AWS_S3_ENDPOINT_URL"]
    text = (ROOT / "deploy" / "nginx-bucket.conf").read_text()
    assert f"proxy_pass {endpoint}/;" in text
    assert f"proxy_set_header Host {endpoint.removeprefix('http://')};" in text
    port = endpoint.rpartition(":")[2]
    assert f":{port}" in services["storage"]["command"]


def test_stopping_the_worker_unit_does_not_shoot_at_renderers() -> None:
    assert unit(ROOT / "deploy" / "systemd" / "lectern-work.service")["KillMode"] == "mixed"


def test_the_image_gets_every_folder_that_it_copies_and_no_secret() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    copied = {words.split()[-1] for words in re.findall(r"^COPY (?!--from)(\w+ \w+)$", dockerfile, re.MULTILINE)}
    assert copied == {"edu_platform", "lessons", "avatars", "talking_head", "templates"}
    assert ignored[0] == "*" and {f"!{name}" for name in copied} <= set(ignored)
    assert "\nUSER lectern\n" in dockerfile
