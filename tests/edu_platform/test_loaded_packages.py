"""What each kind of process loads. A package here costs every process of its kind memory and every start time, so a new
one has to be added to the table on purpose; the failure says who imported it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.talking_head.jobs.site import ROOT

# Django and what its settings name; some 40 MB.
SITE = set(
    """
    asgiref axes channels csp django django_q drf_spectacular environ packaging picklefield prometheus_client psutil
    rest_framework sqlparse
    """.split()  # noqa: SIM905
)
# Twisted for the server, and what Django REST framework loads of what it finds installed.
WEB = SITE | set(
    """
    OpenSSL _cffi_backend _nvx_utf8validator _nvx_xormasker attr attrs autobahn cbor2 certifi cffi charset_normalizer
    click constantly cryptography daphne hyperlink idna incremental inflection jinja2 jsonschema markdown markupsafe
    msgpack psycopg psycopg_binary psycopg_c pycparser pygments referencing requests rpds service_identity twisted txaio
    typing_extensions uritemplate urllib3 whitenoise yaml zope
    """.split()  # noqa: SIM905
)
RENDERER = set("PIL _pillow_heif av charset_normalizer cv2 num2words numpy pillow_heif pysbd scipy soxr".split())  # noqa: SIM905
SETUP = "import django; django.setup(); "
ADDRESSES = "from django.urls import get_resolver; get_resolver().url_patterns; "
RESOLVE = (
    "from talking_head.engines import registry; registry.resolve('speech', 'auto'); registry.resolve('face', 'puppet')"
)
PROCESSES = {
    "serve": (SETUP + "import talking_head.management.commands.serve", SITE),
    "sweeper": (SETUP + "import talking_head.management.commands.sweep", SITE),
    "worker": (
        SETUP + "import talking_head.management.commands.work, talking_head.tasks; " + RESOLVE,
        SITE | {"msgpack"},
    ),
    "web": ("import edu_platform.web.server, edu_platform.asgi; " + ADDRESSES, WEB),
    "checks": (SETUP + "from django.core.management import call_command; call_command('check')", WEB),
    "renderer": (
        "from talking_head.renderer.child import real_handlers; "
        "real_handlers({'cache_root': '/tmp', 'scratch': '/tmp', 'checkpoints_dir': '/tmp', 'threads': 1})",
        RENDERER,
    ),
    "renderer before its engines": ("import talking_head.renderer.child", set()),
    "decoder before its decoders": ("import talking_head.decoding.host", set()),
}


def loaded_packages(statement: str) -> dict[str, list[str]]:
    """The packages that the statement loads in a process of its own, with the chain of imports of each."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.edu_platform.loaded_packages", statement],
        cwd=ROOT, env={**os.environ, "DJANGO_SETTINGS_MODULE": "edu_platform.settings", "REDIS_URL": ""},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    chains: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    return chains


@pytest.mark.parametrize("process", PROCESSES)
def test_a_process_loads_only_the_packages_of_its_kind(process: str) -> None:
    statement, allowed = PROCESSES[process]
    chains = loaded_packages(statement)
    unexpected = {name: " -> ".join(chain) for name, chain in chains.items() if name not in allowed}
    assert not unexpected, f"{process}: {unexpected}"
    assert len(chains) >= len(allowed) / 2, "the table names packages that are no longer loaded"


def test_a_new_heavy_import_is_reported_with_its_chain() -> None:
    chain = loaded_packages(SETUP + "import talking_head.pipeline.utterance_to_take")["scipy"]
    assert any(step.startswith("media_io/loudness.py:") for step in chain)
