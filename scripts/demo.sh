# ./dev demo: everything from a bare machine to a compiled model that runs.
# Part of Sluice, under the Apache License v2.0. See LICENSE.
# shellcheck shell=bash
source scripts/common.sh

say "1. Setting up"
bash scripts/setup.sh
say "2. Building Sluice"
bash scripts/build.sh
exec "$python" scripts/demo.py "$@"
