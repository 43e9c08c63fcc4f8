#!/usr/bin/env python3
"""Checks int8 networks in QDQ form layer by layer: from the codes that bitline itself computed for a layer's inputs, the layer's codes must be those that
ONNX's text gives, computed here from the numbers that codes stand for, in f64, with the result rounded to f32 before it is quantized.

Whole networks cannot be held to onnxruntime's codes: it fuses pairs to layers on codes and multiplies with a product of three scales rounded to f32, so that a
quotient near the middle between two codes may fall to either; the next layers turn one such code into many (docs/onnx.md). How many differ is printed.

usage: qdq_check.py BITLINE

Ends with 'N passed, N failed, N skipped'.
"""
import logging
import pathlib
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from checking import bitline, check, finish

RANDOM = np.random.default_rng(7)
IMAGES = RANDOM.standard_normal((2, 3, 20, 20)).astype(np.float32)
logging.disable(logging.WARNING)
onnxruntime.set_default_logger_severity(3)


def network():
    """Convolutions of every kind that runs on codes (few channels, 3 x 3, 1 x 1, strides, depthwise), residual sums, means and a dense layer."""
    nodes, constants = [], {}

    def constant(*shape):
        name = f"c{len(constants)}"
        constants[name] = (RANDOM.standard_normal(shape) / np.sqrt(np.prod(shape[1:]) or 1)).astype(np.float32)
        return name

    def add(operator, *operands, output=None, **attributes):
        output = output or f"v{len(nodes)}"
        nodes.append(helper.make_node(operator, list(operands), [output], name=f"n{len(nodes)}", **attributes))
        return output

    def conv(x, channels, filters, kernel, stride=1, group=1):
        weights = constant(filters, channels // group, kernel, kernel)
        return add("Conv", x, weights, constant(filters), strides=[stride] * 2, pads=[kernel // 2] * 4, group=group)

    x = add("Relu", conv("x", 3, 32, 3, 2))
    for _ in range(3):
        y = add("Relu", conv(x, 32, 64, 1))
        y = add("Relu", conv(y, 64, 64, 3, group=64))
        x = add("Relu", add("Add", conv(y, 64, 32, 1), conv(add("Relu", conv(x, 32, 32, 3)), 32, 32, 3)))
    x = add("GlobalAveragePool", add("Relu", conv(x, 32, 48, 3, 2)))
    add("Gemm", add("Flatten", x), constant(10, 48), constant(10), output="y", transB=1)
    info = [helper.make_tensor_value_info("x", 1, [2, 3, 20, 20])], [helper.make_tensor_value_info("y", 1, None)]
    graph = helper.make_graph(nodes, "net", *info, [numpy_helper.from_array(v, k) for k, v in constants.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


class Samples(CalibrationDataReader):
    left = 4

    def get_next(self):
        self.left -= 1
        return {"x": RANDOM.standard_normal((2, 3, 20, 20)).astype(np.float32)} if self.left >= 0 else None


class Text:
    """Numbers by ONNX's text, from codes."""

    def __init__(self, graph, codes):
        self.codes = codes
        self.constants = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
        self.producers = {name: node for node in graph.node for name in node.output}

    def value(self, name):
        node = self.producers.get(name)
        if node is None:
            return self.constants[name]
        a = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        if node.op_type == "DequantizeLinear":
            q = self.constants.get(node.input[0], self.codes.get(node.input[0])).astype(np.int64)
            scale, zero = (self.constants[i] for i in node.input[1:3])
            if scale.ndim:
                aligned = [-1 if axis == a.get("axis", 1) else 1 for axis in range(q.ndim)]
                scale, zero = scale.reshape(aligned), zero.reshape(aligned)
            return (q - zero.astype(np.int64)).astype(np.float32) * scale
        x, *others = (self.value(i) for i in node.input)
        if node.op_type == "Conv":
            return self.conv(x.astype(np.float64), others[0].astype(np.float64), others[1], a).astype(np.float32)
        if node.op_type == "Gemm":
            return (x.astype(np.float64) @ others[0].astype(np.float64).T + others[1]).astype(np.float32)
        if node.op_type == "GlobalAveragePool":
            return x.astype(np.float64).mean((2, 3), keepdims=True).astype(np.float32)
        return {"Relu": lambda: np.maximum(x, 0), "Add": lambda: x + others[0], "Flatten": lambda: x.reshape(len(x), -1)}[node.op_type]()

    @staticmethod
    def conv(x, weights, bias, a):
        pad, stride, kernel = a["pads"][0], a["strides"][0], weights.shape[2]
        x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        extent = (x.shape[2] - kernel) // stride + 1
        sums = np.zeros((len(x), len(weights), extent, extent)) + bias.astype(np.float64)[:, None, None]
        for ky in range(kernel):
            for kx in range(kernel):
                seen = x[:, :, ky:ky + stride * extent:stride, kx:kx + stride * extent:stride][:, :, :extent, :extent]
                w = weights[:, :, ky, kx]
                sums += seen * w[:, 0, None, None] if a["group"] > 1 else np.einsum("nchw,fc->nfhw", seen, w)
        return sums


def main(folder):
    onnx.save(network(), folder / "float.onnx")
    quantize_static(
        folder / "float.onnx", folder / "codes.onnx", Samples(), quant_format=QuantFormat.QDQ, activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8, per_channel=True)
    model = onnx.load(folder / "codes.onnx")
    optimized = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": IMAGES})[0]
    made = [node.output[0] for node in model.graph.node if node.op_type == "QuantizeLinear"]
    names = {onnxruntime_name: f"q{i}" for i, onnxruntime_name in enumerate(made)}
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = names.get(name, name)
        for place, name in enumerate(node.output):
            node.output[place] = names.get(name, name)
    model.graph.output.extend(helper.make_tensor_value_info(name, onnx.TensorProto.UINT8, None) for name in names.values())
    onnx.save(model, folder / "all.onnx")
    np.save(folder / "x.npy", IMAGES)
    bitline("run", folder / "all.onnx", "--backend", "cpu", "--input", folder / "x.npy", "--output-dir", folder / "out")
    codes = {name: np.load(folder / "out" / f"{name}.npy") for name in names.values()}
    text = Text(model.graph, codes)
    for node in model.graph.node:
        if node.op_type == "QuantizeLinear" and node.input[0] != "x":
            layer = text.producers[node.input[0]]
            scale, zero = (text.constants[i] for i in node.input[1:3])
            expected = np.clip(np.rint(text.value(node.input[0]) / scale) + zero, 0, 255)
            wrong = int((codes[node.output[0]] != expected).sum())
            check(f"{layer.name} ({layer.op_type}): codes by ONNX's text", wrong == 0, f"({wrong} of {expected.size} differ)")
    differ = (np.load(folder / "out" / "y.npy") != optimized).sum()
    print(f"for comparison: {differ} of {optimized.size} of onnxruntime's results, all layers fused, differ")


with tempfile.TemporaryDirectory() as folder:
    main(pathlib.Path(folder))
finish()
