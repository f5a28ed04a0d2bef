#!/usr/bin/env bash
# A row for each criterion bench of the crates named.
#
#   bench/criterion_rows.sh FILE ocelli-data ocelli-kernels
#
# Rows are appended to FILE, as results/criterion.csv. Short measurements: enough to see a step that has become
# twice as slow, not a tenth. MACHINE describes the machine, if what the command says of it does not do; needs a
# release build (`cargo build --release`), or another one named in OCELLI. Benches draw their inputs with seed 0.
set -euo pipefail
cd "$(dirname "$0")/.."
options="--warm-up-time 0.2 --measurement-time 0.8 --sample-size 10 --noplot"
ocelli="${OCELLI:-target/release/ocelli}"
file="$1"

for crate in "${@:2}"; do
    cargo bench --quiet -p "$crate" --bench '*' -- $options 2>/dev/null |
        awk '
            # "NAME time: [LOW UNIT ESTIMATE UNIT HIGH UNIT]"; a long name has a line of its own.
            /time: +\[/ {
                name = $0
                sub(/ *time:.*/, "", name)
                if (name == "") name = last
                sub(/.*\[/, "")
                sub(/\].*/, "")
                printf "%s", name
                for (at = 1; at < 6; at += 2) printf "\t%.6g", $at * factor($(at + 1))
                print ""
            }
            { last = $0 }
            function factor(unit) {
                return unit == "s" ? 1e6 : unit == "ms" ? 1e3 : unit == "ns" ? 1e-3 : unit == "ps" ? 1e-6 : 1
            }' |
        while IFS=$'\t' read -r bench low estimate high; do
            "$ocelli" results add "$file" ${MACHINE:+"machine=$MACHINE"} "command=cargo bench -p $crate" seed=0 \
                "bench=$bench" "low_us=$low" "estimate_us=$estimate" "high_us=$high"
        done
done
