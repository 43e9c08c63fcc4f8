"""A copy of onnxruntime that is held to AVX2.

onnxruntime has no switch for it. Whether the system keeps AVX-512's registers is asked of the processor by `xgetbv`, and all of onnxruntime's
choices of AVX-512 (MLAS, its own list of features, cpuinfo) rest on three bits of the answer. In the copy every `xgetbv` is an instruction
of the same length that answers 7: x87, SSE and AVX, nothing more.
"""
import importlib.util
import pathlib
import re
import shutil

# How many `xgetbv` there are, by disassembling, in the library of a version.
PLACES = {"1.32.0": 4}
# The three bytes stand elsewhere too, as parts of instructions: behind `xor ecx, ecx` or before `mov eax, eax; shl rdx, 32` they do not.
XGETBV = re.compile(rb"(?<=\x31\xc9)\x0f\x01\xd0|\x0f\x01\xd0(?=\x89\xc0\x48\xc1\xe2\x20)")
ANSWER_7 = b"\xb0\x07\x90"  # mov al, 7; nop. Bits above al are asked for by nobody.


def onnxruntime(folder, version):
    """Makes the copy in `folder`, for PYTHONPATH. Hands back why it cannot be had, or None."""
    if version not in PLACES:
        return f"nobody looked into the library of onnxruntime {version}"
    source = pathlib.Path(importlib.util.find_spec("onnxruntime").origin).parent
    target = pathlib.Path(folder) / "onnxruntime"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("tools", "transformers", "quantization", "datasets", "libonnxruntime.*"))
    library, = target.glob("capi/onnxruntime_pybind11_state*.so")
    code, found = XGETBV.subn(ANSWER_7, library.read_bytes())
    if found != PLACES[version]:
        return f"{found} places to patch in onnxruntime {version}, not {PLACES[version]}"
    library.write_bytes(code)
    return None
