"""A certificate that nobody has vouched for: ``python -m tests.certificate FILE``.

A process of its own makes it, because ``cryptography`` cannot while a test's clock
stands still.
"""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
import ssl
import subprocess
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

ADDRESS = "127.0.0.1"
LIFE = timedelta(days=3650)


def make(path: Path) -> None:
    """Write a private key and a certificate for loopback."""
    now = datetime.now(UTC)
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, ADDRESS)])
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address(ADDRESS))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - LIFE)
        .not_valid_after(now + LIFE)
        .add_extension(address, critical=False)
        .sign(private, hashes.SHA256())
    )
    key = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(key + certificate.public_bytes(serialization.Encoding.PEM))


def self_signed(directory: Path) -> ssl.SSLContext:
    """Return a server's side of TLS, with such a certificate."""
    path = directory / "server.pem"
    subprocess.run(
        [sys.executable, "-m", __name__, str(path)],
        cwd=Path(__file__).parents[1],
        check=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


if __name__ == "__main__":
    make(Path(sys.argv[1]))
