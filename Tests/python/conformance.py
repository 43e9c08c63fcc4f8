#!/usr/bin/env python3
"""Runs the backend test suite of the installed `onnx` package through bitline and counts, by operator, what passes.

usage: conformance.py BITLINE [--data FOLDER] [--update] [--jobs N] [--match TEXT]

FOLDER holds the suite as onnx keeps it (SET/CASE/model.onnx, with test_data_set_N beside it). Without it the suite is taken from the installed package:
from its folder where the package has the cases on disk (until 1.22), else made from the package's own Python cases.

A case passes when every output has the shape, the type and, within the case's tolerances, the numbers that the suite states. Exit status 3 of bitline
counts as unsupported, other refusals as error, a signal as crash. Fails on any wrong answer, crash or time-out, and when a case that is listed in
Tests/onnx-conformance.txt passes no more; --update writes the list, which never loses a case that way.
"""
import argparse
import collections
import concurrent.futures
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIST = ROOT / "Tests" / "onnx-conformance.txt"
SECONDS = 60
# What NumPy lacks travels as bits, or as the next wider integer.
AS_BITS16 = {TensorProto.BFLOAT16}
# Cases whose expected numbers carry rounding of f32 sums where the exact answer is 0: theirs and ours agree to 1e-6 of the greatest number.
ROUNDED = {"node/test_dft_inverse", "node/test_dft_inverse_opset19"}
AS_BITS8 = {getattr(TensorProto, n) for n in dir(TensorProto) if n.startswith(("FLOAT8", "FLOAT4"))}


def suite(folder):
    """(set/case, folder) of every case below `folder`."""
    return sorted((f"{model.parent.parent.name}/{model.parent.name}", model.parent) for model in folder.glob("*/*/model.onnx"))


def installed(scratch):
    """The installed package's cases, as a folder."""
    import onnx.backend.test

    data = pathlib.Path(onnx.backend.test.__file__).parent / "data"
    for kept in ("node", "simple", "pytorch-converted", "pytorch-operator"):
        if (data / kept).is_dir():
            (scratch / kept).symlink_to(data / kept)
    if not (data / "node").is_dir():
        make_node_cases(scratch)
    for model in (data / "light").glob("*.onnx"):
        lay_out_light(model, scratch / "light" / model.stem)
    return scratch


def make_node_cases(scratch):
    from onnx.backend.test.case.node import collect_testcases

    for case in collect_testcases(None):
        target = scratch / "node" / case.name
        target.mkdir(parents=True, exist_ok=True)
        onnx.save(case.model, target / "model.onnx")
        (target / "tolerance.json").write_text(json.dumps({"rtol": case.rtol, "atol": case.atol}))
        for number, (inputs, outputs) in enumerate(case.data_sets or []):
            place = target / f"test_data_set_{number}"
            place.mkdir(exist_ok=True)
            for stem, values in (("input", inputs), ("output", outputs)):
                for index, value in enumerate(values):
                    message = value if hasattr(value, "SerializeToString") else numpy_helper.from_array(np.asarray(value))
                    (place / f"{stem}_{index}.pb").write_bytes(message.SerializeToString())


def lay_out_light(model, target):
    """A topology of a model zoo as a case, with the input that the package's own runner gives it: 0 to 1 in even steps."""
    place = target / "test_data_set_0"
    place.mkdir(parents=True)
    (target / "model.onnx").symlink_to(model)
    graph = onnx.load(model).graph
    weights = {tensor.name for tensor in graph.initializer}
    for index, info in enumerate(info for info in graph.input if info.name not in weights):
        shape = [d.dim_value for d in info.type.tensor_type.shape.dim]
        count = int(np.prod(shape))
        value = (np.arange(count).reshape(shape) / count).astype(np.float32)
        (place / f"input_{index}.pb").write_bytes(numpy_helper.from_array(value).SerializeToString())
    for index in range(len(graph.output)):
        (place / f"output_{index}.pb").symlink_to(model.with_name(f"{model.stem}_output_{index}.pb"))


def load(path, info):
    if info.type.WhichOneof("value") != "tensor_type":
        raise ValueError("not a tensor")
    return numpy_helper.to_array(TensorProto.FromString(path.read_bytes()))


def decoded(array, kind):
    wanted = onnx.helper.tensor_dtype_to_np_dtype(kind)
    if array.dtype == wanted:
        return array
    if kind in AS_BITS16 and array.dtype == np.uint16 or kind in AS_BITS8 and array.dtype == np.uint8:
        return array.view(wanted)
    if wanted.itemsize == 1 and array.dtype in (np.int8, np.uint8):
        return array.astype(wanted)
    return array


