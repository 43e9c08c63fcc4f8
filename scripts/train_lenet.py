#!/usr/bin/env python3
"""Trains LeNet-5 on MNIST with numpy alone and writes it as ONNX.

    scripts/python-env.sh .venv numpy onnx
    .venv/bin/python scripts/train_lenet.py --data FOLDER --weights binary --batch-norm --out models/

FOLDER holds the four IDX files of MNIST, gzipped or not. Float networks use ReLU; binary ones have +-alpha weights (alpha = mean |w| of each
filter, straight-through gradient), activations clipped to [0, 1] and, while training, rounded to 6 bits. A binary network is written twice:
with its activations left unrounded (NAME.onnx) and with QuantizeLinear / DequantizeLinear pairs (NAME-qdq6.onnx).
The same arguments and the same numpy give the same network.
"""

import argparse
import gzip
import pathlib
import time

import numpy as np

LEVELS = 63  # steps between 0 and 1 in a 6-bit activation


# ---------------------------------------------------------------------------------------------------------------- data


def read_idx(folder, stem):
    """The bytes of an IDX file as an array of the shape its header says."""
    for path in (folder / stem, folder / f"{stem}.gz"):
        if path.exists():
            data = (gzip.open if path.suffix == ".gz" else open)(path, "rb").read()
            rank = data[3]
            shape = np.frombuffer(data, ">u4", rank, 4)
            return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)
    raise SystemExit(f"{folder}: no file {stem} or {stem}.gz")


def mnist(folder, prefix):
    images = read_idx(folder, f"{prefix}-images-idx3-ubyte")
    return images[:, None].astype(np.float32) / np.float32(255), read_idx(folder, f"{prefix}-labels-idx1-ubyte").astype(np.int64)


# -------------------------------------------------------------------------------------------------------------- layers


class Parameter:
    """An array that is trained, its gradient, and what Adam remembers of it."""

    def __init__(self, value):
        self.value = value.astype(np.float32)
        self.gradient = np.zeros_like(self.value)
        self.mean = np.zeros_like(self.value)
        self.square = np.zeros_like(self.value)
        self.bound = None  # latent weights of binary layers stay within [-bound, bound]

    def step(self, rate, time, beta1=0.9, beta2=0.999):
        self.mean += (1 - beta1) * (self.gradient - self.mean)
        self.square += (1 - beta2) * (self.gradient**2 - self.square)
        self.value -= rate * (self.mean / (1 - beta1**time)) / (np.sqrt(self.square / (1 - beta2**time)) + 1e-8)
        if self.bound:
            np.clip(self.value, -self.bound, self.bound, out=self.value)


class Linear:
    """Rows times weights: the common part of Conv and Dense. Weights are [filters, inputs]."""

    def __init__(self, random, filters, inputs, binary):
        self.binary = binary
        self.weight = Parameter(random.normal(0, np.sqrt(2 / inputs), (filters, inputs)))
        self.bias = Parameter(np.zeros(filters))
        self.weight.bound = 1.0 if binary else None
        self.parameters = [self.weight, self.bias]

    def weights(self):
        """The weights as the network uses them: float, or +-alpha with one alpha a filter."""
        latent = self.weight.value
        if not self.binary:
            return latent
        return np.where(latent >= 0, 1, -1).astype(np.float32) * np.abs(latent).mean(1, keepdims=True)

    def rows_forward(self, rows):
        self.rows = rows
        return rows @ self.weights().T + self.bias.value

    def rows_backward(self, gradient):
        self.weight.gradient = gradient.T @ self.rows  # straight through the sign
        self.bias.gradient = gradient.sum(0)
        return gradient @ self.weights()


class Conv(Linear):
    """A 5 x 5 convolution without padding, as one matrix product (im2col)."""

    def __init__(self, random, filters, channels, binary, is_first=False):
        super().__init__(random, filters, channels * 25, binary)
        self.is_first = is_first

    def forward(self, x, training):
        n, c, h, w = self.shape = x.shape
        windows = np.lib.stride_tricks.sliding_window_view(x, (5, 5), (2, 3))
        out = self.rows_forward(windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, c * 25))
        return out.reshape(n, h - 4, w - 4, -1).transpose(0, 3, 1, 2)

    def backward(self, gradient):
        n, c, h, w = self.shape
        rows = self.rows_backward(gradient.transpose(0, 2, 3, 1).reshape(-1, gradient.shape[1]))
        if self.is_first:
            return None
        rows = rows.reshape(n, h - 4, w - 4, c, 5, 5)
        out = np.zeros(self.shape, np.float32)
        for y in range(5):
            for x in range(5):
                out[:, :, y : y + h - 4, x : x + w - 4] += rows[..., y, x].transpose(0, 3, 1, 2)
        return out


