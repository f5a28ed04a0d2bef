"""How often torchattacks and the Adversarial Robustness Toolbox fool a network on images that `ocelli attack
one-pixel` attacked too, with as large a population and as many generations.

    python one_pixel_success.py ATTACK IMAGES.tar CLASSES.txt WEIGHTS MODEL

ATTACK is the folder of an attack with `--untargeted --pixels 1 --preset scipy-peer`, IMAGES.tar its dataset,
folders of a class each; WEIGHTS is what `ocelli convert` writes of an architecture MODEL that `one_pixel.py`
knows, with the normalisation of the Keras project. A network that answers otherwise than the folder says is refused.
Prints CSV, with the exact test of McNemar against that folder.
"""

import csv
import io
import math
import sys
import tarfile
import tomllib

import numpy
import torch
from PIL import Image

import results
from one_pixel import Art, TorchAttacks, counted, network_of

MEAN = (125.307, 122.95, 113.865)
STD = (62.9932, 62.0887, 66.7048)


def mcnemar(only_ours, only_peer):
    """The exact two-sided test: as likely as a coin that falls so unevenly or more."""
    count = only_ours + only_peer
    tail = sum(math.comb(count, k) for k in range(min(only_ours, only_peer) + 1))
    return min(1.0, 2 * tail / 2**count)


def main():
    folder, images, classes, weights, model = sys.argv[1:]
    with open(f"{folder}/attack.toml", "rb") as file:
        settings = tomllib.load(file)
    with open(classes, encoding="utf8") as file:
        classes = file.read().split()
    with open(f"{folder}/results.csv", encoding="utf8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["pixels"] == "1"]
    evolution = settings["evolution"]
    task = {
        "model": model,
        "weights": weights,
        "classes": len(classes),
        "population": evolution["population"],
        "generations": evolution["generations"],
    }
    ours = [row["success"] == "true" for row in rows]
    evaluations = [int(row["evaluations"]) for row in rows]
    seed = settings["seed"]
    table = [row_of(seed, model, "ocelli", ours, evaluations, ("", "", ""))]
    with tarfile.open(images) as archive:
        pictures = [read(archive, row["name"]) for row in rows]
    for peer in (TorchAttacks(torch.get_num_threads()), Art(torch.get_num_threads())):
        theirs, evaluations = fool(peer, task, rows, pictures, classes)
        only_ours = sum(a and not b for a, b in zip(ours, theirs))
        only_peer = sum(b and not a for a, b in zip(ours, theirs))
        p = mcnemar(only_ours, only_peer)
        table.append(row_of(seed, model, peer.name, theirs, evaluations, (only_ours, only_peer, f"{p:.3f}")))
    results.write(table)


def row_of(seed, model, attack, successes, evaluations, compared):
    """A row as in results/one_pixel_peers.csv."""
    images = len(successes)
    row = results.circumstances(seed)
    row |= {"model": model, "attack": attack, "images": images, "successes": sum(successes)}
    row |= {"rate": f"{sum(successes) / images:.4f}", "mean_evaluations": f"{sum(evaluations) / images:.1f}"}
    return row | dict(zip(("only_ours", "only_peer", "p"), compared))


def read(archive, name):
    """The picture of this name, which a dataset's name stands before."""
    file = archive.extractfile(name.rpartition(", ")[2])
    picture = Image.open(io.BytesIO(file.read())).convert("RGB")
    return numpy.asarray(picture).transpose(2, 0, 1)[None].astype("float32")


def fool(peer, task, rows, pictures, classes):
    """Whether the peer succeeds on each image, and how many images it asks the network about."""
    scale = [peer.levels / std for std in STD]
    offset = [-mean / std for mean, std in zip(MEAN, STD)]
    successes, evaluations = [], []
    with torch.inference_mode():
        model = counted(torch, network_of(torch, task), scale, offset)
        batch = peer.choose(model, pictures[0] / peer.levels)
        for row, picture in zip(rows, pictures):
            image = numpy.ascontiguousarray(picture / peer.levels, dtype="float32")
            if classes[int(model(torch.from_numpy(image)).argmax())] != row["clean_class"]:
                sys.exit(f"{row['name']}: the network answers otherwise")
            label = classes.index(row["true_class"])
            attack = peer.attack(model, batch, image, {**task, "label": label})
            model.images = 0
            changed = torch.as_tensor(attack())
            evaluations.append(model.images)
            successes.append(int(model(changed).argmax()) != label)
    return successes, evaluations


if __name__ == "__main__":
    main()
