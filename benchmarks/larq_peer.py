"""Larq's compute engine on a network of the shape of vgg-small-xnor: prints medians, in seconds, one for each line read from standard input.

usage: larq_peer.py BATCH THREADS RUNS
Runs in an interpreter that has tensorflow, larq and larq-compute-engine, which bench.py is told by --larq.
"""
import statistics
import sys
import time

import larq
import larq_compute_engine
import numpy as np
import tensorflow as tf


def model():
    tf.random.set_seed(7)
    layers = tf.keras.layers
    x = first = tf.keras.Input((32, 32, 3))
    x = layers.BatchNormalization()(layers.Conv2D(128, 3, padding="same")(x))
    for filters, pools in ((128, True), (256, False), (256, True), (512, False), (512, True)):
        x = larq.layers.QuantConv2D(
            filters, 3, padding="same", pad_values=0, input_quantizer="ste_sign", kernel_quantizer="ste_sign", use_bias=False)(x)
        x = layers.BatchNormalization()(layers.MaxPool2D()(x) if pools else x)
    return tf.keras.Model(first, layers.Dense(10)(layers.Flatten()(layers.ReLU()(x))))


def main():
    batch, threads, runs = map(int, sys.argv[1:])
    # The fastest of its settings on x86: without them it takes four to six times as long.
    interpreter = larq_compute_engine.testing.Interpreter(
        larq_compute_engine.convert_keras_model(model()), num_threads=threads, use_indirect_bgemm=True, use_xnnpack=True)
    x = np.random.default_rng(1).uniform(-1, 1, size=(batch, 32, 32, 3)).astype(np.float32)
    print("ready", flush=True)
    for _ in sys.stdin:
        interpreter.predict(x)
        times = []
        for _ in range(runs):
            start = time.perf_counter()
            interpreter.predict(x)
            times.append(time.perf_counter() - start)
        print(statistics.median(times), flush=True)


if __name__ == "__main__":
    main()
