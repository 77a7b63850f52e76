#!/usr/bin/env bash
# What `make test` does: every step, whatever fails on the way. Its last lines repeat what cargo
# said of each test program, and then what failed; its exit code is 1 if anything did.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

# In the order of what fails soonest. The tests use the dependencies that `plugins` compiles.
# Clippy, in the same profile, can use their macros and build scripts, and has to check the rest
# once more: some 95 processor seconds, the first time only.
steps=(fmt plugins clippy deny media test-host test-plugins)

log=build/test.log
mkdir -p build
: >"$log"
trap 'exit 130' INT TERM

failed=()
for step in "${steps[@]}"; do
    say "==> make $step"
    make --no-print-directory "$step" 2>&1 | tee -a "$log" || failed+=("$step")
done

say "==> results"
grep -E '^ +(Running|Doc-tests) |^test result: |^test .* FAILED$|^error: [0-9]+ target|^    `-p ' "$log"
[ -z "${FILMGATE_SKIP:-}" ] || say "not tried, by FILMGATE_SKIP: $FILMGATE_SKIP"
if [ ${#failed[@]} -gt 0 ]; then
    say "failed: ${failed[*]} (all output: $log)"
    exit 1
fi
say "passed: ${steps[*]}"
