"""Nodes: one machine's own configuration files."""

from __future__ import annotations

from typing import NamedTuple

from rke2_policies.document import Document, DocumentId, Place
from rke2_policies.file import File
from rke2_policies.machine import Machine


class ConfigFile(NamedTuple):
    """One file that RKE2 reads, or that somebody thought it would read."""

    by: str
    """How to call it: `config.yaml`, `config.yaml.d/20-proxy.yaml`."""
    file: File

    @property
    def document(self) -> Document | None:
        """The first document, the only one that RKE2 reads."""
        return self.file.documents[0] if self.file.documents else None

    @property
    def place(self) -> Place:
        """The file as a whole."""
        return Place(DocumentId(self.file.path), ())


class Node(NamedTuple):
    """The directory of one node: the base file, its drop-ins, and what is beside them."""

    name: str
    """The path of the base file, also where only its `.d` folder is there."""
    base: ConfigFile | None
    drop_ins: tuple[ConfigFile, ...]
    """In the order in which RKE2 reads them."""
    ignored: tuple[ConfigFile, ...]
    """Files beside them that RKE2 does not read."""
    environment: tuple[ConfigFile, ...]
    """EnvironmentFiles of the service, in the order in which systemd reads them."""
    role: str
    """`server`, `agent` or ""."""
    role_is_guess: bool
    machine: Machine

    @property
    def files(self) -> tuple[ConfigFile, ...]:
        """What RKE2 reads, in order."""
        return (*((self.base,) if self.base else ()), *self.drop_ins)
