#!/usr/bin/env bash
# Build the virtual environment from a lock and this checkout: requirements/venv.sh .venv [dev|run]
# "run" holds what sitewatch needs to run (run.txt), "dev" what its tests and checks need as well (dev.txt).
# PYTHON names the interpreter to use; otherwise the first of python3.11, python3.12, python3 that fits.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${1:-.venv}
lock=requirements/${2:-dev}.txt

say() { printf '%s\n' "$*" >&2; }

fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' >/dev/null 2>&1; }

find_python() {
    local candidate
    if [ -n "${PYTHON:-}" ]; then
        fits "$PYTHON" && { echo "$PYTHON"; return; }
        say "PYTHON=$PYTHON does not run or is not Python 3.11 or 3.12."
        return 1
    fi
    for candidate in python3.11 python3.12 python3 python; do
        if command -v "$candidate" >/dev/null && fits "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    say "sitewatch needs Python 3.11 or 3.12; found: $(python3 --version 2>/dev/null || echo none)."
    say "Install one (Debian and Ubuntu: apt-get install python3.11 python3.11-venv) or name it: make PYTHON=/path/to/python3.11 ..."
    return 1
}

python=$(find_python)
if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    say "$python cannot make virtual environments. Debian and Ubuntu: apt-get install python$version-venv"
    exit 1
fi

# The wheels of rasterio bring GDAL along, but not this.
if [[ $OSTYPE == linux* ]] && ! "$python" -c 'import ctypes; ctypes.CDLL("libexpat.so.1")' >/dev/null 2>&1; then
    say "The library libexpat.so.1, which reading images needs, is not installed. Debian and Ubuntu: apt-get install libexpat1"
    exit 1
fi

# Scripts in a virtual environment hold its full path: one that was moved or lost its interpreter is built anew.
# (In the first line, or in the second where the path is too long or has a space.)
here=$(realpath -m "$venv")
if [ -e "$venv" ] && ! { fits "$venv/bin/python" && head -n2 "$venv/bin/pip" 2>/dev/null | grep -qF "$here/"; }; then
    say "Replacing $venv: it was made elsewhere or its Python is gone."
    rm -rf "$venv"
fi
[ -e "$venv" ] || "$python" -m venv "$venv"

say "Installing the pinned requirements into $venv (the first time takes a few minutes) ..."
# --no-deps: the lock is complete, and older pip stops at extras of packages that are pinned without them.
pip=("$venv/bin/python" -m pip --disable-pip-version-check)
# --no-compile: Python compiles what is imported; compiling everything takes longer than installing it.
# Two at a time: nearly all of it is unpacking, which one pip does on one core.
parts=$(mktemp -d)
jobs=()
trap 'kill "${jobs[@]}" 2>/dev/null || true; rm -rf "$parts"' EXIT
awk -v to="$parts/part" '/^[A-Za-z0-9]/ { n++ } { print > (to n % 2) }' "$lock"
for part in "$parts"/part*; do
    "${pip[@]}" install -qq --no-compile --no-deps --require-hashes -r "$part" &
    jobs+=($!)
done
for job in "${jobs[@]}"; do wait "$job"; done
"${pip[@]}" install -qq --no-deps --no-build-isolation -e .
"$venv/bin/python" requirements/web/bundle.py ||
    say "Until this works (\`make web\` tries again) \`sitewatch review\` does not start; everything else does."
if [ -n "${PYTHONDONTWRITEBYTECODE:-}" ]; then
    # Then it never keeps what it compiled, and every start would take seconds more.
    say "Compiling them once, because PYTHONDONTWRITEBYTECODE is set ..."
    env -u PYTHONDONTWRITEBYTECODE "$venv/bin/python" -m compileall -q -j 0 "$venv/lib" >/dev/null || true
fi
"${pip[@]}" check >/dev/null || { "${pip[@]}" check; exit 1; }
