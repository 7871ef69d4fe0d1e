# What the scripts behind ./dev share. Sourced, with the repository's root as
# working directory.
# Part of Sluice, under the Apache License v2.0. See LICENSE.
# shellcheck shell=bash
set -euo pipefail

# Used by the scripts that source this file.
# shellcheck disable=SC2034
python=.venv/bin/python3
mkdir -p .cache/logs

say() { printf '\n== %s\n' "$*"; }

die() {
  printf 'dev: %s\n' "$*" >&2
  exit 1
}

# step LABEL COMMAND...: runs a long command quietly. Says every 15 seconds that
# it is still at work, and shows the end of its output when it fails.
step() {
  local label="$1" log start job status=0 waited=0
  shift
  log=".cache/logs/$(printf '%s' "$label" | tr -cs 'A-Za-z0-9' '-').log"
  start=$SECONDS
  printf '   %s ...\n' "$label"
  "$@" >"$log" 2>&1 </dev/null &
  job=$!
  while kill -0 "$job" 2>/dev/null; do
    sleep 0.2
    waited=$((waited + 1))
    if [ $((waited % 75)) -eq 0 ]; then
      printf '   %s: %d s, %s\n' "$label" $((SECONDS - start)) \
        "$(tail -n 1 "$log" | cut -c 1-90)"
    fi
  done
  wait "$job" || status=$?
  if [ "$status" -ne 0 ]; then
    printf '   %s: failed after %d s (all of it in %s)\n' "$label" \
      $((SECONDS - start)) "$log" >&2
    tail -n 30 "$log" >&2
    return "$status"
  fi
  printf '   %s: done in %d s\n' "$label" $((SECONDS - start))
}

# retry COMMAND...: up to three tries, for what needs the network.
retry() {
  local try
  for try in 1 2 3; do
    "$@" && return 0
    echo "try $try failed: $*"
    sleep $((try * 5))
  done
  return 1
}
