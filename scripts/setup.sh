# ./dev setup: Debian packages and the Python environment. Does nothing when all
# is there already.
# Part of Sluice, under the Apache License v2.0. See LICENSE.
# shellcheck shell=bash
source scripts/common.sh

packages=(
  # The compiler is built on LLVM 22 and built by it.
  libmlir-22-dev mlir-22-tools llvm-22-dev llvm-22-tools liblld-22-dev
  clang-22 lld-22 clang-format-22 clang-tidy-22 libclang-rt-22-dev
  zlib1g-dev libzstd-dev
  # The importer.
  libonnx-dev libprotobuf-dev protobuf-compiler
  # Tools, tests, benchmarks.
  libcli11-dev nlohmann-json3-dev libgtest-dev libbenchmark-dev libdnnl-dev
  ccache cmake ninja-build python3 python3-venv shellcheck
  # AArch64 artifacts are linked and run under emulation, which also counts the
  # compiler's instructions.
  qemu-user libc6-dev-arm64-cross libgcc-12-dev-arm64-cross
)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null |
    grep -qx installed || missing+=("$package")
done

if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get >/dev/null ||
    die "this is not Debian; install the equivalents of: ${missing[*]}"
  root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "run as root, or install sudo first"
    root=(sudo)
  fi
  say "Installing ${#missing[@]} Debian packages"
  apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get
    -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
  step "apt-get update" retry "${apt[@]}" update
  step "apt-get install" retry "${apt[@]}" install -y \
    --no-install-recommends "${missing[@]}"
fi

wanted="$(sha256sum requirements.txt | cut -d ' ' -f 1)"
stamp=.venv/requirements.sha256
if [ ! -x "$python" ] || [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
  say "Making the Python environment .venv"
  # Debian's Python has ensurepip only with python3-venv, which is installed by
  # now; another Python in front of it in PATH serves as well.
  if ! [ -x "$python" ]; then
    step "python3 -m venv" python3 -m venv .venv
  fi
  step "pip install" retry "$python" -m pip install --no-input \
    --disable-pip-version-check --timeout 60 -r requirements.txt
  printf '%s\n' "$wanted" >"$stamp"
fi
echo "   set up: LLVM $(/usr/lib/llvm-22/bin/llvm-config --version)," \
  "$("$python" --version), onnxruntime" \
  "$("$python" -c 'from importlib.metadata import version as v; print(v("onnxruntime"))')"
