"""Measures bitline's cpu backend beside onnxruntime and OpenVINO, and writes benchmarks/RESULTS.md.

Engines run in turn within each round, so that what else the machine does meets all of them; a figure is the median over rounds of each
round's median, and a ratio is the median over rounds of the ratio within the round. Every engine is timed inside its own process, after
warming up, from input in memory to output in memory.
"""
import argparse
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import time

import numpy as np

import models

HERE = pathlib.Path(__file__).parent
SEED = 1


def sample(name, batch):
    return np.random.default_rng(SEED).uniform(-1, 1, size=(batch, *models.MODELS[name][1])).astype(np.float32)


class Bitline:
    def __init__(self, label, tool, model, batch, threads, extra=()):
        self.label = label
        self.command = [tool, "profile", model, "--threads", str(threads), "--total-only", "--format", "json", *extra]
        if not str(model).endswith(".bitline"):
            self.command += ["--batch", str(batch)]

    def median(self, runs):
        done = subprocess.run([*self.command, "--repeat", str(runs)], check=True, capture_output=True, text=True)
        return find_median(json.loads(done.stdout)) * 1e-3


def find_median(report):
    """The number under 'median ms' in the JSON of `bitline profile`, whatever surrounds it."""
    if isinstance(report, dict):
        if isinstance(report.get("median ms"), (int, float)):
            return report["median ms"]
        columns, rows = report.get("columns"), report.get("rows")
        if columns and rows and "median ms" in columns:
            row = rows[0]
            return row["median ms"] if isinstance(row, dict) else row[columns.index("median ms")]
        report = list(report.values())
    if isinstance(report, list):
        for part in report:
            found = find_median(part)
            if found is not None:
                return found
    return None


