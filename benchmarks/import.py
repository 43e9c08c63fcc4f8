#!/usr/bin/env python3
"""How fast models are imported: `bitline inspect` of a VGG-19 with random weights (575 MB) beside onnxruntime's session creation without
optimizations, and `bitline compile` of a ResNet-50 with random weights.

usage: import.py BITLINE [FOLDER for the models, kept]

Needs numpy, onnx and onnxruntime. Prints the best of five, and the peak of resident memory of a fresh process.
"""
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

REPEATS = 5
random = np.random.default_rng(1)


class Sketch:
    """A model with random weights, layer by layer."""

    def __init__(self):
        self.nodes, self.weights, self.count = [], [], 0

    def weight(self, *shape):
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(random.standard_normal(shape, dtype=np.float32) * np.float32(0.02), name))
        return name

    def node(self, op, inputs, **attributes):
        self.count += 1
        self.nodes.append(helper.make_node(op, inputs, [f"v{self.count}"], name=f"{op}_{self.count}", **attributes))
        return f"v{self.count}"

    def conv(self, x, before, after, kernel, stride=1, relu=True, norm=False):
        pad = kernel // 2
        inputs = [x, self.weight(after, before, kernel, kernel)] + ([] if norm else [self.weight(after)])
        x = self.node("Conv", inputs, kernel_shape=[kernel] * 2, pads=[pad] * 4, strides=[stride] * 2)
        if norm:
            variance = numpy_helper.from_array(np.ones(after, np.float32), f"w{len(self.weights)}")
            x = self.node("BatchNormalization", [x, self.weight(after), self.weight(after), self.weight(after), self.add(variance)])
        return self.node("Relu", [x]) if relu else x

    def add(self, tensor):
        tensor.name = f"w{len(self.weights)}"
        self.weights.append(tensor)
        return tensor.name

    def save(self, path, x):
        self.nodes[-1].output[0] = "scores"
        graph = helper.make_graph(
            self.nodes, path.stem, [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 224, 224])],
            [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 1000])], self.weights)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def vgg19(path):
    net, x, channels = Sketch(), "image", 3
    for width, layers in ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4)):
        for _ in range(layers):
            x, channels = net.conv(x, channels, width, 3), width
        x = net.node("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2])
    x = net.node("Flatten", [x])
    for inputs, outputs in ((25088, 4096), (4096, 4096), (4096, 1000)):
        x = net.node("Gemm", [x, net.weight(outputs, inputs), net.weight(outputs)], transB=1)
        if outputs != 1000:
            x = net.node("Relu", [x])
    net.save(path, x)


def resnet50(path):
    net = Sketch()
    x = net.conv("image", 3, 64, 7, stride=2, norm=True)
    x, channels = net.node("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4), 64
    for stage, (width, blocks) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3))):
        for block in range(blocks):
            stride = 2 if block == 0 and stage > 0 else 1
            side = net.conv(x, channels, 4 * width, 1, stride, relu=False, norm=True) if block == 0 else x
            y = net.conv(net.conv(x, channels, width, 1, norm=True), width, width, 3, stride, norm=True)
            x = net.node("Relu", [net.node("Add", [net.conv(y, width, 4 * width, 1, relu=False, norm=True), side])])
            channels = 4 * width
    x = net.node("Flatten", [net.node("GlobalAveragePool", [x])])
    net.save(path, net.node("Gemm", [x, net.weight(1000, 2048), net.weight(1000)], transB=1))


def measured(arguments):
    """Seconds of the best run, and the peak memory of one, in MB. A small parent starts the program, since a child's peak counts its parent's."""
    script = (
        "import os, sys, time\n"
        "begin = time.perf_counter()\n"
        "pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, '/dev/null', 1, 0)])\n"
        "_, status, usage = os.wait4(pid, 0)\n"
        "print(time.perf_counter() - begin, usage.ru_maxrss / 1024, status)\n")
    runs = []
    for _ in range(REPEATS):
        done = subprocess.run([sys.executable, "-c", script, *map(str, arguments)], capture_output=True, text=True, check=True)
        seconds, peak, status = done.stdout.split()
        if status != "0":
            raise RuntimeError(f"{arguments}: {done.stderr}")
        runs.append((float(seconds), float(peak)))
    return min(r[0] for r in runs), max(r[1] for r in runs)


SESSION = (
    "import sys, time, onnxruntime as o\n"
    "s = o.SessionOptions(); s.graph_optimization_level = o.GraphOptimizationLevel.ORT_DISABLE_ALL\n"
    "t = time.perf_counter(); o.InferenceSession(sys.argv[1], s, providers=['CPUExecutionProvider'])\n"
    "e = time.perf_counter() - t\n"
    "print(e, [int(l.split()[1]) / 1024 for l in open('/proc/self/status') if l.startswith('VmHWM')][0])\n")


def session(model):
    """Seconds that onnxruntime takes to make a session (its import not counted), and the process's peak memory in MB."""
    runs = []
    for _ in range(REPEATS):
        done = subprocess.run([sys.executable, "-c", SESSION, str(model)], capture_output=True, text=True, check=True)
        runs.append(tuple(map(float, done.stdout.split())))
    return min(r[0] for r in runs), max(r[1] for r in runs)


def main():
    bitline = sys.argv[1]
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else scratch)
        for name, make in (("vgg19", vgg19), ("resnet50", resnet50)):
            path = folder / f"{name}.onnx"
            if not path.exists():
                make(path)
            size = path.stat().st_size / 1e6
            print(f"{name}, {size:.0f} MB")
            rows = [("bitline inspect", *measured([bitline, "inspect", path])), ("onnxruntime session, no optimizations", *session(path))]
            rows.append(("bitline inspect --stage canonical", *measured([bitline, "inspect", path, "--stage", "canonical"])))
            rows.append(("bitline compile --backend cpu --stage canonical", *measured([bitline, "compile", path, "--backend", "cpu", "--stage", "canonical"])))
            for title, seconds, peak in rows:
                print(f"  {title:50} {seconds:7.3f} s   peak {peak:6.0f} MB, {peak * 1.048576 / size:4.2f} x the file")


main()
