#!/usr/bin/env bash
# venv.sh NAME FOLDER: a Python environment in FOLDER with scripts/requirements-NAME.txt, made
# again only when a list changes or its Python is gone.
# venv.sh --which: prints the Python that environments are made with; fails where there is none.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

# The first Python from 3.9 that can make an environment: Debian's cannot without python3-venv,
# and the first on the PATH may be pyenv's.
which_python() {
    local python
    for python in python3 /usr/bin/python3 /usr/local/bin/python3 python3.{14,13,12,11,10,9}; do
        "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 9))' \
            >/dev/null 2>&1 && command -v "$python" && return
    done
    return 1
}

if [ "${1:-}" = --which ]; then
    which_python
    exit
fi
[ $# = 2 ] || die "usage: scripts/venv.sh NAME FOLDER, or scripts/venv.sh --which"
list=scripts/requirements-$1.txt
folder=$2

# One list may include another, so a change of any counts.
if [ "$(cat "$folder/requirements" 2>/dev/null)" = "$(cat scripts/requirements-*.txt)" ] &&
    "$folder/bin/python" -c '' 2>/dev/null; then
    exit 0
fi
python=$(which_python) || die "setup: no Python from 3.9 with the modules venv and ensurepip was found"
say "setup: $folder with the packages of $list"
rm -rf "$folder"
"$python" -m venv "$folder"
bounded 600 "$folder/bin/python" -m pip install -q --disable-pip-version-check --timeout 30 \
    --only-binary :all: -r "$list" ||
    die "setup: $list could not be installed; is https://pypi.org reachable?"
cat scripts/requirements-*.txt >"$folder/requirements"
