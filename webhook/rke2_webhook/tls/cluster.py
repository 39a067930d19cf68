"""The cluster: the few calls to the Kubernetes API that certificates need."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from lightkube import ApiError, AsyncClient
from lightkube.models.admissionregistration_v1 import WebhookClientConfig
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.admissionregistration_v1 import (
    MutatingWebhookConfiguration,
    ValidatingWebhookConfiguration,
)
from lightkube.resources.core_v1 import Secret
from lightkube.types import PatchType

Kind = Literal["mutating", "validating"]

_RESOURCES: Mapping[Kind, Any] = {
    "mutating": MutatingWebhookConfiguration,
    "validating": ValidatingWebhookConfiguration,
}
_KINDS: Mapping[Kind, str] = {
    "mutating": "MutatingWebhookConfiguration",
    "validating": "ValidatingWebhookConfiguration",
}


class ConflictError(Exception):
    """Somebody else has written the object since it was read."""


class MissingError(Exception):
    """An object that the chart makes is not there."""


class Reference(NamedTuple):
    """Which webhook configuration is meant."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


class Webhook(NamedTuple):
    """How the API server calls one webhook: the caBundle (PEM), and the host that it expects."""

    bundle: bytes
    host: str


class Configuration(NamedTuple):
    """A webhook configuration as it is now, with its webhooks by name."""

    reference: Reference
    version: str
    webhooks: Mapping[str, Webhook]


class StoredSecret(NamedTuple):
    """A Secret as it was read: its decoded data, and the object to write back."""

    data: Mapping[str, bytes]
    found: Secret


class Cluster:
    """The API server, as far as this program needs it."""

    def __init__(self, client: AsyncClient, namespace: str) -> None:
        self._client = client
        self._namespace = namespace

    async def secret(self, name: str) -> StoredSecret:
        """Return a Secret, or raise MissingError."""
        try:
            found = await self._client.get(Secret, name, namespace=self._namespace)
        except ApiError as error:
            raise _told(error, f"Secret {self._namespace}/{name}") from error
        return StoredSecret(
            {key: _decoded(value) for key, value in (found.data or {}).items()}, found
        )

    async def write_secret(self, secret: StoredSecret, data: Mapping[str, bytes]) -> None:
        """Replace the data of a Secret, or raise ConflictError if it is not as it was read."""
        found = secret.found
        found.data = {key: base64.b64encode(value).decode() for key, value in data.items()}
        name = found.metadata.name if found.metadata is not None else None
        try:
            await self._client.replace(found)
        except ApiError as error:
            raise _told(error, f"Secret {self._namespace}/{name}") from error

    async def configuration(self, reference: Reference) -> Configuration:
        """Return a webhook configuration, or raise MissingError."""
        try:
            found = await self._client.get(_RESOURCES[reference.kind], reference.name)
        except ApiError as error:
            raise _told(error, f"{_KINDS[reference.kind]} {reference.name}") from error
        meta: ObjectMeta = found.metadata
        return Configuration(
            reference,
            meta.resourceVersion or "",
            {each.name: _webhook(each.clientConfig) for each in found.webhooks or ()},
        )

    async def apply_bundle(self, seen: Configuration, bundle: bytes, manager: str) -> None:
        """Put a caBundle into every webhook of a configuration, by server-side apply.

        The version goes along, so that this changes only what was seen; else it raises ConflictError.
        """
        encoded = base64.b64encode(bundle).decode()
        wanted = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": _KINDS[seen.reference.kind],
            "metadata": {"name": seen.reference.name, "resourceVersion": seen.version},
            "webhooks": [
                {"name": name, "clientConfig": {"caBundle": encoded}} for name in seen.webhooks
            ],
        }
        try:
            await self._client.patch(
                _RESOURCES[seen.reference.kind],
                seen.reference.name,
                wanted,
                patch_type=PatchType.APPLY,
                field_manager=manager,
                force=True,
            )
        except ApiError as error:
            raise _told(error, f"{_KINDS[seen.reference.kind]} {seen.reference.name}") from error

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def _told(error: ApiError, what: str) -> Exception:
    match error.status.code:
        case 404:
            return MissingError(f"{what} does not exist")
        case 409:
            return ConflictError(f"{what} was written by somebody else")
        case _:
            return error


def _webhook(client: WebhookClientConfig) -> Webhook:
    bundle = _decoded(client.caBundle or "")
    if client.service is not None:
        # What the API server puts into its ClientHello, and wants to see in the certificate:
        # k8s.io/apiserver, util/webhook/client.go.
        return Webhook(bundle, f"{client.service.name}.{client.service.namespace}.svc")
    return Webhook(bundle, urlsplit(client.url or "").hostname or "")


def _decoded(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error:
        return b""
