# ./dev fuzz [MINUTES]: builds the libFuzzer targets and runs each for as long.
# Part of Sluice, under the Apache License v2.0. See LICENSE.
# shellcheck shell=bash
source scripts/common.sh

minutes="${1:-30}"
[[ "$minutes" =~ ^[0-9]+$ ]] || die "fuzz: MINUTES is a number"
bash scripts/setup.sh
build=build/fuzz
if [ ! -f "$build/build.ninja" ]; then
  step "Configuring (fuzz)" cmake --preset asan-ubsan -B "$build" \
    -DSLUICE_ENABLE_FUZZERS=ON -DSLUICE_TEST_PYTHON="$PWD/$python"
fi
say "Building the fuzzers"
# The node tests, in their static form, are seeds for whatever reads models.
tests=.cache/fuzz/node-tests
if [ ! -d "$tests" ]; then
  "$python" test/conformance/run.py --list >/dev/null
  mkdir -p "$tests"
  for model in .cache/onnx-node-tests/*/*/static.onnx; do
    cp "$model" "$tests/$(basename "$(dirname "$model")").onnx"
  done
fi
mapfile -t fuzzers < <(ninja -C "$build" -t targets all |
  sed -n 's#^bin/\(fuzz-[^:]*\):.*#\1#p')
ninja -C "$build" "${fuzzers[@]}"

# As in test.py, for LLVM's libraries.
export ASAN_OPTIONS="${ASAN_OPTIONS:-allow_user_poisoning=0:use_sigaltstack=0}"
status=0
for name in "${fuzzers[@]}"; do
  corpus=".cache/fuzz/$name"
  mkdir -p "$corpus" ".cache/fuzz/findings"
  seeds=()
  [ -d "test/fuzz/$name" ] && seeds=("test/fuzz/$name")
  [ "$name" != fuzz-artifact-loader ] && seeds+=("$tests")
  say "$name, $minutes minutes, corpus in $corpus"
  "$build/bin/$name" -max_total_time=$((minutes * 60)) -timeout=30 -rss_limit_mb=4096 \
    -print_final_stats=1 -artifact_prefix=".cache/fuzz/findings/$name-" \
    "$corpus" "${seeds[@]}" || status=1
done
if [ "$status" -eq 0 ]; then
  say "No findings"
else
  say "Findings are in .cache/fuzz/findings"
fi
exit "$status"
