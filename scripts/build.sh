# ./dev build: configures on first use, then builds.
# Part of Sluice, under the Apache License v2.0. See LICENSE.
# shellcheck shell=bash
source scripts/common.sh

preset=release
targets=()
for argument in "$@"; do
  case "$argument" in
    --preset=*) preset="${argument#*=}" ;;
    -*) die "build: no option '$argument' (there is --preset=NAME)" ;;
    *) targets+=("$argument") ;;
  esac
done

[ -x "$python" ] || bash scripts/setup.sh
build="build/$preset"
# Lets ccache reuse files that include the precompiled header.
export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime
if [ ! -f "$build/build.ninja" ]; then
  launcher=()
  if command -v ccache >/dev/null; then
    launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache
      -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  fi
  step "Configuring ($preset)" cmake --preset "$preset" "${launcher[@]}" \
    -DSLUICE_TEST_PYTHON="$PWD/$python"
fi
say "Building ($preset)"
start=$SECONDS
export NINJA_STATUS="[%f/%t, %es] "
ninja -C "$build" "${targets[@]}"
echo "   built in $((SECONDS - start)) s: $build/bin"
