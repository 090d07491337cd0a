# Every target does its own set-up first; nothing outside this folder is changed.
#   make demo        a year of billing through the real API, then a summary  (DEMO="--serve" leaves it running)
#   make test        lint, types and all tests
#   make test-long   the long soaks: kills, races, large histories, and what is drawn by lot drawn anew
#   make bench       the benchmarks, as a table of medians and ratios
#   make check       lint and types only

BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo test test-long bench check
.DEFAULT_GOAL := test
# Services are started by the hundred: none of them should compile its code anew.
unexport PYTHONDONTWRITEBYTECODE

demo: $(READY)
	$(BIN)/billing-ledger demo $(DEMO)

test: check
	$(BIN)/python -m pytest -n auto --dist loadfile $(PYTEST)

test-long: $(READY)
	$(BIN)/python -m pytest -m "soak or hypothesis" --hypothesis-profile=anew $(PYTEST)

bench: $(READY)
	$(BIN)/python -m bench $(BENCH)

check: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

$(READY): setup pyproject.toml uv.lock
	./setup
