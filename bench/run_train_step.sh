#!/usr/bin/env bash
# Milliseconds and memory of a training step: Ocelli and PyTorch, both layouts, in turns.
#
#   bench/run_train_step.sh PYTHON [CASE...] > results/train_step.csv
#
# PYTHON is an interpreter with the packages of bench/peers/requirements.txt; a CASE is
# MODEL:BATCHxSIZE. ROUNDS (3) rounds of REPEATS (5) steps per tool, each in a process of its own; a
# row has the median of all and the most memory that a process had. MACHINE describes the machine, if
# /proc/cpuinfo does not do. The ratio is PyTorch's better layout over Ocelli: above one is faster.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$1
shift
cases=("$@")
if [ ${#cases[@]} = 0 ]; then
    cases=(ghostnet_100:16x224 tf_efficientnetv2_b0:16x224 mobilenetv2_100:64x64
        resnet18:16x224 resnet20_cifar:128x32)
fi
rounds="${ROUNDS:-3}"
repeats="${REPEATS:-5}"
ocelli="${OCELLI_BENCH:-$(cargo bench --no-run --message-format=json -p ocelli-train --bench train_step |
    sed -n 's/.*"executable":"\([^"]*train_step[^"]*\)".*/\1/p')}"

for case in "${cases[@]}"; do
    for _ in $(seq "$rounds"); do
        echo "$case $("$ocelli" "$case" "$repeats")"
        for layout in nchw channels_last; do
            echo "$case $("$python" bench/peers/train_step.py "$case" "$repeats" "$layout")"
        done
    done
done | PYTHONPATH=bench/peers COMMAND="ROUNDS=$rounds REPEATS=$repeats bench/run_train_step.sh PYTHON" "$python" -c '
import collections, json, os, statistics, sys

import results

times, peak = collections.defaultdict(list), collections.defaultdict(int)
for line in sys.stdin:
    case, result = line.split(" ", 1)
    result = json.loads(result)
    key = case, result["tool"]
    times[key] += result["ms"]
    peak[key] = max(peak[key], result["peak_mib"])
medians = {key: statistics.median(values) for key, values in times.items()}
rows = []
for (case, tool), values in times.items():
    others = [median for (c, t), median in medians.items() if c == case and t != "ocelli"]
    ratio = f"{min(others) / medians[case, tool]:.2f}" if tool == "ocelli" and others else ""
    # Both tools draw their weights with seed 0.
    row = results.circumstances(0, os.environ["COMMAND"])
    row |= {"case": case, "tool": tool, "steps": len(values), "median_ms": f"{medians[case, tool]:.1f}"}
    row |= {"best_ms": f"{min(values):.1f}", "peak_mib": peak[case, tool], "ratio": ratio}
    rows.append(row)
results.write(rows)
'
