# Everything a checkout needs, from one place. `make help` lists the targets.
#
# PYTHON: interpreter for the virtual environment, 3.10 or newer (python3).

PYTHON ?= python3
BIN := .venv/bin
export PYTHON

.NOTPARALLEL:
.PHONY: help demo test check bench generate dist clean setup setup-dev setup-python setup-sensors

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

demo: setup ## set up, generate everything, every engine over pcaps/, verdict table
	@$(BIN)/melsec-nsm generate
	@$(BIN)/melsec-nsm pcap build
	@$(BIN)/melsec-nsm test

test: setup ## set up, run the tests
	@$(BIN)/python -m pytest --numprocesses auto --dist worksteal

check: setup-dev ## style, types, stale generated files, the definition
	@$(BIN)/ruff check
	@$(BIN)/mypy
	@$(BIN)/melsec-nsm generate --check
	@$(BIN)/melsec-nsm pcap build --check
	@$(BIN)/melsec-nsm validate

bench: setup-python ## CPU time per PDU against Zeek's Modbus analyzer, cost of the Suricata rules, time of `generate`
	@$(BIN)/python tests/bench/speed.py

generate: setup-python ## write the generated files and the captures
	@$(BIN)/melsec-nsm generate
	@$(BIN)/melsec-nsm pcap build

dist: setup-python ## what a release of the rules consists of, into dist/; BASE_URL and KEY as in `melsec-nsm release --help`
	@$(BIN)/melsec-nsm release --out dist $(if $(BASE_URL),--base-url '$(BASE_URL)') $(if $(KEY),--key '$(KEY)')

clean: ## remove what set-up and tests made; sensors stay
	rm -rf .venv .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist zeek/build tests/zeek/.tmp
	find tools tests -name __pycache__ -type d -prune -exec rm -rf {} +

setup: setup-python setup-sensors

setup-python:
	@tools/setup/venv.sh test zeek suricata

setup-dev: setup-python
	@tools/setup/venv.sh test zeek suricata dev

setup-sensors:
	@tools/setup/sensors.sh
