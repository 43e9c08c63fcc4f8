#!/usr/bin/env bash
# Runs the checks of Tests/python that compare the release build of bitline with onnxruntime.
# Where onnxruntime cannot be had it says so in one line, and that is no failure.
set -euo pipefail
cd "$(dirname "$0")/.."

status=0
scripts/python-env.sh .venv numpy onnx onnxruntime || status=$?
if [ "$status" -eq 3 ]; then
  echo "skipped: the tests against onnxruntime"
  exit 0
fi
[ "$status" -eq 0 ] || exit "$status"
.venv/bin/python Tests/python/cross_check.py .build/release/bitline
.venv/bin/python Tests/python/emit_check.py .build/release/bitline
.venv/bin/python Tests/python/xnor_check.py .build/release/bitline
.venv/bin/python Tests/python/qoperator_check.py .build/release/bitline
.venv/bin/python Tests/python/qdq_check.py .build/release/bitline
