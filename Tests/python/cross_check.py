#!/usr/bin/env python3
"""Checks bitline against onnxruntime from outside: the same models, the same inputs, the same answers.

usage: cross_check.py BITLINE

Needs numpy and onnxruntime. Checks on whole test sets run where ../shared/data/mnist lies beside the repository,
and are skipped with a message where it does not. Ends with 'N passed, N failed, N skipped'.
"""
import gzip
import json
import pathlib
import tempfile

import numpy as np
import onnxruntime

from checking import bitline, check, finish, skip

ROOT = pathlib.Path(__file__).resolve().parents[2]
MNIST = ROOT.parent / "shared" / "data" / "mnist"


def session(model, optimize):
    options = onnxruntime.SessionOptions()
    if not optimize:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def logits_of_both(model, images):
    """The scores of onnxruntime and of bitline's cpu backend at the canonical stage."""
    theirs = session(model, optimize=False).run(None, {"input": images})[0]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "images.npy"
        np.save(path, images)
        bitline("run", model, "--backend", "cpu", "--input", path, "--output-dir", folder)
        ours = np.load(pathlib.Path(folder) / "logits.npy")
    return theirs, ours


def check_logits(model, images, what):
    theirs, ours = logits_of_both(model, images)
    worst = float(np.abs(theirs - ours).max())
    check(f"{model.name}: logits of {what} within 1e-4 of onnxruntime's", worst <= 1e-4, f"(largest difference {worst:.1e})")
    return theirs, ours


def accuracy(model, *arguments):
    """Correct answers on the whole test set, by backend, as bitline's evaluate counts them."""
    report = json.loads(bitline("evaluate", model, "--data", f"mnist:{MNIST}", "--format", "json", *arguments))
    return {row["backend"]: row["correct"] for row in report["accuracy"]["rows"]}


def main():
    print(f"onnxruntime {onnxruntime.__version__}, numpy {np.__version__}")
    random = np.random.default_rng(1).random((64, 1, 28, 28), dtype=np.float32)
    models = sorted((ROOT / "models").glob("lenet5-*.onnx"))
    floats = [m for m in models if "qdq" not in m.name]
    for model in floats:
        check_logits(model, random, "64 random images")

    if not MNIST.is_dir():
        skip("accuracy on MNIST", f"no {MNIST}")
        return
    with gzip.open(MNIST / "t10k-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28).astype(np.float32) / 255
    with gzip.open(MNIST / "t10k-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    for model in floats:
        theirs, ours = check_logits(model, images, "10,000 test images")
        expected = int((theirs.argmax(1) == labels).sum())
        counted = accuracy(model, "--backends", "cpu")["cpu"]
        check(f"{model.name}: as many correct as onnxruntime", counted == expected, f"({counted} and {expected})")
    for model in [m for m in models if "qdq" in m.name]:
        scores = session(model, optimize=False).run(None, {"input": images})[0]
        expected = int((scores.argmax(1) == labels).sum())
        lowered = accuracy(model, "--backends", "cpu,imc{readout=exact},baseline")
        for backend, counted in lowered.items():
            check(f"{model.name} on {backend}: correct within 3 of onnxruntime", abs(counted - expected) <= 3, f"({counted} and {expected})")


main()
finish()
