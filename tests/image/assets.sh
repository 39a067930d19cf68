#!/usr/bin/env bash
# Gets what the tests of the image need: podman, buildah and runc, and a Debian to build in. Prints where that is.
# The Debian is the official image where a registry can be reached; otherwise one is made with debootstrap.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
assets=${RKE2_LINT_IMAGE_ASSETS:-${XDG_CACHE_HOME:-$HOME/.cache}/rke2-lint-image}
suite=$(sed -n 's/^ARG BASE=.*debian:\([a-z]*\)-slim$/\1/p' "$here/../../webhook/Dockerfile")
official=$(sed -n 's/^ARG BASE=//p' "$here/../../webhook/Dockerfile")

missing=()
for each in podman buildah runc; do
  command -v "$each" >/dev/null || missing+=("$each")
done
if ((${#missing[@]})); then
  sudo=()
  ((EUID == 0)) || sudo=(sudo)
  "${sudo[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

buildah() { command buildah --root "$assets/storage" --runroot "$assets/run" "$@"; }
podman() { command podman --root "$assets/storage" --runroot "$assets/run" "$@"; }
mkdir -p "$assets"
if ! buildah inspect --type image rke2-lint-test/debian >/dev/null 2>&1; then
  if timeout 120 buildah pull --quiet "$official" >/dev/null 2>&1; then
    buildah tag "$official" rke2-lint-test/debian
    echo "official" >"$assets/base"
  else
    ((EUID == 0)) || { echo "$official cannot be pulled, and to make one takes root"; exit 1; }
    command -v debootstrap >/dev/null || apt-get install -y -qq --no-install-recommends debootstrap
    root=$(mktemp -d)
    trap 'rm -rf "$root"' EXIT
    debootstrap --variant=minbase "$suite" "$root" http://deb.debian.org/debian >"$assets/debootstrap.log"
    tar -C "$root" -c . | podman import --quiet - rke2-lint-test/debian >/dev/null
    echo "debootstrap" >"$assets/base"
  fi
fi
echo "$assets: a base by $(<"$assets/base"), $(command podman --version), $(command buildah --version)"
