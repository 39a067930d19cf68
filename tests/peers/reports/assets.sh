#!/bin/sh
# Puts what tests/test_report_peers.py reads reports with where it looks for it.
#
#   tests/peers/reports/assets.sh            nothing to do costs nothing
#   tests/peers/reports/assets.sh --where    only print the folder
#
# From npm, in the versions and with the checksums of package-lock.json: the toolkits of GitHub Actions
# and Azure Pipelines, and Microsoft's SARIF Multitool. From Go's module proxy: reviewdog's own types.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
key=$(cat "$here/package-lock.json" "$here/rdjson/go.sum" "$here/rdjson/main.go" | sha256sum | cut -c1-12)
folder=${XDG_CACHE_HOME:-$HOME/.cache}/rke2-lint-report-peers/$key

if [ "${1:-}" = --where ]; then
    echo "$folder"
    exit
fi

for each in npm go; do
    command -v "$each" >/dev/null || {
        echo "report peers: $each is needed" >&2
        exit 1
    }
done
mkdir -p "$folder"
if ! [ -d "$folder/node_modules/azure-pipelines-task-lib" ]; then
    cp "$here/package.json" "$here/package-lock.json" "$folder"
    (cd "$folder" && npm ci --silent --ignore-scripts --no-audit --no-fund)
    # What its own script would do after it is installed.
    chmod u+x "$folder"/node_modules/@microsoft/sarif-multitool-*/Sarif.Multitool
fi
cp "$here/escape.mjs" "$folder"
[ -x "$folder/rdjson" ] || (cd "$here/rdjson" && go build -o "$folder/rdjson" .)
