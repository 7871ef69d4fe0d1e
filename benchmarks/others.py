"""Other engines, through their Python packages: OpenVINO, IREE and TVM.

They are not in requirements.txt; `./dev bench --with=openvino` installs them into
the virtual environment on first use. Only latency at one thread is measured, with
the model compiled for the sizes of the inputs.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import importlib.util
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import onnx

from support.isolated import CallFailed, Isolated
from support.paths import scratch

PACKAGES = {
    "openvino": ("openvino", ["openvino"]),
    "iree": ("iree.compiler", ["iree-base-compiler[onnx]", "iree-base-runtime"]),
    "tvm": ("tvm", ["apache-tvm"]),
}


def _present(module):
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def prepare(names):
    """Installs what is asked for and missing."""
    for name in names:
        if name not in PACKAGES:
            sys.exit(f"bench: no engine '{name}' ({', '.join(PACKAGES)})")
        module, packages = PACKAGES[name]
        if not _present(module):
            print(f"   installing {' '.join(packages)} ...", flush=True)
            subprocess.run(
                [sys.executable, "-m", "pip", "install", "--quiet", *packages],
                check=True,
            )


def _median(run, seconds=1.0):
    run()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def _with_fixed_sizes(path, inputs, folder):
    """A copy of the model in `folder` whose inputs have these arrays' sizes."""
    model = onnx.load(str(path))
    for value in model.graph.input:
        if value.name in inputs:
            dims = value.type.tensor_type.shape.dim
            for dim, size in zip(dims, inputs[value.name].shape):
                dim.dim_value = size
    fixed = folder / "fixed.onnx"
    onnx.save_model(model, str(fixed), save_as_external_data=True,
                    location="fixed.onnx.data", size_threshold=1 << 20)
    return fixed


def _in_order(path, inputs):
    """The inputs as a list, in the model's order."""
    graph = onnx.load(str(path), load_external_data=False).graph
    return [inputs[value.name] for value in graph.input if value.name in inputs]


def _openvino(path, inputs, folder):
    import openvino

    core = openvino.Core()
    settings = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    model = core.read_model(str(_with_fixed_sizes(path, inputs, folder)))
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    return _median(lambda: request.infer(inputs))


def _iree(path, inputs, folder):
    import iree.compiler
    import iree.runtime

    imported, binary = folder / "model.mlir", folder / "model.vmfb"
    importer = subprocess.run(
        [sys.executable, "-m", "iree.compiler.tools.import_onnx",
         str(_with_fixed_sizes(path, inputs, folder)), "-o", str(imported)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )
    if importer.returncode:
        # What went wrong is the last line of Python's traceback.
        lines = importer.stderr.strip().splitlines() or ["no message"]
        raise RuntimeError(f"import_onnx: {lines[-1]}")
    iree.compiler.compile_file(
        str(imported), output_file=str(binary), input_type="onnx",
        target_backends=["llvm-cpu"],
        extra_args=["--iree-llvmcpu-target-cpu=host", "--iree-opt-level=O3"],
    )
    config = iree.runtime.Config("local-sync")
    module = iree.runtime.load_vm_flatbuffer_file(str(binary), driver="local-sync")
    # `name$async` and `__init` are the same function's and the module's own.
    function = next(
        getattr(module, name) for name in module.vm_module.function_names
        if "$" not in name and not name.startswith("_")
    )
    values = [
        iree.runtime.asdevicearray(config.device, array)
        for array in _in_order(path, inputs)
    ]
    return _median(lambda: function(*values))


def _hidden_features():
    """What LLVM expects of a CPU of this name, but a hypervisor may hide."""
    if platform.machine() != "x86_64":
        return []
    flags = set(re.findall(r"\w+", Path("/proc/cpuinfo").read_text()))
    return [f"-{name}" for name in ("avx512f", "avx2", "fma", "avx")
            if name not in flags]


def _tvm(path, inputs, folder):
    import tvm
    from tvm import relax
    from tvm.relax.frontend.onnx import from_onnx

    shapes = {name: list(array.shape) for name, array in inputs.items()}
    module = from_onnx(onnx.load(str(path)), shapes, keep_params_in_input=False)
    cpu = tvm.target.codegen.llvm_get_system_cpu()
    target = tvm.target.Target({
        "kind": "llvm", "mcpu": cpu, "mattr": _hidden_features(), "num-cores": 1,
    })
    machine = relax.VirtualMachine(tvm.compile(module, target=target), tvm.cpu())
    values = [tvm.runtime.tensor(array) for array in _in_order(path, inputs)]
    return _median(lambda: machine["main"](*values))


ENGINES = {"openvino": _openvino, "iree": _iree, "tvm": _tvm}


def _run(name, path, inputs, folder):
    return ENGINES[name](path, inputs, Path(folder))


def _reason(failure):
    """One line of what an engine had to say."""
    lines = [line.strip() for line in str(failure).splitlines() if line.strip()]
    # A compiler's first error, without the place in a file that is gone by then.
    for line in lines:
        if match := re.search(r"\berror: (.+)", line):
            return match.group(1)
    return lines[0] if lines else "no message"


def measure(names, path, inputs):
    """{engine: seconds, or why it cannot run the model}."""
    found = {}
    for name in names:
        with Isolated() as child, tempfile.TemporaryDirectory(
            dir=scratch("bench")
        ) as folder:
            try:
                found[name] = child.call(
                    _run, name, str(path), inputs, folder, timeout=600
                )
            except CallFailed as failure:
                found[name] = _reason(failure)
    return found


def sentences(row):
    """What to print of a model's row, a line per engine."""
    for name, value in row.get("others", {}).items():
        if isinstance(value, float):
            yield f"   {name}: {value * 1e3:.3f} ms"
        else:
            yield f"   {name} cannot run {row['model']}: {value}"


def table(rows):
    """Lines for the result file."""
    rows = [row for row in rows if "others" in row]
    if not rows:
        return []
    names = list(rows[0]["others"])
    lines = ["", "## Other engines, 1 thread, ms", "",
             "| model | Sluice | onnxruntime | " + " | ".join(names) + " |",
             "|" + "---|" * (3 + len(names))]
    notes = []
    for row in rows:
        mine = row.get("latency_1", {})
        cells = [row["model"]]
        for value in [mine.get("sluice"), mine.get("onnxruntime"),
                      *row["others"].values()]:
            if isinstance(value, float):
                cells.append(f"{value * 1e3:.3f}")
            else:
                cells.append("cannot" if value else "-")
        lines.append("| " + " | ".join(cells) + " |")
        notes += [f"- {name} cannot run {row['model']}: {value}"
                  for name, value in row["others"].items() if isinstance(value, str)]
    return [*lines, "", *notes]
