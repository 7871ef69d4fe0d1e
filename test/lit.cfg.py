"""How lit runs Sluice's tests: `lit build/release/test` or check-sluice-lit."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import os
import shutil
import subprocess

import lit.formats

config.name = "Sluice"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.sluice_binary_dir, "test")
# Folders with runners of their own, and files that tests read.
config.excludes = [
    "CMakeLists.txt",
    "Inputs",
    "conformance",
    "cross",
    "differential",
    "fuzz",
    "models",
    "numeric",
    "unit",
]

# A test that hangs fails after five minutes, where lit can end processes.
try:
    import psutil  # noqa: F401

    lit_config.maxIndividualTestTime = 300
except ImportError:
    pass

# Our tools first, then LLVM 22's own (FileCheck, not, count, split-file,
# llvm-objdump ...), never another version's that happens to be in PATH.
config.environment["PATH"] = os.pathsep.join(
    [
        config.sluice_tools_dir,
        config.llvm_tools_dir,
        config.environment.get("PATH", ""),
    ]
)
for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"):
    if name in os.environ:
        config.environment[name] = os.environ[name]
config.environment["FILECHECK_OPTS"] = "--enable-var-scope --dump-input-filter=all"


def answers(*command):
    """Whether the command runs and succeeds."""
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


python = config.sluice_python
config.substitutions += [
    ("%make_model", f"{python} {config.sluice_source_dir}/test/support/make_model.py"),
    ("%python", python),
    # With the build's flags: a sanitizer's runtime must be linked too.
    ("%cc", config.host_cc),
    ("%cxx", config.host_cxx),
    ("%source_dir", config.sluice_source_dir),
    ("%include_dir", os.path.join(config.sluice_source_dir, "runtime", "include")),
    ("%lib_dir", os.path.join(config.sluice_binary_dir, "lib")),
    ("%aarch64_sysroot", "/usr/aarch64-linux-gnu"),
    # Where a model is compiled, the program is verified after every pass, as
    # sluice-opt does anyway.
    (r"(?<![-\w./])sluicec (?=[^|;&]*\.onnx\b)(?![^|;&]*--verify-each)",
     "sluicec --verify-each "),
]

# Features that tests ask for with REQUIRES.
config.available_features.add(config.host_arch.lower() + "-host")
if config.enable_onednn:
    config.available_features.add("onednn")
if config.sanitizer:
    config.available_features.add(config.sanitizer)
if answers(python, "-c", "import onnx, numpy"):
    config.available_features.add("python-onnx")
if answers(python, "-c", "import onnxruntime"):
    config.available_features.add("python-onnxruntime")
if shutil.which("qemu-aarch64") and os.path.isdir("/usr/aarch64-linux-gnu"):
    config.available_features.add("qemu-aarch64")
if os.geteuid() != 0:
    config.available_features.add("not-root")
elif answers("unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"):
    config.available_features.add("mounts")
for shell in ("fish", "zsh"):
    if shutil.which(shell):
        config.available_features.add(shell)
for tool in ("sluicec", "sluice-opt", "sluice-run", "sluice-lsp-server"):
    if os.path.exists(os.path.join(config.sluice_tools_dir, tool)):
        config.available_features.add(tool)
try:
    with open("/proc/cpuinfo") as cpuinfo:
        flags = set(
            next((l for l in cpuinfo if l.startswith("flags")), ":").split(":")[1].split()
        )
    for flag in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile"):
        if flag in flags:
            config.available_features.add("cpu-" + flag)
except OSError:
    pass
