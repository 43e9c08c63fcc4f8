#!/usr/bin/env bash
# The whole road on a trained network that lies in models/: compile for three machines, compare them value by value, evaluate, cost.
# Needs no network and no data: the images are digits that the tool draws itself (not MNIST).
set -euo pipefail
cd "$(dirname "$0")/.."
bitline=${BITLINE:-.build/release/bitline}
network=models/lenet5-bw-qdq6.onnx
full_precision=models/lenet5-float.onnx

say() { printf '\n\n== %s\n\n' "$1"; }

say "1. A digit that the tool drew (drawn digits, not MNIST)"
"$bitline" data digits:1 --show 1

say "2. $network, compiled for the in-memory chip"
"$bitline" compile "$network" --backend imc

say "3. Every value of 200 digits on three machines, with the chip's own readout"
"$bitline" compare "$network" --backends 'cpu,imc{readout=chip},baseline' --data digits:200

say "4. The chip's 7-bit and 6-bit readouts: full scale as on the chip, and calibrated on other digits"
for readout in chip calibrated; do
  for bits in 7 6; do
    printf '%s\n' "-- readout $readout, $bits bits"
    "$bitline" evaluate "$network" --backends "imc{readout=$readout}" --readout-bits "$bits" --calibrate digits:500,7 --data digits:1000 2>/dev/null
  done
done

say "5. Accuracy with exact readout on three machines, and the article's claims for this network"
"$bitline" evaluate "$network" --backends 'cpu,imc{readout=exact},baseline' --data digits:1000 --all-values --against "$full_precision"
