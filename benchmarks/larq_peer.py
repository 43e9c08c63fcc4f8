"""Larq's compute engine on vgg-small-xnor, with the weights of models.py: takes turns as engines.py does.

usage: larq_peer.py WEIGHTS INPUT OUTPUT THREADS RUNS
WEIGHTS (.npz) are the model's constants in their order. Runs in an interpreter that has tensorflow, larq and larq-compute-engine.
"""
import sys

import larq
import larq_compute_engine
import numpy as np
import tensorflow as tf

import engines


def model(weights):
    layers = tf.keras.layers

    def norm(x):
        return layers.BatchNormalization(epsilon=1e-5)(x)

    x = first = tf.keras.Input((32, 32, 3))
    x = norm(layers.Conv2D(128, 3, padding="same")(x))
    for filters, pools in ((128, True), (256, False), (256, True), (512, False), (512, True)):
        x = larq.layers.QuantConv2D(
            filters, 3, padding="same", pad_values=0, input_quantizer="ste_sign", kernel_quantizer="ste_sign", use_bias=False)(x)
        x = norm(layers.MaxPool2D()(x) if pools else x)
    made = tf.keras.Model(first, layers.Dense(10)(layers.Flatten()(layers.ReLU()(x))))
    made.set_weights([in_order(array) for array in weights if array.ndim])
    return made


def in_order(array):
    """A constant of ONNX as TensorFlow has it; the only matrix follows 512 x 4 x 4 values laid flat."""
    if array.ndim == 4:
        return array.transpose(2, 3, 1, 0)
    if array.ndim == 2:
        return array.reshape(-1, 512, 4, 4).transpose(2, 3, 1, 0).reshape(array.shape[::-1])
    return array


def main():
    weights, source, result, threads, runs = sys.argv[1:]
    constants = np.load(weights)
    # The fastest of its settings on x86: without them it takes four to six times as long.
    interpreter = larq_compute_engine.testing.Interpreter(
        larq_compute_engine.convert_keras_model(model([constants[name] for name in constants.files])), num_threads=int(threads),
        use_indirect_bgemm=True, use_xnnpack=True)
    x = np.ascontiguousarray(np.load(source).transpose(0, 2, 3, 1))
    np.save(result, interpreter.predict(x))
    engines.serve(lambda: interpreter.predict(x), int(runs))


if __name__ == "__main__":
    main()
