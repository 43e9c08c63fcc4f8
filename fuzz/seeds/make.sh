#!/usr/bin/env bash
# fuzz/seeds/make.sh: small ONNX models from the graphs in fuzz/seeds/text, written by the release build.
set -euo pipefail
cd "$(dirname "$0")/../.."
for graph in fuzz/seeds/text/*.ir; do
  .build/release/bitline compile "$graph" --emit onnx --stage raw -o "fuzz/seeds/onnx/$(basename "$graph" .ir).onnx" || true
done
