#!/bin/sh
# Resolves every hash-locked set anew from pyproject.toml. Runs from the root of the checkout: make lock
set -eu
compile="${UV:-.venv/bin/uv} pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate"
$compile pyproject.toml --extra demo --group dev requirements/build.in -o requirements/dev.txt
$compile pyproject.toml --extra demo requirements/build.in -c requirements/dev.txt -o requirements/demo.txt
$compile pyproject.toml requirements/build.in -c requirements/dev.txt -o requirements/base.txt
