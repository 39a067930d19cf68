"""The server's settings: from flags, else from the environment, else the default."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from rke2_webhook import durations

PREFIX = "RKE2_WEBHOOK_"
MIB = 1 << 20
LONGEST_LIFETIME = 100 * 365 * 86400.0
"""Seconds; calendars end, and no certificate is meant to outlive those who made it."""

# RFC 1123; certificates may have a wildcard before it, and Kubernetes is asked for no underscores.
_LABEL = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
_HOST = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*", re.ASCII | re.IGNORECASE)


def _seconds(value: object) -> object:
    return durations.seconds(value) if isinstance(value, str) else value


def _items(value: object) -> object:
    if isinstance(value, str):
        return tuple(item.strip() for item in value.split(",") if item.strip())
    return value


def _absent(value: object) -> object:
    # A chart renders a value that is not set as an empty string.
    return None if value == "" else value


def _bounded(value: float) -> float:
    if value <= 0:
        raise ValueError("must be longer than nothing")
    if value > LONGEST_LIFETIME:
        raise ValueError(f"must not be longer than {LONGEST_LIFETIME / 86400:g}d")
    return value


Duration = Annotated[float, BeforeValidator(_seconds), Field(ge=0)]
Lifetime = Annotated[float, BeforeValidator(_seconds), AfterValidator(_bounded)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_items)]
OptionalPath = Annotated[Path | None, BeforeValidator(_absent)]
Port = Annotated[int, Field(ge=0, le=65535)]
Count = Annotated[int, Field(ge=1)]

TlsMode = Literal["self", "cert-manager", "secret", "files"]
ClientAuth = Literal["off", "optional", "require"]


class Settings(BaseSettings):
    """What `rke2-webhook serve` can be told. The descriptions are the help of the flags."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    policy: OptionalPath = Field(None, description="policy file; without one, the default policy")

    # Not `port`: beside a Service `rke2-webhook`, Kubernetes sets RKE2_WEBHOOK_PORT to
    # tcp://10.43.0.7:443, for the sake of Docker's links.
    review_address: str = Field(
        "", description="address for reviews; empty: every one, IPv6 and IPv4"
    )
    review_port: Port = Field(8443, description="port for reviews, with TLS")
    probe_address: str = Field("", description="address for probes and metrics; empty: every one")
    probe_port: Port = Field(8080, description="port for probes and metrics, plain HTTP")

    tls_mode: TlsMode = Field(
        "self",
        description="where the certificate comes from: a CA of its own in a Secret (self), "
        "or a directory that cert-manager, a mounted Secret or somebody by hand fills",
    )
    tls_minimum: Literal["1.2", "1.3"] = Field("1.3", description="oldest TLS version accepted")
    tls_directory: OptionalPath = Field(
        None, description="directory of tls.crt and tls.key, in every mode but self"
    )
    tls_names: Names = Field(
        (), description="names or addresses for the certificate beside the Service's, with commas"
    )
    service: str = Field("rke2-webhook", description="name of the Service before this server")
    namespace: str = Field("cattle-system", description="namespace of the Service and the Secret")

    ca_secret: str = Field("rke2-webhook-ca", description="Secret of the CA, in mode self")
    ca_lifetime: Lifetime = Field(365 * 86400.0, description="how long a CA of mode self lives")
    ca_overlap: Duration = Field(
        86400.0, description="how long the caBundle keeps the CA before, after a rotation"
    )
    leaf_lifetime: Lifetime = Field(
        7 * 86400.0, description="how long a certificate of mode self lives"
    )
    settle: Duration = Field(
        5.0, description="wait between the live caBundle and the first certificate that needs it"
    )
    mutating_configurations: Names = Field(
        (), description="MutatingWebhookConfigurations that call this server, with commas"
    )
    validating_configurations: Names = Field(
        (), description="ValidatingWebhookConfigurations that call this server, with commas"
    )

    client_auth: ClientAuth = Field(
        "off", description="whether the API server has to show a client certificate"
    )
    client_ca: OptionalPath = Field(None, description="PEM file of the CA of client certificates")
    client_names: Names = Field(
        (), description="common or alternative names a client may have; empty: any, with commas"
    )

    max_body: Count = Field(7 * MIB, description="largest request body, in bytes")
    max_buffered: Count = Field(
        64 * MIB, description="largest sum of the bodies in flight, in bytes; above it: HTTP 429"
    )
    max_in_flight: Count = Field(
        64, description="most reviews at a time that wait for others; above it: HTTP 429"
    )
    max_connections: Count = Field(
        512, description="most connections; above it, the one that is idle the longest goes"
    )
    max_time: Lifetime = Field(
        2.0, description="longest time for a review, if the API server grants that much"
    )
    read_deadline: Lifetime = Field(
        5.0, description="longest time for a TLS handshake, and for a request to arrive"
    )
    keep_alive: Duration = Field(
        # Above the API server's 90 s: Go does not send a POST again when the server hangs up
        # first (knative/pkg#1509, kubernetes#127335).
        120.0,
        description="how long an idle connection is kept; above the API server's 90s; "
        "0s: each ends with its answer",
    )
    drain: Duration = Field(
        10.0, description="how long it goes on serving after SIGTERM, while it is not ready"
    )
    grace: Lifetime = Field(
        20.0, description="longest wait, after that, for the reviews still in flight"
    )

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least severe log line that is written"
    )
    tracing: bool = Field(
        default=False, description="send OpenTelemetry traces as OTEL_* say; needs the extra `otel`"
    )

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        if self.tls_mode != "self" and self.tls_directory is None:
            raise ValueError(f"--tls-mode {self.tls_mode} needs --tls-directory")
        if self.client_auth != "off" and self.client_ca is None:
            raise ValueError(f"--client-auth {self.client_auth} needs --client-ca")
        if self.client_auth == "off" and (self.client_ca is not None or self.client_names):
            raise ValueError("--client-ca and --client-names need --client-auth")
        # Within an overlap, every replica has to see the new CA, wait, and change its leaf.
        if self.ca_overlap < 4 * self.settle:
            raise ValueError("--ca-overlap has to be four times --settle at least")
        if self.leaf_lifetime > self.ca_lifetime:
            raise ValueError("--leaf-lifetime must not be longer than --ca-lifetime")
        for name in self.certificate_names:
            if not is_certifiable(name):
                raise ValueError(
                    "--tls-names, --service, --namespace: "
                    f"{name!r} is neither a DNS name nor an address"
                )
        return self

    @property
    def certificate_names(self) -> tuple[str, ...]:
        """The names the certificate answers to; the first is the one the API server uses."""
        service = f"{self.service}.{self.namespace}"
        return (f"{service}.svc", service, f"{service}.svc.cluster.local", *self.tls_names)


