#!/usr/bin/env bash
# Check the add-on's type hints against Blender's API as fake-bpy-module has it; pyproject.toml says what of it is
# left out, and why.
# usage: install/types.sh [ARGUMENTS]      arguments go to mypy
set -euo pipefail
cd "$(dirname "$0")/.."
./install/setup.sh types
.venv/bin/python -m mypy "$@"
