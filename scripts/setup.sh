#!/usr/bin/env bash
# Installs the system libraries that the build needs, where they are missing: libprotobuf-c, libyaml, zlib, pkg-config, make.
# Debian and its like, as root or with sudo; elsewhere it says in one line what to install and exits 1. Does nothing when all is there.
set -euo pipefail

fail() {
  echo "setup: $1" >&2
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

library() { has pkg-config && pkg-config --exists "$1"; }

has swift || fail "please install a Swift 6 toolchain (https://www.swift.org/install) and put it on the PATH"

missing=()
has git || missing+=(git)
has make || missing+=(make)
has pkg-config || missing+=(pkg-config)
library libprotobuf-c || missing+=(libprotobuf-c-dev)
library yaml-0.1 || missing+=(libyaml-dev)
library zlib || missing+=(zlib1g-dev)
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(uname)" = Darwin ]; then
  fail "please install what is missing: brew install pkg-config protobuf-c libyaml zlib"
fi
wish="please install what is missing: apt-get install ${missing[*]}"
has apt-get || fail "$wish, or what your system calls them"

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  has sudo || fail "$wish (as root; there is no sudo here)"
  as_root=(sudo)
  # Where nobody can type a password, do not ask for one.
  if ! [ -t 0 ]; then
    as_root+=(-n)
    sudo -n true 2>/dev/null || fail "$wish (as root; sudo asks for a password)"
  fi
fi

echo "setup: installing ${missing[*]}"
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 -o Acquire::Retries=1)
"${apt[@]}" update >/dev/null 2>&1 || true # An old list of packages may do; installing tells.
"${apt[@]}" install -y --no-install-recommends "${missing[@]}" >/dev/null 2>&1 || fail "$wish (apt-get could not: no network?)"
