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

machine="${MACHINE:-$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $(nproc) cores}"
echo "date,machine,command,seed,pictures,tool,round,images,seconds,images_per_second"
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
            "$python" - "$result" "$(date -u +%F)" "$machine" "$command" \
                "$(basename "$pictures")" "$round" <<'PYTHON'
import csv, json, sys

result, date, machine, command, pictures, round_number = sys.argv[1:]
result = json.loads(result)
csv.writer(sys.stdout, lineterminator="\n").writerow(
    [date, machine, command, result["seed"], pictures, result["tool"], round_number]
    + [result["images"], f'{result["seconds"]:.3f}', f'{result["images_per_second"]:.1f}']
)
PYTHON
        done
    done
done | tee >("$python" -c '
import collections, csv, statistics, sys

rates = collections.defaultdict(list)
for row in csv.reader(sys.stdin):
    rates[row[4], row[5].split()[0]].append(float(row[9]))
medians = {key: statistics.median(values) for key, values in rates.items()}
for pictures in dict.fromkeys(pictures for pictures, _ in medians):
    ours, theirs = medians[pictures, "ocelli"], medians[pictures, "torchvision"]
    print(f"{pictures}: ocelli {ours:.0f}/s, torchvision {theirs:.0f}/s, {ours / theirs:.2f} times", file=sys.stderr)
')
