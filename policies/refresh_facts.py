"""Write `rke2_policies/facts/*.json` anew from extracts of the upstream tables.

A developer's script, outside the package and not in the wheel:

    python policies/refresh_facts.py EXTRACTS

EXTRACTS is a folder with `rke2_args.json`, `rke2_args_meta.json` (from Rancher's
kontainer-driver-metadata, `channels-rke2.yaml`) and `rke2_cli_flags.json` (from rancher/rke2
`pkg/cli/cmds`). What the rules do not ask is left out.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

FACTS = Path(__file__).parent / "rke2_policies" / "facts"
KDM = (
    "rancher/kontainer-driver-metadata channels-rke2.yaml: branches dev-v2.6 to dev-v2.10 "
    "(to v1.31.1), then @00313e4f (dev-v2.12) and, to v1.36.2, the fork "
    "vitorsavian/kontainer-driver-metadata @3b383564 (dev-v2.15)"
)


def main(extracts: Path) -> None:
    def read(name: str) -> dict[str, dict[str, object]]:
        loaded: dict[str, dict[str, object]] = json.loads((extracts / name).read_text("utf-8"))
        return loaded

    settings = {
        name: {
            "type": field["type"],
            "scopes": field["scopes"],
            "first": field["first_in_minor"],
            **({"by_scope": field["since_by_scope"]} if "since_by_scope" in field else {}),
        }
        for name, field in read("rke2_args.json").items()
    }
    _write("rancher_settings", {"source": KDM, "settings": settings})

    flags = read("rke2_cli_flags.json")
    _write(
        "rke2_flags",
        {
            "source": "rancher/rke2 @6ce1a8019 pkg/cli/cmds/{root,server,agent,k3sopts}.go",
            "flags": {name: flag["commands"] for name, flag in flags.items() if flag["commands"]},
            "dropped": [name for name, flag in flags.items() if not flag["commands"]],
        },
    )


def _write(name: str, table: dict[str, object]) -> None:
    generated = {"generated": "by policies/refresh_facts.py: do not edit", **table}
    (FACTS / f"{name}.json").write_text(json.dumps(generated, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
