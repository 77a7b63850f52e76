# filmgate's one face for people and CI. `make` lists what it can do; every target does the set-up
# it needs by itself, and is quick when nothing has changed.

SHELL := bash
PREFIX ?= /usr/local
DESTDIR ?=

cargo := . scripts/env.sh && cargo
compile := scripts/compile.sh
binary := target/release/filmgate
components := target/release/plugins

units := filmgate-watch@.service filmgate-serve.service

bash_completions := $(PREFIX)/share/bash-completion/completions
zsh_completions := $(PREFIX)/share/zsh/site-functions
fish_completions := $(PREFIX)/share/fish/vendor_completions.d
man_pages := $(PREFIX)/share/man/man1

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup build plugins demo test bench soak fuzz lint install uninstall clean \
  setup-test setup-bench media fmt clippy deny test-host test-plugins check-ffmpeg test-debian13 \
  test-languages

help: ## list what make can do
	@echo "make TARGET, where TARGET is one of"
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## \(.*\)/  \1|\2/p' Makefile | awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'

setup: ## install what the build needs (Debian, Ubuntu), or say what is missing
	@scripts/setup.sh build

build: setup ## compile the host into target/release/filmgate
	@$(compile) build --release --workspace

plugins: build ## compile the plugins into target/release/plugins, where the host finds them
	@. scripts/env.sh && FILMGATE="$(CURDIR)/$(binary)" plugins/build.sh "$(CURDIR)/$(components)"

demo: plugins media ## run a real film through a plugin: build/demo/before-after.png
	@scripts/demo.sh

test: setup-test ## check the style and run every test; what failed is told at the end
	@scripts/test.sh

# A quarter of an hour, best on a machine that has nothing else to do.
bench: plugins media setup-bench ## measure side by side with FFmpeg, OpenCV and Pillow: docs/performance.md
	@. scripts/env.sh && build/venv-bench/bin/python bench/run.py

# Half an hour or so; in none of the others.
soak: plugins media setup-test ## hold out: an hour of film with flat memory, a thousand kills, a server killed twenty times
	@python3 bench/soak.py
	@FILMGATE_KILLS=1000 $(compile) test --release -p filmgate-tests --no-fail-fast -- kill interrupt
	@FILMGATE_KILLS=1000 $(compile) test --release -p filmgate-worker
	@FILMGATE_MUTATIONS=1000000 $(compile) test --release -p filmgate-tests --test watch -- mutated
	@FILMGATE_MUTATIONS=100000 $(compile) test --release -p filmgate-tests --test cli -- mutated

fuzz: setup ## give the parsers random bytes, each for a minute: needs nightly Rust and cargo-fuzz (fuzz/README.md)
	@scripts/fuzz.sh

# Without running anything: the tests run with the FFmpeg that is installed.
check-ffmpeg: setup ## compile the host against the FFmpeg of the other Debian releases
	@scripts/check-ffmpeg-lines.sh

test-debian13: ## run `make test` on Debian 13 (FFmpeg 7.1), in a chroot: needs root
	@scripts/test-debian13.sh

test-languages: plugins setup-test ## build plugins in every language, with tools from npm and PyPI
	@scripts/test-languages.sh

lint: fmt clippy deny ## check the style alone

install: $(if $(SUDO_USER),,plugins) ## copy into PREFIX (/usr/local), below DESTDIR if given
	@test -x $(binary) && ls $(components)/*.wasm >/dev/null 2>&1 || \
	  { echo "nothing to install yet: run 'make plugins' first, without sudo" >&2; exit 1; }
	install -d "$(DESTDIR)$(PREFIX)/bin" "$(DESTDIR)$(PREFIX)/lib/filmgate/plugins"
	install -m 755 $(binary) "$(DESTDIR)$(PREFIX)/bin/filmgate"
	install -m 644 $(components)/*.wasm "$(DESTDIR)$(PREFIX)/lib/filmgate/plugins/"
	install -d "$(DESTDIR)$(PREFIX)/lib/systemd/system"
	for unit in $(units); do sed 's|/usr/local/bin|$(PREFIX)/bin|' scripts/$$unit >"$(DESTDIR)$(PREFIX)/lib/systemd/system/$$unit" || exit; done
	install -d "$(DESTDIR)$(bash_completions)" "$(DESTDIR)$(zsh_completions)" \
	  "$(DESTDIR)$(fish_completions)" "$(DESTDIR)$(man_pages)"
	$(binary) completions bash >"$(DESTDIR)$(bash_completions)/filmgate"
	$(binary) completions zsh >"$(DESTDIR)$(zsh_completions)/_filmgate"
	$(binary) completions fish >"$(DESTDIR)$(fish_completions)/filmgate.fish"
	$(binary) man "$(DESTDIR)$(man_pages)"

uninstall: ## remove what install copied
	rm -f "$(DESTDIR)$(PREFIX)/bin/filmgate"
	for unit in $(units); do rm -f "$(DESTDIR)$(PREFIX)/lib/systemd/system/$$unit"; done
	for plugin in $(components)/*.wasm; do rm -f "$(DESTDIR)$(PREFIX)/lib/filmgate/plugins/$${plugin##*/}"; done
	-rmdir --ignore-fail-on-non-empty "$(DESTDIR)$(PREFIX)/lib/filmgate/plugins" "$(DESTDIR)$(PREFIX)/lib/filmgate" 2>/dev/null
	rm -f "$(DESTDIR)$(bash_completions)/filmgate" "$(DESTDIR)$(zsh_completions)/_filmgate" \
	  "$(DESTDIR)$(fish_completions)/filmgate.fish" "$(DESTDIR)$(man_pages)"/filmgate{,-*}.1

clean: ## remove everything that was built or fetched
	rm -rf target plugins/target build

# ---- the steps of the above ----

setup-test:
	@scripts/setup.sh test

setup-bench: setup
	@scripts/venv.sh bench build/venv-bench

media: setup
	@scripts/fetch-media.sh build/media

fmt: setup-test
	@$(cargo) fmt --all --check
	@$(cargo) fmt --all --check --manifest-path plugins/Cargo.toml

clippy: setup-test
	@$(compile) clippy --release --workspace --all-targets -- -D warnings
	@cd plugins && ../scripts/compile.sh clippy --workspace --all-targets -- -D warnings

# Licences, doubled dependencies, where they come from and their advisories, where cargo-deny is installed; it takes minutes to build.
deny:
	@$(cargo) deny --version >/dev/null 2>&1 || exit 0; \
	for manifest in Cargo.toml plugins/Cargo.toml; do \
	  cargo deny -L error --config deny.toml --manifest-path $$manifest \
	    check licenses bans sources || exit 1; \
	  cargo deny -L error --config deny.toml --manifest-path $$manifest fetch db >/dev/null 2>&1 || \
	    { echo "deny: the database of advisories cannot be had; they are not checked"; continue; }; \
	  cargo deny -L error --config deny.toml --manifest-path $$manifest check advisories || exit 1; \
	done

test-host:
	@$(compile) test --release --workspace --no-fail-fast

test-plugins:
	@cd plugins && ../scripts/compile.sh test --workspace --no-fail-fast