class Dense(Linear):
    def forward(self, x, training):
        self.shape = x.shape
        return self.rows_forward(x.reshape(len(x), -1))

    def backward(self, gradient):
        return self.rows_backward(gradient).reshape(self.shape)


class BatchNorm:
    epsilon = 1e-5

    def __init__(self, channels):
        self.scale, self.shift = Parameter(np.ones(channels)), Parameter(np.zeros(channels))
        self.mean, self.variance = np.zeros(channels, np.float32), np.ones(channels, np.float32)
        self.parameters = [self.scale, self.shift]

    def forward(self, x, training):
        self.axes, self.view = ((0, 2, 3), (1, -1, 1, 1)) if x.ndim == 4 else ((0,), (1, -1))
        mean, variance = self.mean, self.variance
        if training:
            mean, variance = x.mean(self.axes), x.var(self.axes)
            self.mean += 0.1 * (mean - self.mean)
            self.variance += 0.1 * (variance - self.variance)
        self.factor = (1 / np.sqrt(variance + self.epsilon)).reshape(self.view)
        self.normal = (x - mean.reshape(self.view)) * self.factor
        return self.normal * self.scale.value.reshape(self.view) + self.shift.value.reshape(self.view)

    def backward(self, gradient):
        self.scale.gradient = (gradient * self.normal).sum(self.axes)
        self.shift.gradient = gradient.sum(self.axes)
        count = gradient.size // gradient.shape[1]
        centred = gradient - (self.shift.gradient.reshape(self.view) + self.normal * self.scale.gradient.reshape(self.view)) / count
        return centred * self.factor * self.scale.value.reshape(self.view)


class Activation:
    """ReLU, or for binary networks a clip to [0, 1] rounded to 6 bits, whose gradient ignores the rounding."""

    parameters = []

    def __init__(self, binary):
        self.binary = binary

    def forward(self, x, training):
        self.passes = (x > 0) & (x < 1) if self.binary else x > 0
        return quantized(np.clip(x, 0, 1)) if self.binary else np.maximum(x, 0)

    def backward(self, gradient):
        return gradient * self.passes


