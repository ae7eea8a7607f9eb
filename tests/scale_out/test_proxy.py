"""The shipped nginx configuration, in a real nginx: private files reach whom Lectern lets in, and no other client."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlencode

import pytest
from websockets.sync.client import connect

from talking_head import services
from tests.object_store import KEYS, REGION, ObjectStore
from tests.scale_out.servers import Nginx, ServerMissingError, origin_of
from tests.scale_out.site import SharedSite
from tests.talking_head.jobs.site import ROOT

pytestmark = pytest.mark.xdist_group("servers")

TOO_MUCH = 8_000_000
STORE_PORTRAIT = """
import sys
from pathlib import Path

from talking_head import services
print(services.store_portrait(Path(sys.argv[1]).read_bytes()).digest)
"""


@pytest.fixture
def proxy(site: SharedSite, media_for_others: Path) -> Iterator[Nginx]:
    site.environment |= {"MEDIA_ACCEL_PREFIX": "/private-media", "MEDIA_ROOT": str(media_for_others)}
    site.media = media_for_others
    proxy = started_proxy(site, media_for_others)
    yield proxy
    proxy.end()


def started_proxy(site: SharedSite, media: Path, storage: str = "") -> Nginx:
    try:
        proxy = Nginx(site.start_web(), media, storage)
    except ServerMissingError as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))
    proxy.start()
    return proxy


@pytest.fixture
def media_for_others(tmp_path: Path) -> Iterator[Path]:
    """Where the proxy's user may go; pytest's own folders are closed."""
    folder = Path(tempfile.mkdtemp(prefix="lectern-media-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def get(proxy: Nginx, path: str, headers: dict[str, str]) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection("127.0.0.1", proxy.port, timeout=30)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


def test_private_videos_pass_the_proxy_only_for_whom_lectern_lets_in(site: SharedSite, proxy: Nginx) -> None:
    (job,) = site.make_jobs(["One."])
    site.start_on("first", "work", "--until-idle").wait(timeout=60)
    owner = site.sign_in_owner_of_all_jobs()
    video = (site.media / f"results_{job}" / "video.mp4").read_bytes()
    response, body = get(proxy, f"/media/jobs/{job}/video.mp4", owner)
    assert (response.status, body) == (200, video)
    assert response.headers["Content-Type"] == "video/mp4"
    assert "private" in response.headers["Cache-Control"]
    assert "X-Accel-Redirect" not in response.headers
    response, body = get(proxy, f"/media/jobs/{job}/video.mp4", {**owner, "Range": "bytes=1-3"})
    assert (response.status, body) == (206, video[1:4])
    assert get(proxy, f"/media/jobs/{job}/video.mp4", {})[0].status == 401
    for address in (
        f"/private-media/results_{job}/video.mp4",
        f"/private-media/../private-media/results_{job}/video.mp4",
    ):
        assert get(proxy, address, owner)[0].status == 404


def test_texts_are_compressed_behind_the_proxy_and_videos_are_not(site: SharedSite, proxy: Nginx) -> None:
    """Pages and static files by the web process, captions by nginx, which sends them itself."""
    (job,) = site.make_jobs(["One."])
    site.start_on("first", "work", "--until-idle").wait(timeout=60)
    browser = {**site.sign_in_owner_of_all_jobs(), "Accept-Encoding": "gzip, deflate, br"}
    captions = site.media / f"results_{job}" / "captions.vtt"
    captions.write_text("WEBVTT\n\n" + "00:00.000 --> 00:01.000\nHello there.\n\n" * 100)
    response, body = get(proxy, f"/media/jobs/{job}/captions.vtt", browser)
    assert (response.status, response.headers["Content-Encoding"]) == (200, "gzip")
    assert gzip.decompress(body) == captions.read_bytes()
    part = {**browser, "Accept-Encoding": "identity", "Range": "bytes=0-5"}
    response, body = get(proxy, f"/media/jobs/{job}/captions.vtt", part)
    assert (response.status, body) == (206, b"WEBVTT")

    response, body = get(proxy, "/accounts/login/", {"Accept-Encoding": "gzip"})
    assert response.headers["Content-Encoding"] == "gzip"
    page = gzip.decompress(body).decode()
    style = re.search(r'href="(/static/site/app\.[0-9a-f]{12}\.css)"', page)
    assert style is not None, page
    response, body = get(proxy, style[1], browser)
    assert response.headers["Content-Encoding"] == "gzip"
    assert response.headers["Cache-Control"] == "max-age=315360000, public, immutable"

    video = (site.media / f"results_{job}" / "video.mp4").read_bytes()
    response, body = get(proxy, f"/media/jobs/{job}/video.mp4", browser)
    assert (response.headers["Content-Encoding"], body) == (None, video)
    response, body = get(proxy, f"/media/jobs/{job}/video.mp4", {**browser, "Range": "bytes=1-3"})
    assert (response.status, response.headers["Content-Encoding"], body) == (206, None, video[1:4])


def test_everything_that_is_stored_can_be_read_by_the_proxy(site: SharedSite, proxy: Nginx, portrait_png: Path) -> None:
    """It runs as another user than the workers who wrote the files."""
    (job,) = site.make_jobs(["One."])
    site.start_on("first", "work", "--until-idle").wait(timeout=60)
    digest = site.python(STORE_PORTRAIT, str(portrait_png)).strip()
    owner = site.sign_in_owner_of_all_jobs()
    site.rows("UPDATE auth_user SET is_staff = true, is_superuser = true RETURNING 1")
    names = [f"/media/jobs/{job}/clips/0.mp4", f"/media/jobs/{job}/metrics.json", f"/media/portraits/{digest}"]
    assert [get(proxy, name, owner)[0].status for name in names] == [200, 200, 200]


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_53_a_visitor_s_body_is_refused_behind_the_proxy_and_not_stored_by_it(proxy: Nginx, framing: str) -> None:
    connection = HTTPConnection("127.0.0.1", proxy.port, timeout=30)
    connection.putrequest("POST", "/livez")
    connection.putheader(
        *(("Content-Length", str(TOO_MUCH)) if framing == "length" else ("Transfer-Encoding", "chunked"))
    )
    connection.endheaders()
    block = b"x" * 65_536
    with contextlib.suppress(ConnectionError):  # refused in the middle of it
        for _ in range(TOO_MUCH // len(block)):
            connection.send(block if framing == "length" else b"10000\r\n" + block + b"\r\n")
    response = connection.getresponse()
    assert response.status == 413
    assert "The request is larger than" in response.read().decode(), "Lectern's own answer, not the proxy's"
    connection.close()
    assert sum(path.stat().st_size for path in (proxy.folder / "body").rglob("*") if path.is_file()) == 0


def test_the_proxy_lets_the_longest_recording_through_to_lectern_s_own_limit() -> None:
    (megabytes,) = re.findall(r"client_max_body_size (\d+)m;", (ROOT / "deploy" / "nginx.conf").read_text())
    assert int(megabytes) * 2**20 > services.MAX_NARRATION_BYTES


def test_46_guesses_behind_the_proxy_are_counted_by_the_client_s_own_address(
    site: SharedSite, media_for_others: Path
) -> None:
    """Each under another forged address; and a client that reaches the web process directly forges as little."""
    site.environment |= {"TRUSTED_PROXIES": "127.0.0.1", "MEDIA_ROOT": str(media_for_others)}
    proxy = started_proxy(site, media_for_others)
    try:
        answers = [guess(proxy, f"203.0.113.{number}") for number in range(11)]
    finally:
        proxy.end()
    assert answers[:9] == [200] * 9
    assert answers[-1] == 429


def guess(proxy: Nginx, forged: str) -> int:
    """Log in with a wrong password, as a program does it that says to come from elsewhere."""
    response, page = get(proxy, "/accounts/login/", {})
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.decode())
    cookie = (response.headers["Set-Cookie"] or "").partition(";")[0]
    assert token is not None
    body = urlencode({"username": "teacher", "password": "wrong", "csrfmiddlewaretoken": token[1]})
    headers = {
        "Cookie": cookie,
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Forwarded-For": forged,
        "Forwarded": f"for={forged}",
        "X-Real-IP": forged,
    }
    connection = HTTPConnection("127.0.0.1", proxy.port, timeout=30)
    connection.request("POST", "/accounts/login/", body, headers)
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.fixture
def bucket_proxy(site: SharedSite, media_for_others: Path, object_store: ObjectStore) -> Iterator[Nginx]:
    """With the object storage behind it, and web and workers that have one."""
    site.environment |= {
        "MEDIA_ACCEL_PREFIX": "/private-media",
        "AWS_STORAGE_BUCKET_NAME": object_store.make_bucket(),
        "AWS_S3_ENDPOINT_URL": object_store.url,
        "AWS_S3_REGION_NAME": REGION,
        **KEYS,
    }
    proxy = started_proxy(site, media_for_others, f"127.0.0.1:{object_store.port}")
    yield proxy
    proxy.end()


def test_videos_come_from_the_object_storage_only_for_whom_lectern_lets_in(
    site: SharedSite, bucket_proxy: Nginx, object_store: ObjectStore
) -> None:
    (job,) = site.make_jobs(["One."])
    site.start_on("first", "work", "--until-idle").wait(timeout=60)
    owner = site.sign_in_owner_of_all_jobs()
    name, bucket = f"results_{job}/1/video.mp4", site.environment["AWS_STORAGE_BUCKET_NAME"]
    video = object_store.client().get_object(Bucket=bucket, Key=name)["Body"].read()
    response, body = get(bucket_proxy, f"/media/jobs/{job}/video.mp4", owner)
    assert (response.status, body) == (200, video)
    assert response.headers["Content-Type"] == "video/mp4"
    assert "private" in response.headers["Cache-Control"]
    assert "Signature" not in str(response.headers)
    ranged = {**owner, "Range": "bytes=1-3", "If-Range": response.headers["ETag"]}
    response, body = get(bucket_proxy, f"/media/jobs/{job}/video.mp4", ranged)
    assert (response.status, body) == (206, video[1:4])
    assert get(bucket_proxy, f"/media/jobs/{job}/video.mp4", {})[0].status == 401
    assert get(bucket_proxy, f"/private-media/bucket/{bucket}/{name}", owner)[0].status == 404


def test_sockets_pass_the_proxy(site: SharedSite, proxy: Nginx) -> None:
    (job,) = site.make_jobs(["One."])
    address = f"ws://127.0.0.1:{proxy.port}/ws/jobs/{job}/"
    cookie = site.sign_in_owner_of_all_jobs()
    with connect(address, additional_headers=cookie, origin=origin_of(address), proxy=None) as viewer:
        assert json.loads(viewer.recv(timeout=30))["job"]["state"] == "queued"
