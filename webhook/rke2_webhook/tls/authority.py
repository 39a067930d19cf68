"""Making certificates: an authority, and leaves that it signs."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# Certificates begin a while ago: API servers whose clock is behind ours shall not have to wait.
_BACKDATE = timedelta(hours=1)


PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Pair(NamedTuple):
    """A certificate, perhaps with the chain above it, and its private key: both PEM."""

    certificate: bytes
    key: bytes


class Authority(NamedTuple):
    """A CA that can sign: its certificate and its key."""

    certificate: x509.Certificate
    key: PrivateKey

    @property
    def pem(self) -> bytes:
        """The certificate as PEM."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The private key as unencrypted PKCS #8 PEM."""
        return _key_pem(self.key)


def make_authority(name: str, now: datetime, lifetime: timedelta) -> Authority:
    """Make a self-signed CA that lives for `lifetime` from `now` on."""
    key = ec.generate_private_key(ec.SECP256R1())
    # A subject of its own tells the CAs of an overlap apart, in logs and for those who look an
    # issuer up by name.
    subject = _name(f"{name} {x509.random_serial_number():x}"[:64])
    certificate = (
        _draft(subject, subject, key.public_key(), now, lifetime)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate, key)


def make_leaf(
    authority: Authority, names: Sequence[str], now: datetime, lifetime: timedelta
) -> Pair:
    """Make a server certificate for DNS names and addresses, with a new key.

    It never outlives its CA.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = authority.certificate
    lifetime = min(lifetime, issuer.not_valid_after_utc - now)
    certificate = (
        # RFC 5280 lets a common name be 64 characters long; it says nothing to anybody anymore.
        _draft(_name(names[0][:64]), issuer.subject, key.public_key(), now, lifetime)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()),
            critical=False,
        )
        .sign(authority.key, hashes.SHA256())
    )
    return Pair(certificate.public_bytes(Encoding.PEM), _key_pem(key))


def read_authority(certificate: bytes, key: bytes) -> Authority:
    """Read a CA from PEM, or raise ValueError if it is none that can sign."""
    read = x509.load_pem_x509_certificate(certificate)
    private = load_pem_private_key(key, password=None)
    if not isinstance(private, PrivateKey):
        raise ValueError(  # noqa: TRY004 - of what was read, not of what was called with
            "the CA's key is neither an elliptic curve key nor an RSA key"
        )
    if private.public_key() != read.public_key():
        raise ValueError("the CA's key belongs to another certificate")
    try:
        constraints = read.extensions.get_extension_for_class(x509.BasicConstraints)
    except x509.ExtensionNotFound:
        constraints = None
    if constraints is None or not constraints.value.ca:
        raise ValueError("the certificate is none of a CA")
    return Authority(read, private)


def read_certificates(pem: bytes) -> list[x509.Certificate]:
    """Return the certificates in PEM, in their order; none for what is no PEM."""
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        return []


def write_certificates(certificates: Iterable[x509.Certificate]) -> bytes:
    """Return certificates as PEM."""
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates)


def due(certificate: x509.Certificate, now: datetime) -> bool:
    """Tell whether a certificate has to be renewed: two thirds of its life are over.

    One that is not valid yet has to be, too: its maker's clock was ahead.
    """
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return not begin <= now < begin + (end - begin) * 2 / 3


def made(certificate: x509.Certificate) -> datetime:
    """Return when a certificate of ours was made, which is later than it begins."""
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    return certificate.not_valid_before_utc + min(_BACKDATE, life / 11)


def valid(certificate: x509.Certificate, now: datetime) -> bool:
    """Tell whether now is within a certificate's life."""
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc


def _draft(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime,
    lifetime: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        # In proportion: one that lives for a minute is not due before it is made.
        .not_valid_before(now - min(_BACKDATE, lifetime / 10))
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _key_pem(key: PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