class Flag(NamedTuple):
    """How one setting is given: `--name`, the variable, what it is for and its default as text.

    Where there are no choices, `value` is what stands for the value in the help.
    """

    field: str
    name: str
    variable: str
    description: str
    default: str
    choices: tuple[str, ...]
    value: str


_VALUES: dict[Any, str] = {
    bool: "true|false",
    int: "NUMBER",
    float: "DURATION",
    tuple[str, ...]: "NAMES",
    Path | None: "PATH",
}


def flags() -> Iterator[Flag]:
    """Yield a flag for every setting, in the order of the class."""
    for field, info in Settings.model_fields.items():
        choices = getattr(info.annotation, "__args__", ())
        yield Flag(
            field=field,
            name="--" + field.replace("_", "-"),
            variable=PREFIX + field.upper(),
            description=info.description or "",
            default=_as_text(info.default),
            choices=choices if choices and all(isinstance(each, str) for each in choices) else (),
            value=_VALUES.get(info.annotation) or field.rpartition("_")[2].upper(),
        )


def _as_text(value: Any) -> str:
    match value:
        case None | () | "":
            return ""
        case bool():
            return str(value).lower()
        case float():
            for unit, size in (("d", 86400), ("h", 3600), ("s", 1)):
                if value % size == 0 and value >= size:
                    return f"{int(value // size)}{unit}"
            return f"{value}s"
        case _:
            return str(value)


def is_certifiable(name: str) -> bool:
    """Tell whether a certificate can be made for a name: a host's, a wildcard's or an address."""
    if len(name) <= 253 and _HOST.fullmatch(name):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
