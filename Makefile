# Everything starts here: `make demo`, `make test` and `make check` need Python 3.10+ and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
DATA ?=
RUN ?= runs/bundled
TEACHER ?= runs/large
TRAIN_OPTIONS ?=
UNKNOWN ?=
TEST_PROCESSES ?= 2
ARM_SYSTEM ?= arm-system
MODEL := runtime/hangtag/models/clothing.tflite
PAGE_ENGINE := runtime/hangtag/web/vendor/litertjs/VERSIONS.json

.PHONY: demo test test-arm64 check format bundled-model web-assets wheel clean

demo: $(VENV)/.light
	$(BIN)/hangtag demo --out demo

# Two files of tests at a time (by their names: the longest have few tests, and must not come last); then, by
# themselves, those that count milliseconds.
test: $(VENV)/.dev
	@command -v npm >/dev/null && $(MAKE) --no-print-directory $(PAGE_ENGINE) || \
	  echo "no npm, or it cannot fetch the phone page's engine: the tests in a browser are skipped" >&2
	$(BIN)/python -m pytest --numprocesses $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder -m "not alone"
	$(BIN)/python -m pytest -m alone

# The wheel, installed and run on a Raspberry Pi's processors, which QEMU emulates (Debian and its kin, with the
# package qemu-user-static). The system is kept in ARM_SYSTEM; the wheel is built and installed anew each time.
test-arm64: $(VENV)/.dev
	PYTHONPATH=tests $(BIN)/python -m arm64 "$(ARM_SYSTEM)"
	HANGTAG_ARM_SYSTEM="$(ARM_SYSTEM)" $(BIN)/python -m pytest tests/end_to_end/test_arm64.py tests/end_to_end/test_arm.py

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Trains on the photos in DATA and replaces the model inside the package: first the large network (an hour on
# two cores), then the small one that learns from it (another). A second time, say what to do with the runs that
# are there: TRAIN_OPTIONS=--resume or TRAIN_OPTIONS=--overwrite. UNKNOWN names a folder of pictures without clothes
# (`python -m hangtag_benchmarks.camera.natural_pictures` makes some): the card then says how many of them pass.
bundled-model: $(VENV)/.dev
	@test -n "$(DATA)" || { echo "usage: make bundled-model DATA=FOLDER (train/ validation/ test/)" >&2; exit 2; }
	test -f "$(TEACHER)/run.json" || $(BIN)/hangtag train "$(DATA)" --recipe clothing-large --out "$(TEACHER)" $(TRAIN_OPTIONS)
	$(BIN)/hangtag train "$(DATA)" --recipe clothing-best --teacher "$(TEACHER)" --out "$(RUN)" $(TRAIN_OPTIONS)
	$(BIN)/hangtag convert "$(RUN)" --data "$(DATA)" --recover $(foreach file,$(wildcard train/labels/*.txt),--labels $(file))
	$(BIN)/python -m hangtag_convert.bundled "$(RUN)" --data "$(DATA)" --out "$(dir $(MODEL))" $(if $(UNKNOWN),--unknown "$(UNKNOWN)")

# The phone page's engine, LiteRT.js, is not in the repository: npm fetches what package-lock.json pins.
web-assets: $(VENV)/.light
	$(BIN)/python runtime/hangtag/web/npm/install.py

# A wheel in dist/ that holds the phone page with its engine and the engine's licence, and what sets a device up with it.
wheel: $(VENV)/.light $(PAGE_ENGINE)
	$(PIP) wheel --quiet --no-deps --wheel-dir dist .
	wheel=dist/hangtag-$$($(BIN)/python -c 'import hangtag; print(hangtag.__version__)')-py3-none-any.whl; \
	  $(BIN)/python runtime/hangtag/web/npm/check_wheel.py $$wheel || { rm -f $$wheel; exit 1; }
	cp runtime/setup-device dist/

$(PAGE_ENGINE): runtime/hangtag/web/vendor.json | $(VENV)/.light
	$(BIN)/python runtime/hangtag/web/npm/install.py

clean:
	rm -rf $(VENV) .venv-clients arm-system build dist demo benchmark .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Hangtag needs Python 3.10 or newer, this is " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.light: pyproject.toml | $(VENV)/bin/python
	$(PIP) install --quiet --editable .
	$(call opencv-that-loads)
	touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(PIP) install --quiet --editable ".[dev]"
	$(call opencv-that-loads)
	touch $(VENV)/.light $@

# opencv-python needs desktop libraries; where they are missing the headless build takes its place.
define opencv-that-loads
	@$(BIN)/python -c 'import cv2' 2>/dev/null || { \
	  echo "opencv-python does not load here: $$($(BIN)/python -c 'import cv2' 2>&1 | tail -n 1)"; \
	  echo "taking opencv-python-headless instead (everything works but windows)"; \
	  $(PIP) uninstall --quiet --yes opencv-python; \
	  $(PIP) install --quiet --force-reinstall --no-deps 'opencv-python-headless>=4.9,<6'; \
	  $(BIN)/python -c 'import cv2'; }
endef
