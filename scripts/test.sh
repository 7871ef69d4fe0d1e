# ./dev test: sets up and builds what is missing, then runs scripts/test.py.
# Part of Sluice, under the Apache License v2.0. See LICENSE.
# shellcheck shell=bash
source scripts/common.sh

preset=release
arguments=()
for argument in "$@"; do
  case "$argument" in
    --sanitize=address) preset=asan-ubsan ;;
    --sanitize=thread) preset=tsan ;;
    --preset=*) preset="${argument#*=}" ;;
    --sanitize*) die "test: --sanitize=address or --sanitize=thread" ;;
    *) arguments+=("$argument") ;;
  esac
done
# Wrong names are told at once, where there is a Python to tell them.
if command -v python3 >/dev/null; then
  python3 scripts/test.py --check "${arguments[@]}"
fi
bash scripts/setup.sh
bash scripts/build.sh --preset="$preset"
exec "$python" scripts/test.py --preset="$preset" "${arguments[@]}"
