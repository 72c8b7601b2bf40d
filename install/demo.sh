#!/usr/bin/env bash
# Set everything up, stage two characters under a moving camera, generate, and put the plate back on the camera.
set -euo pipefail
cd "$(dirname "$0")/.."
./install/setup.sh
exec .venv/bin/python install/demo.py "$@"
