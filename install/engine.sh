#!/usr/bin/env bash
# Install the engine alone, with any Python from 3.11 to 3.14: on the artist's machine, so that the add-on finds it, or on a GPU host.
set -euo pipefail
cd "$(dirname "$0")"
./setup.sh engine
echo "The engine is installed. Blender's ISA tab finds it by itself; to serve other machines, see docs/engine.md."
