#!/bin/sh
# Puts Kyverno's own command line and a program with Gatekeeper's own mutation where
# tests/export/test_engines.py looks for them, built from Go's module proxy.
#
#   tests/peers/policy_engines.sh            nothing to do costs nothing
#   tests/peers/policy_engines.sh --where    only print the folder
#
# Both are large: a first build takes a quarter of an hour each on two busy cores. ENGINE_BUILD_JOBS allows
# more than one compiler at once.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
key=$(cat "$here/kyverno/go.mod" "$here/gatekeeper/go.mod" "$here/gatekeeper/main.go" | sha256sum | cut -c1-12)
folder=${XDG_CACHE_HOME:-$HOME/.cache}/rke2-lint-policy-engines/$key

if [ "${1:-}" = --where ]; then
    echo "$folder"
    exit
fi

command -v go >/dev/null || {
    echo "policy engines: Go is needed" >&2
    exit 1
}
mkdir -p "$folder"

build() {
    [ -x "$folder/$1" ] && return
    echo "building $1 with $(go env GOVERSION)" >&2
    (
        cd "$here/$1"
        CGO_ENABLED=0 GOWORK=off nice go build -p "${ENGINE_BUILD_JOBS:-1}" -trimpath -buildvcs=false \
            -ldflags "-s -w" -o "$folder/$1.new" "$2"
    )
    mv "$folder/$1.new" "$folder/$1"
}

build gatekeeper .
build kyverno github.com/kyverno/kyverno/cmd/cli/kubectl-kyverno
echo "$folder"
