"""Tell what is built which commit it is built from: hatchling calls this for wheels and archives.

The commit goes into the archive as `rke2_lint/COMMIT` and nowhere else. A file beside the source
would be stale at the next commit. Where there is no checkout the file is left as it is: a source
archive has got its own already.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_DESCRIBE = ("git", "describe", "--always", "--dirty", "--exclude=*", "--abbrev=12")
_WHERE = {"wheel": "rke2_lint/COMMIT", "sdist": "linter/rke2_lint/COMMIT"}


class WriteCommit(BuildHookInterface[Any]):
    """Adds the file COMMIT to an archive."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Put the file where the builder takes it from. An editable install asks git when asked."""
        root = Path(self.root)
        if version == "editable" or not (root / ".git").exists():
            return
        try:
            done = subprocess.run(_DESCRIBE, cwd=root, capture_output=True, text=True, check=True)  # noqa: S603 - the command is ours
        except (OSError, subprocess.CalledProcessError):
            return  # without git, or without a commit, there is nothing to tell
        self._folder = tempfile.TemporaryDirectory()
        written = Path(self._folder.name, "COMMIT")
        written.write_text(done.stdout, encoding="ascii", newline="\n")
        build_data["force_include"][str(written)] = _WHERE[self.target_name]

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Take the file away again."""
        folder = getattr(self, "_folder", None)
        if folder is not None:
            folder.cleanup()
