#!/usr/bin/env python3
"""Checks networks as onnxruntime's quantizer writes them, in operators on codes (QLinearConv, and QLinearAdd and the like of its own domain): bitline must
give onnxruntime's answers: the same codes, but for one in a hundred that may be a neighbour where a sigmoid or an exponential rounds otherwise.

usage: qoperator_check.py BITLINE

Ends with 'N passed, N failed, N skipped'.
"""
import collections
import logging
import pathlib
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from checking import bitline, check, finish

RANDOM = np.random.default_rng(5)
logging.disable(logging.WARNING)
onnxruntime.set_default_logger_severity(3)


def network():
    """A network of every operator that the quantizer has a form on codes for."""
    nodes, constants = [], {}

    def constant(*shape):
        name = f"c{len(constants)}"
        constants[name] = (RANDOM.standard_normal(shape) * 0.2).astype(np.float32)
        return name

    def add(operator, *operands, output=None, **attributes):
        output = output or f"v{len(nodes)}"
        nodes.append(helper.make_node(operator, list(operands), [output], name=f"n{len(nodes)}", **attributes))
        return output

    first = add("Relu", add("Conv", "x", constant(8, 3, 3, 3), constant(8), pads=[1, 1, 1, 1]))
    second = add("Conv", first, constant(8, 8, 3, 3), constant(8), pads=[1, 1, 1, 1])
    total = add("Add", first, second)
    gated = add("Mul", total, add("Sigmoid", total))
    both = add("Concat", gated, add("LeakyRelu", second, alpha=0.1), axis=1)
    pooled = add("GlobalAveragePool", add("AveragePool", both, kernel_shape=[2, 2], strides=[2, 2]))
    add("Softmax", add("Gemm", add("Flatten", pooled), constant(10, 16), constant(10), transB=1), output="y")
    info = [helper.make_tensor_value_info("x", 1, ["N", 3, 8, 8])], [helper.make_tensor_value_info("y", 1, None)]
    graph = helper.make_graph(nodes, "net", *info, [numpy_helper.from_array(v, k) for k, v in constants.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


class Samples(CalibrationDataReader):
    def __init__(self):
        self.left = 8

    def get_next(self):
        self.left -= 1
        return {"x": RANDOM.standard_normal((4, 3, 8, 8)).astype(np.float32)} if self.left >= 0 else None


def main(folder):
    onnx.save(network(), folder / "float.onnx")
    images = RANDOM.standard_normal((64, 3, 8, 8)).astype(np.float32)
    np.save(folder / "x.npy", images)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    for weights in (QuantType.QInt8, QuantType.QUInt8):
        for per_channel in (False, True):
            model = folder / "codes.onnx"
            quantize_static(
                folder / "float.onnx", model, Samples(), quant_format=QuantFormat.QOperator, activation_type=QuantType.QUInt8, weight_type=weights,
                per_channel=per_channel)
            expected = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"]).run(None, {"x": images})[0]
            bitline("run", model, "--backend", "cpu", "--input", folder / "x.npy", "--output-dir", folder)
            name = f"{weights.name} weights, one scale {'a channel' if per_channel else 'for all'}"
            # Softmax has codes of 1/256.
            steps = np.abs(np.load(folder / "y.npy") - expected) * 256
            check(f"{name}: the same codes", steps.max() < 1.01 and (steps > 0).mean() <= 0.01, f"({(steps > 0).sum()} of {steps.size} differ)")
            kinds = collections.Counter(node.op_type for node in onnx.load(model).graph.node if node.domain == "com.microsoft")
            check(f"{name}: operators of the runtime's domain are there", len(kinds) >= 7, f"({', '.join(sorted(kinds))})")


with tempfile.TemporaryDirectory() as folder:
    main(pathlib.Path(folder))
finish()
