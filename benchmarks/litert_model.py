"""Writes a network of layers.py as LiteRT reads it (.tflite), in f32 or with the codes of a QDQ file; values are N x H x W x C."""
import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

import layers

TYPES = {np.dtype(np.float32): schema.TensorType.FLOAT32, np.dtype(np.int8): schema.TensorType.INT8,
         np.dtype(np.int32): schema.TensorType.INT32}
# The version of each operator that has the types used here.
VERSIONS = {"CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 4, "MAX_POOL_2D": 2, "ADD": 2, "MEAN": 2, "PAD": 2, "QUANTIZE": 1,
            "DEQUANTIZE": 2, "RESHAPE": 1}


class Writer:
    def __init__(self, network, batch):
        self.network, self.batch = network, batch
        self.int8 = bool(network.steps)
        self.model = schema.ModelT()
        self.model.version, self.model.description = 3, "benchmarks/litert_model.py"
        self.model.buffers, self.model.operatorCodes = [schema.BufferT()], []
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.model.subgraphs = [self.graph]
        self.index, self.codes = {}, {}

    def tensor(self, name, shape, kind, scales=None, zero=0, axis=0, data=None):
        made = schema.TensorT()
        made.name, made.shape, made.type, made.buffer = name, list(shape), TYPES[np.dtype(kind)], 0
        if scales is not None:
            made.quantization = schema.QuantizationParametersT()
            made.quantization.scale = np.atleast_1d(np.asarray(scales, np.float32))
            made.quantization.zeroPoint = np.full(len(made.quantization.scale), zero, np.int64)
            made.quantization.quantizedDimension = axis
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            made.buffer = len(self.model.buffers)
            self.model.buffers.append(buffer)
        self.graph.tensors.append(made)
        return len(self.graph.tensors) - 1

    def constant(self, name, data, scales=None, axis=0):
        return self.tensor(name, data.shape, data.dtype, scales, 0, axis, data)

    def value(self, name, shape=None, steps=None):
        """The tensor of a value of the network; one of 8 bits counts from -128 where ONNX counts from 0."""
        if name not in self.index:
            shape = shape or self.shape(name)
            steps = steps or self.network.steps.get(name)
            self.index[name] = (self.tensor(name, shape, np.int8, steps[0], steps[1] - 128) if self.int8 else
                                self.tensor(name, shape, np.float32))
        return self.index[name]

    def shape(self, name):
        shape = self.network.shapes[name]
        return [self.batch, *(shape[1:] + shape[:1] if len(shape) == 3 else shape)]

    def operator(self, kind, inputs, output, options=None, **fields):
        made = schema.OperatorT()
        if kind not in self.codes:
            code = schema.OperatorCodeT()
            code.builtinCode = getattr(schema.BuiltinOperator, kind)
            code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), VERSIONS[kind]
            self.codes[kind] = len(self.model.operatorCodes)
            self.model.operatorCodes.append(code)
        made.opcodeIndex, made.inputs, made.outputs = self.codes[kind], inputs, [output]
        if options:
            made.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            made.builtinOptions = getattr(schema, options + "T")()
            for name, value in fields.items():
                setattr(made.builtinOptions, name, value)
        self.graph.operators.append(made)

    def activation(self, layer):
        for low, high, name in ((-np.inf, np.inf, "NONE"), (0, np.inf, "RELU"), (0, 6, "RELU6")):
            if (layer.low, layer.high) == (low, high):
                return getattr(schema.ActivationFunctionType, name)
        raise ValueError(f"{layer.output}: no activation from {layer.low} to {layer.high}")

    def padded(self, layer):
        """The input of a window and how it is padded: LiteRT knows none, or as much as keeps the size; else zeros are put around it."""
        name = layer.inputs[0]
        if layer.pad == 0:
            return self.value(name), schema.Padding.VALID
        if layer.stride == 1 and layer.kernel == 2 * layer.pad + 1:
            return self.value(name), schema.Padding.SAME
        if layer.op == "max-pool" and not self.is_positive(name):
            raise ValueError(f"{layer.output}: zeros are no padding for values below zero")
        around = np.array([[0, 0], [layer.pad] * 2, [layer.pad] * 2, [0, 0]], np.int32)
        wide = [size + int(more.sum()) for size, more in zip(self.shape(name), around)]
        inner = self.value(name)
        outer = self.value(f"{layer.output}_padded", wide, self.network.steps.get(name))
        self.operator("PAD", [inner, self.constant(f"{layer.output}_pads", around)], outer, "PadOptions")
        return outer, schema.Padding.VALID

    def is_positive(self, name):
        if self.int8:
            return self.network.steps[name][1] == 0  # codes that begin at zero
        return any(layer.output == name and layer.low >= 0 for layer in self.network.layers)

    def weighted(self, layer, kind, weights, axis, options, **fields):
        weights_index = self.constant(f"{layer.output}_weights", weights, layer.scales, axis)
        bias_scales = None if layer.scales is None else np.float32(self.network.steps[layer.inputs[0]][0]) * layer.scales
        bias = self.constant(f"{layer.output}_bias", layer.bias, bias_scales)
        inputs = [self.value(layer.inputs[0]) if kind == "FULLY_CONNECTED" else None, weights_index, bias]
        if kind != "FULLY_CONNECTED":
            inputs[0], fields["padding"] = self.padded(layer)
            fields.update(strideW=layer.stride, strideH=layer.stride, dilationWFactor=1, dilationHFactor=1)
        self.operator(kind, inputs, self.value(layer.output), options, fusedActivationFunction=self.activation(layer), **fields)

    def add(self, layer, flattened):
        def output():
            return self.value(layer.output)

        if layer.op == "conv" and layer.groups == 1:
            self.weighted(layer, "CONV_2D", layer.weights.transpose(0, 2, 3, 1), 0, "Conv2DOptions")
        elif layer.op == "conv":
            if layer.weights.shape[1] != 1 or layer.groups != layer.weights.shape[0]:
                raise ValueError(f"{layer.output}: groups of several channels")
            self.weighted(layer, "DEPTHWISE_CONV_2D", layer.weights.transpose(1, 2, 3, 0), 3, "DepthwiseConv2DOptions", depthMultiplier=1)
        elif layer.op == "dense":
            weights = layer.weights
            if layer.inputs[0] in flattened:  # from C x H x W to H x W x C
                weights = weights.reshape(-1, *flattened[layer.inputs[0]]).transpose(0, 2, 3, 1).reshape(weights.shape)
            self.weighted(layer, "FULLY_CONNECTED", weights, 0, "FullyConnectedOptions")
        elif layer.op == "max-pool":
            inner, padding = self.padded(layer)
            self.operator("MAX_POOL_2D", [inner], output(), "Pool2DOptions", padding=padding, strideW=layer.stride, strideH=layer.stride,
                          filterWidth=layer.kernel, filterHeight=layer.kernel)
        elif layer.op == "mean":
            axes = self.constant(f"{layer.output}_axes", np.array([1, 2], np.int32))
            self.operator("MEAN", [self.value(layer.inputs[0]), axes], output(), "ReducerOptions", keepDims=True)
        elif layer.op == "flatten":
            shape = np.array(self.shape(layer.output), np.int32)
            self.operator("RESHAPE", [self.value(layer.inputs[0]), self.constant(f"{layer.output}_shape", shape)], output(),
                          "ReshapeOptions", newShape=list(shape))
            flattened[layer.output] = self.network.shapes[layer.inputs[0]]
        else:
            self.operator("ADD", [self.value(name) for name in layer.inputs], output(), "AddOptions",
                          fusedActivationFunction=self.activation(layer))

    def bytes(self):
        network = self.network
        first, last = network.input, network.output
        if self.int8:
            floats = [self.tensor(f"{name}_f32", self.shape(name), np.float32) for name in (first, last)]
            self.operator("QUANTIZE", [floats[0]], self.value(first), "QuantizeOptions")
        flattened = {}
        for layer in network.layers:
            self.add(layer, flattened)
        if self.int8:
            self.operator("DEQUANTIZE", [self.value(last)], floats[1], "DequantizeOptions")
        else:
            floats = [self.value(first), self.value(last)]
        self.graph.inputs, self.graph.outputs = [floats[0]], [floats[1]]
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def write(model, batch):
    return Writer(layers.read(model), batch).bytes()
