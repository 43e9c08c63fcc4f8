#!/usr/bin/env bash
# scripts/docs.sh DIR: the articles of docs/ and the reference of our public interface, as static pages in DIR.
# Reads the modules of the release build in BUILD (.build/release). Needs docc, which comes with the Swift toolchain.
set -euo pipefail
mkdir -p "$1"
output=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
build=${BUILD:-.build/release}
modules="GraphIR ReferenceKernels PluginAPI Hardware Datasets Driver"

command -v docc >/dev/null 2>&1 || {
  echo "docs: there is no docc on the PATH; it comes with the Swift toolchain" >&2
  exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/Bitline.docc" "$work/graphs"
cp docs/*.md "$work/Bitline.docc"
{
  printf '# Bitline\n\n@Metadata {\n  @TechnologyRoot\n}\n\nA neural-network compiler with plug-in backends.\n\n## Topics\n\n### Articles\n\n'
  for article in docs/*.md; do echo "- <doc:$(basename "$article" .md)>"; done
  printf '\n### Modules\n\n'
  for module in $modules; do echo "- \`\`/$module\`\`"; done
} >"$work/Bitline.docc/Bitline.md"

target=$(swift -print-target-info | sed -n 's/^ *"triple": "\(.*\)",/\1/p')
for module in $modules; do
  swift symbolgraph-extract -module-name "$module" -target "$target" -I "$build/Modules" -Xcc -fmodule-map-file=Sources/CZlib/module.modulemap \
    -Xcc -fmodule-map-file=Sources/CYAML/module.modulemap \
    -minimum-access-level public -skip-synthesized-members -output-dir "$work/graphs"
done
docc convert "$work/Bitline.docc" --additional-symbol-graph-dir "$work/graphs" --output-path "$output" \
  --fallback-display-name Bitline --fallback-bundle-identifier bitline --transform-for-static-hosting
echo "docs: python3 -m http.server -d $output, then http://localhost:8000/documentation/bitline"
