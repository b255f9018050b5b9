# The five commands of a working day. `just` lists them; each is one line that also works without `just`.

_default:
    @just --list --unsorted

# Run the whole project on this machine, with a stand-in for every provider that is not configured.
dev *arguments:
    cargo dev {{ arguments }}

# Run the tests.
test *arguments:
    cargo test {{ arguments }}

# Format and lint everything. interop/install brings the tools for JavaScript and workflows.
lint:
    cargo fmt
    cargo clippy --workspace --all-targets -- -D warnings
    interop/node_modules/.bin/biome check --write --error-on-warnings
    interop/.tools/bin/actionlint -shellcheck= -pyflakes=

# Check Anteroom against other people's software: all of it, or the files named.
interop *files:
    interop/run {{ files }}

# Run everything that has to pass before a change goes in.
gate:
    .ci/run
