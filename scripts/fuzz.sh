#!/usr/bin/env bash
# scripts/fuzz.sh [SECONDS]: both fuzzers for so many seconds each, one after the other, from fuzz/seeds. What crashes is left in .build/fuzz/found;
# put it, made small, into fuzz/seeds and into a test. Fails when something was found.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-1800}
work=.build/fuzz
scripts/fuzz-build.sh "$work" 2>&1 | grep -v "Cannot export local symbol" || [ "${PIPESTATUS[0]}" -eq 0 ]
mkdir -p "$work/found" "$work/corpus-onnx" "$work/corpus-text"
# A model or graph that does not fit these bounds is refused by the program itself; leaks are Swift's own metadata.
options=(-rss_limit_mb=2048 -malloc_limit_mb=256 -timeout=10 "-max_total_time=$seconds" -print_final_stats=1)
export ASAN_OPTIONS=detect_leaks=0 SWIFT_BACKTRACE=enable=no
nice -n 19 "$work/import-model" "${options[@]}" -max_len=8192 -artifact_prefix="$work/found/onnx-" "$work/corpus-onnx" fuzz/seeds/onnx
nice -n 19 "$work/parse-text" "${options[@]}" -max_len=4096 -artifact_prefix="$work/found/text-" "$work/corpus-text" fuzz/seeds/text
