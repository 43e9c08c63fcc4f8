"""Measures the simulator: images a second of one chip, and how time and memory grow with images, chips and threads.

Needs nothing but Python. Rounds take turns, so that what else the machine does meets all of them; times are the least of the rounds.
With CONTRACT=folder (lenet_bin.onnx and images.npy) the first table is of that network, else of the demo's on drawn digits.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODEL = str(ROOT / "models" / "lenet5-bw-bn-qdq6.onnx")
PIPELINE = ("binarize{method=exact},quantize{range=max},canonicalize,lower-binary,canonicalize,tile,"
            "readout{scale=calibrated,range=percentile,percentile=99.9,samples=200}")
MODES = ["mismatch=0.03", "mismatch=0.03,noise=0.5", "mismatch=0.03,inputs=bit-serial", "errors=on"]


def run(tool, *arguments):
    """Runs a yield study; hands back its report, wall and processor seconds, and peak memory in MB."""
    read, write = os.pipe()
    start = time.monotonic()
    process = subprocess.Popen([tool, "yield", *arguments, "--format", "json"], stdout=write, stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as out:
        text = out.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"benchmarks/simulator.py: {' '.join(arguments)} failed")
    return json.loads(text), time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def least(results):
    return [min(values) for values in zip(*results)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bitline", default=".build/release/bitline")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    tool = arguments.bitline
    contract = os.environ.get("CONTRACT")
    network = ([contract + "/lenet_bin.onnx", "--images", contract + "/images.npy", "--passes", PIPELINE] if contract else
               [MODEL, "--data", "digits:1000"])

    print(f"load average {os.getloadavg()[0]:.1f}")
    print(f"one chip, one thread, images/s: best and median of runs, and the process's peak memory; {'the shared contract' if contract else 'the demo network'}")
    best = {}
    for _ in range(arguments.rounds):
        for mode in MODES:
            report, _, _, memory = run(tool, *network, "--backend", f"imc{{{mode}}}", "--repeat", "30", "--threads", "1")
            for row in report["speed"]["rows"]:
                known = best.setdefault((mode, row["batch"]), [0, 0, 0])
                best[mode, row["batch"]] = [max(known[0], row["samples/s"]), max(known[1], row["median samples/s"]), max(known[2], memory)]
    for (mode, batch), (rate, median, memory) in sorted(best.items(), key=lambda item: (MODES.index(item[0][0]), -item[0][1])):
        print(f"  {mode:34} batch {batch:3}  {rate:9,.0f} {median:9,.0f}   {memory:4.0f} MB")

    # What a study takes beside chips is measured with one chip of few images and taken off.
    def study(images, chips, threads):
        _, wall, processor, memory = run(
            tool, MODEL, "--data", f"digits:{images}", "--calibrate", "digits:200", "--backend", "imc{errors=on}", "--chips", str(chips),
            "--threads", str(threads))
        return wall, processor, memory

    cases = [(4000, 1, 1), (1000, 40, 1), (2000, 40, 1), (4000, 40, 1), (1000, 80, 1), (1000, 160, 1), (4000, 1, 2), (4000, 40, 2)]
    seen = {case: [] for case in cases}
    for _ in range(arguments.rounds):
        for case in cases:
            seen[case].append(study(*case))
    seen = {case: least(results) for case, results in seen.items()}
    print("study: images, chips, threads; wall s, processor s, peak MB")
    for case, (wall, processor, memory) in seen.items():
        print(f"  {case[0]:6} {case[1]:4} {case[2]:2}   {wall:7.2f} {processor:7.2f} {memory:6.0f}")
    chips = [seen[1000, count, 1][1] for count in (40, 80, 160)]
    print(f"chips: from 80 to 160 takes {(chips[2] - chips[1]) / (chips[1] - chips[0]):.2f} times what 40 to 80 takes (2 is linear)")
    images = [seen[count, 40, 1][1] for count in (1000, 2000, 4000)]
    print(f"images: from 2000 to 4000 takes {(images[2] - images[1]) / (images[1] - images[0]):.2f} times what 1000 to 2000 takes (2 is linear)")
    one, two = (seen[4000, 40, threads][0] - seen[4000, 1, threads][0] for threads in (1, 2))
    print(f"threads: 39 chips take {one:.2f} s on one thread, {two:.2f} s on two: {one / two:.2f} times")
    print(f"memory: {seen[1000, 40, 1][2]:.0f} MB with 40 chips, {seen[1000, 160, 1][2]:.0f} MB with 160")
    rate = 39 * 4000 / (seen[4000, 40, 1][1] - seen[4000, 1, 1][1])
    print(f"1,000 chips x 10,000 images: {1e7 / rate:.0f} processor seconds, {1e7 / rate / 2:.0f} s on two processors of their own")


main()
