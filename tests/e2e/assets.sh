#!/bin/sh
# Puts etcd and a real kube-apiserver where the end-to-end tests look for them, and prints that folder.
#
#   tests/e2e/assets.sh            take or build what is missing there; nothing to do costs nothing
#   tests/e2e/assets.sh --where    only print the folder
#
# KUBEBUILDER_ASSETS names the folder (setup-envtest's convention: its downloads work as they are);
# without it, it is a folder of the user's cache, named after the version and the pinned modules.
#
# etcd comes from the PATH or out of Debian's package, unpacked and not installed: no root is needed
# and no service starts. kube-apiserver is built from the Go module proxy, because its published
# binaries are not in any package registry. On two cores a first build takes minutes, not seconds.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
module=$here/apiserver
version=$(sed -n 's|.*k8s\.io/kubernetes \(v[0-9.]*\).*|\1|p' "$module/go.mod")
key=$(cat "$module/go.mod" "$module/go.sum" | sha256sum | cut -c1-12)
folder=${KUBEBUILDER_ASSETS:-${XDG_CACHE_HOME:-$HOME/.cache}/rke2-lint-e2e/$version-$key}

if [ "${1:-}" = --where ]; then
    echo "$folder"
    exit
fi

say() { echo "e2e assets: $*" >&2; }

give_up() {
    say "$*"
    exit 1
}

take_etcd() {
    if on_path=$(command -v etcd); then
        ln -sf "$on_path" "$folder/etcd"
        return
    fi
    { command -v apt-get && command -v dpkg-deb; } >/dev/null ||
        give_up "no etcd found, and this is no Debian to take it from:" \
            "install etcd 3.4 or newer so that it is on the PATH," \
            "or let KUBEBUILDER_ASSETS name a folder that setup-envtest filled"
    say "taking etcd out of Debian's package etcd-server"
    cd "$scratch"
    if ! apt-get -qq -o APT::Sandbox::User="$(id -un)" download etcd-server 2>apt.log; then
        # The machine has no package lists, or old ones; lists of our own need no root.
        mkdir -p lists/partial
        set -- -qq -o Dir::State::Lists="$scratch/lists" -o Dir::Cache="$scratch" \
            -o APT::Sandbox::User="$(id -un)"
        { apt-get "$@" update && apt-get "$@" download etcd-server; } >apt.log 2>&1 ||
            give_up "apt-get cannot download etcd-server: $(cat apt.log)"
    fi
    dpkg-deb -x etcd-server_*.deb unpacked
    mv unpacked/usr/bin/etcd "$folder/etcd"
}

build_apiserver() {
    command -v go >/dev/null ||
        give_up "no kube-apiserver in $folder and no Go to build it with:" \
            "install Go $(sed -n 's/^go //p' "$module/go.mod") or newer," \
            "or let KUBEBUILDER_ASSETS name a folder that setup-envtest filled"
    say "building kube-apiserver $version with $(go env GOVERSION)"
    cd "$module"
    # The version is what upstream's build writes there; Helm and clients read it from /version.
    said=k8s.io/component-base/version
    minor=${version#v*.}
    # grpcnotrace is upstream's, too: without it the linker keeps every method of every type.
    CGO_ENABLED=0 GOWORK=off nice go build -p "${E2E_BUILD_JOBS:-2}" -trimpath -buildvcs=false -tags grpcnotrace \
        -ldflags "-s -w -X $said.gitVersion=$version -X $said.gitMajor=1 -X $said.gitMinor=${minor%%.*}" \
        -o "$scratch/kube-apiserver" k8s.io/kubernetes/cmd/kube-apiserver
    mv "$scratch/kube-apiserver" "$folder/kube-apiserver"
}

if [ -x "$folder/etcd" ] && [ -x "$folder/kube-apiserver" ]; then
    echo "$folder"
    exit
fi

mkdir -p "$folder"
# Two runs at once: the second waits, and then finds everything in its place.
exec 9>"$folder/.lock"
if command -v flock >/dev/null; then flock 9; fi
scratch=$(mktemp -d "$folder/.making.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

if [ ! -x "$folder/etcd" ]; then (take_etcd); fi
if [ ! -x "$folder/kube-apiserver" ]; then (build_apiserver); fi
echo "$folder"
