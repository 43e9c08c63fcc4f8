#!/usr/bin/env bash
# scripts/conformance.sh [OPTION...]: Tests/python/conformance.py with the release build, on the suite of onnx 1.22.0.
# Where the package cannot be had it says so in one line, and that is no failure.
set -euo pipefail
cd "$(dirname "$0")/.."

status=0
scripts/python-env.sh .venv-onnx numpy onnx==1.22.0 || status=$?
if [ "$status" -eq 3 ]; then
  echo "skipped: the conformance suite of onnx"
  exit 0
fi
[ "$status" -eq 0 ] || exit "$status"
.venv-onnx/bin/python Tests/python/conformance.py .build/release/bitline "$@"
