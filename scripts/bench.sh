# ./dev bench: sets up and builds what is missing, then benchmarks/bench.py.
# Part of Sluice, under the Apache License v2.0. See LICENSE.
# shellcheck shell=bash
source scripts/common.sh

bash scripts/setup.sh
bash scripts/build.sh
exec "$python" benchmarks/bench.py "$@"
