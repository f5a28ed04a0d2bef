#!/usr/bin/env bash
# What DQA gains over training with one quantizer, on small networks: eight epochs of recipes/cifar10-dqa-small.toml
# with other fields, evaluated once at the end, on the hardened network. Four studies, as arms of three seeds each:
#
#   A  two lightweight networks on CIFAR-10: floats, vanilla, both forms of Binary-Relax, DQA, and LSQ
#   B  resnet20_cifar on CIFAR-10 and CIFAR-100: vanilla and DQA
#   C  ghostnet_small with quantized activations too: 2 bits by min-max and by PACT with SAWB, then 4 and 8 bits
#   D  ghostnet_small: SAWB, TWN and BWN, each vanilla and DQA; DQA without one of its parts
#
#   CIFAR10='cifar10/{split}.tar' CIFAR100='cifar100/{split}.tar' recipes/dqa_study.sh [FOLDER [STUDY...]]
#
# Needs bash and a release build (`cargo build --release`, or another one named in OCELLI). SEEDS, THREADS and ARMS (a
# pattern) change what is run. Appends rows to results/dqa.csv (or RESULTS); a run that is finished is not done again.
set -euo pipefail

folder="${1:-runs/dqa-study}"
read -ra studies <<<"${*:2}"
[ ${#studies[@]} -gt 0 ] || studies=(A B C D)
read -ra seeds <<<"${SEEDS:-0 1 2}"
ocelli="${OCELLI:-target/release/ocelli}"
results="${RESULTS:-results/dqa.csv}"
arms="${ARMS:-*}"

value() {
    # The number under a key of the JSON on stdin.
    sed -n "s/.*\"$1\":\([0-9.eE+-]*\).*/\1/p"
}

last() {
    # The last value of a measurement in a run's metrics.
    sed -n "s|.*\"$2\":\([0-9.eE+-]*\).*|\1|p" "$1/metrics.jsonl" | tail -n 1
}

train() {
    # STUDY NETWORK DATASET ARM SEED FIELD...
    local study="$1" network="$2" dataset="$3" arm="$4" seed="$5" data item
    # shellcheck disable=SC2254
    case "$arm" in $arms) ;; *) return 0 ;; esac
    local run="$folder/$study/$network-$dataset-$arm-$seed" options=()
    local fields=("model.name=$network" "${@:6}")
    for item in "${fields[@]}"; do options+=(--set "$item"); done
    data="$CIFAR10"
    [ "$dataset" = cifar10 ] || data="$CIFAR100"
    mkdir -p "$folder/$study"
    if [ ! -s "$run.json" ]; then
        "$ocelli" --quiet train cifar10-dqa-small --data "$data" "${options[@]}" --set train.eval_every=100000 \
            --seed "$seed" --threads "${THREADS:-2}" --out "$run" --resume auto --json >"$run.part"
        mv "$run.part" "$run.json"
    fi
    local command="ocelli train cifar10-dqa-small --data '$dataset/{split}.tar'"
    for item in "${fields[@]}"; do command+=" --set \"$item\""; done
    "$ocelli" results add "$results" "study=$study" "network=$network" "dataset=$dataset" "arm=$arm" \
        "samples=$(value samples <"$run.json")" "top1=$(value top1 <"$run.json")" \
        "soft_top1=$(last "$run" soft/eval/top1)" "bits=$(last "$run" dqa/bits)" \
        "error=$(last "$run" dqa/error_hardened)" "images_per_second=$(value images_per_second <"$run.json")" \
        "seconds=$(value seconds <"$run.json")" "seed=$seed" "command=$command --seed $seed"
}

quantizers() {
    # The fields of a scheme and its quantizers.
    printf '%s\n' "dqa.scheme=$1" "dqa.quantizers=['${2//,/\',\'}']"
}

study_A() {
    local network
    for network in ghostnet_small mobilenetv2_small; do
        train A $network cifar10 full_precision "$1" dqa.scheme=full_precision
        train A $network cifar10 vanilla "$1" dqa.scheme=vanilla
        train A $network cifar10 binary_relax_2 "$1" dqa.scheme=binary_relax_2
        train A $network cifar10 binary_relax_3 "$1" dqa.scheme=binary_relax_3
        train A $network cifar10 dqa "$1" dqa.scheme=dqa
        train A $network cifar10 lsq "$1" dqa.scheme=vanilla "dqa.quantizers=['lsq:2']"
    done
}

study_B() {
    local dataset
    for dataset in cifar10 cifar100; do
        train B resnet20_cifar $dataset vanilla "$1" dqa.scheme=vanilla
        train B resnet20_cifar $dataset dqa "$1" dqa.scheme=dqa
    done
}

study_C() {
    local net=(ghostnet_small cifar10) high=min_max bits more
    local sawb="dqa.quantizers=['sawb:2','sawb:4','sawb:8']"
    train C "${net[@]}" vanilla-w2a2 "$1" dqa.scheme=vanilla "dqa.activations=['$high:2']"
    train C "${net[@]}" dqa-w2a2 "$1" dqa.scheme=dqa "dqa.activations=['$high:2','$high:4','$high:8']"
    train C "${net[@]}" vanilla-pact_sawb-w2a2 "$1" dqa.scheme=vanilla "$sawb" "dqa.activations=['pact:2']"
    train C "${net[@]}" dqa-pact_sawb-w2a2 "$1" dqa.scheme=dqa dqa.lambda=1 "$sawb" \
        "dqa.activations=['pact:2','pact:4','pact:8']"
    for bits in 4 8; do
        more="dqa.activations=['$high:$bits']"
        train C "${net[@]}" vanilla-w2a$bits "$1" dqa.scheme=vanilla "$more"
        train C "${net[@]}" dqa-w2a$bits "$1" dqa.scheme=dqa "$more"
    done
}

study_D() {
    local net=(ghostnet_small cifar10) fields
    mapfile -t fields < <(quantizers vanilla sawb:2)
    train D "${net[@]}" vanilla-sawb "$1" "${fields[@]}"
    mapfile -t fields < <(quantizers dqa sawb:2,sawb:4,sawb:8)
    train D "${net[@]}" dqa-sawb "$1" "${fields[@]}" dqa.lambda=1
    mapfile -t fields < <(quantizers vanilla twn)
    train D "${net[@]}" vanilla-twn "$1" "${fields[@]}"
    mapfile -t fields < <(quantizers dqa twn,min_max:4,min_max:8)
    train D "${net[@]}" dqa-twn "$1" "${fields[@]}"
    mapfile -t fields < <(quantizers vanilla bwn)
    train D "${net[@]}" vanilla-bwn "$1" "${fields[@]}"
    mapfile -t fields < <(quantizers dqa bwn,twn,float)
    train D "${net[@]}" dqa-bwn "$1" "${fields[@]}"
    train D "${net[@]}" dqa-no_normalisation "$1" dqa.normalise=false
    train D "${net[@]}" dqa-constant_temperature "$1" "dqa.temperature=[1.0,1.0]"
    train D "${net[@]}" dqa-no_penalty "$1" dqa.lambda=0
    train D "${net[@]}" dqa-uniform_start "$1" dqa.start=uniform
}

for study in "${studies[@]}"; do
    for seed in "${seeds[@]}"; do
        case "$study" in
        A | B | C | D) "study_$study" "$seed" ;;
        *)
            echo "no study \`$study\`: A, B, C, D" >&2
            exit 2
            ;;
        esac
    done
done
