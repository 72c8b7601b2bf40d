#!/usr/bin/env bash
# Set everything up and run the tests. Arguments go to pytest: install/test.sh -m slow, install/test.sh tests/shot
set -euo pipefail
cd "$(dirname "$0")/.."
./install/setup.sh
.venv/bin/ruff check .
.venv/bin/ruff format --check --quiet .
pytest=(.venv/bin/python -m pytest)
if (($#)); then
    exec "${pytest[@]}" "$@"
fi
# The tests of the add-on have a process of their own, as Blender has one, and the other core.
log=$(mktemp)
"${pytest[@]}" tests/addon >"$log" 2>&1 &
addon=$!
trap 'kill "$addon" 2>/dev/null || true; rm -f "$log"' EXIT
status=0
"${pytest[@]}" --ignore tests/addon || status=$?
printf '\nThe add-on:\n'
wait "$addon" || status=$?
cat "$log"
exit "$status"
