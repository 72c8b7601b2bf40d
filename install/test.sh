#!/usr/bin/env bash
# Set everything up and run the tests. Arguments go to pytest: install/test.sh -m slow, install/test.sh tests/shot
set -euo pipefail
cd "$(dirname "$0")/.."
./install/setup.sh
.venv/bin/ruff check .
.venv/bin/ruff format --check --quiet .
exec .venv/bin/python -m pytest "$@"
