#!/usr/bin/env python3
"""Writes lib/Import/OperatorSchemas.inc: since when operators that the import knows
exist, and which attributes they have, as the onnx and onnxruntime packages say.

    scripts/operator_schemas.py            # writes the file
    scripts/operator_schemas.py --check    # fails where it would change
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import argparse
import re
import sys
from pathlib import Path

import onnx
from onnxruntime.capi import onnxruntime_pybind11_state as onnxruntime

IMPORT = Path(__file__).parent.parent / "lib/Import"
DOMAINS = ("", "ai.onnx.ml", "ai.onnx.preview", "com.microsoft")
HEADER = """\
// Written by scripts/operator_schemas.py: name, first opset version, attributes;
// those that not all versions have with the versions that do.
"""


def collect():
    """Operators by full name: their attributes by version."""
    operators = {}
    onnx_schemas = onnx.defs.get_all_schemas_with_history()
    known = {(schema.domain, schema.name) for schema in onnx_schemas}
    others = [schema for schema in onnxruntime.get_all_operator_schema()
              if (schema.domain, schema.name) not in known]
    for schema in onnx_schemas + others:
        if schema.domain in DOMAINS:
            name = f"{schema.domain}.{schema.name}" if schema.domain else schema.name
            versions = operators.setdefault(name, {})
            versions[schema.since_version] = set(schema.attributes)
    for schema in onnxruntime.get_all_operator_schema():
        # ONNX Runtime has some of ONNX's operators from an earlier opset on.
        versions = operators.get(schema.name) if not schema.domain else None
        first = min(versions) if versions else 0
        if schema.since_version < first and set(schema.attributes) == versions[first]:
            versions[schema.since_version] = versions[first]
    return operators


def describe(versions):
    """Attributes, with `:first-last` where not every version has them."""
    starts = sorted(versions)
    parts = []
    for attribute in sorted(set().union(*versions.values())):
        having = [i for i, start in enumerate(starts) if attribute in versions[start]]
        first, last = having[0], having[-1]
        if having != list(range(first, last + 1)):
            raise SystemExit(f"{attribute} comes and goes")
        end = "" if last + 1 == len(starts) else str(starts[last + 1] - 1)
        whole = first == 0 and not end
        parts.append(attribute if whole else f"{attribute}:{starts[first]}-{end}")
    return " ".join(parts)


def wrap(name, since, attributes):
    """A line, or as many as it takes."""
    line = f'{{"{name}", {since}, "{attributes}"}},'
    if len(line) <= 80:
        return [line]
    lines, current = [f'{{"{name}", {since},'], ""
    for word in attributes.split():
        if len(current) + len(word) > 70:
            lines.append(f' "{current}"')
            current = ""
        current += word + " "
    return lines + [f' "{current.rstrip()}"}},']


def write():
    source = "".join(path.read_text() for path in sorted(IMPORT.glob("*Import.cpp")))
    literals = set(re.findall(r'"([\w.]+)"', source))
    lines = []
    for name, versions in sorted(collect().items()):
        if name.rpartition(".")[2] in literals or name in literals:
            lines += wrap(name, min(versions), describe(versions))
    return HEADER + "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    target, text = IMPORT / "OperatorSchemas.inc", write()
    if not parser.parse_args().check:
        target.write_text(text)
    elif target.read_text() != text:
        sys.exit(f"{target} is not what the packages say: run {sys.argv[0]}")


if __name__ == "__main__":
    main()
