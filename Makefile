# make book · serve · test · lab · bench · clean: each sets up what it needs, and a second run does
# no work twice. PYTHON=python3.12 make book chooses the interpreter.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PY     := $(BIN)/python
SITE   := build/site
PORT   ?= 8000
TORCH  := $(shell sed -n 's/^    "\(torch==[^"]*\)",/\1/p' pyproject.toml)

CHAPTERS := $(wildcard notebooks/*.ipynb book/appendix/*.ipynb)

export PYTHONUTF8 := 1
export PYTHONDONTWRITEBYTECODE := 1

.DEFAULT_GOAL := help
.PHONY: help book serve lab test lint unit chapters site-tests scale-tests bench lock clean

help:
	@echo "make book    build the site into $(SITE)"
	@echo "make serve   build it and serve it at http://127.0.0.1:$(PORT)"
	@echo "make lab     open the chapters in JupyterLab"
	@echo "make test    everything that CI checks: lint, unit, chapters, site-tests"
	@echo "make scale-tests  embeds a folder with Ray, which is kept apart in build/scale"
	@echo "make bench   the benchmarks (minutes; wants an idle machine)"
	@echo "make lock    resolve the lock files anew (maintainers)"
	@echo "make clean   remove what was built, and the environment"

# --- the environment ---------------------------------------------------------------------------

$(VENV)/made:
	@$(PYTHON) tools/check_machine.py python
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --upgrade pip
	@touch $@

$(VENV)/torch: $(VENV)/made pyproject.toml
	@echo "Installing $(TORCH): on Linux without a GPU, a CPU build that is there already is kept."
	$(PY) -m pip install --quiet $(TORCH)
	@touch $@

$(VENV)/book: $(VENV)/torch requirements.lock
	@echo "Installing the package, Jupyter Book and JupyterLab (a few minutes, once)."
	$(PY) -m pip install --quiet --require-hashes --requirement requirements.lock
	$(PY) -m pip install --quiet --no-deps --editable .
	@touch $@

$(VENV)/dev: $(VENV)/book requirements-dev.lock
	@$(PYTHON) tools/check_machine.py compiler browser
	@echo "Installing the tests and the reference libraries they compare with."
	$(PY) -m pip install --quiet --require-hashes --requirement requirements-dev.lock
	@touch $@

# --- the site ----------------------------------------------------------------------------------

book: $(VENV)/book
	@$(PY) tools/build_site.py
	@echo "'make serve' shows it with search, which a browser does not allow on files."

serve: book
	@echo "http://127.0.0.1:$(PORT)  (stop with Ctrl+C)"
	$(PY) -m http.server $(PORT) --bind 127.0.0.1 --directory $(SITE)

lab: $(VENV)/book
	OMP_NUM_THREADS=1 $(BIN)/jupyter lab --notebook-dir notebooks

# --- the checks --------------------------------------------------------------------------------

test: lint unit chapters site-tests
	@echo "All checks passed."

lint: $(VENV)/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

unit: $(VENV)/dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadscope -m "not browser" \
	    --ignore tests/browser --ignore tests/site

# Two chapters at a time, some with two threads: a thread that waits must leave the core to others.
chapters: $(VENV)/dev
	OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE RAVM_COURSE_QUIET=1 $(BIN)/pytest --nbval --nbval-sanitize-with tests/notebooks/sanitize.cfg \
	    -n 2 --dist loadscope $(CHAPTERS)

site-tests: $(VENV)/dev book
	$(BIN)/pytest tests/site tests/browser book/_ext/quiz.py book/_ext/api_room.py

# --- for maintainers ---------------------------------------------------------------------------

bench: $(VENV)/dev
	@for script in $(filter-out benchmarks/timing.py,$(wildcard benchmarks/*.py)); do \
	    echo "== $$script"; $(PY) $$script || exit 1; done

# Ray brings pandas and pyarrow, which scikit-learn would import in every chapter: so not in .venv.
build/scale: $(VENV)/dev requirements-scale.lock
	$(PY) -m pip install --quiet --no-deps --require-hashes --target $@ --upgrade \
	    --requirement requirements-scale.lock
	@touch $@

scale-tests: build/scale
	PYTHONPATH=build/scale RAY_AUTH_MODE=disabled $(BIN)/pytest tests/tools/test_embed_folder.py

lock: $(VENV)/dev
	$(PY) tools/lock.py

clean:
	rm -rf build $(VENV) .pytest_cache .ruff_cache .hypothesis
