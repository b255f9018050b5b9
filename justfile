# The everyday commands. `just` lists them; each is one line that also works without `just`.

_default:
    @just --list --unsorted

# Run the whole project on this machine, with a stand-in for every provider that is not configured.
dev *arguments:
    cargo dev {{ arguments }}

# Run the tests.
test *arguments:
    cargo test {{ arguments }}

# Format and lint everything. interop/install installs the tools for JavaScript and workflows.
lint:
    cargo fmt
    cargo clippy --workspace --all-targets -- -D warnings
    interop/node_modules/.bin/biome check --write --error-on-warnings
    interop/.tools/bin/actionlint -shellcheck= -pyflakes=

# Check Anteroom against third-party software: all files, or only the ones named.
interop *files:
    interop/run {{ files }}

# Fuzz every target for some seconds each, or only the ones named: `just fuzz 180 seal jwt`.
fuzz *arguments:
    fuzz/run {{ arguments }}

# Run everything that must pass before a change is merged.
gate:
    .ci/run

# Mutation tests of what has changed since a commit. interop/install mutants installs cargo-mutants.
mutants since="main":
    git diff {{ since }} >target/change.diff
    interop/.tools/bin/cargo-mutants mutants --in-diff target/change.diff

# Count the instructions of the named endpoints, or of all. Needs valgrind.
instructions *arguments:
    cargo run --bin bench -- instructions {{ arguments }}

# Compare the speed and size with Node and with the usual crates. `just compare --short` takes a few minutes.
compare *arguments:
    cargo run --release --package bench -- compare {{ arguments }}
