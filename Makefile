# Two commands do everything on a fresh machine:
#   make run     set up, then train, evaluate, save and try a sentiment model on the built-in sample
#   make test    set up, then run the tests (COVERAGE=--cov also measures what they cover)
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# mypy, import-linter and the drawing of the rooms look at the package as it is installed: with tasks/ inside
IN_PLACE = folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && cp -R rnn_apps pyproject.toml "$$folder" && \
  cp -R tasks "$$folder/rnn_apps/tasks" && rm -rf "$$folder/rnn_apps/cli/template" &&

.PHONY: run test cluster lint layout docs rooms lock clean

run: $(VENV)/.train
	$(BIN)/rnnapps run sentiment

test: $(VENV)/.test
	$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder --ignore tests/cluster $(COVERAGE)

# what runs on Ray, which only these tests install
cluster: $(VENV)/.cluster
	$(BIN)/pytest --no-cov tests/cluster

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(MAKE) --no-print-directory layout

layout: $(VENV)/.test
	@$(IN_PLACE) bin="$(abspath $(BIN))"; page="$(abspath docs/rooms.py)"; cd "$$folder" && \
	  "$$bin/mypy" --strict -p rnn_apps && PYTHONPATH=. "$$bin/lint-imports" --no-cache && \
	  PYTHONPATH=. "$$bin/python" "$$page" --check

# builds the site of the documentation into site/, where a warning is an error, and runs the notebooks
docs: $(VENV)/.test
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going -c docs . site
	$(BIN)/pytest docs/notebooks

# draws the rooms of docs/architecture.md anew, from the imports
rooms: $(VENV)/.test
	@$(IN_PLACE) PYTHONPATH="$$folder" $(BIN)/python docs/rooms.py

# writes down the versions that the tests have passed with
lock: $(VENV)/.test
	$(BIN)/pip freeze --all --exclude-editable | grep -v '^rnn-apps\|^pip==\|^wheel==' > constraints.txt

clean:
	rm -rf $(VENV) build site *.egg-info

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "RNN Apps needs Python 3.11 or newer; found $$($(PYTHON) --version). Run: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.train: $(VENV)/.python pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train]'
	touch $@

$(VENV)/.cluster: $(VENV)/.test
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[cluster-test]'
	touch $@

$(VENV)/.test: $(VENV)/.python pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch $@
