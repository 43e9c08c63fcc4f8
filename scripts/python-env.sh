#!/usr/bin/env bash
# scripts/python-env.sh DIR PACKAGE...: a Python environment in DIR that has the packages.
# For tests and tools that compare with other programs; nothing else needs Python. Where it cannot be had (no Python, no network) it prints
# one line and exits 3: skip what needed it.
set -euo pipefail

if [ $# -lt 2 ]; then
  echo "usage: $0 DIR PACKAGE..." >&2
  exit 2
fi
folder=$1
shift

skip() {
  echo "skipped: no Python environment with $packages: $1" >&2
  exit 3
}

packages="$*"
installed="$folder/.packages"
if [ -x "$folder/bin/python" ] && [ "$(cat "$installed" 2>/dev/null)" = "$packages" ]; then exit 0; fi

command -v python3 >/dev/null 2>&1 || skip "there is no python3"
if ! [ -x "$folder/bin/pip" ]; then
  python3 -m venv --clear "$folder" >/dev/null 2>&1 || skip "python3 -m venv fails (on Debian: apt-get install python3-venv)"
fi
"$folder/bin/pip" install --quiet --disable-pip-version-check --retries 1 --timeout 15 "$@" >/dev/null 2>&1 || skip "pip cannot install it (no network?)"
printf '%s\n' "$packages" >"$installed"
