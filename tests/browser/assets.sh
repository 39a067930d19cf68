#!/bin/sh
# Puts what the tests in a browser need where they look for it: axe-core, and a Chromium.
#
#   tests/browser/assets.sh [PYTHON]    PYTHON has Playwright, and can fetch its own browser; nothing
#                                       to do costs nothing
#   tests/browser/assets.sh --where     only print the folder of axe-core
#
# axe-core comes from npm, in the version and with the checksum of package-lock.json. The browser is one
# on the PATH (or what RKE2_LINT_CHROMIUM names), else Debian's package, else Playwright's own download.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
key=$(cat "$here/package-lock.json" | sha256sum | cut -c1-12)
folder=${XDG_CACHE_HOME:-$HOME/.cache}/rke2-lint-browser/$key

if [ "${1:-}" = --where ]; then
    echo "$folder"
    exit
fi
python=${1:-python3}

say() { echo "browser assets: $*" >&2; }

give_up() {
    say "$*"
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_packages() {
    as_root apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 || {
        as_root apt-get update -qq && as_root apt-get install -y -qq --no-install-recommends "$@" >/dev/null
    }
}

browser() {
    # Ubuntu's chromium-browser only installs a snap: it is not asked for.
    for each in ${RKE2_LINT_CHROMIUM:-} chromium-headless-shell chromium google-chrome-stable google-chrome; do
        if command -v "$each"; then return; fi
    done
    return 1
}

if [ -n "${RKE2_LINT_CHROMIUM:-}" ] && ! command -v "$RKE2_LINT_CHROMIUM" >/dev/null; then
    give_up "RKE2_LINT_CHROMIUM names $RKE2_LINT_CHROMIUM, which is no program"
fi

if ! [ -f "$folder/node_modules/axe-core/axe.min.js" ]; then
    command -v npm >/dev/null || {
        command -v apt-get >/dev/null || give_up "npm is needed to fetch axe-core"
        say "installing npm"
        install_packages npm
    }
    mkdir -p "$folder"
    cp "$here/package.json" "$here/package-lock.json" "$folder"
    (cd "$folder" && npm ci --silent --ignore-scripts --no-audit --no-fund)
fi
say "axe-core is in $folder"

if ! found=$(browser); then
    if command -v apt-get >/dev/null && apt-cache show chromium-headless-shell >/dev/null 2>&1; then
        say "installing Debian's chromium-headless-shell"
        install_packages chromium-headless-shell
        found=$(browser) || give_up "the package is installed, and no browser is on the PATH"
    else
        say "fetching Playwright's Chromium"
        "$python" -m playwright install --with-deps --only-shell chromium ||
            give_up "no Chromium could be had: install one so that it is on the PATH," \
                "or let RKE2_LINT_CHROMIUM name it"
        found="Playwright's own"
    fi
fi
say "the browser is $found"
