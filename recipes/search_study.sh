#!/usr/bin/env bash
# Does a search find a network that beats the one made by hand in the same time? Searches on CIFAR-10,
# then trains the winner and efficientnetv2_small_cifar under the same recipe for as long as EPOCHS of
# the latter take, for three seeds. Epochs follow from the speeds of both, measured in turns just before.
#
#   recipes/search_study.sh DATA [FOLDER [EPOCHS [OPTIONS OF SEARCH...]]]
#
# DATA is as in 'cifar10/{split}.tar'. Needs bash, awk and a release build (`cargo build --release`), or
# another one named in OCELLI. Appends rows to RESULTS, or else to FOLDER/search_study.csv, and goes on with a
# search and trainings that were begun.
set -euo pipefail

data="$1"
folder="${2:-runs/search-study}"
epochs="${3:-30}"
options=("${@:4}")
ocelli="${OCELLI:-target/release/ocelli}"
search="$folder/search"
results="${RESULTS:-$folder/search_study.csv}"
command="recipes/search_study.sh $(printf '%q ' "$@")"

if [ -e "$search/ledger.jsonl" ]; then
    "$ocelli" search --quiet --resume "$search" "${options[@]}" >/dev/null
else
    "$ocelli" search --quiet cifar10-search --data "$data" --out "$search" "${options[@]}" >/dev/null
fi
# The winner's network and the backbone's, under the recipe that both were searched with.
by_hand="$folder/by-hand.toml"
sed '/^\[search\]/,$d' "$search/search.toml" >"$by_hand"
winner="$search/winner.toml"

value() {
    # The number under a key of the JSON on stdin.
    sed -n "s/.*\"$1\":\([0-9.eE+-]*\).*/\1/p"
}

speed() {
    # Images per second of a few steps.
    rm -rf "$folder/speed"
    "$ocelli" train --quiet "$1" --out "$folder/speed" --max-steps 60 --json | value images_per_second
    rm -rf "$folder/speed"
}

speeds=()
for turn in 1 2 3; do
    speeds+=("$(speed "$by_hand") $(speed "$winner")")
done
winner_epochs=$(printf '%s\n' "${speeds[@]}" | awk -v epochs="$epochs" '
    { hand += $1; winner += $2 }
    END { rounded = int(epochs * winner / hand + 0.5); print (rounded > 1 ? rounded : 1) }')

for seed in 1 2 3; do
    for network in by-hand winner; do
        recipe="$by_hand" length="$epochs"
        [ "$network" = winner ] && recipe="$winner" length="$winner_epochs"
        run="$folder/$network-$seed"
        resume=()
        [ -e "$run/recipe.toml" ] && resume=(--resume auto)
        answer=$("$ocelli" train --quiet "$recipe" --seed "$seed" --out "$run" "${resume[@]}" \
            --set "train.epochs=$length" --set "train.eval_every=$length" --json)
        params=$("$ocelli" cost --recipe "$run/recipe.toml" --classes 10 --json | value params)
        "$ocelli" results add "$results" "command=${command% }" "network=$network" "seed=$seed" "epochs=$length" \
            "params=$params" "seconds=$(value seconds <<<"$answer")" \
            "images_per_second=$(value images_per_second <<<"$answer")" "top1=$(value top1 <<<"$answer")"
    done
done
