#!/usr/bin/env bash
# Does work that is killed end with the same bytes? Kills a training, a grid, an attack and a search with
# SIGKILL at random moments, again and again, and goes on until each has ended; what they leave is compared
# with what is left without a kill.
#
#   recipes/kill_study.sh [KILLS [FOLDER]]
#
# KILLS is how often each of the four is killed at least (25). Needs bash and a release build
# (`cargo build --release`), or another one named in OCELLI. Embedded images only. Appends to RESULTS, or else to
# FOLDER/kill_study.csv, a row for each work: its kills, and whether its results are identical.
set -euo pipefail

kills="${1:-25}"
folder="${2:-runs/kill-study}"
ocelli="$(realpath "${OCELLI:-target/release/ocelli}")"
seed=7
RANDOM="$seed"
command="recipes/kill_study.sh${*:+ $*}"
mkdir -p "$folder"
table="$(realpath "${RESULTS:-$folder/kill_study.csv}")"
cd "$folder"

train=(train --set train.epochs=2 --set model.name=resnet20_cifar --set input.size=16
    --set "checkpoint.every=\"7 steps\"")
grid=("${train[@]}" --set train.max_steps=60 --grid seed=0,1,2)
attack=(attack one-pixel whole-train --images 40 --pixels 1,2 --untargeted --population 60
    --set misclassified=attack)
search=(search --trials 4 --epochs-per-trial 1 --set search.minival_per_class=100
    --set search.timed_steps=1)

# The results of a work, as one hash: weights, tables, and of a search what does not depend on time.
results() {
    case "$1" in
    train) cat "$2"/checkpoints/step-*/model.safetensors ;;
    grid) cat "$2"/*/checkpoints/step-*/model.safetensors ;;
    attack) cat "$2/results.csv" ;;
    search) sed -n 's/.*"stages":\(.*\),"status".*"correct":\([0-9]*\).*/\1 \2/p' "$2/ledger.jsonl" ;;
    esac | sha256sum | cut -d' ' -f1
}

# Begins a work or goes on with it.
run() {
    local kind="$1" out="$2"
    local -n words="$kind"
    case "$kind" in
    train) "$ocelli" "${words[@]}" --out "$out" --resume auto ;;
    grid) "$ocelli" "${words[@]}" --out "$out" ;;
    attack)
        if [ -f "$out/attack.toml" ]; then "$ocelli" attack one-pixel --resume "$out"; else "$ocelli" "${words[@]}" --out "$out"; fi
        ;;
    search)
        if [ -f "$out/ledger.jsonl" ]; then "$ocelli" search --resume "$out"; else "$ocelli" "${words[@]}" --out "$out"; fi
        ;;
    esac
}

for kind in train grid attack search; do
    rm -rf "whole-$kind" killed-*
    start=$(date +%s%N)
    run "$kind" "whole-$kind" >whole.log 2>&1
    # A kill comes anywhere in the time that the whole work takes, at most.
    span=$((($(date +%s%N) - start) / 1000000))
    expected=$(results "$kind" "whole-$kind")
    killed=0 round=0 identical=yes
    while [ "$killed" -lt "$kills" ]; do
        round=$((round + 1))
        out="killed-$kind-$round"
        while :; do
            run "$kind" "$out" >killed.log 2>&1 &
            child=$!
            sleep "$(awk -v ms=$((RANDOM * 32768 + RANDOM)) -v span="$span" \
                'BEGIN { print 0.02 + (ms % span) / 1000 / 3 }')"
            # The command is a child of the shell that stands for the function.
            if pkill -KILL -P "$child" 2>/dev/null; then
                killed=$((killed + 1))
                wait "$child" 2>/dev/null || true
            elif wait "$child"; then
                break
            else
                echo "$kind: round $round failed:" >&2
                tail -n 3 killed.log >&2
                exit 1
            fi
        done
        [ "$(results "$kind" "$out")" = "$expected" ] || identical=no
        rm -rf "$out"
    done
    "$ocelli" results add "$table" "command=$command" "seed=$seed" "work=$kind" "kills=$killed" \
        "identical=$identical"
    echo "$kind: $killed kills, identical: $identical"
done
