#!/usr/bin/env bash
# Set up .venv at the top of the checkout. Safe to repeat; a second run takes a second.
# usage: install/setup.sh [EXTRAS]      EXTRAS: engine, or engine,training,evaluation,farm,development (the default)
set -euo pipefail
cd "$(dirname "$0")/.."
everything=engine,training,evaluation,farm,development
extras=${1:-$everything}

say() { printf '\033[1m%s\033[0m\n' "$*"; }
stop() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# Blender's Python module is built for 3.11 alone.
python=""
for candidate in "${ISA_PYTHON:-}" python3.11 python3 python; do
    if [ -n "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || stop "Python 3.11 was not found. Install it, or name it: ISA_PYTHON=/path/to/python3.11 $0"

# What a bare Debian or Ubuntu lacks: the libraries that Blender's module loads, and venv.
packages=()
if [ "$(uname -s)" = Linux ]; then
    if [[ ",$extras," == *,development,* ]]; then
        libraries=$(ldconfig -p 2>/dev/null || /sbin/ldconfig -p)
        while read -r library package; do
            grep -qF "$library" <<<"$libraries" || packages+=("$package")
        done <<'LIBRARIES'
libX11.so.6 libx11-6
libXrender.so.1 libxrender1
libXfixes.so.3 libxfixes3
libXi.so.6 libxi6
libxkbcommon.so.0 libxkbcommon0
libSM.so.6 libsm6
libGL.so.1 libgl1
libEGL.so.1 libegl1
LIBRARIES
    fi
    "$python" -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3.11-venv)
fi
if [ ${#packages[@]} -gt 0 ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "Installing system libraries: ${packages[*]}"
        apt-get update -q
        DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${packages[@]}"
    else
        stop "system libraries are missing. Run this line, then try again:
    sudo apt-get update && sudo apt-get install -y --no-install-recommends ${packages[*]}"
    fi
fi

# A stamp says what .venv holds; it changes when the checkout moves or the versions do.
stamp() { { echo "$PWD $1"; "$python" -VV; cat pyproject.toml install/constraints.txt; } | cksum; }
holds() { [ "$(cat ".venv/stamp-$1" 2>/dev/null)" = "$(stamp "$1")" ]; }
covered() { [[ ",$everything," == *",$extras,"* ]] && holds "$everything"; }
if ! holds "$extras" && ! covered; then
    say "Installing Python packages into .venv (a few minutes and about 3 GB on the first run)"
    [ -x .venv/bin/python ] || "$python" -m venv .venv
    .venv/bin/python -m pip install --disable-pip-version-check --progress-bar on \
        -c install/constraints.txt -e ".[$extras]"
    .venv/bin/python -m isa_engine.client.location
    stamp "$extras" >".venv/stamp-$extras"
fi
