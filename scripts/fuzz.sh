#!/usr/bin/env bash
# Runs each fuzz target for FUZZ_SECONDS (60): see fuzz/README.md.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

cargo +nightly fuzz --version >/dev/null 2>&1 ||
    die "fuzzing needs nightly Rust and cargo-fuzz: rustup toolchain install nightly && cargo install cargo-fuzz"
cd "$root/fuzz"
for target in picture url glob; do
    say "$target: ${FUZZ_SECONDS:-60} s"
    mkdir -p "corpus/$target"
    cargo +nightly fuzz run "$target" "corpus/$target" "seeds/$target" -- \
        -max_total_time="${FUZZ_SECONDS:-60}" -print_final_stats=1
done
