#!/usr/bin/env bash
# benchmarks/run.sh [ARGUMENT...]: measures the simulator (simulator.py, printed), then bitline's cpu backend beside other engines, which is
# written to benchmarks/RESULTS.md.
# Arguments go to bench.py (--quick, --models, --rounds). Engines that install only elsewhere are left out, which RESULTS.md says. Without Python or the network there is nothing to compare with, and it says so.
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
peers=()
peer() { # NAME PACKAGE...: an engine with an environment of its own, measured where that can be had
  local name=$1
  shift
  if scripts/python-env.sh ".build/bench-$name" "$@"; then peers+=("--$name" ".build/bench-$name/bin/python"); fi
}
peer litert ai-edge-litert numpy onnx
peer ncnn ncnn numpy onnx
peer larq larq==0.14.0 larq-compute-engine==0.16.0 tensorflow-cpu==2.15.1 'numpy<2'

"$environment/bin/python" benchmarks/bench.py --bitline "$bitline" --work .build/bench "${peers[@]}" "$@"
