#!/usr/bin/env bash
# Speed of the main job: one network on three machines over a whole test set, as a person would run it.
# Takes the MNIST test set where it lies beside the repository, else 10,000 drawn digits.
set -euo pipefail
cd "$(dirname "$0")/.."
bitline=${BITLINE:-.build/release/bitline}
data=digits:10000
[ -d ../shared/data/mnist ] && data=mnist:../shared/data/mnist
echo "machine: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores"
time "$bitline" evaluate models/lenet5-bw-qdq6.onnx --backends 'cpu,imc{readout=exact},baseline' --data "$data"
