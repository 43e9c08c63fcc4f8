#!/usr/bin/env bash
# benchmarks/run.sh [ARGUMENT...]: measures the simulator (simulator.py, printed), then bitline's cpu backend beside other engines, which is
# written to benchmarks/RESULTS.md.
# Arguments go to bench.py (--quick, --models, --rounds, --larq). Without Python or the network there is nothing to compare with, and it says so.
set -euo pipefail
cd "$(dirname "$0")/.."

bitline=${BITLINE:-.build/release/bitline}
if ! [ -x "$bitline" ]; then
  echo "benchmarks/run.sh: no $bitline; run 'make build' first, or set BITLINE" >&2
  exit 2
fi
if command -v python3 >/dev/null; then python3 benchmarks/simulator.py --bitline "$bitline"; fi
environment=${BENCH_ENV:-.build/bench-env}
if ! [ -x "$environment/bin/python" ] || [ -z "${BENCH_ENV:-}" ]; then
  status=0
  scripts/python-env.sh "$environment" numpy onnx onnxruntime openvino || status=$?
  if [ "$status" -eq 3 ]; then exit 0; fi
  if [ "$status" -ne 0 ]; then exit "$status"; fi
fi
"$environment/bin/python" benchmarks/bench.py --bitline "$bitline" --work .build/bench "$@"
