#!/usr/bin/env bash
# Every check of this repository, in sections: `scripts/test.sh` runs all, `scripts/test.sh fmt rust` those two.
# Installs PoCL (OpenCL on the CPU), OpenBLAS and NVRTC where it may; otherwise says at the end what was left out.
# With CI=true, leaving something out is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

ALL_SECTIONS=(fmt arrows clippy lint rust openblas python numpy demo docs deny)
# Python tests that are run a second time with OpenCL as the default device. The oracle compares op by op, as the conformance
# kit does on every device; there PoCL would spend ten minutes on compiling kernels.
OPENCL_PYTHON_TESTS=(tests/python/test_{grad,grad_sharing,examples,fallback,bad_input,scalars,symbol,random}.py)
# Debian and Ubuntu packages: the OpenCL loader with a CPU implementation behind it, and a vendor BLAS.
OPENCL_PACKAGES=(ocl-icd-libopencl1 pocl-opencl-icd)
OPENBLAS_PACKAGES=(libopenblas-dev)
# What reads Python without running it; mypy also tries the stubs (test_stubs.py).
RUFF_REQUIREMENT='ruff>=0.17,<0.18'
MYPY_REQUIREMENT='mypy>=2,<3'
# Libraries whose programs run with our arrays (tests/python/test_foreign.py), or beside them (test_zero_change.py), and IPython, which
# shows them (test_editor.py).
LIBRARIES=(pandas scipy scikit-learn h5py xarray ipython matplotlib)
# NVRTC turns the CUDA kernels into PTX without a GPU and without a driver.
NVRTC_REQUIREMENT='nvidia-cuda-nvrtc>=13,<14'

venv=.venv
pip=("$venv/bin/pip" --disable-pip-version-check -q)
locked= # in CI the committed Cargo.lock is what is tested
if [[ ${CI:-} == true ]]; then locked=--locked; fi
left_out=()

leave_out() {
    left_out+=("$1")
    echo "left out: $1"
    if [[ ${CI:-} == true ]]; then
        echo "CI=true: nothing may be left out" >&2
        exit 1
    fi
}

apt_updated=false
apt_install() { # true when the packages are there afterwards
    dpkg -s "$@" >/dev/null 2>&1 && return 0
    [[ $EUID == 0 ]] && command -v apt-get >/dev/null || return 1
    if ! $apt_updated; then
        apt-get update -qq || return 1
        apt_updated=true
    fi
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null
}

opencl_platforms() { # how many OpenCL platforms a program finds here
    "$venv/bin/python" - <<'PYTHON'
import ctypes
try:
    library = ctypes.CDLL("libOpenCL.so.1")
except OSError:
    print(0)
else:
    count = ctypes.c_uint(0)
    status = library.clGetPlatformIDs(0, None, ctypes.byref(count))
    print(count.value if status == 0 else 0)
PYTHON
}

# The devices that tests need. Where one is there its tests must run: MINPY_REQUIRE_* turns a skip into a failure.
devices_ready=false
have_opencl=false
prepare_devices() {
    $devices_ready && return
    devices_ready=true
    make -s venv
    if [[ $(opencl_platforms) == 0 ]]; then apt_install "${OPENCL_PACKAGES[@]}" || true; fi
    if [[ $(opencl_platforms) != 0 ]]; then
        have_opencl=true
        export MINPY_REQUIRE_OPENCL=1
    else
        leave_out "OpenCL tests (no OpenCL platform; install ${OPENCL_PACKAGES[*]})"
    fi
    "${pip[@]}" install "$NVRTC_REQUIREMENT" || true
    local nvrtc
    nvrtc=$(find "$PWD/$venv/lib" -name 'libnvrtc.so.*' -print -quit)
    if [[ -n $nvrtc ]]; then
        export LD_LIBRARY_PATH="${nvrtc%/*}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
        export MINPY_REQUIRE_NVRTC=1
    else
        leave_out "PTX compilation of the CUDA kernels (no Python package $NVRTC_REQUIREMENT for this machine)"
    fi
}

section_fmt() {
    cargo fmt --all --check
}

section_arrows() { # which crate may depend on which
    cargo metadata --format-version 1 --no-deps $locked | python3 scripts/check-arrows.py
}

section_clippy() {
    cargo clippy --workspace --all-targets $locked -- -D warnings
    # A workspace of its own, for the sake of Cargo's default profile.
    cargo clippy --manifest-path benches/rust-peers/Cargo.toml --target-dir target/rust-peers $locked -- -D warnings
}

section_lint() { # Python: what is asked for stands in pyproject.toml
    make -s venv
    "${pip[@]}" install "$RUFF_REQUIREMENT" "$MYPY_REQUIREMENT"
    "$venv/bin/ruff" check
    "$venv/bin/mypy"
}

section_rust() { # also the conformance kit on every device and on examples/outside-backend, and CUDA to PTX
    prepare_devices
    cargo test --workspace $locked
}

section_openblas() { # the vendor-BLAS variant of the CPU backend
    if apt_install "${OPENBLAS_PACKAGES[@]}"; then
        cargo test -p minpy-cpu --features openblas $locked
    else
        leave_out "minpy-cpu with OpenBLAS (install ${OPENBLAS_PACKAGES[*]})"
    fi
}

