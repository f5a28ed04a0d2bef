#!/usr/bin/env bash
# Where few bits meet the other methods, in three parts:
#
#   attack   Is a network of few bits easier to fool by one pixel? Quantizes WEIGHTS without training to each of
#            BITS, attacks it before and after with the same seed, and compares the images that were attacked both
#            times, with the exact test of McNemar.
#   ghost    Do few bits and cheap feature maps go together? Trains ResNet-20 and its Ghost form in full
#            precision, with two bits, and by DQA, and packs what was trained on few levels.
#   pareto   Draws bytes and accuracy of all that the other parts have made as one page.
#
#   recipes/dqa_crossings.sh DATA [FOLDER [PART...]]
#
# DATA is as in 'cifar10/{split}.tar'. Needs bash, awk, a release build (`cargo build --release`, or another one
# named in OCELLI) and for `attack` WEIGHTS, a file of MODEL (resnet20_cifar). BITS, IMAGES, SEEDS, and the options in
# ATTACK, QUANTIZE and TRAIN change what is done. Appends rows to RESULTS/{dqa_one_pixel,dqa_ghost}.csv, or to those
# files in FOLDER, and goes on with what was begun.
set -euo pipefail

data="$1"
folder="${2:-runs/dqa-crossings}"
read -ra parts <<<"${*:3}"
[ ${#parts[@]} -gt 0 ] || parts=(attack ghost pareto)
ocelli="${OCELLI:-target/release/ocelli}"
results="${RESULTS:-$folder}"
model="${MODEL:-resnet20_cifar}"
images="${IMAGES:-100}"
read -ra widths <<<"${BITS:-8 4}"
read -ra seeds <<<"${SEEDS:-0 1 2}"
read -ra attack <<<"${ATTACK:---preset scipy-peer --generations 75}"
read -ra quantize <<<"${QUANTIZE:-}"
read -ra train <<<"${TRAIN:-}"
test="${data/\{split\}/test}"
mkdir -p "$folder"

value() {
    # The first number under a key of the JSON on stdin.
    grep -o "\"$1\":[0-9.eE+-]*" | head -n 1 | cut -d : -f 2
}

compare() {
    # The columns of a row, with tabs between, from the attempts on the network in floats and on another: the images
    # of both, in how many each was fooled alone, and how probable that is if neither is fooled more easily.
    awk -F, '
        { gsub(/"[^"]*"/, "quoted") }
        FNR == 1 { file++; for (i = 1; i <= NF; i++) column[$i] = i; next }
        file == 1 { first[$column["image"]] = $column["success"] == "true"; next }
        $column["image"] in first {
            before = first[$column["image"]]; after = $column["success"] == "true"
            images++; fooled_before += before; fooled += after
            only_before += before && !after; only_after += after && !before
            evaluations += $column["evaluations"]
        }
        END {
            cases = only_before + only_after
            fewer = only_before < only_after ? only_before : only_after
            ways = 0; sum = 0
            for (k = 0; k <= fewer; k++) {
                if (k) ways += log((cases - k + 1) / k)
                sum += exp(ways - cases * log(2))
            }
            p = 2 * sum < 1 ? 2 * sum : 1
            printf "images=%d\tfooled_before=%d\tfooled=%d\t", images, fooled_before, fooled
            printf "only_before=%d\tonly_after=%d\tp=%.4g\t", only_before, only_after, p
            printf "mean_evaluations=%.1f\n", images ? evaluations / images : 0
        }' "$1" "$2"
}

attacked() {
    # Attacks the network that $2... names, unless $1 is done, with all options from ATTACK.
    local out="$1"
    shift
    [ -e "$out/summary.json" ] && return
    if [ -e "$out/attacked.jsonl" ]; then
        "$ocelli" attack one-pixel --quiet --resume "$out" >/dev/null
    else
        "$ocelli" attack one-pixel --quiet "$@" --data "$test" --images "$images" --pixels 1 --untargeted --seed 0 \
            "${attack[@]}" --out "$out" >/dev/null
    fi
}

part_attack() {
    local bits out command
    attacked "$folder/attack-32" --weights "$WEIGHTS" --model "$model"
    for bits in "${widths[@]}"; do
        out="$folder/w$bits"
        [ -e "$out/quantize.json" ] || "$ocelli" quantize --quiet --weights "$WEIGHTS" --model "$model" --post-training \
            --bits "$bits" "${quantize[@]}" --data "$data" --out "$out" >/dev/null
        attacked "$folder/attack-$bits" "$out/packed.safetensors"
        command="WEIGHTS=${WEIGHTS##*/} IMAGES=$images BITS=$bits${QUANTIZE:+ QUANTIZE=$(printf %q "$QUANTIZE")}"
        command+="${ATTACK:+ ATTACK=$(printf %q "$ATTACK")} recipes/dqa_crossings.sh $(printf %q "$data") FOLDER attack"
        compare "$folder/attack-32/results.csv" "$folder/attack-$bits/results.csv" | while IFS=$'\t' read -ra row; do
            "$ocelli" results add "$results/dqa_one_pixel.csv" "command=$command" seed=0 "model=$model" "bits=$bits" \
                "bytes=$(tr -d ' ' <"$out/quantize.json" | value bytes)" \
                "top1_before=$(tr -d ' ' <"$out/quantize.json" | value float_top1)" \
                "top1=$(tr -d ' ' <"$out/quantize.json" | value top1)" "${row[@]}"
        done
    done
}

part_ghost() {
    local network scheme seed run answer bytes command
    for network in resnet20_cifar ghost_resnet20_cifar; do
        for scheme in full_precision vanilla dqa; do
            for seed in "${seeds[@]}"; do
                run="$folder/$network-$scheme-$seed"
                [ -e "$run.done" ] && continue
                local resume=()
                [ -e "$run/recipe.toml" ] && resume=(--resume auto)
                command=(train --quiet cifar10-dqa-small --data "$data" --seed "$seed" --set "model.name=$network"
                    --set model.small_input=false --set "dqa.scheme=$scheme" "${train[@]}")
                answer=$("$ocelli" "${command[@]}" --out "$run" "${resume[@]}" --json)
                if [ "$scheme" = full_precision ]; then
                    bytes=$(($("$ocelli" cost "$network" --json | value params) * 4))
                else
                    bytes=$("$ocelli" quantize --quiet "$run" --data "$data" --force --json | value bytes)
                fi
                "$ocelli" results add "$results/dqa_ghost.csv" "command=ocelli$(printf ' %q' "${command[@]}")" \
                    "seed=$seed" "model=$network" "scheme=$scheme" "bytes=$bytes" "top1=$(value top1 <<<"$answer")"
                touch "$run.done"
            done
        done
    done
}

part_pareto() {
    local all=() found
    for found in "$folder"/w*/quantize.json "$folder"/*/evaluation.json; do
        [ -e "$found" ] && all+=("$(dirname "$found")")
    done
    "$ocelli" report "${all[@]}" --out "$folder/pareto.html" --force
}

for part in "${parts[@]}"; do
    "part_$part"
done
