#!/usr/bin/env bash
# Benchmarks; needs `make build`. Criterion for the crates, then benches/python/run.py: the workloads in MinPy and in its peers, written into
# docs/performance.md. `--quick` leaves criterion out. Other options go to run.py (scripts/bench.sh --help lists them).
set -euo pipefail
cd "$(dirname "$0")/.."

full=true
for option in "$@"; do
    case $option in --quick | --help | -h) full=false ;; esac
done
if $full; then cargo bench -p minpy-benches; fi
exec .venv/bin/python benches/python/run.py "$@"
