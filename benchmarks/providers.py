"""Sluice's artifacts with kernels of another provider, beside the builtin ones."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

PROVIDERS = ("onednn",)


def engine(provider):
    """The name of an engine that is Sluice with this provider."""
    return f"sluice+{provider}"


def flags(provider):
    return [f"--kernels={provider}"]


def table(rows, providers, threads):
    """Lines for the result file: milliseconds, and ratios to builtin kernels."""
    names = [engine(provider) for provider in providers]
    lines = []
    for count in threads:
        key = f"latency_{count}"
        measured = [row for row in rows if any(n in row.get(key, {}) for n in names)]
        if not measured:
            continue
        lines += ["", f"## Kernel providers, {count} thread{'s' * (count > 1)}, ms", "",
                  "| model | sluice | onnxruntime | "
                  + " | ".join(f"{name} | by sluice" for name in names) + " |",
                  "|" + "---|" * (3 + 2 * len(names))]
        for row in measured:
            times = row[key]
            cells = [row["model"]]
            cells += [f"{times[name] * 1e3:.3f}" if name in times else "-"
                      for name in ("sluice", "onnxruntime")]
            for name in names:
                if name in times and "sluice" in times:
                    cells += [f"{times[name] * 1e3:.3f}",
                              f"{times[name] / times['sluice']:.2f}"]
                else:
                    cells += ["-", "-"]
            lines.append("| " + " | ".join(cells) + " |")
    return lines
