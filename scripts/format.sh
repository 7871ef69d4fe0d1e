# ./dev format: clang-format on all C and C++ sources. --check only tells.
# Part of Sluice, under the Apache License v2.0. See LICENSE.
# shellcheck shell=bash
source scripts/common.sh

mode=(-i)
if [ "${1:-}" = --check ]; then
  mode=(--dry-run --Werror)
fi
git ls-files -z '*.h' '*.c' '*.cpp' | xargs -0 -r clang-format-22 "${mode[@]}"
