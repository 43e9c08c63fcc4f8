"""The models that are measured, made with fixed seeds: weights are random, shapes are the published ones."""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Builder:
    """Adds nodes to a chain; every weight comes from one seeded generator."""

    def __init__(self, seed=7):
        self.random = np.random.default_rng(seed)
        self.nodes, self.constants, self.count = [], [], 0

    def constant(self, array, name):
        self.constants.append(numpy_helper.from_array(np.asarray(array, np.float32), name))
        return name

    def node(self, op, inputs, **attributes):
        name = f"v{self.count}"
        self.count += 1
        self.nodes.append(helper.make_node(op, inputs, [name], name=f"{op.lower()}{self.count}", **attributes))
        return name

    def conv(self, x, channels, filters, kernel, stride=1, pad=None, groups=1):
        pad = kernel // 2 if pad is None else pad
        fan = channels // groups * kernel * kernel
        w = self.constant(self.random.normal(size=(filters, channels // groups, kernel, kernel)) * np.sqrt(2 / fan), f"w{self.count}")
        b = self.constant(self.random.normal(size=filters) * 0.1, f"b{self.count}")
        return self.node("Conv", [x, w, b], kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4, group=groups)

    def relu(self, x):
        return self.node("Relu", [x])

    def clip(self, x, high):
        low_name, high_name = f"low{self.count}", f"high{self.count}"
        return self.node("Clip", [x, self.constant(0.0, low_name), self.constant(high, high_name)])

    def max_pool(self, x, kernel=2, stride=2, pad=0):
        return self.node("MaxPool", [x], kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4)

    def dense(self, x, inputs, outputs):
        w = self.constant(self.random.normal(size=(outputs, inputs)) / np.sqrt(inputs), f"w{self.count}")
        b = self.constant(self.random.normal(size=outputs) * 0.1, f"b{self.count}")
        return self.node("Gemm", [x, w, b], transB=1)


def lenet(b):
    x = b.max_pool(b.relu(b.conv("x", 1, 6, 5, pad=0)))
    x = b.max_pool(b.relu(b.conv(x, 6, 16, 5, pad=0)))
    x = b.relu(b.dense(b.node("Flatten", [x]), 256, 120))
    return b.dense(b.relu(b.dense(x, 120, 84)), 84, 10)


def vgg_small(b, activation=None):
    activation = activation or b.relu
    x, channels = "x", 3
    for filters in (128, 256, 512):
        x = activation(b.conv(x, channels, filters, 3))
        x = b.max_pool(activation(b.conv(x, filters, filters, 3)))
        channels = filters
    return b.dense(b.node("Flatten", [x]), 8192, 10)


def vgg_small_clipped(b):
    """Activations end at 4, as quantizing needs a range."""
    return vgg_small(b, lambda x: b.clip(x, 4.0))


def sign(b, x):
    """-1 or +1, as Larq's `ste_sign` is exported."""
    return b.node("Sign", [b.node("Add", [b.node("Sign", [x]), b.constant(0.1, f"tenth{b.count}")])])


def binary_conv(b, x, channels, filters):
    w = b.constant(b.random.choice([-1.0, 1.0], size=(filters, channels, 3, 3)), f"w{b.count}")
    return b.node("Conv", [x, w], kernel_shape=[3, 3], strides=[1, 1], pads=[1] * 4)


def batch_norm(b, x, channels, fan):
    """Statistics of sums of `fan` signs; every fifth scale, about, is negative."""
    r = b.random
    scale = r.uniform(0.5, 1.5, channels) * r.choice([1, 1, 1, 1, -1], channels)
    parts = [scale, r.normal(size=channels) * 0.3, r.normal(size=channels) * np.sqrt(fan) * 0.3, fan * r.uniform(0.5, 2, channels)]
    return b.node("BatchNormalization", [x, *(b.constant(part, f"n{b.count}_{i}") for i, part in enumerate(parts))])


def vgg_small_xnor(b):
    """All convolutions but the first on signs with weights of +-1; the first convolution and the dense layer at the end in floating point, as in
    XNOR-Net."""
    x = batch_norm(b, b.conv("x", 3, 128, 3), 128, 1)
    channels = 128
    for filters, pools in ((128, True), (256, False), (256, True), (512, False), (512, True)):
        x = binary_conv(b, sign(b, x), channels, filters)
        x = batch_norm(b, b.max_pool(x) if pools else x, filters, channels * 9)
        channels = filters
    return b.dense(b.node("Flatten", [b.relu(x)]), 8192, 10)


def resnet18(b):
    x, channels = b.max_pool(b.relu(b.conv("x", 3, 64, 7, 2)), 3, 2, 1), 64
    for filters in (64, 128, 256, 512):
        for block in range(2):
            stride = 2 if filters > 64 and block == 0 else 1
            y = b.conv(b.relu(b.conv(x, channels, filters, 3, stride)), filters, filters, 3)
            side = b.conv(x, channels, filters, 1, stride) if stride == 2 else x
            x, channels = b.relu(b.node("Add", [y, side])), filters
    x = b.node("Flatten", [b.node("GlobalAveragePool", [x])])
    return b.dense(x, 512, 1000)


def mobilenet_v2(b):
    x, channels = b.clip(b.conv("x", 3, 32, 3, 2), 6.0), 32
    for expand, filters, repeats, first in (
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)
    ):
        for block in range(repeats):
            stride, hidden = first if block == 0 else 1, channels * expand
            y = b.clip(b.conv(x, channels, hidden, 1), 6.0) if expand > 1 else x
            y = b.clip(b.conv(y, hidden, hidden, 3, stride, groups=hidden), 6.0)
            y = b.conv(y, hidden, filters, 1)
            x = b.node("Add", [x, y]) if stride == 1 and channels == filters else y
            channels = filters
    x = b.clip(b.conv(x, 320, 1280, 1), 6.0)
    return b.dense(b.node("Flatten", [b.node("GlobalAveragePool", [x])]), 1280, 1000)


MODELS = {
    "lenet5": (lenet, (1, 28, 28), 10),
    "vgg-small": (vgg_small, (3, 32, 32), 10),
    "vgg-small-clip": (vgg_small_clipped, (3, 32, 32), 10),
    "vgg-small-xnor": (vgg_small_xnor, (3, 32, 32), 10),
    "resnet18": (resnet18, (3, 224, 224), 1000),
    "mobilenet-v2": (mobilenet_v2, (3, 224, 224), 1000),
}


def save(name, path):
    """Writes a model with a free batch dimension."""
    make, shape, classes = MODELS[name]
    b = Builder()
    result = make(b)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", *shape])
    y = helper.make_tensor_value_info(result, TensorProto.FLOAT, ["N", classes])
    model = helper.make_model(helper.make_graph(b.nodes, name, [x], [y], b.constants), opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    onnx.save(model, path)
