"""Files: what the doors hand to the engine."""

from __future__ import annotations

from typing import NamedTuple

from rke2_policies.document import Document


class File(NamedTuple):
    """One file and its documents, or one admission object.

    A file that is not `given` was read from the disk as context: it decides what machines run
    with, and nothing in it is changed. `kind` is what the user says that the file is (`--as`);
    None leaves it to the path and the content. `broken`: it could not be read to its end.
    """

    path: str
    documents: tuple[Document, ...]
    given: bool = True
    kind: str | None = None
    broken: bool = False
