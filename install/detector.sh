#!/usr/bin/env bash
# Install the detector, which finds people in reference pictures and footage: into an environment of its own.
set -euo pipefail
cd "$(dirname "$0")"
./setup.sh detector
echo "The detector is installed. Match in Blender's ISA tab finds it by itself."
