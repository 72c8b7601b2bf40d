#!/usr/bin/env bash
# Set up .venv at the top of the checkout. Safe to repeat; a second run takes a second.
# usage: install/setup.sh [EXTRAS]      EXTRAS: engine, or engine,training,evaluation,farm,development (the default);
#                                       or detector, which has .venv-detector for itself
set -euo pipefail
cd "$(dirname "$0")/.."
everything=engine,training,evaluation,farm,development
extras=${1:-$everything}

say() { printf '\033[1m%s\033[0m\n' "$*"; }
stop() { printf 'setup: %s\n' "$*" >&2; exit 1; }

venv=.venv part=engine constraints=install/constraints.txt size="about 3 GB" versions=(3.11 3.12 3.13 3.14)
case ",$extras," in
    # Blender's Python module is built for 3.11 alone.
    *,development,* | *,types,*) versions=(3.11) ;;
    # MediaPipe's last release that holds its networks wants an older numpy and protobuf than the engine.
    ,detector,)
        venv=.venv-detector part=detector constraints=install/detector-constraints.txt size="about 1 GB"
        versions=(3.11 3.12)
        ;;
esac

version() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }
fits() { [ -n "$1" ] && [[ " ${versions[*]} " == *" $(version "$1") "* ]]; }
python=""
for candidate in "${ISA_PYTHON:-}" "$venv/bin/python" "${versions[@]/#/python}" python3 python; do
    if fits "$candidate"; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || stop "no Python of ${versions[*]} was found. Install one, or name it: ISA_PYTHON=/path/to/python $0"

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
    "$python" -c 'import ensurepip, venv' 2>/dev/null || packages+=("python$(version "$python")-venv")
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

# A stamp says what the environment holds; it changes when the checkout moves or the versions do.
stamp() { { echo "$PWD $1"; "$python" -VV; cat pyproject.toml "$constraints"; } | cksum; }
holds() { [ "$(cat "$venv/stamp-$1" 2>/dev/null)" = "$(stamp "$1")" ]; }
covered() { [[ ",$everything," == *",$extras,"* ]] && holds "$everything"; }
if ! holds "$extras" && ! covered; then
    say "Installing Python packages into $venv (a few minutes and $size on the first run)"
    # One of another Python holds nothing that this one can use.
    fits "$venv/bin/python" || "$python" -m venv --clear "$venv"
    "$venv/bin/python" -m pip install --disable-pip-version-check --progress-bar on \
        -c "$constraints" -e ".[$extras]"
    "$venv/bin/python" -m isa_engine.client.location "$part"
    stamp "$extras" >"$venv/stamp-$extras"
fi
