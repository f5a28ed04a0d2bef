#!/usr/bin/env bash
# How good is `ocelli train --pretrained FILE --reset-head` on small and on larger sets? Fine-tunes on four
# sets of 95 to 20,000 images, each with the seeds 0, 1 and 2, and measures on training images that are held
# out, so no test part is looked at. Three arms: `before`, an earlier build with its own recipe (one from before
# heads were reset to zero, named in OCELLI_BEFORE; left out without it); `head`, that recipe with a head of
# zeros; `after`, the recipe as it is.
#
#   recipes/finetune_study.sh [FOLDER [SET...]]
#
# Needs bash, unzip, a release build (`cargo build --release`, or another one named in OCELLI) and, for each SET:
#
#   photos     LITE0, PHOTOS     EfficientNet-Lite0 of ImageNet; a folder WNID/ of one photo or more for
#                                each class of ImageNet, of which 38 in each of five groups of animals are taken
#   omniglot   RESNET20, OMNIGLOT  ResNet-20 of CIFAR-10; images_background_small1.zip, its first 50 characters
#   cifar10    LITE0, CIFAR10    the train part as CLASS/NAME.png, its first 250 images of each class
#   cifar100   RESNET20, CIFAR100  the train part with 250 images of each class, as ocelli reads it
#
# SEEDS, THREADS and ARMS change what is run. Appends rows to results/finetune.csv (or RESULTS); a run that is
# finished is not done again. COMMIT_BEFORE names the commit of OCELLI_BEFORE, if that cannot tell it.
set -euo pipefail

folder="${1:-runs/finetune-study}"
read -ra sets <<<"${*:2}"
[ ${#sets[@]} -gt 0 ] || sets=(photos omniglot cifar10 cifar100)
read -ra seeds <<<"${SEEDS:-0 1 2}"
read -ra arms <<<"${ARMS:-before head after}"
ocelli="${OCELLI:-target/release/ocelli}"
results="${RESULTS:-results/finetune.csv}"
# The recipe without what it does for small sets, as it was before.
earlier=(optimizer.lr_images=1 model.keep_statistics_below=1 train.min_steps=1)

# The photos of 38 classes, evenly spread over those at these places in the list of sorted identifiers.
group() {
    local name="$1" to="$folder/data/photos/$1" classes=() range at
    shift
    local all=("$PHOTOS"/n*)
    for range in "$@"; do
        for ((at = ${range%-*}; at <= ${range#*-}; at++)); do classes+=("${all[at]}"); done
    done
    mkdir -p "$to"
    for ((at = 0; at < 38; at++)); do
        local files=("${classes[at * ${#classes[@]} / 38]}"/*)
        cp "${files[0]}" "$to/"
    done
    echo "$name: $(find "$to" -type f | wc -l) photos" >&2
}

make_photos() {
    group bird 7-24 80-100 127-146
    group reptile 25-68
    group dog 151-268
    group arthropod 69-79 300-326
    group mammal 330-388
}

make_omniglot() {
    local character name
    unzip -q -o "$OMNIGLOT" -d "$folder/data/unzipped"
    find "$folder/data/unzipped" -type d -name 'character*' | LC_ALL=C sort | sed -n 1,50p |
        while read -r character; do
            name="$(basename "$(dirname "$character")")-$(basename "$character")"
            mkdir -p "$folder/data/omniglot"
            cp -r "$character" "$folder/data/omniglot/$name"
        done
    rm -r "$folder/data/unzipped"
}

make_cifar10() {
    local class
    for class in "$CIFAR10"/*/; do
        class="$(basename "$class")"
        mkdir -p "$folder/data/cifar10/$class"
        find "$CIFAR10/$class" -type f | LC_ALL=C sort | sed -n 1,250p |
            xargs cp -t "$folder/data/cifar10/$class"
    done
}

value() {
    # The number under a key of the JSON on stdin.
    sed -n "s/.*\"$1\":\([0-9.eE+-]*\).*/\1/p"
}

field() {
    # The value of a field of a run's recipe, by its section and its name.
    sed -n "/^\[$2\]/,/^\[/s/^$3 = //p" "$1/recipe.toml"
}

train() {
    # SET ARM SEED WEIGHTS DATA SIZE HELD_OUT
    local set="$1" arm="$2" seed="$3" command build="$ocelli" note="" item
    local run="$folder/$set/$arm-$seed"
    local options=(--pretrained "$4" --data "$5" --reset-head)
    local fields=("input.size=$6" "data.hold_out=$7")
    case "$arm" in
    before)
        [ -n "${OCELLI_BEFORE:-}" ] || return 0
        build="$OCELLI_BEFORE"
        note=" # a build from before heads were reset to zero"
        ;;
    head) fields+=("${earlier[@]}") ;;
    esac
    for item in "${fields[@]}"; do options+=(--set "$item"); done
    options+=(--seed "$seed")
    if [ ! -s "$run.json" ]; then
        "$build" --quiet train finetune "${options[@]}" --set train.eval_every=1000 \
            --threads "${THREADS:-2}" --out "$run" --resume auto --json >"$run.part"
        mv "$run.part" "$run.json"
    fi
    command="ocelli train finetune --pretrained $(basename "$4") --data $set --reset-head"
    for item in "${fields[@]}"; do command+=" --set $item"; done
    local commit=()
    [ "$arm" != before ] || commit=("commit=$("$build" version --json | sed -n 's/.*"commit":"\([^"]*\)".*/\1/p')")
    [ "${commit[*]}" != "commit=" ] || commit=("commit=${COMMIT_BEFORE:?the commit of OCELLI_BEFORE}")
    "$ocelli" results add "$results" "network=$(field "$run" model name | tr -d '"')" "size=$6" \
        "lr=$(field "$run" optimizer lr)" "epochs=$(value epochs <"$run.json")" \
        "evaluated_on=$set: a share of $7 of the training images, held out" \
        "samples=$(value samples <"$run.json")" "top1=$(value top1 <"$run.json")" \
        "seconds=$(value seconds <"$run.json")" "seed=$seed" \
        "command=$command --seed $seed$note" "${commit[@]}"
}

for set in "${sets[@]}"; do
    mkdir -p "$folder/$set" "$folder/data"
    [ "$set" = cifar100 ] || [ -d "$folder/data/$set" ] || "make_$set"
    for arm in "${arms[@]}"; do
        for seed in "${seeds[@]}"; do
            case "$set" in
            photos) train photos "$arm" "$seed" "$LITE0" "$folder/data/photos" 128 0.5 ;;
            omniglot) train omniglot "$arm" "$seed" "$RESNET20" "$folder/data/omniglot" 32 0.25 ;;
            cifar10) train cifar10 "$arm" "$seed" "$LITE0" "$folder/data/cifar10" 64 0.2 ;;
            cifar100) train cifar100 "$arm" "$seed" "$RESNET20" "$CIFAR100" 32 0.2 ;;
            *)
                echo "no set \`$set\`: photos, omniglot, cifar10, cifar100" >&2
                exit 2
                ;;
            esac
        done
    done
done
