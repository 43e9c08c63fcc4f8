"""Measures bitline's cpu backend beside other engines (engines.py), and writes benchmarks/RESULTS.md.

Engines run in turn within each round, so that what else the machine does meets all of them; a figure is the median over rounds of each
round's median, and a ratio is the median over rounds of the ratio within the round. Every engine is timed inside its own process, after
warming up, from input in memory to output in memory.
"""
import argparse
import importlib.metadata
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
import onnx
from onnx import numpy_helper

import engines
import held
import models

HERE = pathlib.Path(__file__).parent
SEED = 1


def sample(name, batch):
    return np.random.default_rng(SEED).uniform(-1, 1, size=(batch, *models.MODELS[name][1])).astype(np.float32)


class Bitline:
    def __init__(self, label, tool, model, batch, threads, extra=(), environment=None):
        self.label, self.environment = label, {**os.environ, **(environment or {})}
        self.command = [tool, "profile", model, "--threads", str(threads), "--total-only", "--format", "json", *extra]
        if not str(model).endswith(".bitline"):
            self.command += ["--batch", str(batch)]

    def median(self, runs):
        done = subprocess.run(
            [*self.command, "--repeat", str(runs)], check=True, capture_output=True, text=True, env=self.environment)
        return find_median(json.loads(done.stdout)) * 1e-3

    def close(self):
        pass


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
        return engines.median(self.run, runs)

    def close(self):
        pass


class PeerProcess:
    """An engine in a process of its own, which computes when it is asked (engines.py, larq_peer.py)."""

    def __init__(self, label, command, environment=None):
        self.label = label
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env={**os.environ, **(environment or {})})
        self.is_ready = self.process.stdout.readline() == "ready\n"

    def median(self, runs):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def onnxruntime_peer(label, path, x, threads):
    return InProcess(label, engines.onnxruntime(path, x, threads))


def openvino_peer(label, path, x, threads, precision="f32"):
    return InProcess(label, engines.openvino(path, x, threads, precision))


# Of the greatest value. Codes of 8 bits are rounded differently where they lie between two: four steps of 1/127.
F32_TOLERANCE, INT8_TOLERANCE = 1e-4, 4 / 127


def checked_peer(a, label, command, path, x, threads, runs, tolerance, environment=None):
    """A peer in a list, or an empty list where it fails or its results are not onnxruntime's; then that is noted."""
    source, result = a.work / "input.npy", a.work / "output.npy"
    np.save(source, x)
    peer = PeerProcess(label, [*map(str, command), str(source), str(result), str(threads), str(runs)], environment)
    if not peer.is_ready:
        a.not_run.append(f"{label} on {path.stem}: it fails")
    else:
        expected = engines.onnxruntime(path, x, 1)()
        off = np.abs(np.load(result) - expected).max() / np.abs(expected).max()
        if off <= tolerance:
            return [peer]
        a.not_run.append(f"{label} on {path.stem}: its results differ from onnxruntime's by {off:.1g} of the greatest")
    peer.close()
    return []


def peers(a, names, path, x, threads, runs, tolerance=F32_TOLERANCE):
    """Those of the engines with interpreters of their own that are there."""
    return [peer for name in names if a.interpreters[name] for peer in checked_peer(
        a, name, [a.interpreters[name], HERE / "engines.py", name, path], path, x, threads, runs, tolerance)]


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


def measure(entrants, rounds, runs):
    times = {entrant.label: [] for entrant in entrants}
    for _ in range(rounds):
        for entrant in entrants:
            times[entrant.label].append(entrant.median(runs))
    for entrant in entrants:
        entrant.close()
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
                entrants = [
                    Bitline("bitline", a.bitline, path, batch, threads), onnxruntime_peer("onnxruntime", path, x, threads),
                    openvino_peer("openvino", path, x, threads), *peers(a, ("litert", "ncnn"), path, x, threads, runs)]
                if threads == 1 and name != "lenet5":
                    entrants.append(Bitline("bitline exact", a.bitline, path, batch, threads, ("--backend", "cpu{exact=true}")))
                report(lines, row(f"{name} f32, b={batch}, {threads} thread{'s' * (threads > 1)}", measure(entrants, a.rounds, runs), "bitline"))


