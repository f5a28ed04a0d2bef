"""How many pictures one core prepares for training per second with torchvision v2.

    python bench/peers/decode_torchvision.py PICTURES.tar [SECONDS]

torchvision's own JPEG decoder, then v2 transforms on uint8 tensors: random resized crop to 224
pixels (antialiased), flip, scale, normalise. Prints one JSON object. The files are read into memory
before the clock starts; the clock is the processor time of this process, which has one thread.
"""

import json
import sys
import tarfile
import time

import torch
import torchvision
from torchvision.io import ImageReadMode, decode_jpeg
from torchvision.transforms import v2

SEED = 0


def read_all(path):
    with tarfile.open(path) as archive:
        files = (archive.extractfile(member) for member in archive if member.isfile())
        return [torch.frombuffer(bytearray(file.read()), dtype=torch.uint8) for file in files]


def main():
    path = sys.argv[1]
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 5.0
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    pictures = read_all(path)
    transform = v2.Compose(
        [
            v2.RandomResizedCrop(224, antialias=True),
            v2.RandomHorizontalFlip(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )

    def around():
        for picture in pictures:
            transform(decode_jpeg(picture, mode=ImageReadMode.RGB))

    around()
    count = 0
    start = time.process_time()
    while time.process_time() - start < seconds:
        around()
        count += len(pictures)
    elapsed = time.process_time() - start
    print(
        json.dumps(
            {
                "tool": f"torchvision {torchvision.__version__}",
                "images": count,
                "seconds": elapsed,
                "images_per_second": count / elapsed,
                "seed": SEED,
            }
        )
    )


if __name__ == "__main__":
    main()
