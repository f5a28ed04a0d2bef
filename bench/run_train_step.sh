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
done | COMMAND="ROUNDS=$rounds REPEATS=$repeats bench/run_train_step.sh PYTHON" "$python" -c '
import collections, csv, datetime, json, os, statistics, sys

cpu = [line for line in open("/proc/cpuinfo") if line.startswith("model name")][0].split(":")[1]
machine = os.environ.get("MACHINE", f"{cpu.strip()}, {os.cpu_count()} cores")
times, peak = collections.defaultdict(list), collections.defaultdict(int)
for line in sys.stdin:
    case, result = line.split(" ", 1)
    result = json.loads(result)
    key = case, result["tool"]
    times[key] += result["ms"]
    peak[key] = max(peak[key], result["peak_mib"])
rows = csv.writer(sys.stdout, lineterminator="\n")
rows.writerow("date machine command case tool steps median_ms best_ms peak_mib ratio".split())
medians = {key: statistics.median(values) for key, values in times.items()}
for (case, tool), values in times.items():
    others = [median for (c, t), median in medians.items() if c == case and t != "ocelli"]
    ratio = f"{min(others) / medians[case, tool]:.2f}" if tool == "ocelli" and others else ""
    rows.writerow(
        [datetime.date.today(), machine, os.environ["COMMAND"], case, tool, len(values)]
        + [f"{medians[case, tool]:.1f}", f"{min(values):.1f}", peak[case, tool], ratio]
    )
'
