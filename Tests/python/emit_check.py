#!/usr/bin/env python3
"""Checks what `bitline compile --emit onnx` writes from outside: onnxruntime must give the answers of bitline's cpu backend.

usage: emit_check.py BITLINE [FOLDER of light zoo models, as the onnx package's backend data has them]

Canonical graphs within 1e-4 of the largest score, lowered graphs byte for byte, since all sums in them are whole numbers. A second import and emit must give
the same file. Larger models are checked where they lie in ../shared. Ends with 'N passed, N failed, N skipped'.
"""
import os
import pathlib
import sys
import tempfile

import numpy as np
import onnxruntime

from checking import bitline, check, finish, skip

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get("BITLINE_SHARED", ROOT.parent / "shared")) / "models"
LIGHT = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
onnxruntime.set_default_logger_severity(3)


def theirs(model, inputs, optimize):
    options = onnxruntime.SessionOptions()
    if not optimize:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, dict(zip([i.name for i in session.get_inputs()], inputs)))))


def ours(model, inputs, folder, *options):
    paths = []
    for place, array in enumerate(inputs):
        np.save(folder / f"in{place}.npy", array)
        paths += ["--input", folder / f"in{place}.npy"]
    out = folder / "out"
    bitline("run", model, "--backend", "cpu", *paths, "--output-dir", out, *options)
    return {path.stem: np.load(path) for path in out.glob("*.npy")}


def emit(model, stage, path, *options):
    bitline("compile", model, "--emit", "onnx", "--stage", stage, "-o", path, *options)
    return path


def round_trip(name, first, folder, exact):
    """Import and emit again: the second file is the third, and for a canonical graph the first, too."""
    second = emit(first, "canonical", folder / "second.onnx")
    third = emit(second, "canonical", folder / "third.onnx")
    check(f"{name}: the second emit is the third", second.read_bytes() == third.read_bytes())
    if exact:
        check(f"{name}: the second emit is the first", second.read_bytes() == first.read_bytes())
    return second


def compare(name, mine, their, exact):
    for output, array in their.items():
        answer = mine["".join(c if c.isalnum() or c in "._-" else "_" for c in output)]
        if exact:
            check(f"{name}: '{output}' byte for byte", answer.tobytes() == array.tobytes(), f"({(answer != array).sum()} of {array.size} differ)")
        else:
            scale = max(1.0, float(np.abs(array).max()))
            worst = float(np.abs(answer - array).max()) / scale
            check(f"{name}: '{output}' within 1e-4", worst <= 1e-4, f"(largest difference {worst:.1e})")


def canonical(model, inputs, title=None):
    title = title or model.name
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        emitted = emit(model, "canonical", folder / "canonical.onnx")
        mine = ours(model, inputs, folder)
        # With optimizations onnxruntime runs QDQ layers in whole numbers, with its own rounding. The light models' equal weights make sums that
        # differ by rounding alone, of which softmax makes all or nothing.
        for optimize in (False,) if "qdq" in title or "light" in title else (False, True):
            compare(f"{title}, canonical, {'all' if optimize else 'no'} optimizations", mine, theirs(emitted, inputs, optimize), False)
        second = round_trip(f"{title}, canonical", emitted, folder, True)
        compare(f"{title}, canonical, imported again", mine, theirs(second, inputs, False), False)


def lowered(model, inputs, *options, exact=True):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        emitted = emit(model, "lowered", folder / "lowered.onnx", *options)
        bitline("compile", model, "--backend", "imc", "-o", folder / "net.bitline", *options)
        mine = ours(folder / "net.bitline", inputs, folder)
        title = f"{model.name}, lowered, {options[-1]} readout{'' if exact else ', kept layers'}"
        for optimize in (False, True):
            compare(f"{title}, {'all' if optimize else 'no'} optimizations", mine, theirs(emitted, inputs, optimize), exact)
        second = round_trip(title, emitted, folder, False)
        compare(f"{title}, imported again, onnxruntime", mine, theirs(second, inputs, False), exact)
        compare(f"{title}, imported again, cpu", mine, ours(second, inputs, folder), exact)


def main():
    random = np.random.default_rng(1)
    digits = [random.random((32, 1, 28, 28), dtype=np.float32)]
    for model in sorted((ROOT / "models").glob("lenet5-*.onnx")):
        canonical(model, digits)
    for readout in ("exact", "chip"):
        lowered(ROOT / "models" / "lenet5-bw-qdq6.onnx", digits, "--readout", readout)
        # Layers that are kept in floating point round their sums as each program likes; without them all is whole numbers.
        lowered(ROOT / "models" / "lenet5-float.onnx", digits, "--keep", "none", "--calibrate", "digits:100", "--readout", readout)
        lowered(ROOT / "models" / "lenet5-float.onnx", digits, "--calibrate", "digits:100", "--readout", readout, exact=False)
    vgg = SHARED / "vgg-small-cifar10-float.onnx"
    if vgg.is_file():
        images = [random.random((8, 3, 32, 32), dtype=np.float32)]
        canonical(vgg, images)
        with tempfile.TemporaryDirectory() as folder:
            data = pathlib.Path(folder) / "calibration.npz"
            np.savez(data, images=random.random((16, 3, 32, 32), dtype=np.float32), labels=np.zeros(16, np.int64))
            for readout in ("exact", "chip"):
                options = ("--calibrate", f"npz:{data}", "--calibrate-count", "16", "--readout", readout)
                lowered(vgg, images, "--keep", "none", *options)
                lowered(vgg, images, *options, exact=False)
    else:
        skip("VGG", f"no {vgg}")
    if LIGHT is None:
        skip("light models", "no folder given")
        return
    for case in sorted(LIGHT.iterdir()):
        if not (case / "model.onnx").is_file():
            continue
        session = onnxruntime.InferenceSession(str(case / "model.onnx"), providers=["CPUExecutionProvider"])
        shapes = [[d if isinstance(d, int) else 1 for d in i.shape] for i in session.get_inputs()]
        inputs = [(np.arange(np.prod(shape)) / np.prod(shape)).astype(np.float32).reshape(shape) for shape in shapes]
        canonical(case / "model.onnx", inputs, case.name)


main()
finish()
