#!/usr/bin/env python3
"""Checks networks of binary weights and binary activations from outside: lowered for the chip they must give onnxruntime's answers to the bit.

usage: xnor_check.py BITLINE

Signs are written as exporters write them: Sign, Sign(Sign(x) + 0.1) as Larq's ste_sign, Where(x >= 0, 1, -1). Convolutions pad with 0, which is a third
value beside -1 and +1. The same network in the QONNX dialect, which onnxruntime does not read, must give the answers of the one with Where.
Ends with 'N passed, N failed, N skipped'.
"""
import pathlib
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from checking import bitline, check, finish

DIALECT = "qonnx.custom_op.general"


class Network:
    """Two convolutions, pooling and a dense layer, all of signs and on signs."""

    def __init__(self, signs):
        self.nodes, self.constants, self.random, self.signs = [], {}, np.random.default_rng(7), signs
        self.channels = [3, 16, 32]
        x = "x"
        for place in range(2):
            taps = (self.channels[place + 1], self.channels[place], 3, 3)
            x = self.add("Conv", self.activation(x), self.weights(taps), pads=[1, 1, 1, 1])
            if place == 1:
                x = self.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
            x = self.normalized(x, self.channels[place + 1])
        self.add("MatMul", self.add("Flatten", self.activation(x)), self.weights((32 * 16, 10)), output="y")

    def add(self, operator, *operands, output=None, domain="", **attributes):
        output = output or f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(operands), [output], domain=domain, **attributes))
        return output

    def constant(self, values):
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(values, np.float32)
        return name

    def activation(self, x):
        if self.signs == "QONNX":
            return self.add("BipolarQuant", x, self.constant(1), domain=DIALECT)
        if self.signs == "Where":
            return self.add("Where", self.add("GreaterOrEqual", x, self.constant(0)), self.constant(1), self.constant(-1))
        sign = self.add("Sign", x)
        return sign if self.signs == "Sign" else self.add("Sign", self.add("Add", sign, self.constant(0.1)))

    def weights(self, shape):
        values = self.random.standard_normal(shape)
        if self.signs == "QONNX":
            return self.add("BipolarQuant", self.constant(values), self.constant(1), domain=DIALECT)
        return self.constant(np.where(values >= 0, 1, -1))

    def normalized(self, x, count):
        flips = np.where(self.random.random(count) < 0.2, -1, 1)
        numbers = [self.random.uniform(0.5, 1.5, count) * flips, self.random.standard_normal(count), self.random.standard_normal(count),
                   self.random.uniform(0.5, 2, count)]
        return self.add("BatchNormalization", x, *map(self.constant, numbers))

    def save(self, path):
        info = [helper.make_tensor_value_info("x", 1, ["N", 3, 8, 8])], [helper.make_tensor_value_info("y", 1, None)]
        graph = helper.make_graph(self.nodes, "xnor", *info, [numpy_helper.from_array(v, k) for k, v in self.constants.items()])
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8), path)


def main(folder):
    images = np.random.default_rng(3).standard_normal((32, 3, 8, 8)).astype(np.float32)
    np.save(folder / "x.npy", images)
    answers = {}
    for signs in ("Sign", "Larq", "Where", "QONNX"):
        model, program = folder / f"{signs}.onnx", folder / f"{signs}.bitline"
        Network(signs).save(model)
        if signs != "QONNX":
            answers[signs] = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, {"x": images})[0]
        expected = answers["Where" if signs == "QONNX" else signs]
        bitline("compile", model, "--backend", "imc", "--readout", "exact", "-o", program)
        layers = bitline("inspect", program).count("binary_")
        check(f"{signs}: three binary layers", layers == 3)
        for backend in ("imc", "cpu", "baseline"):
            bitline("run", program, "--backend", backend, "--input", folder / "x.npy", "--output-dir", folder / "out")
            check(f"{signs}: {backend} gives the same bytes", np.load(folder / "out" / "y.npy").tobytes() == expected.tobytes())


with tempfile.TemporaryDirectory() as folder:
    main(pathlib.Path(folder))
finish()