class MaxPool:
    """2 x 2 with stride 2; of equal pixels the first takes the gradient."""

    parameters = []

    def forward(self, x, training):
        n, c, h, w = self.shape = x.shape
        blocks = x.reshape(n, c, h // 2, 2, w // 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(n, c, h // 2, w // 2, 4)
        self.winner = blocks.argmax(-1)[..., None]
        return np.take_along_axis(blocks, self.winner, -1)[..., 0]

    def backward(self, gradient):
        n, c, h, w = self.shape
        blocks = np.zeros((*gradient.shape, 4), np.float32)
        np.put_along_axis(blocks, self.winner, gradient[..., None], -1)
        return blocks.reshape(n, c, h // 2, w // 2, 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(self.shape)


def quantized(x):
    """x of [0, 1] to the nearest of 64 levels, ties to even as QuantizeLinear rounds."""
    return np.round(x * np.float32(LEVELS)) * np.float32(1 / LEVELS)


# ------------------------------------------------------------------------------------------------------------- network


def lenet5(random, binary, batch_norm):
    def after(channels):
        return ([BatchNorm(channels)] if batch_norm else []) + [Activation(binary)]

    return [
        *(Conv(random, 6, 1, binary, is_first=True), *after(6), MaxPool()),
        *(Conv(random, 16, 6, binary), *after(16), MaxPool()),
        *(Dense(random, 120, 256, binary), *after(120)),
        *(Dense(random, 84, 120, binary), *after(84)),
        Dense(random, 10, 84, binary),
    ]


def logits(layers, x, binary, training=False):
    if binary:
        x = quantized(x)
    for layer in layers:
        x = layer.forward(x, training)
    return x


def correct(layers, images, labels, binary):
    chunks = range(0, len(images), 1000)
    return sum(int((logits(layers, images[i : i + 1000], binary).argmax(1) == labels[i : i + 1000]).sum()) for i in chunks)


def train(layers, images, labels, test, binary, epochs, rate, random, batch=64):
    parameters = [p for layer in layers for p in layer.parameters]
    steps = epochs * (len(images) // batch)
    step = 0
    for epoch in range(epochs):
        started, losses = time.time(), []
        order = random.permutation(len(images))
        for start in range(0, len(images) - batch + 1, batch):
            pick = order[start : start + batch]
            out = logits(layers, images[pick], binary, training=True)
            out -= out.max(1, keepdims=True)
            chance = np.exp(out) / np.exp(out).sum(1, keepdims=True)
            losses.append(-np.log(chance[np.arange(batch), labels[pick]] + 1e-12).mean())
            gradient = chance
            gradient[np.arange(batch), labels[pick]] -= 1
            gradient /= batch
            for layer in reversed(layers):
                gradient = layer.backward(gradient)
            step += 1
            for parameter in parameters:
                parameter.step(rate * 0.5 * (1 + np.cos(np.pi * step / steps)), step)
        tenth = max(1, len(losses) // 10)
        loss = f"loss {np.mean(losses[:tenth]):.3f} -> {np.mean(losses[-tenth:]):.3f}"
        right = f"{correct(layers, *test, binary)} of {len(test[0])} right"
        print(f"epoch {epoch + 1}/{epochs}: {loss}, {right}, {time.time() - started:.0f} s", flush=True)


# ---------------------------------------------------------------------------------------------------------------- ONNX


def save(layers, path, binary, quantize):
    from onnx import TensorProto, checker, helper, numpy_helper, save_model

    nodes, constants, value = [], {}, "input"

    def constant(name, array):
        constants[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def node(kind, inputs, **attributes):
        nonlocal value
        output = f"{kind.lower()}_{len(nodes) + 1}"
        nodes.append(helper.make_node(kind, [value, *inputs], [output], f"{kind}_{len(nodes) + 1}", **attributes))
        value = output

    def round_to_codes():
        if quantize:
            parameters = [constant("act_scale", np.float32(1 / LEVELS)), constant("act_zero", np.uint8(0))]
            node("QuantizeLinear", parameters)
            node("DequantizeLinear", parameters)

    round_to_codes()
    for index, layer in enumerate(layers):
        prefix = f"layer{index}"
        if isinstance(layer, Conv):
            weights = layer.weights().reshape(len(layer.bias.value), -1, 5, 5)
            node("Conv", [constant(f"{prefix}.weight", weights), constant(f"{prefix}.bias", layer.bias.value)], kernel_shape=[5, 5])
        elif isinstance(layer, Dense):
            if "Flatten" not in [n.op_type for n in nodes]:
                node("Flatten", [], axis=1)
            node("Gemm", [constant(f"{prefix}.weight", layer.weights()), constant(f"{prefix}.bias", layer.bias.value)], transB=1)
        elif isinstance(layer, BatchNorm):
            fields = {"scale": layer.scale.value, "shift": layer.shift.value, "mean": layer.mean, "variance": layer.variance}
            node("BatchNormalization", [constant(f"{prefix}.{k}", v) for k, v in fields.items()], epsilon=layer.epsilon)
        elif isinstance(layer, MaxPool):
            node("MaxPool", [], kernel_shape=[2, 2], strides=[2, 2])
        elif binary:
            node("Clip", [constant("clip_min", np.float32(0)), constant("clip_max", np.float32(1))])
            round_to_codes()
        else:
            node("Relu", [])
    nodes[-1].output[0] = "logits"
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 1, 28, 28])]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 10])]
    graph = helper.make_graph(nodes, path.stem.replace("-", "_"), inputs, outputs, list(constants.values()))
    model = helper.make_model(graph, producer_name="bitline/train_lenet", opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model, full_check=True)
    save_model(model, path)


def check(path, images, labels):
    """What onnxruntime, where it is installed, makes of the written file without its graph optimizations."""
    try:
        import onnxruntime
    except ImportError:
        return "not checked: onnxruntime is not installed"
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    answers = [session.run(None, {"input": images[i : i + 1000]})[0].argmax(1) for i in range(0, len(images), 1000)]
    return f"onnxruntime {onnxruntime.__version__}: {int((np.concatenate(answers) == labels).sum())} of {len(images)} right"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder of the MNIST files")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("."), help="folder that takes the .onnx files")
    parser.add_argument("--weights", choices=["float", "binary"], default="float")
    parser.add_argument("--batch-norm", action="store_true")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--limit", type=int, help="train on the first LIMIT images only")
    parser.add_argument("--rate", type=float, default=1e-3, help="Adam's first step size; falls to 0 by a cosine")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    random = np.random.default_rng(options.seed)
    binary = options.weights == "binary"
    images, labels = (a[: options.limit] for a in mnist(options.data, "train"))
    test = mnist(options.data, "t10k")
    layers = lenet5(random, binary, options.batch_norm)
    train(layers, images, labels, test, binary, options.epochs, options.rate, random)

    stem = f"lenet5-{'bw' if binary else 'float'}{'-bn' if options.batch_norm else ''}"
    options.out.mkdir(parents=True, exist_ok=True)
    for name, quantize in [(stem, False)] + ([(f"{stem}-qdq6", True)] if binary else []):
        path = options.out / f"{name}.onnx"
        save(layers, path, binary, quantize)
        print(f"{path}: {check(path, *test)}")


if __name__ == "__main__":
    main()
