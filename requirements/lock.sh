#!/usr/bin/env bash
# Write requirements/runtime.txt, run.txt and dev.txt anew from the ranges in pyproject.toml and constraints.txt.
# uv resolves for every platform at once; it gets an environment of its own so that .venv stays what the lock says.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/uv"
"$work/uv/bin/python" -m pip install -qq --disable-pip-version-check uv

compile() {
    "$work/uv/bin/uv" pip compile --quiet pyproject.toml --universal --python-version 3.11 --generate-hashes \
        --no-strip-extras --no-emit-index-url --no-header --no-annotate "$@"
}
compile -c requirements/constraints.txt -o requirements/runtime.txt
compile --extra build -c requirements/constraints.txt -c requirements/runtime.txt -o requirements/run.txt
compile --extra build --extra dev -c requirements/constraints.txt -c requirements/runtime.txt -o requirements/dev.txt
