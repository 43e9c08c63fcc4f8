"""The measured models as the other engines' formats tell them: a list of layers with what follows a layer (relu, clip) drawn into it.

Reads what models.py writes and what onnxruntime's static quantization makes of it (QDQ); anything else is refused by name.
"""
import dataclasses

import numpy as np
import onnx
from onnx import numpy_helper


@dataclasses.dataclass
class Layer:
    """`op` is conv, dense, max-pool, add, mean (over an image) or flatten; weights are in ONNX's order, and so is flattening."""

    op: str
    inputs: list
    output: str
    weights: np.ndarray = None
    bias: np.ndarray = None
    scales: np.ndarray = None  # of int8 weights: one for all or one for each output
    kernel: int = 1
    stride: int = 1
    pad: int = 0
    groups: int = 1
    low: float = -np.inf
    high: float = np.inf


@dataclasses.dataclass
class Network:
    layers: list
    input: str
    output: str
    shapes: dict  # of every value, without the batch
    steps: dict  # of every value of an int8 network: scale and zero point of u8


def same(values, what):
    if len(set(values)) != 1:
        raise ValueError(f"{what} differ: {list(values)}")
    return values[0]


def read(path):
    graph = onnx.load(str(path)).graph
    constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    weight_scales, alias, steps, layers = {}, {}, {}, []
    for node in graph.node:  # weights and biases that are codes
        if node.op_type == "DequantizeLinear" and node.input[0] in constants:
            constants[node.output[0]], weight_scales[node.output[0]] = constants[node.input[0]], constants[node.input[1]]
            if np.any(constants[node.input[2]]):
                raise ValueError(f"{node.input[0]} has a zero point")
    used = [name for node in graph.node for name in node.input]
    source = graph.input[0]
    shapes = {source.name: [d.dim_value for d in source.type.tensor_type.shape.dim[1:]]}
    for node in graph.node:
        inputs = [alias.get(name, name) for name in node.input]
        result = node.output[0]
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            if inputs[0] not in constants:
                alias[result] = inputs[0]
                if node.op_type == "QuantizeLinear":
                    steps[inputs[0]] = (float(constants[node.input[1]]), int(constants[node.input[2]]))
            continue
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type in ("Relu", "Clip"):
            layer = layers[-1]
            if layer.output != inputs[0] or used.count(node.input[0]) != 1 or layer.op not in ("conv", "dense", "add"):
                raise ValueError(f"{node.name} does not follow a layer of its own")
            layer.low, layer.high = (0.0, np.inf) if node.op_type == "Relu" else (float(constants[name]) for name in inputs[1:])
            shapes[result] = shapes[layer.output]
            layer.output = result
            continue
        layer = Layer(node.op_type, [name for name in inputs if name not in constants], result)
        shape = shapes[layer.inputs[0]]
        if node.op_type in ("Conv", "MaxPool"):
            layer.kernel, layer.stride = same(attributes["kernel_shape"], "kernels"), same(attributes["strides"], "strides")
            layer.pad, layer.groups = same(attributes["pads"], "pads"), attributes.get("group", 1)
            shape = [shape[0], *((size + 2 * layer.pad - layer.kernel) // layer.stride + 1 for size in shape[1:])]
        if node.op_type in ("Conv", "Gemm"):
            layer.weights, layer.bias, layer.scales = constants[inputs[1]], constants[inputs[2]], weight_scales.get(inputs[1])
            shape = [layer.weights.shape[0], *shape[1:]]
        if node.op_type == "GlobalAveragePool":
            shape = [shape[0], 1, 1]
        if node.op_type == "Flatten":
            shape = [int(np.prod(shape))]
        layer.op = {"Conv": "conv", "Gemm": "dense", "MaxPool": "max-pool", "Add": "add", "GlobalAveragePool": "mean",
                    "Flatten": "flatten"}[node.op_type]
        shapes[result] = shape
        layers.append(layer)
    return Network(layers, source.name, alias.get(graph.output[0].name, graph.output[0].name), shapes, steps)
