#!/usr/bin/env bash
# scripts/arm.sh: compiles the C kernels and the checks of Tests/arm for this machine and for AArch64, and runs both, the latter under qemu.
# Each run compares every level with the portable one; exact results, of which the checks print hashes, must be the same on both machines.
# Where the cross compiler (zig's, from PyPI) or qemu cannot be had it says so in one line, and that is no failure.
set -euo pipefail
cd "$(dirname "$0")/.."

out=.build/arm
options=(-O2 -std=c11 -D_GNU_SOURCE -Wall -Wextra -Wno-pass-failed
  -Ibackends/cpu/kernels/include -Ibackends/cpu/kernels -Ibackends/imc/kernels/include -Ipasses/binarize/kernels/include)
sources=(backends/cpu/kernels/*.c backends/imc/kernels/*.c passes/binarize/kernels/*.c Tests/arm/*.c)

# build DIR COMPILER...: makes DIR/kernels.
build() {
  local folder=$1
  shift
  rm -rf "$folder"
  mkdir -p "$folder"
  printf '%s\n' "${sources[@]}" | xargs -P "$(getconf _NPROCESSORS_ONLN)" -I{} \
    sh -c 'source=$1 object=$2/$(echo "$1" | tr / _).o; shift 2; exec "$@" -c "$source" -o "$object"' sh {} "$folder" "$@" "${options[@]}"
  "$@" "$folder"/*.o -lm -lpthread -o "$folder/kernels"
}

# run FILE COMMAND...: keeps what it prints in FILE, and shows it when something is wrong.
run() {
  local printed=$1
  shift
  "$@" >"$printed" || {
    cat "$printed"
    exit 1
  }
}

skip() {
  echo "skipped: the kernels of AArch64: $1"
  exit 0
}

clang=$(dirname "$(readlink -f "$(command -v swiftc)")")/clang
[ -x "$clang" ] || clang=clang
build "$out/here" "$clang" -Werror
run "$out/here.txt" "$out/here/kernels"

# On such a machine the levels have been compared, and there is nothing to emulate.
case "$(uname -m)" in aarch64 | arm64) exit 0 ;; esac

qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64 || true)
if [ -z "$qemu" ] && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
  apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 -o Acquire::Retries=1)
  "${apt[@]}" update >/dev/null 2>&1 || true
  "${apt[@]}" install -y --no-install-recommends qemu-user-static >/dev/null 2>&1 || true
  qemu=$(command -v qemu-aarch64-static || true)
fi
[ -n "$qemu" ] || skip "there is no qemu-aarch64 (on Debian: apt-get install qemu-user-static)"
status=0
scripts/python-env.sh .venv-zig ziglang==0.17.1 || status=$?
[ "$status" -ne 3 ] || skip "there is no compiler for it"
[ "$status" -eq 0 ] || exit "$status"

build "$out/aarch64" .venv-zig/bin/python -m ziglang cc -target aarch64-linux-musl -static -Werror
# The last word is the level that must be there.
run "$out/aarch64.txt" "$qemu" -cpu max "$out/aarch64/kernels" neon
diff "$out/here.txt" "$out/aarch64.txt" || { echo "other results on AArch64 than here" >&2; exit 1; }
# Without dot products the portable level is all there is.
run "$out/cortex-a72.txt" "$qemu" -cpu cortex-a72 "$out/aarch64/kernels"
diff "$out/here.txt" "$out/cortex-a72.txt" || { echo "other results on a Cortex-A72 than here" >&2; exit 1; }
echo "$(wc -l <"$out/here.txt") checks pass, here and on AArch64, with the same results"
