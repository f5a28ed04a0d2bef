#!/usr/bin/env bash
# How easily are the networks of the one-pixel paper fooled, trained here? Trains AllConv, Network in Network
# and VGG-16 on CIFAR-10 and attacks each with 1, 3 and 5 pixels under the paper's settings, towards every
# class and towards any; the last column is the paper's rate on CIFAR-10's own test images (Table VIII).
#
#   recipes/one_pixel_study.sh DATA [FOLDER [IMAGES [OPTIONS OF TRAIN...]]]
#
# DATA is as in 'cifar10/{split}.tar'. Needs bash, awk and a release build (`cargo build --release`), or
# another one named in OCELLI. SIZE=-small takes the recipes for some ten thousand images, ATTACK holds options
# of the attack, as in ATTACK='--untargeted --pixels 1'. Appends rows to RESULTS, or else to
# FOLDER/one_pixel_study.csv, and goes on with trainings and attacks that were begun.
set -euo pipefail

data="$1"
folder="${2:-runs/one-pixel-study}"
images="${3:-500}"
options=("${@:4}")
ocelli="${OCELLI:-target/release/ocelli}"
results="${RESULTS:-$folder/one_pixel_study.csv}"
command="${SIZE:+SIZE=$SIZE }${ATTACK:+ATTACK=$(printf '%q' "$ATTACK") }recipes/one_pixel_study.sh $(printf '%q ' "$@")"
read -ra attack <<<"${ATTACK:---targeted --untargeted --pixels 1,3,5}"

case " ${attack[*]} " in
*" --fewest "*)
    echo "rates of each number of pixels need all attempts: leave out --fewest" >&2
    exit 2
    ;;
esac

value() {
    # The number under a key of the JSON on stdin.
    sed -n "s/.*\"$1\":\([0-9.eE+-]*\).*/\1/p"
}

rates() {
    # Rates by kind and number of pixels, from the table of all attempts: the columns of a row in a line, with
    # tabs between.
    awk -F, -v network="$1" -v top1="$2" -v published="$3" '
        BEGIN { OFS = ","; split(published, paper, " ") }
        # Quoted fields hold commas, and nothing that is wanted here.
        { gsub(/"[^"]*"/, "quoted") }
        NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
        {
            pixels = $column["pixels"]; aim = $column["aim"]; image = $column["image"]
            won = $column["success"] == "true"
            key = aim OFS pixels
            if (!(key in attempts)) order[++kinds] = key
            attempts[key]++; evaluations[key] += $column["evaluations"]
            if (won) { successes[key]++; confidence[key] += $column["confidence"] }
            if (aim == "targeted") {
                key = "derived" OFS pixels
                if (!(key in attempts)) order[++kinds] = key
                if (!(key OFS image in seen)) { seen[key OFS image] = 1; attempts[key]++ }
                evaluations[key] += $column["evaluations"]
                if (won && !(key OFS image in fooled)) { fooled[key OFS image] = 1; successes[key]++ }
            }
        }
        END {
            place["targeted,1"] = 1; place["derived,1"] = 2; place["untargeted,1"] = 3
            for (i = 1; i <= kinds; i++) {
                key = order[i]; n = successes[key] + 0
                rate = sprintf("%.4f", n / attempts[key])
                sure = n && key !~ /^derived/ ? sprintf("%.4f", confidence[key] / n) : ""
                mean = sprintf("%.1f", evaluations[key] / attempts[key])
                split(key, part, OFS)
                published = key in place ? paper[place[key]] : ""
                printf "network=%s\ttop1=%s\tkind=%s\tpixels=%s\t", network, top1, part[1], part[2]
                printf "attempts=%s\tsuccesses=%s\tsuccess_rate=%s\t", attempts[key], n, rate
                printf "mean_confidence=%s\tmean_evaluations=%s\tpaper_rate=%s\n", sure, mean, published
            }
        }' "$4"
}

for network in allconv nin vgg16; do
    run="$folder/$network" found="$folder/$network-attack"
    resume=()
    [ -e "$run/recipe.toml" ] && resume=(--resume auto)
    answer=$("$ocelli" train --quiet "cifar10-$network${SIZE:-}" --data "$data" --out "$run" "${resume[@]}" \
        "${options[@]}" --json)
    if [ -e "$found/attacked.jsonl" ]; then
        "$ocelli" attack one-pixel --quiet --resume "$found" --images "$images" >/dev/null
    else
        # The last checkpoint: the column top1 is of the last evaluation.
        "$ocelli" attack one-pixel --quiet "$run" --checkpoint last --data "${data/\{split\}/test}" --images "$images" \
            "${attack[@]}" --out "$found" >/dev/null
    fi
    case "$network" in
        allconv) published="0.0341 0.2267 0.2260" ;;
        nin) published="0.0478 0.3200 0.3520" ;;
        vgg16) published="0.0563 0.3033 0.3140" ;;
    esac
    rates "$network" "$(value top1 <<<"$answer")" "$published" "$found/results.csv" |
        while IFS=$'\t' read -ra row; do
            "$ocelli" results add "$results" "command=${command% }" seed=0 "${row[@]}"
        done
done
