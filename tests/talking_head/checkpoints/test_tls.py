"""Who speaks TLS must be who it says, and an answer under TLS must not lead out of it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from talking_head.checkpoints.download import Result
from talking_head.checkpoints.http_transfer import make_client
from talking_head.checkpoints.sources import SourceError
from tests.talking_head.checkpoints.conftest import DATA, Bench, checkpoint
from tests.talking_head.checkpoints.server import Server, running_server, whole


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for localhost that no authority signed, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def tls_server(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with running_server(context) as running:
        yield running


def test_a_certificate_nobody_trusts_ends_the_matter_at_once(
    bench: Bench, tls_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    one = checkpoint(tls_server.serve("/net.pth", whole(DATA)))
    (outcome,) = bench.downloader(one).run([one])
    assert outcome.result == Result.FAILED
    assert "certificate is not trusted" in outcome.reasons[0]
    assert bench.waits == []


def test_a_schools_own_authority_is_named_by_the_environment(
    bench: Bench, tls_server: Server, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    one = checkpoint(tls_server.serve("/net.pth", whole(DATA)))
    (outcome,) = bench.downloader(one).run([one])
    assert outcome.result == Result.FETCHED


@pytest.mark.parametrize(("target", "allowed"), [("http://b/x", False), ("https://b/x", True), ("/x", True)])
def test_a_redirect_does_not_lead_out_of_tls(target: str, allowed: bool) -> None:
    request = httpx.Request("GET", "https://a/x")
    response = httpx.Response(302, headers={"Location": target}, request=request)
    with make_client() as client:
        (hook,) = client.event_hooks["response"]
        if allowed:
            hook(response)
        else:
            with pytest.raises(SourceError, match="without TLS"):
                hook(response)