section_python() {
    prepare_devices
    make -s build
    "${pip[@]}" install pytest hypothesis "$MYPY_REQUIREMENT" "${LIBRARIES[@]}"
    export MINPY_REQUIRE_LIBRARIES=1 # their tests must run
    env -u MINPY_DEVICE "$venv/bin/python" -m pytest -q tests/python
    # Once more with every result deferred, however small; types and the wheel do not know of that.
    env -u MINPY_DEVICE MINPY_DEFER_BYTES=0 "$venv/bin/python" -m pytest -q tests/python --ignore=tests/python/test_{stubs,wheel}.py
    # The package with a device of a stranger's in it.
    cargo build -p minpy-py --features outside-backend $locked
    mkdir -p target/outside
    cp -r minpy-py/python/minpy target/outside/
    cp target/debug/lib_minpy.so target/outside/minpy/_minpy.abi3.so
    env -u MINPY_DEVICE MINPY_REQUIRE_OUTSIDE=1 PYTHONPATH=target/outside "$venv/bin/python" -m pytest -q tests/python/test_outside.py
    if $have_opencl; then
        "$venv/bin/python" scripts/support-matrix.py --check # it asks each function where it runs
        MINPY_DEVICE=opencl:0 "$venv/bin/python" -m pytest -q "${OPENCL_PYTHON_TESTS[@]}"
    fi
}

section_numpy() { # a third of NumPy's own suite, another one each day, against the ledger (MINPY_NUMPY_SUITE=0, 1, 2 or all chooses)
    make -s build
    local suite=tests/numpy-suite python=$PWD/$venv/bin/python wanted
    wanted=$(python3 $suite/run.py --version)
    if [[ $("$python" -c 'import numpy; print(numpy.__version__)') != "$wanted" ]]; then
        # The ledger is for one NumPy, the package for every one: tests of another are others. The built module needs none of its own.
        echo "$venv has another NumPy than $wanted, which $suite/ledger.toml is for: an environment of its own in target/numpy-suite/venv"
        [[ -x target/numpy-suite/venv/bin/python ]] || python3 -m venv target/numpy-suite/venv
        python=$PWD/target/numpy-suite/venv/bin/python
        if ! "$python" -m pip --disable-pip-version-check -q install "numpy==$wanted"; then
            leave_out "NumPy's own suite (no NumPy $wanted for this Python)"
            return
        fi
        "$python" -m pip --disable-pip-version-check -q install --force-reinstall --no-deps target/wheels/minpy-*.whl
    fi
    "$python" -m pip --disable-pip-version-check -q install pytest pytest-xdist pytest-timeout hypothesis
    env -u MINPY_DEVICE -u MINPY_DEFER_BYTES "$python" $suite/run.py
}

section_demo() { # the demo on each device: accuracy, no fallback, the same loss
    prepare_devices
    local logs=(target/demo-cpu.log)
    env -u MINPY_DEVICE make -s demo 2>&1 | tee target/demo-cpu.log
    if $have_opencl; then
        logs+=(target/demo-opencl.log)
        MINPY_DEVICE=opencl:0 make -s demo 2>&1 | tee target/demo-opencl.log
    fi
    awk -F': ' '
        /^test accuracy: /          { runs++; if ($2 < 0.93) bad = bad FILENAME ": accuracy " $2 "\n" }
        /^fallbacks in training: /  { counts++; if ($2 != 0) bad = bad FILENAME ": fallbacks " $2 "\n" }
        /^device: /                 { name[++devices] = $2 }
        /^final loss: /             { loss[++losses] = $2 }
        END {
            if (runs != ARGC - 1 || counts != runs || losses != runs || devices != runs) bad = bad "a demo did not report\n"
            if (name[1] != "cpu(0)" || (runs > 1 && name[2] != "opencl(0)")) bad = bad "wrong device\n"
            d = loss[2] - loss[1]
            if (runs > 1 && (d > 1e-3 || d < -1e-3)) bad = bad "final losses differ by " d "\n"
            if (bad) { printf "%s", bad; exit 1 }
        }' "${logs[@]}"
}

section_docs() {
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --workspace $locked
}

section_deny() { # licences, sources and banned crates; needs no network (advisories do: cargo deny check advisories)
    if cargo deny --version >/dev/null 2>&1; then
        cargo deny check bans licenses sources
    else
        echo "cargo-deny is not installed: deny.toml is not checked here (cargo install cargo-deny)"
        left_out+=("cargo deny (not installed)") # a developer's tool: its absence does not fail CI
    fi
}

sections=("$@")
[[ $# == 0 ]] && sections=("${ALL_SECTIONS[@]}")
for name in "${sections[@]}"; do
    if ! declare -F "section_$name" >/dev/null; then
        echo "unknown section '$name'; there are: ${ALL_SECTIONS[*]}" >&2
        exit 2
    fi
done

current=
trap 'status=$?; [[ $status == 0 || -z $current ]] || echo "=== $current: FAILED (status $status)" >&2' EXIT
for name in "${sections[@]}"; do
    current=$name
    echo "=== $name"
    began=$SECONDS
    "section_$name"
    echo "=== $name: passed in $((SECONDS - began)) s"
done
current=

echo "=== all passed in $SECONDS s: ${sections[*]}"
if [[ ${#left_out[@]} != 0 ]]; then printf '    left out: %s\n' "${left_out[@]}"; fi
