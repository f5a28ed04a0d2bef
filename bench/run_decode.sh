#!/usr/bin/env bash
# Pictures per second and core, prepared for training: Ocelli and torchvision in turns.
#
#   bench/run_decode.sh PYTHON PICTURES.tar... > results/decode.csv
#
# PYTHON is an interpreter with the packages of bench/peers/requirements.txt. Five rounds of five
# seconds per tool and file; the clock is processor time. Medians and their ratio go to stderr.
# MACHINE describes the machine, if /proc/cpuinfo does not do.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$1
shift
rounds=5
seconds=5
cargo build --quiet --release -p ocelli-data --example decode_throughput
ocelli=target/release/examples/decode_throughput

for round in $(seq "$rounds"); do
    for pictures in "$@"; do
        for tool in ocelli torchvision; do
            if [ "$tool" = ocelli ]; then
                command="decode_throughput $(basename "$pictures") $seconds"
                result=$("$ocelli" "$pictures" "$seconds")
            else
                command="decode_torchvision.py $(basename "$pictures") $seconds"
                result=$("$python" bench/peers/decode_torchvision.py "$pictures" "$seconds")
            fi
            printf '%s\t%s\t%s\t%s\n' "$command" "$(basename "$pictures")" "$round" "$result"
        done
    done
done | PYTHONPATH=bench/peers "$python" -c '
import collections, json, statistics, sys

import results

rates, rows = collections.defaultdict(list), []
for line in sys.stdin:
    command, pictures, turn, result = line.split("\t")
    result = json.loads(result)
    row = results.circumstances(result["seed"], command)
    row |= {"pictures": pictures, "tool": result["tool"], "round": turn, "images": result["images"]}
    row |= {"seconds": "%.3f" % result["seconds"], "images_per_second": "%.1f" % result["images_per_second"]}
    rows.append(row)
    rates[pictures, result["tool"].split()[0]].append(result["images_per_second"])
results.write(rows)
medians = {key: statistics.median(values) for key, values in rates.items()}
for pictures in dict.fromkeys(pictures for pictures, _ in medians):
    ours, theirs = medians[pictures, "ocelli"], medians[pictures, "torchvision"]
    print(f"{pictures}: ocelli {ours:.0f}/s, torchvision {theirs:.0f}/s, {ours / theirs:.2f} times", file=sys.stderr)
'
