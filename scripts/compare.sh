# ./dev compare REVISION [OPTIONS]: builds this tree and REVISION, then runs
# scripts/compare.py.
# Part of Sluice, under the Apache License v2.0. See LICENSE.
# shellcheck shell=bash
source scripts/common.sh

arguments=()
revision=
for argument in "$@"; do
  case "$argument" in
    -*) arguments+=("$argument") ;;
    *) if [ -z "$revision" ]; then revision="$argument"; else arguments+=("$argument"); fi ;;
  esac
done
case " ${arguments[*]} " in
  *' --help '* | *' -h '*) exec "$python" scripts/compare.py --help ;;
esac
[ -n "$revision" ] || die "compare: which revision? (./dev compare main, for instance)"
commit="$(git rev-parse --quiet --verify --short=12 "$revision^{commit}")" ||
  die "compare: there is no revision '$revision'"

bash scripts/setup.sh
bash scripts/build.sh

# Built with this tree's version number, which artifacts name.
version="$(sed -nE 's/^project\(Sluice VERSION ([0-9.]+).*/\1/p' CMakeLists.txt)"
base=".cache/compare/$commit"
if [ ! -f "$base/complete" ]; then
  rm -rf "$base"
  mkdir -p "$base/source"
  git archive "$commit" | tar -x -C "$base/source"
  sed -E -i "s/^(project\(Sluice VERSION )[0-9.]+/\\1$version/" \
    "$base/source/CMakeLists.txt"
  launcher=()
  if command -v ccache >/dev/null; then
    launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  fi
  export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime
  step "Configuring $commit" cmake -S "$base/source" -B "$base/build" --preset release \
    -DSLUICE_ENABLE_TESTS=OFF "${launcher[@]}"
  step "Building $commit" ninja -C "$base/build" sluicec sluice-run
  touch "$base/complete"
fi
exec "$python" scripts/compare.py --base="$base" "${arguments[@]}"
