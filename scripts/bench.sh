#!/usr/bin/env bash
# Benchmarks: criterion for the crates, then benches/python side by side with NumPy and other peers found in .venv.
# `--quick` shortens both. Needs `make build`.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo bench -p minpy-benches -- "$@"
.venv/bin/python benches/python/bench.py "$@"
