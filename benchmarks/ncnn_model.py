"""Writes a network of layers.py as ncnn reads it: a text of layers and a file of weights (f32)."""
import numpy as np

import layers


def activation(layer):
    if layer.low == -np.inf:
        return ""
    return " 9=1" if layer.high == np.inf else f" 9=3 -23310=2,{layer.low:e},{layer.high:e}"


def write(model, text_path, weights_path):
    """Hands back the names of input and output. Relu and clip are part of the layer before, as ncnn's own tools write them."""
    network = layers.read(model)
    uses = {}
    for layer in network.layers:
        for name in layer.inputs:
            uses[name] = uses.get(name, 0) + 1
    copies = {name: [f"{name}_{i}" for i in range(count)] for name, count in uses.items() if count > 1}
    lines, values, weights = [f"Input {network.input} 0 1 {network.input}"], [network.input], []

    def add(kind, name, inputs, outputs, parameters=""):
        lines.append(" ".join([kind, name, str(len(inputs)), str(len(outputs)), *inputs, *outputs]) + parameters)
        values.extend(outputs)

    for layer in network.layers:
        inputs = [copies[name].pop(0) if name in copies else name for name in layer.inputs]
        if layer.op == "conv":
            parameters = (f" 0={layer.weights.shape[0]} 1={layer.kernel} 3={layer.stride} 4={layer.pad} 5=1 6={layer.weights.size}"
                          + (f" 7={layer.groups}" if layer.groups > 1 else "") + activation(layer))
            add("Convolution" if layer.groups == 1 else "ConvolutionDepthWise", layer.output, inputs, [layer.output], parameters)
        elif layer.op == "dense":
            parameters = f" 0={layer.weights.shape[0]} 1=1 2={layer.weights.size}" + activation(layer)
            add("InnerProduct", layer.output, inputs, [layer.output], parameters)
        elif layer.op == "max-pool":
            add("Pooling", layer.output, inputs, [layer.output], f" 0=0 1={layer.kernel} 2={layer.stride} 3={layer.pad} 5=1")
        elif layer.op == "mean":
            add("Pooling", layer.output, inputs, [layer.output], " 0=1 4=1")
        elif layer.op == "flatten":
            add("Flatten", layer.output, inputs, [layer.output])
        elif layer.low == -np.inf:
            add("BinaryOp", layer.output, inputs, [layer.output], " 0=0")
        else:
            add("BinaryOp", layer.output + "_sum", inputs, [layer.output + "_sum"], " 0=0")
            if layer.high != np.inf:
                raise ValueError("a clip behind an addition is not written")
            add("ReLU", layer.output, [layer.output + "_sum"], [layer.output])
        if layer.weights is not None:
            # Weights begin with a word that names their type; 0 is f32.
            weights += [np.zeros(1, np.uint32).tobytes(), layer.weights.astype("<f4").tobytes(), layer.bias.astype("<f4").tobytes()]
        if layer.output in copies:
            add("Split", layer.output + "_split", [layer.output], list(copies[layer.output]))
    text_path.write_text("\n".join(["7767517", f"{len(lines)} {len(values)}", *lines]) + "\n")
    weights_path.write_bytes(b"".join(weights))
    return network.input, network.output