def binary_rows(a, lines):
    name = "vgg-small-clip"
    if a.models and name not in a.models:
        return
    path = a.work / f"{name}.onnx"
    int8 = quantized(name, path)
    lower = ["--stage", "lowered", "--input-range=-1:1"]
    for batch in (1,) if a.quick else (1, 32):
        x, runs = sample(name, batch), runs_for(name, batch)
        entrants = [
            Bitline("bitline 1 x 6 bit exact", a.bitline, path, batch, 1, (*lower, "--readout", "exact")),
            Bitline("bitline 1 x 8 bit exact", a.bitline, path, batch, 1, (*lower, "--readout", "exact", "--bits", "8")),
            onnxruntime_peer("onnxruntime int8", int8, x, 1), openvino_peer("openvino int8", int8, x, 1),
            *peers(a, ("litert",), int8, x, 1, runs, INT8_TOLERANCE)]
        report(lines, row(f"{name}, b={batch}, 1 thread", measure(entrants, a.rounds, runs), entrants[0].label))
        # What Conv-RAM computes: tiles of 64 columns, each read by a converter of 7 bits.
        chip = a.work / f"{name}-chip-{batch}.bitline"
        command = [a.bitline, "compile", path, "--backend", "imc", "--batch", str(batch), "--input-range=-1:1", "-o", chip]
        subprocess.run([*map(str, command)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        read = Bitline("bitline 1 x 6 bit, tiles read in 7 bits", a.bitline, chip, batch, 1, ("--backend", "cpu"))
        times = measure([read, entrants[0]], a.rounds, runs)
        report(lines, row(f"{name}, b={batch}, 1 thread, beside an exact readout",
                          {read.label: times[read.label], "exact": times[entrants[0].label]}, read.label))


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
        if a.interpreters["larq"] and batch == 1:
            weights = a.work / "xnor-weights.npz"
            np.savez(weights, **{t.name: numpy_helper.to_array(t) for t in onnx.load(model).graph.initializer})
            larq = checked_peer(
                a, "larq", [a.interpreters["larq"], HERE / "larq_peer.py", weights], model, x, threads, runs, F32_TOLERANCE)
            if larq:
                report(lines, row(title, measure([ours, *larq], a.rounds, runs), ours.label))


def int8_rows(a, lines):
    """The same QDQ graph in every engine: activations of 8 bits, weights of 8 bits by channel."""
    for name, batches in (("vgg-small", (1, 32)), ("resnet18", (1, 32)), ("mobilenet-v2", (1,))):
        if a.models and name not in a.models:
            continue
        int8 = quantized(name, a.work / f"{name}.onnx")
        for batch in batches[:1] if a.quick else batches:
            for threads in (1, 2) if batch == 1 else (1,):
                x, runs = sample(name, batch), runs_for(name, batch)
                entrants = [
                    Bitline("bitline", a.bitline, int8, batch, threads), onnxruntime_peer("onnxruntime", int8, x, threads),
                    openvino_peer("openvino", int8, x, threads), *peers(a, ("litert",), int8, x, threads, runs, INT8_TOLERANCE)]
                title = f"{name} int8 (QDQ), b={batch}, {threads} thread{'s' * (threads > 1)}"
                report(lines, row(title, measure(entrants, a.rounds, runs), "bitline"))


def bf16_rows(a, lines):
    """Products of numbers rounded to bf16, summed in f32, where the processor has them."""
    if "avx512_bf16" not in processor_flags():
        a.not_run.append("bf16: the processor has no AVX512_BF16")
        return
    for name in ("vgg-small", "resnet18", "mobilenet-v2"):
        if a.models and name not in a.models:
            continue
        path, x, runs = a.work / f"{name}.onnx", sample(name, 1), runs_for(name, 1)
        entrants = [
            Bitline("bitline", a.bitline, path, 1, 1, ("--backend", "cpu{precision=bf16}")), openvino_peer("openvino", path, x, 1, "bf16")]
        report(lines, row(f"{name} bf16, b=1, 1 thread", measure(entrants, a.rounds, runs), "bitline"))


def held_rows(a, lines):
    """All on AVX2, though the processor has AVX-512."""
    name = "resnet18"
    if a.models and name not in a.models or platform.machine() != "x86_64":
        return
    path, x, runs = a.work / f"{name}.onnx", sample(name, 1), runs_for(name, 1)
    entrants = [Bitline("bitline", a.bitline, path, 1, 1, environment={"BITLINE_ISA": "avx2"})]
    engine = [sys.executable, HERE / "engines.py"]
    why_not = held.onnxruntime(a.work / "held", importlib.metadata.version("onnxruntime"))
    if why_not:
        a.not_run.append(f"onnxruntime held to AVX2: {why_not}")
    else:
        entrants += checked_peer(
            a, "onnxruntime", [*engine, "onnxruntime", path], path, x, 1, runs, F32_TOLERANCE, {"PYTHONPATH": str(a.work / "held")})
    entrants += checked_peer(
        a, "openvino", [*engine, "openvino", path], path, x, 1, runs, F32_TOLERANCE, {"ONEDNN_MAX_CPU_ISA": "AVX2"})
    if len(entrants) > 1:
        report(lines, row(f"{name} f32, b=1, 1 thread, held to AVX2", measure(entrants, a.rounds, runs), "bitline"))


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


# Runs commands in turn and prints, for each, the seconds of every run but the first and the most memory that it had, in kilobytes.
STARTS = """
import json, os, sys, time
commands, runs = json.loads(sys.argv[1]), int(sys.argv[2])
quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
seen = [[[], 0] for _ in commands]
for turn in range(runs + 1):
    for command, entry in zip(commands, seen):
        start = time.perf_counter()
        process = os.posix_spawn(command[0], command, os.environ, file_actions=quiet)
        _, status, usage = os.wait4(process, 0)
        if status:
            sys.exit(f"{command} failed")
        if turn:
            entry[0].append(time.perf_counter() - start)
        entry[1] = max(entry[1], usage.ru_maxrss)
print(json.dumps(seen))
"""


def start_rows(a, lines):
    """Whole processes, from the command to their end: the network is read, prepared, run once and its result printed."""
    tools = [("dynamic", a.bitline)] + ([("static", str(a.static))] if a.static.exists() else [])
    titles, commands = [f"nothing: --version ({kind})" for kind, _ in tools], [[tool, "--version"] for _, tool in tools]
    alone = [None] * len(tools)
    programs = [("lenet5", "ONNX file", None), ("resnet18", "ONNX file", None), ("resnet18", "compiled program", "cpu"),
                ("resnet18", "compiled program, exact", "cpu{exact=true}")]
    for name, what, backend in programs:
        if a.models and name not in a.models:
            continue
        model, x = a.work / f"{name}.onnx", a.work / f"{name}-x.npy"
        np.save(x, sample(name, 1))
        if backend:
            program = a.work / f"{name}-{backend}.bitline"
            subprocess.run(
                [a.bitline, "compile", str(model), "--batch", "1", "--backend", backend, "-o", str(program)], check=True, capture_output=True)
            model = program
        run = Bitline("", a.bitline, model, 1, 1, ("--backend", backend or "cpu")).median(runs_for(name, 1)) * 1e3
        for kind, tool in tools:
            titles.append(f"{name}, {what} ({kind})")
            commands.append([tool, "run", str(model), "--input", str(x), "--threads", "1"])
            alone.append(run)
    done = subprocess.run([sys.executable, "-c", STARTS, json.dumps(commands), "30"], stdout=subprocess.PIPE, check=True, text=True)
    for title, run, (times, peak) in zip(titles, alone, json.loads(done.stdout)):
        cells = [f"{statistics.median(times) * 1e3:.1f} ({min(times) * 1e3:.1f}-{max(times) * 1e3:.1f})"]
        cells += ["" if run is None else f"{run:.3g}", f"{peak * 1024 / 1e6:.1f}"]
        report(lines, f"| {title} | " + " | ".join(cells) + " |")


def runs_for(name, batch):
    return {"lenet5": 2000, "vgg-small": 40, "vgg-small-clip": 60, "vgg-small-xnor": 100, "resnet18": 15, "mobilenet-v2": 25}[name] // (batch if batch < 64 else 32) or 2


# Engines that want an interpreter of their own: the option that names it, and the package that tells the version.
PACKAGES = {"litert": "ai-edge-litert", "ncnn": "ncnn", "larq": "larq-compute-engine"}


def version_of(interpreter, package):
    ask = f"import importlib.metadata as m; print(m.version({package!r}))"
    return subprocess.run([interpreter, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()


def report(lines, line):
    print(line, flush=True)
    lines.append(line)


def processor_flags():
    for line in open("/proc/cpuinfo") if os.path.exists("/proc/cpuinfo") else ():
        if line.startswith("flags"):
            return line.split(":")[1].split()
    return []


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
    for name, package in PACKAGES.items():
        parser.add_argument(f"--{name}", help=f"an interpreter that has {package}, to measure that too")
    parser.add_argument("--static", type=pathlib.Path, default=HERE.parent / ".build-static" / "release" / "bitline",
                        help="a bitline as `make install` links it, measured where processes are")
    parser.add_argument("--output", type=pathlib.Path, default=HERE / "RESULTS.md")
    a = parser.parse_args()
    a.bitline = os.path.abspath(a.bitline)
    a.work.mkdir(parents=True, exist_ok=True)
    a.interpreters = {name: getattr(a, name) for name in PACKAGES}
    a.not_run = [f"{name}: no interpreter with {PACKAGES[name]} (--{name})" for name, path in a.interpreters.items() if not path]
    for name in models.MODELS:
        if not (a.work / f"{name}.onnx").exists():
            models.save(name, a.work / f"{name}.onnx")
    load = os.getloadavg()[0]
    lines = []
    float_rows(a, lines)
    bf16_rows(a, lines)
    held_rows(a, lines)
    int8_rows(a, lines)
    binary_rows(a, lines)
    xnor_rows(a, lines)
    memory = []
    memory_rows(a, memory)
    starts = []
    start_rows(a, starts)
    versions = [f"bitline {subprocess.run([a.bitline, '--version'], capture_output=True, text=True).stdout.strip()}"]
    versions += [f"{name} {importlib.metadata.version(name)}" for name in ("onnxruntime", "openvino")]
    versions += [f"{PACKAGES[name]} {version_of(path, PACKAGES[name])}" for name, path in a.interpreters.items() if path]
    a.output.write_text(
        "# Measured speed\n\n"
        "Made by `make bench` (benchmarks/run.sh); the models are in benchmarks/models.py, how it is measured in benchmarks/bench.py.\n\n"
        f"- Machine: {processor()}, {os.cpu_count()} processors; load average at the start {load:.1f}\n"
        f"- Versions: {', '.join(versions)}, Python {platform.python_version()}\n"
        f"- {a.rounds} rounds, engines in turn; milliseconds a batch: median of the rounds' medians (least-most)\n"
        "- All f32 figures are f32 arithmetic (OpenVINO and ncnn held to it). `bitline exact` is without Winograd transforms.\n"
        "- LiteRT (with XNNPACK) and ncnn run in processes of their own, on the same networks with the same weights, which litert_model.py and\n"
        "  ncnn_model.py write; LiteRT's input lies in its own order, N x H x W x C. ncnn knows no batches: its samples follow one another. Before one\n"
        "  of them is timed its results are compared with onnxruntime's: to 1e-4 of the greatest value, in int8 to four steps of a code.\n"
        "- int8 rows: every engine reads the same QDQ file, made by onnxruntime's static quantization (u8 activations, i8 weights by channel);\n"
        "  LiteRT the same codes, less 128.\n"
        "- bf16 rows: products of inputs and weights rounded to bf16, sums in f32; bitline stays in f32 where Winograd transforms are faster.\n"
        "- Held to AVX2: bitline by BITLINE_ISA=avx2, OpenVINO by ONEDNN_MAX_CPU_ISA=AVX2, onnxruntime, which has no switch, by a copy of its library\n"
        "  that reads \"no AVX-512\" where it asks the processor (benchmarks/held.py).\n"
        "- vgg-small-xnor: all convolutions but the first on signs with weights of +-1; the first convolution and the dense layer in f32. Beside it stands\n"
        "  onnxruntime on vgg-small, the float network of the same shape. `bitline f64 sums`, the default for networks with binary layers, sums the two\n"
        "  float layers in f64 and in order, for the same bytes on every machine.\n"
        "- Larq's compute engine runs the same network of signs, with XNNPACK and its indirect kernels, the fastest of its settings.\n"
        f"- Not run: {'; '.join([*dict.fromkeys(a.not_run), 'MNN (not tried)'])}.\n"
        "- \"Best peer\" is the best of the other engines in the row.\n\n"
        "| model | milliseconds | best peer / bitline |\n|---|---|---|\n" + "\n".join(lines) + "\n\n"
        "Megabytes, one sample, one thread. What onnxruntime adds is counted from the process as it stands before it reads the model.\n\n"
        "| model | file | bitline's planned values | bitline's process, at most | onnxruntime adds, at most |\n|---|---|---|---|---|\n"
        + "\n".join(memory) + "\n\n"
        "From the command to the end of the process, one sample, one thread: median of 30 processes, in turn (least-most). `static` is linked as\n"
        "`make install` does it, and is measured where it has been built.\n\n"
        "| process | milliseconds | of which the run, when warm | megabytes at most |\n|---|---|---|---|\n" + "\n".join(starts) + "\n")


if __name__ == "__main__":
    main()
