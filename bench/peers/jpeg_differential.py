"""Compares what Ocelli and Pillow (libjpeg-turbo) make of random JPEG files of every kind.

    cargo run --release -p ocelli-data --example random_jpegs -- FOLDER COUNT
    python bench/peers/jpeg_differential.py FOLDER

FOLDER holds NAME.jpg, and beside it NAME.rgb (pixels) or NAME.error, as the example writes them.
Prints one JSON object: how many files were compared, how many were read by one of the two only, and
the largest mean and the largest single difference of a file, in levels of 255. Files that differ by
more than LARGEST levels are listed.
"""

import io
import json
import sys
import time
from pathlib import Path

import numpy
from PIL import Image

LARGEST = 2


def pillow(path):
    """Pixels, or None if Pillow refuses the file."""
    try:
        return numpy.asarray(Image.open(io.BytesIO(path.read_bytes())).convert("RGB"))
    except (OSError, SyntaxError, ValueError):
        return None


def ocelli(path, shape):
    file = path.with_suffix(".rgb")
    if not file.exists():
        return None
    return numpy.frombuffer(file.read_bytes(), numpy.uint8).reshape(shape)


def main():
    start = time.perf_counter()
    compared = exact = largest = 0
    largest_mean = 0.0
    only, differing, neither = [], [], 0
    for path in sorted(Path(sys.argv[1]).glob("*.jpg")):
        theirs = pillow(path)
        is_read = path.with_suffix(".rgb").exists()
        if theirs is None or not is_read:
            neither += theirs is None and not is_read
            if (theirs is None) == is_read:
                only.append(path.name)
            continue
        ours = ocelli(path, theirs.shape)
        difference = numpy.abs(ours.astype(int) - theirs)
        compared += 1
        exact += not difference.any()
        largest = max(largest, int(difference.max()))
        largest_mean = max(largest_mean, float(difference.mean()))
        if difference.max() > LARGEST:
            differing.append([path.name, int(difference.max()), round(float(difference.mean()), 3)])
    print(
        json.dumps(
            {
                "compared": compared,
                "exact": exact,
                "read_by_one_only": only[:20],
                "read_by_neither": neither,
                "largest_mean": largest_mean,
                "largest": largest,
                "differing": differing[:20],
                "seconds": round(time.perf_counter() - start, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