def difference(expected, given, rtol, atol):
    if expected.shape != given.shape:
        return f"shape {given.shape}, expected {expected.shape}"
    if expected.dtype != given.dtype:
        return f"type {given.dtype}, expected {expected.dtype}"
    if expected.dtype.name == "bfloat16":
        rtol = max(rtol, 2**-6)
    if not hasattr(np, expected.dtype.name):
        expected, given = expected.astype(np.float32), given.astype(np.float32)
    try:
        np.testing.assert_allclose(given, expected, rtol=rtol, atol=atol)
    except AssertionError as fault:
        return " ".join(str(fault).split())[:200]
    return None


def tolerances(folder, name):
    for file in ("tolerance.json", "data.json"):
        if (folder / file).is_file():
            said = json.loads((folder / file).read_text())
            return said.get("rtol", 1e-3), said.get("atol", 1e-7)
    return (2e-3 if name == "light/light_densenet121" else 1e-3), 1e-7


def run_set(bitline, folder, model, place, tolerance):
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [info for info in model.graph.input if info.name not in weights]
    files = sorted(place.glob("input_*.pb"), key=lambda path: int(path.stem.split("_")[1]))
    with tempfile.TemporaryDirectory() as out:
        command = [bitline, "run", str(folder / "model.onnx"), "--output-dir", out]
        for path in files[: len(inputs)]:
            command += ["--input", str(path)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return "timeout", f"more than {SECONDS} s"
        if done.returncode < 0:
            return "crash", f"signal {-done.returncode}"
        if done.returncode != 0:
            return ("unsupported" if done.returncode == 3 else "error"), done.stderr.strip().splitlines()[-1:]
        for index, info in enumerate(model.graph.output):
            expected = load(place / f"output_{index}.pb", info)
            safe = "".join(c if c.isalnum() or c in "._-" else "_" for c in info.name)
            found = pathlib.Path(out) / f"{safe}.npy"
            if not found.is_file():
                return "wrong", f"output '{info.name}' is missing"
            kind = info.type.tensor_type.elem_type
            rtol, atol = tolerance
            if f"node/{folder.name}" in ROUNDED:
                atol = 1e-6 * float(np.abs(expected).max())
            problem = difference(expected, decoded(np.load(found), kind), rtol, atol)
            if problem:
                return "wrong", f"output '{info.name}': {problem}"
    return "pass", ""


def run_case(bitline, name, folder):
    model = onnx.load(folder / "model.onnx", load_external_data=False)
    operators = [f"{node.domain}.{node.op_type}".lstrip(".") for node in model.graph.node]
    # A node case is named by its operator; a whole model counts for itself.
    title = operators[0] if name.startswith("node/") and len(set(operators)) == 1 else name.split("/")[0] if not name.startswith("node/") else "(several)"
    places = sorted(folder.glob("test_data_set_*"))
    try:
        for place in places:
            status, detail = run_set(bitline, folder, model, place, tolerances(folder, name))
            if status != "pass":
                return name, title, status, detail
        return name, title, ("pass" if places else "no data"), ""
    except (ValueError, TypeError) as fault:
        return name, title, "not a tensor", str(fault)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bitline")
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--match", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        cases = [c for c in suite(options.data or installed(pathlib.Path(scratch))) if options.match in c[0]]
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            results = list(pool.map(lambda case: run_case(options.bitline, *case), cases))

    table = collections.defaultdict(collections.Counter)
    for _, title, status, _ in results:
        table[title][status] += 1
    kinds = ["pass", "unsupported", "error", "not a tensor", "no data", "wrong", "crash", "timeout"]
    print(f"onnx {onnx.__version__}: {len(results)} cases")
    print(f"{'operator':34}" + "".join(f"{kind:>13}" for kind in kinds))
    for title in sorted(table):
        print(f"{title:34}" + "".join(f"{table[title][kind] or '.':>13}" for kind in kinds))
    total = sum(table.values(), collections.Counter())
    print(f"{'all':34}" + "".join(f"{total[kind] or '.':>13}" for kind in kinds))
    for name, _, status, detail in results:
        if status in ("wrong", "crash", "timeout"):
            print(f"{status}: {name}: {detail}")

    passing = {name for name, _, status, _ in results if status == "pass"}
    listed = set(LIST.read_text().split()) if LIST.is_file() else set()
    known = {name for name, _ in cases}
    wanted = listed & known if options.data or options.match else listed
    lost = sorted(wanted - passing)
    for name in lost:
        print(f"passes no more: {name}")
    if options.update and not lost:
        LIST.write_text("".join(f"{name}\n" for name in sorted(listed | passing)))
        print(f"{LIST.relative_to(ROOT)}: {len(listed | passing)} cases, {len(passing - listed)} new")
    elif passing - listed:
        print(f"{len(passing - listed)} cases pass that are not listed: --update adds them")
    return 1 if lost or any(total[kind] for kind in ("wrong", "crash", "timeout")) else 0


sys.exit(main())
