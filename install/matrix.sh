#!/usr/bin/env bash
# Run the add-on's tests in the other versions of Blender that Python 3.11 has as a module; install/test.sh runs
# them in 4.5. Each version takes 1 GB in .cache on the first run. Arguments go to pytest.
# usage: install/matrix.sh [ARGUMENTS]      one version, one file: BLENDER=4.2 install/matrix.sh tests/addon/cache/test_cache.py
set -euo pipefail
cd "$(dirname "$0")/.."
./install/setup.sh
[ $# -gt 0 ] || set -- tests/addon

failed=""
for version in ${BLENDER:-4.2 5.0}; do
    folder=.cache/bpy-$version
    if [ ! -e "$folder/whole" ]; then
        .venv/bin/python -m venv --clear --without-pip "$folder"
        .venv/bin/python -m pip --disable-pip-version-check --python "$folder/bin/python" \
            install --no-deps "bpy==$version.*"
        # Everything else is .venv's.
        rest="import site; site.addsitedir('$PWD/.venv/lib/python3.11/site-packages')"
        echo "$rest" >"$folder/lib/python3.11/site-packages/rest.pth"
        touch "$folder/whole"
    fi
    printf '\033[1mBlender %s\033[0m\n' "$version"
    "$folder/bin/python" -m pytest "$@" || failed="$failed $version"
done
[ -z "$failed" ] || { echo "matrix: failed in$failed" >&2; exit 1; }
