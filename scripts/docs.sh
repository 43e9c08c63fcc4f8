#!/usr/bin/env bash
# scripts/docs.sh DIR: the articles of docs/ and the reference of our public interface, as static pages in DIR.
# Needs docc, which comes with the Swift toolchain.
set -euo pipefail
output=$(realpath -m "$1")
cd "$(dirname "$0")/.."

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
  printf '\n### Modules\n\n- ``GraphIR``\n- ``PluginAPI``\n- ``Hardware``\n- ``Datasets``\n- ``Driver``\n'
} >"$work/Bitline.docc/Bitline.md"

graphs=$(swift package dump-symbol-graph --minimum-access-level public --skip-synthesized-members | sed -n 's/^Files written to //p')
for module in GraphIR ReferenceKernels PluginAPI Hardware Datasets Driver; do cp "$graphs/$module.symbols.json" "$work/graphs"; done
docc convert "$work/Bitline.docc" --additional-symbol-graph-dir "$work/graphs" --output-path "$output" \
  --fallback-display-name Bitline --fallback-bundle-identifier bitline --transform-for-static-hosting
echo "docs: python3 -m http.server -d $output, then http://localhost:8000/documentation/bitline"
