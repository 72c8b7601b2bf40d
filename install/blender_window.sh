#!/usr/bin/env bash
# Install a whole Blender, with its window, for the test that clicks through it (tests/window).
# usage: install/blender_window.sh [SUITE] [DIR]
#   SUITE  the Debian release whose Blender is wanted: sid (the default) or trixie
#   DIR    where to put it: .cache/blender-SUITE (the default); then ISA_BLENDER_CHROOT=DIR names it to the test
# A small Debian is unpacked into DIR, so nothing of this machine changes. Debian or Ubuntu, root, 2 GB, about
# four minutes. Safe to repeat; after a restart, repeat it to mount what Blender needs.
set -euo pipefail
cd "$(dirname "$0")/.."
suite=${1:-sid}
directory=$(realpath -m "${2:-.cache/blender-$suite}")

say() { printf '\033[1m%s\033[0m\n' "$*"; }
stop() { printf 'blender_window: %s\n' "$*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || stop "root is needed. Run: sudo $0 $*"
command -v apt-get >/dev/null || stop "this is neither Debian nor Ubuntu. Install Blender 4.2 or newer, Xvfb and
ImageMagick by other means and put blender on PATH: the test takes that one."

if ! command -v debootstrap >/dev/null; then
    say "Installing debootstrap"
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends debootstrap debian-archive-keyring
fi

# debootstrap removes its own folder when it is done.
if [ ! -x "$directory/usr/bin/apt-get" ] || [ -d "$directory/debootstrap" ]; then
    say "Unpacking Debian $suite into $directory"
    rm -rf --one-file-system "$directory"
    mkdir -p "$directory"
    debootstrap --variant=minbase --include=ca-certificates "$suite" "$directory"
fi

mountpoint -q "$directory/proc" || mount -t proc proc "$directory/proc"

# The chroot has no init: no package may start a service.
printf '#!/bin/sh\nexit 101\n' >"$directory/usr/sbin/policy-rc.d"
chmod +x "$directory/usr/sbin/policy-rc.d"
ln -sf /proc/self/mounts "$directory/etc/mtab"

packages=(blender python3-numpy python3-requests python3-zstandard python3-cattr
    xvfb xauth imagemagick libegl1 libegl-mesa0 libgl1-mesa-dri libglx-mesa0)
if [ "$(cat "$directory/.installed" 2>/dev/null)" != "${packages[*]}" ]; then
    say "Installing Blender and a virtual screen"
    # The index of sid expires within days; one from a mirror that lags is as good here.
    chroot "$directory" apt-get -o Acquire::Check-Valid-Until=false update -q
    chroot "$directory" dpkg --configure -a
    DEBIAN_FRONTEND=noninteractive chroot "$directory" \
        apt-get install -y -q --no-install-recommends "${packages[@]}"
    chroot "$directory" apt-get clean
    echo "${packages[*]}" >"$directory/.installed"
fi

chroot "$directory" blender --version | head -n 1
say "Ready. The test runs it: ISA_BLENDER_CHROOT=$directory ./install/test.sh tests/window"
