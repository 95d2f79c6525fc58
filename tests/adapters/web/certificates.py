"""Certificates made for one test, by an authority made for it too."""

import ssl
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters.clock.system import SystemClock

Key = ec.EllipticCurvePrivateKey


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


class Authority:
    """Signs for names; an intermediate one is signed by another."""

    def __init__(self, name: str, signed_by: "Authority | None" = None) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name(name)
        issuer, issuer_key = (self.name, self.key) if signed_by is None else (signed_by.name, signed_by.key)
        basic = x509.BasicConstraints(ca=True, path_length=None)
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        self.certificate = (
            _builder(self.name, issuer, self.key, days=(-1, 365))
            .add_extension(basic, critical=True)
            .add_extension(usage, critical=True)
            .sign(issuer_key, hashes.SHA256())
        )

    def trusted(self) -> ssl.SSLContext:
        """A client that knows this authority and no other."""
        return ssl.create_default_context(cadata=_pem(self.certificate))

    def server(
        self, folder: Path, *, host: str = "127.0.0.1", days: tuple[int, int] = (-1, 30), with_self: bool = False
    ) -> ssl.SSLContext:
        """Of a server with a certificate for `host`, good from and to so many days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _builder(_name(host), self.name, key, days=days)
            .add_extension(_alternative(host), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return _context(folder, key, [certificate, *([self.certificate] if with_self else [])])


def self_signed(folder: Path) -> ssl.SSLContext:
    host, key = "127.0.0.1", ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(_name(host), _name(host), key, days=(-1, 30))
        .add_extension(_alternative(host), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _context(folder, key, [certificate])


def _alternative(host: str) -> x509.SubjectAlternativeName:
    try:
        return x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))])
    except ValueError:
        return x509.SubjectAlternativeName([x509.DNSName(host)])


def _builder(subject: x509.Name, issuer: x509.Name, key: Key, *, days: tuple[int, int]) -> x509.CertificateBuilder:
    now = SystemClock().now()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _context(folder: Path, key: Key, chain: list[x509.Certificate]) -> ssl.SSLContext:
    path = folder / f"{chain[0].serial_number}.pem"
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    path.write_text(pem + "".join(map(_pem, chain)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
