# ./dev lint [FILE...]: clang-tidy, shellcheck and our own rules. Without files,
# clang-tidy looks at the sources that differ from main; --all: at all of them;
# --quick: at none, for which nothing has to be built.
# Part of Sluice, under the Apache License v2.0. See LICENSE.
# shellcheck shell=bash
source scripts/common.sh

status=0
say "Formatting"
bash scripts/format.sh --check || status=1

say "Shell scripts"
if command -v shellcheck >/dev/null; then
  shellcheck -x dev .ci/run scripts/*.sh || status=1
else
  echo "   shellcheck is not installed"
fi

say "Our rules"
"$python" scripts/lint_rules.py || status=1
"$python" scripts/lint_layers.py || status=1

[ "${1:-}" = --quick ] && exit "$status"

say "clang-tidy"
[ -f build/release/compile_commands.json ] || bash scripts/build.sh
if [ "${1:-}" = --all ]; then
  mapfile -t files < <(git ls-files 'lib/*.cpp' 'dialects/*.cpp' 'tools/*.cpp' \
    'runtime/*.c' 'runtime/*.cpp')
elif [ $# -gt 0 ]; then
  files=("$@")
else
  mapfile -t files < <(git diff --name-only --diff-filter=d main -- \
    'lib/*.cpp' 'dialects/*.cpp' 'tools/*.cpp' 'runtime/*.c' 'runtime/*.cpp')
fi
if [ ${#files[@]} -gt 0 ]; then
  # GCC's precompiled headers mean nothing to clang-tidy; ours are Clang's.
  printf '%s\n' "${files[@]}" |
    xargs -P "$(nproc)" -n 1 clang-tidy-22 -p build/release --quiet || status=1
else
  echo "   nothing to look at"
fi
exit "$status"
