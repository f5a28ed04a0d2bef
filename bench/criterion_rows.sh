#!/usr/bin/env bash
# A line of CSV for each criterion bench of the crates named.
#
#   bench/criterion_rows.sh ocelli-data ocelli-kernels > results/criterion.csv
#
# Short measurements: enough to see a step that has become twice as slow, not a tenth. MACHINE
# describes the machine, if /proc/cpuinfo does not do.
set -euo pipefail
cd "$(dirname "$0")/.."
options="--warm-up-time 0.2 --measurement-time 0.8 --sample-size 10 --noplot"
machine="${MACHINE:-$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $(nproc) cores}"

echo "date,machine,command,bench,low_us,estimate_us,high_us"
for crate in "$@"; do
    cargo bench --quiet -p "$crate" --bench '*' -- $options 2>/dev/null |
        awk -v date="$(date -u +%F)" -v machine="$machine" -v command="cargo bench -p $crate" '
            # "NAME time: [LOW UNIT ESTIMATE UNIT HIGH UNIT]"; a long name has a line of its own.
            /time: +\[/ {
                name = $0
                sub(/ *time:.*/, "", name)
                if (name == "") name = last
                sub(/.*\[/, "")
                sub(/\].*/, "")
                printf "%s,\"%s\",%s,\"%s\"", date, machine, command, name
                for (at = 1; at < 6; at += 2) printf ",%.6g", $at * factor($(at + 1))
                print ""
            }
            { last = $0 }
            function factor(unit) {
                return unit == "s" ? 1e6 : unit == "ms" ? 1e3 : unit == "ns" ? 1e-3 : unit == "ps" ? 1e-6 : 1
            }'
done
