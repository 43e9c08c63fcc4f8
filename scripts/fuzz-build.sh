#!/usr/bin/env bash
# scripts/fuzz-build.sh DIR: the fuzzers import-model and parse-text in DIR, with libFuzzer and the address sanitizer.
# The modules are compiled by hand: SwiftPM's own executables bring a main, which is libFuzzer's here. Needs a Swift toolchain with libclang_rt.fuzzer.
set -euo pipefail
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
toolchain=$(dirname "$(readlink -f "$(command -v swiftc)")")
clang=$toolchain/clang
[ -x "$clang" ] || clang=clang

cat >"$out/COnnxSchema.modulemap" <<MAP
module COnnxSchema {
  header "$PWD/frontends/onnx/schema/include/onnx.pb-c.h"
  export *
}
MAP
options=(-O -wmo -swift-version 6 -package-name bitline -sanitize=fuzzer,address -I "$out"
  -Xcc -fmodule-map-file="$out/COnnxSchema.modulemap" -Xcc -fmodule-map-file="$PWD/Sources/CProtobufC/module.modulemap")

module() {
  local name=$1
  shift
  swiftc "${options[@]}" -parse-as-library -module-name "$name" -emit-module -emit-module-path "$out/$name.swiftmodule" -emit-object -o "$out/$name.o" "$@"
}

fuzzer() {
  swiftc "${options[@]}" -parse-as-library -module-name "$1" "$2" "${@:4}" -lprotobuf-c -o "$out/$3"
}

"$clang" -O1 -g -fsanitize=address,fuzzer-no-link -I frontends/onnx/schema/include -c frontends/onnx/schema/onnx.pb-c.c -o "$out/schema.o"
module GraphIR Sources/GraphIR/*.swift
module ReferenceKernels Sources/ReferenceKernels/*.swift
module PluginAPI Sources/PluginAPI/*.swift
mapfile -t sources < <(find frontends/onnx -name '*.swift' | sort)
module OnnxFrontend "${sources[@]}"
objects=("$out/GraphIR.o" "$out/ReferenceKernels.o" "$out/PluginAPI.o")
fuzzer ImportModel fuzz/ImportModel.swift import-model "${objects[@]}" "$out/OnnxFrontend.o" "$out/schema.o"
fuzzer ParseText fuzz/ParseText.swift parse-text "${objects[@]}"