class InProcess:
    """A peer: `run` computes one batch."""

    def __init__(self, label, run):
        self.label, self.run = label, run

    def median(self, runs):
        for _ in range(max(2, runs // 10)):
            self.run()
        times = []
        for _ in range(runs):
            start = time.perf_counter()
            self.run()
            times.append(time.perf_counter() - start)
        return statistics.median(times)


class LarqPeer:
    """Larq's compute engine, in an interpreter of its own (larq_peer.py)."""

    def __init__(self, label, python, batch, threads, runs):
        self.label = label
        self.process = subprocess.Popen(
            [python, str(HERE / "larq_peer.py"), str(batch), str(threads), str(runs)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise SystemExit(f"bench.py: {python} does not run larq_peer.py")

    def median(self, runs):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def onnxruntime_peer(label, path, x, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return InProcess(label, lambda: session.run(None, {"x": x}))


def openvino_peer(label, path, x, threads, precision="f32"):
    import openvino

    core = openvino.Core()
    model = core.read_model(str(path))
    model.reshape(list(x.shape))
    compiled = core.compile_model(
        model, "CPU", {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision})
    request = compiled.create_infer_request()
    return InProcess(label, lambda: request.infer({0: x}, share_inputs=True, share_outputs=True))


def quantized(name, path):
    """The model in int8 (QDQ, weights by channel), calibrated on a few random samples."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    target = path.with_suffix(".int8.onnx")
    if not target.exists():
        class Reader(CalibrationDataReader):
            left = [{"x": sample(name, 4)}]

            def get_next(self):
                return self.left.pop() if self.left else None

        quantize_static(
            str(path), str(target), Reader(), quant_format=QuantFormat.QDQ, per_channel=True, activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8)
    return target


def measure(engines, rounds, runs):
    times = {engine.label: [] for engine in engines}
    for _ in range(rounds):
        for engine in engines:
            times[engine.label].append(engine.median(runs))
    return times


def row(title, times, ours):
    """One line of the table: every engine's median and spread, and our ratio to the best peer."""
    cells = []
    for label, values in times.items():
        middle = statistics.median(values) * 1e3
        digits = 4 if middle < 1 else 2
        cells.append(f"{label} {middle:.{digits}f} ({min(values) * 1e3:.{digits}f}-{max(values) * 1e3:.{digits}f})")
    peers = [values for label, values in times.items() if not label.startswith("bitline")]
    ratios = [min(p[i] for p in peers) / times[ours][i] for i in range(len(times[ours]))]
    return f"| {title} | {'; '.join(cells)} | {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f}) |"


def float_rows(a, lines):
    for name, batches in (("lenet5", (1, 256)), ("vgg-small", (1, 32)), ("resnet18", (1, 32)), ("mobilenet-v2", (1,))):
        if a.models and name not in a.models:
            continue
        path = a.work / f"{name}.onnx"
        for batch in batches[:1] if a.quick else batches:
            for threads in (1, 2) if batch == 1 and name != "lenet5" else (1,):
                x, runs = sample(name, batch), runs_for(name, batch)
                engines = [
                    Bitline("bitline", a.bitline, path, batch, threads), onnxruntime_peer("onnxruntime", path, x, threads),
                    openvino_peer("openvino", path, x, threads)]
                if threads == 1 and name != "lenet5":
                    engines.append(Bitline("bitline exact", a.bitline, path, batch, threads, ("--backend", "cpu{exact=true}")))
                report(lines, row(f"{name} f32, b={batch}, {threads} thread{'s' * (threads > 1)}", measure(engines, a.rounds, runs), "bitline"))


def bf16_rows(a, lines):
    """Products of numbers rounded to bf16, in both engines that offer it; only where the processor has instructions for it."""
    if "avx512_bf16" not in (pathlib.Path("/proc/cpuinfo").read_text() if os.path.exists("/proc/cpuinfo") else ""):
        return
    for name in ("resnet18", "mobilenet-v2"):
        if a.models and name not in a.models:
            continue
        path, x, runs = a.work / f"{name}.onnx", sample(name, 1), runs_for(name, 1)
        for threads in (1,) if a.quick else (1, 2):
            engines = [
                Bitline("bitline bf16", a.bitline, path, 1, threads, ("--backend", "cpu{precision=bf16}")),
                openvino_peer("openvino bf16", path, x, threads, "bf16")]
            title = f"{name} bf16, b=1, {threads} thread{'s' * (threads > 1)}"
            report(lines, row(title, measure(engines, a.rounds, runs), engines[0].label))


def binary_rows(a, lines):
    name = "vgg-small-clip"
    if a.models and name not in a.models:
        return
    path = a.work / f"{name}.onnx"
    int8 = quantized(name, path)
    lower = ["--stage", "lowered", "--input-range=-1:1"]
    for batch in (1,) if a.quick else (1, 32):
        x, runs = sample(name, batch), runs_for(name, batch)
        engines = [
            Bitline("bitline 1 x 6 bit exact", a.bitline, path, batch, 1, (*lower, "--readout", "exact")),
            Bitline("bitline 1 x 8 bit exact", a.bitline, path, batch, 1, (*lower, "--readout", "exact", "--bits", "8")),
            onnxruntime_peer("onnxruntime int8", int8, x, 1), openvino_peer("openvino int8", int8, x, 1)]
        report(lines, row(f"{name}, b={batch}, 1 thread", measure(engines, a.rounds, runs), engines[0].label))
        # What Conv-RAM computes: tiles of 64 columns, each read by a converter of 7 bits.
        chip = a.work / f"{name}-chip-{batch}.bitline"
        command = [a.bitline, "compile", path, "--backend", "imc", "--batch", str(batch), "--input-range=-1:1", "-o", chip]
        subprocess.run([*map(str, command)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        read = Bitline("bitline 1 x 6 bit, tiles read in 7 bits", a.bitline, chip, batch, 1)
        times = measure([read, engines[0]], a.rounds, runs)
        report(lines, row(f"{name}, b={batch}, 1 thread, beside an exact readout", {read.label: times[read.label], "exact": times[engines[0].label]}, read.label))


def xnor_rows(a, lines):
    """A network of signs beside the float network of the same shape, and beside the same network in Larq's compute engine."""
    name, float_name = "vgg-small-xnor", "vgg-small"
    if a.models and name not in a.models:
        return
    for batch, threads in ((1, 1),) if a.quick else ((1, 1), (1, 2), (32, 1)):
        x, runs = sample(name, batch), runs_for(name, batch)
        model, lower = a.work / f"{name}.onnx", ("--stage", "lowered", "--readout", "exact", "--backend")
        ours = Bitline("bitline 1 x 1 bit", a.bitline, model, batch, threads, (*lower, "cpu{sums=f32}"))
        same_everywhere = Bitline("bitline f64 sums", a.bitline, model, batch, threads, (*lower, "cpu{sums=f64}"))
        title = f"{name}, b={batch}, {threads} thread{'s' * (threads > 1)}"
        peer = onnxruntime_peer("onnxruntime f32 (vgg-small)", a.work / f"{float_name}.onnx", x, threads)
        report(lines, row(title, measure([ours, same_everywhere, peer], a.rounds, runs), ours.label))
        if a.larq and batch == 1:
            larq = LarqPeer("larq", a.larq, batch, threads, runs)
            report(lines, row(title, measure([ours, larq], a.rounds, runs), ours.label))
            larq.close()


def int8_rows(a, lines):
    """The same QDQ graph in every engine: activations of 8 bits, weights of 8 bits by channel."""
    for name, batches in (("vgg-small", (1, 32)), ("resnet18", (1, 32)), ("mobilenet-v2", (1,))):
        if a.models and name not in a.models:
            continue
        int8 = quantized(name, a.work / f"{name}.onnx")
        for batch in batches[:1] if a.quick else batches:
            for threads in (1, 2) if batch == 1 else (1,):
                x, runs = sample(name, batch), runs_for(name, batch)
                engines = [
                    Bitline("bitline", a.bitline, int8, batch, threads), onnxruntime_peer("onnxruntime", int8, x, threads),
                    openvino_peer("openvino", int8, x, threads)]
                title = f"{name} int8 (QDQ), b={batch}, {threads} thread{'s' * (threads > 1)}"
                report(lines, row(title, measure(engines, a.rounds, runs), "bitline"))


# A process starts with the peak of the one that it is split from: this small one stands between.
PEAK = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
printed = process.stdout.read()
_, status, usage = os.wait4(process.pid, 0)
print(usage.ru_maxrss * 1024, printed)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def peak_bytes(command):
    """The most memory that a process had, in bytes, and what it printed."""
    done = subprocess.run([sys.executable, "-c", PEAK, *command], stdout=subprocess.PIPE, check=True, text=True)
    peak, printed = done.stdout.split(" ", 1)
    return int(peak), printed


ONNXRUNTIME_MEMORY = """
import numpy, onnxruntime, re, sys
def kilobytes(name):
    return int(re.search(name + r":\\s+(\\d+)", open("/proc/self/status").read())[1])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
open("/proc/self/clear_refs", "w").write("5")  # the peak starts again from here
before = kilobytes("VmRSS")
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
session.run(None, {"x": numpy.zeros([1, *map(int, sys.argv[2:])], numpy.float32)})
print((kilobytes("VmHWM") - before) * 1024)
"""


def memory_rows(a, lines):
    """Memory of whole processes on one sample; onnxruntime's less what Python with its libraries takes before a model is read."""
    for name in ("resnet18", "mobilenet-v2"):
        if a.models and name not in a.models:
            continue
        path = a.work / f"{name}.onnx"
        for title, model in ((f"{name} f32", path), (f"{name} int8 (QDQ)", quantized(name, path))):
            command = [a.bitline, "profile", str(model), "--batch", "1", "--threads", "1", "--repeat", "3"]
            # Layer by layer a model is compiled a second time.
            whole, _ = peak_bytes([*command, "--total-only"])
            _, printed = peak_bytes(command)
            planned = re.search(r"planned memory: (\d+) bytes", printed)
            _, added = peak_bytes([sys.executable, "-c", ONNXRUNTIME_MEMORY, str(model), *map(str, models.MODELS[name][1])])
            cells = [model.stat().st_size, int(planned[1]), whole, int(added)]
            report(lines, f"| {title} | " + " | ".join(f"{bytes_ / 1e6:.1f}" for bytes_ in cells) + " |")


def runs_for(name, batch):
    return {"lenet5": 2000, "vgg-small": 40, "vgg-small-clip": 60, "vgg-small-xnor": 100, "resnet18": 15, "mobilenet-v2": 25}[name] // (batch if batch < 64 else 32) or 2


def report(lines, line):
    print(line, flush=True)
    lines.append(line)


def processor():
    for line in open("/proc/cpuinfo") if os.path.exists("/proc/cpuinfo") else ():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.processor() or platform.machine()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bitline", required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one sample only")
    parser.add_argument("--models", nargs="*")
    parser.add_argument("--larq", help="an interpreter with tensorflow, larq and larq-compute-engine, to measure that too")
    parser.add_argument("--output", type=pathlib.Path, default=HERE / "RESULTS.md")
    a = parser.parse_args()
    a.bitline = os.path.abspath(a.bitline)
    a.work.mkdir(parents=True, exist_ok=True)
    for name in models.MODELS:
        if not (a.work / f"{name}.onnx").exists():
            models.save(name, a.work / f"{name}.onnx")
    import onnxruntime
    import openvino

    load = os.getloadavg()[0]
    lines = []
    float_rows(a, lines)
    bf16_rows(a, lines)
    int8_rows(a, lines)
    binary_rows(a, lines)
    xnor_rows(a, lines)
    memory = []
    memory_rows(a, memory)
    version = subprocess.run([a.bitline, "--version"], capture_output=True, text=True).stdout.strip()
    a.output.write_text(
        "# Measured speed\n\n"
        "Made by `make bench` (benchmarks/run.sh); the models are in benchmarks/models.py, how it is measured in benchmarks/bench.py.\n\n"
        f"- Machine: {processor()}, {os.cpu_count()} processors; load average at the start {load:.1f}\n"
        f"- Versions: bitline {version}, onnxruntime {onnxruntime.__version__}, openvino {openvino.__version__}, Python {platform.python_version()}\n"
        f"- {a.rounds} rounds, engines in turn; milliseconds a batch: median of the rounds' medians (least-most)\n"
        "- All f32 figures are f32 arithmetic (OpenVINO held to it). `bitline exact` is without Winograd transforms.\n"
        "- bf16 rows: inputs and weights of layers rounded to bf16, sums in f32; f32 wherever that is faster (bitline) or as OpenVINO decides.\n"
        "- int8 rows: every engine reads the same QDQ file, made by onnxruntime's static quantization (u8 activations, i8 weights by channel).\n"
        "- vgg-small-xnor: all convolutions but the first on signs with weights of +-1; the first convolution and the dense layer in f32. Beside it stands\n"
        "  onnxruntime on vgg-small, the float network of the same shape. `bitline f64 sums`, the default for networks with binary layers, sums the two\n"
        "  float layers in f64 and in order, for the same bytes on every machine.\n"
        f"- Larq's compute engine: {'with XNNPACK and its indirect kernels, the fastest of its settings' if a.larq else 'not run (--larq)'}.\n"
        "- Not run: LiteRT and ncnn. Their packages install here; making their models from ours is not written yet. MNN was not tried.\n"
        "- \"Best peer\" is therefore the better of onnxruntime and OpenVINO, where the row has no other.\n\n"
        "| model | milliseconds | best peer / bitline |\n|---|---|---|\n" + "\n".join(lines) + "\n\n"
        "Megabytes, one sample, one thread. What onnxruntime adds is counted from the process as it stands before it reads the model.\n\n"
        "| model | file | bitline's planned values | bitline's process, at most | onnxruntime adds, at most |\n|---|---|---|---|---|\n"
        + "\n".join(memory) + "\n")


if __name__ == "__main__":
    main()
