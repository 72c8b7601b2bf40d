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
# Two halves, a core each. The tests of the add-on have a process of their own, as Blender has one; those of training's
# ring of clips follow them, so that both halves take as long.
second_half() {
    local status=0
    "${pytest[@]}" tests/addon || status=$?
    "${pytest[@]}" tests/training/ring || status=$?
    return "$status"
}
log=$(mktemp)
# With job control it is a process group, which can be ended whole.
set -m
second_half >"$log" 2>&1 &
second=$!
set +m
trap 'kill -- -"$second" 2>/dev/null || true; rm -f "$log"' EXIT
status=0
"${pytest[@]}" --ignore tests/addon --ignore tests/training/ring || status=$?
printf '\nThe add-on and the ring of clips:\n'
wait "$second" || status=$?
cat "$log"
exit "$status"
