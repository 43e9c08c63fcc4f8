"""The engines beside which bitline is measured: each hands back a function that computes one batch.

As a program, for engines that want an interpreter or a process of their own:
    engines.py ENGINE MODEL INPUT OUTPUT THREADS RUNS
computes INPUT (.npy) once into OUTPUT, prints "ready", and for each line read prints the median time of RUNS runs, in seconds.
"""
import pathlib
import statistics
import sys
import time

import numpy as np


def onnxruntime(path, x, threads):
    import onnxruntime as engine

    options = engine.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = engine.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"x": x})[0]


def openvino(path, x, threads, precision="f32"):
    import openvino as engine

    core = engine.Core()
    model = core.read_model(str(path))
    model.reshape(list(x.shape))
    compiled = core.compile_model(
        model, "CPU", {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision})
    request = compiled.create_infer_request()
    return lambda: request.infer({0: x}, share_inputs=True, share_outputs=True)[0]


def litert(path, x, threads):
    """With XNNPACK, which its interpreter takes by itself. The input lies in memory in LiteRT's order, N x H x W x C."""
    from ai_edge_litert.interpreter import Interpreter

    import litert_model

    interpreter = Interpreter(model_content=litert_model.write(path, len(x)), num_threads=threads)
    interpreter.allocate_tensors()
    source, result = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    x = np.ascontiguousarray(x.transpose(0, 2, 3, 1))

    def run():
        interpreter.set_tensor(source, x)
        interpreter.invoke()
        return interpreter.get_tensor(result)

    return run


def ncnn(path, x, threads):
    """In f32 throughout. ncnn knows no batches: samples follow one another."""
    import tempfile

    import ncnn as engine

    import ncnn_model

    net = engine.Net()
    net.opt.num_threads = threads
    for option in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage"):
        setattr(net.opt, option, False)
    with tempfile.TemporaryDirectory() as folder:
        text, weights = (pathlib.Path(folder) / name for name in ("net.param", "net.bin"))
        source, result = ncnn_model.write(path, text, weights)
        if net.load_param(str(text)) or net.load_model(str(weights)):
            raise SystemExit("ncnn does not read its own model")
    samples = [engine.Mat(sample).clone() for sample in x]

    def run():
        rows = []
        for sample in samples:
            extractor = net.create_extractor()
            extractor.input(source, sample)
            rows.append(np.array(extractor.extract(result)[1]))
        return np.stack(rows)

    return run


def median(run, runs):
    """Of the seconds that a run takes, after some that are not counted."""
    for _ in range(max(2, runs // 10)):
        run()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def serve(run, runs):
    print("ready", flush=True)
    for _ in sys.stdin:
        print(median(run, runs), flush=True)


def main():
    engine, model, source, result, threads, runs = sys.argv[1:]
    make = {"onnxruntime": onnxruntime, "openvino": openvino, "litert": litert, "ncnn": ncnn}[engine]
    run = make(model, np.load(source), int(threads))
    np.save(result, run())
    serve(run, int(runs))


if __name__ == "__main__":
    main()
