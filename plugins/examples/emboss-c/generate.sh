#!/bin/sh
# Generates bindings/ anew after a change of the contract. Needs wit-bindgen 0.61.1:
#   cargo install wit-bindgen-cli --version 0.61.1
# Who only compiles this plugin needs clang alone: what comes out is committed.
set -eu
cd "$(dirname "$0")"
wit-bindgen c ../../../wit --world filter-plugin --out-dir bindings
