"""Write what an image of the webhook is made of, as a CycloneDX bill of materials.

    python webhook/write_sbom.py FOLDER     the image's files; `make image-sbom` exports them

Debian's packages are read from /var/lib/dpkg/status.d, Python's from their METADATA: what is there,
and not what was asked for. The same image gives the same bytes.
"""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from email.parser import HeaderParser
from importlib.metadata import Distribution, distributions
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://rke2-lint.dev/sbom")
_OWN = "rke2-lint"


def main() -> int:
    """Print the bill of the folder that is named. Return 1 if it does not fit its schema."""
    text = sbom(Path(sys.argv[1]))
    wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if wrong is not None:
        sys.stderr.write(f"not a CycloneDX document: {wrong}\n")
        return 1
    sys.stdout.write(text + "\n")
    return 0


def sbom(root: Path) -> str:
    """Return the bill of materials of an image whose files lie in `root`, as JSON."""
    found = {
        canonicalize_name(each.name): each
        for folder in sorted(root.glob("usr/local/lib/python3*/dist-packages"))
        for each in distributions(path=[str(folder)])
    }
    python = {name: _python(name, each) for name, each in found.items()}
    debian = [_debian(path, _release(root)) for path in _status(root)]
    image = Component(
        type=ComponentType.CONTAINER,
        name="rke2-webhook",
        version=found[_OWN].version,
        bom_ref="rke2-webhook",
    )
    bom = Bom(components=[*python.values(), *debian])
    bom.metadata.component = image
    made = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
    bom.metadata.timestamp = datetime.fromtimestamp(made, UTC)
    bom.register_dependency(image, [python[_OWN], *debian])
    for name, each in found.items():
        bom.register_dependency(python[name], _needed(each, python))
    parts = sorted(each.bom_ref.value or "" for each in bom.components)
    bom.serial_number = uuid.uuid5(_NAMESPACE, "\n".join(parts))
    return JsonV1Dot6(bom).output_as_string(indent=2)


def _python(name: str, of: Distribution) -> Component:
    url = PackageURL("pypi", name=name, version=of.version)
    said = of.metadata.get("License-Expression") or of.metadata.get("License") or ""
    # Some write the whole text there.
    licences = [LicenseFactory().make_from_string(said)] if said and "\n" not in said else []
    return Component(
        type=ComponentType.LIBRARY,
        name=name,
        version=of.version,
        description=of.metadata.get("Summary"),
        licenses=licences,
        purl=url,
        bom_ref=str(url),
    )


def _needed(of: Distribution, there: Mapping[str, Component]) -> list[Component]:
    """Return what a package needs of what is there: a marker that does not hold is not there."""
    names = {canonicalize_name(Requirement(each).name) for each in of.requires or []}
    return [there[name] for name in sorted(names & there.keys())]


def _status(root: Path) -> list[Path]:
    folder = root / "var/lib/dpkg/status.d"
    return sorted(path for path in folder.iterdir() if path.suffix != ".md5sums")


def _debian(path: Path, release: str) -> Component:
    said = HeaderParser().parsestr(path.read_text(encoding="utf-8"))
    # Security advisories are about source packages.
    source = (said["Source"] or said["Package"]).partition(" ")[0]
    qualifiers = {"arch": said["Architecture"], "distro": f"debian-{release}", "upstream": source}
    url = PackageURL("deb", "debian", said["Package"], said["Version"], qualifiers)
    return Component(
        type=ComponentType.LIBRARY,
        name=said["Package"],
        version=said["Version"],
        description=said["Description"].partition("\n")[0],
        purl=url,
        bom_ref=str(url),
    )


def _release(root: Path) -> str:
    lines = (root / "usr/lib/os-release").read_text(encoding="utf-8").splitlines()
    said = dict(line.partition("=")[::2] for line in lines)
    return said["VERSION_ID"].strip('"')


if __name__ == "__main__":
    sys.exit(main())
