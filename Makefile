# Two commands do everything on a fresh machine:
#   make run     set up, then train, evaluate, save and try a sentiment model on the built-in sample
#   make test    set up, then run the tests
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test lint lock clean

run: $(VENV)/.train
	$(BIN)/rnnapps run sentiment

test: $(VENV)/.test
	$(BIN)/pytest --numprocesses 2 --dist loadfile

# mypy finds the package rnn_apps.tasks, which lives in tasks/, through a link
lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	ln -sfn ../tasks rnn_apps/tasks
	$(BIN)/mypy --strict -p rnn_apps; status=$$?; rm rnn_apps/tasks; exit $$status

# writes down the versions that the tests have passed with
lock: $(VENV)/.test
	$(BIN)/pip freeze --exclude-editable | grep -v '^rnn-apps' > constraints.txt

clean:
	rm -rf $(VENV) build *.egg-info

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "RNN Apps needs Python 3.11 or newer; found $$($(PYTHON) --version). Run: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.train: $(VENV)/.python pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train]'
	touch $@

$(VENV)/.test: $(VENV)/.python pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch $@
