#!/usr/bin/env bash
# Kills a training with SIGKILL at ten steps (nine random ones and an epoch's last), resumes each
# with another number of threads, and compares the final weights byte by byte with those of a run
# that was never stopped. Then flips one byte in the newest checkpoint of a finished run and checks
# that the one before is used, with a word about it.
#
#   recipes/resume_study.sh [FOLDER [SEED [OPTIONS OF TRAIN...]]]
#
# Needs bash and a release build (`cargo build --release`), or another one named in OCELLI. Takes
# eleven short trainings, and appends a row for each that was killed to RESULTS, or else to FOLDER/resume.csv.
set -euo pipefail

folder="${1:-runs/resume-study}"
seed="${2:-1}"
RANDOM="$seed"
results="${RESULTS:-$folder/resume.csv}"
command="recipes/resume_study.sh${*:+ $*}"
options=("${@:3}")
ocelli="${OCELLI:-target/release/ocelli}"
epochs=2
recipe=(
    --quiet --seed 7
    --set "train.epochs=$epochs" --set train.batch_size=64 --set train.log_every=1
    --set 'checkpoint.every=25 steps' --set checkpoint.keep=3
    --set ema.enabled=true "${options[@]}"
)

weights() {
    # The newest checkpoint of a finished run.
    printf '%s\n' "$1"/checkpoints/step-* | sort -V | tail -1
}

steps_taken() {
    # The step of the last whole line of the measurements; nothing before there is one.
    { tail -n 1 "$1/metrics.jsonl" 2>/dev/null || true; } |
        sed -n 's/^{"step":\([0-9]*\),.*}$/\1/p'
}

rm -rf "$folder"
mkdir -p "$folder"
echo "reference: one run that nobody stops"
"$ocelli" train "${recipe[@]}" --threads 2 --out "$folder/reference" >/dev/null
reference=$(weights "$folder/reference")
total="${reference##*step-}"
per_epoch=$((total / epochs))
echo "reference: $total steps, $per_epoch per epoch"

failures=0
for trial in 1 2 3 4 5 6 7 8 9 10; do
    kill_at=$((1 + RANDOM % (total - 1)))
    [ "$trial" = 10 ] && kill_at=$per_epoch
    run="$folder/killed-at-$kill_at"
    rm -rf "$run"
    threads=$((1 + trial % 2))
    "$ocelli" train "${recipe[@]}" --threads $threads --out "$run" >/dev/null &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        step=$(steps_taken "$run")
        [ "${step:-0}" -ge "$kill_at" ] && break
        sleep 0.02
    done
    kill -9 "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    stopped=$(steps_taken "$run")
    "$ocelli" train --quiet --resume "$run" --threads $((threads + 2)) >/dev/null
    if cmp -s "$reference/model.safetensors" "$(weights "$run")/model.safetensors"; then
        verdict=identical
    else
        verdict=DIFFERENT
        failures=$((failures + 1))
    fi
    "$ocelli" results add "$results" "command=$command" "seed=$seed" "trial=$trial" \
        "killed_after_step=${stopped:-0}" "of_steps=$total" "threads=$threads" \
        "resumed_threads=$((threads + 2))" "final_weights=$verdict"
    echo "trial $trial: killed after step ${stopped:-0} with $threads threads," \
        "resumed with $((threads + 2)): $verdict"
done

echo "one flipped byte in the newest checkpoint"
model="$reference/model.safetensors"
size=$(stat -c %s "$model")
at=$((size / 2))
byte=$(od -An -tu1 -j "$at" -N 1 "$model")
printf "\\$(printf '%03o' $((byte ^ 1)))" | dd of="$model" bs=1 seek="$at" conv=notrunc status=none
message=$("$ocelli" eval "$folder/reference" --checkpoint last --json 2>&1 >"$folder/eval.json")
echo "$message"
grep -q "passing over the damaged checkpoint" <<<"$message" || failures=$((failures + 1))

echo "$failures failures"
exit "$((failures > 0))"
