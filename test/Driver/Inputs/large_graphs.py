"""large_graphs.py FOLDER: graphs become code in proportion to their nodes.

Counts lines instead of measuring time, which depends on the machine.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import resource
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import onnx
from support import growing_graphs

NODES = 48
# Where sizes are derived from sizes, or one value is used by several nodes.
SHAPES = (
    "diamonds", "quantised", "quantised_matmuls", "broadcasts", "inputs",
    "concatenations", "reshapes", "shape_arithmetic", "shape_diamonds", "convolutions",
    "pools", "normalisations", "conditions", "loops",
)  # fmt: skip
# What graphs of any size have, and what is shared among few nodes only.
SLACK = 400


def limit():
    """Neither the stack nor memory may grow with the graph."""
    resource.setrlimit(resource.RLIMIT_STACK, (1 << 20, 1 << 20))
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))


def run_sluicec(folder, make, nodes, output, *flags):
    model = folder / f"{make.__name__}.onnx"
    onnx.save(make(nodes, dynamic=True), model)
    command = ["sluicec", model, "-o", output, *flags]
    return subprocess.run(command, stdout=subprocess.PIPE, preexec_fn=limit, check=True)


def count_lines(folder, make, nodes):
    done = run_sluicec(folder, make, nodes, "-", "--emit=buffers")
    return done.stdout.count(b"\n")


def main():
    folder = Path(sys.argv[1])
    for make in (getattr(growing_graphs, name) for name in SHAPES):
        less, more = (count_lines(folder, make, n) for n in (NODES, 2 * NODES))
        if more > 2 * less + SLACK:
            print(f"{make.__name__}: {less} lines become {more}")
    print("in proportion to the nodes")
    # Deeper than any recursion could go with this stack.
    for make in (growing_graphs.chain, growing_graphs.diamonds):
        run_sluicec(folder, make, 12000, folder / "deep.so")
    run_sluicec(folder, growing_graphs.large_constants, 24000, folder / "deep.so")
    # The size of what is concatenated is a sum as deep.
    run_sluicec(folder, growing_graphs.softmax_fan, 12000, "-", "--emit=kernels")
    print("deep graphs are compiled")


if __name__ == "__main__":
    main()
