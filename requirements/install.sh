#!/bin/sh
# Makes .venv hold one hash-locked set, and Gasoline itself: sh requirements/install.sh dev|demo
# Does nothing when that is so already. Runs from the root of the checkout and needs Python >= 3.11 only.
set -eu
set_name=$1
lock=requirements/$set_name.txt

# All that decides what is in .venv: the lock, the project, the sources of what is compiled.
made_from() {
    find collector -name '*.pyx' -o -name '*.pxd' | LC_ALL=C sort | xargs cat "requirements/$1.txt" pyproject.toml hatch_build.py
}

# What .venv was made from is kept in .venv; the set `dev` holds the set `demo`.
for held in "$set_name" dev; do
    if [ -x .venv/bin/gasoline ] && made_from "$held" 2>/dev/null | cmp -s - ".venv/installed-$held"; then
        exit 0
    fi
done

if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    python=
    for candidate in python3.13 python3.12 python3.11 python3 python; do
        if "$candidate" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            python=$candidate
            break
        fi
    done
    if [ -z "$python" ]; then
        echo "Python 3.11 or newer (with its venv module) is needed and was not found; install it, then run make again." >&2
        exit 1
    fi
    echo "Setting up .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
fi

pip() {
    .venv/bin/python -m pip --disable-pip-version-check --no-input "$@"
}
echo "Installing $(grep -c '==' "$lock") packages of $lock (takes a minute the first time)"
rm -f .venv/installed-*
pip install --quiet --require-hashes --requirement "$lock"
pip install --quiet --no-deps --no-build-isolation --editable .
made_from "$set_name" >".venv/installed-$set_name"
echo "Ready: .venv/bin/gasoline"
