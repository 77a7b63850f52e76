#!/usr/bin/env bash
# Builds plugins from nothing in every language that `filmgate plugin new` knows, and compares their
# frames with ffmpeg's. What the languages need comes from npm and PyPI, in the templates' versions,
# into build/languages. `make test` does the same for the languages that are installed.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

folder=build/languages
versions='componentize-py==0.25.1 ziglang==0.17.1 componentize-qjs@0.4.5 esbuild@0.28.2'
command -v npm >/dev/null || die "test-languages: npm is missing; install Node.js 20 or newer"
if [ "$(cat $folder/versions 2>/dev/null)" != "$versions" ]; then
    rm -rf $folder
    mkdir -p $folder
    say "test-languages: fetching $versions"
    "$(scripts/venv.sh --which)" -m venv $folder/venv
    bounded 600 $folder/venv/bin/pip install --quiet componentize-py==0.25.1 ziglang==0.17.1
    bounded 600 npm install --prefix $folder --no-audit --no-fund --silent \
        componentize-qjs@0.4.5 esbuild@0.28.2
    say "$versions" >$folder/versions
fi
export PATH="$PWD/$folder/node_modules/.bin:$PWD/$folder/venv/bin:$PATH"
for language in rust c zig js ts python; do
    "$FILMGATE_BIN" plugin doctor --lang $language >/dev/null
done
exec scripts/compile.sh test --release -p filmgate-tests --test cli -- author
