"""Forward and backward pass of the networks of `benches/train_step.rs` in PyTorch, for comparison.

Usage: python train_step.py [--threads N] [--repeats N] [MODEL:BATCHxSIZE ...]
Prints one line per model and memory layout with the median and the best time in milliseconds.
"""

import argparse
import statistics
import time

import timm
import torch

CASES = ["ghostnet_100:16x224", "tf_efficientnetv2_b0:16x224", "resnet18:16x224"]


def measure(name, batch, size, layout, repeats):
    model = timm.create_model(name, pretrained=False).train().to(memory_format=layout)
    images = torch.randn(batch, 3, size, size).to(memory_format=layout)
    times = []
    for _ in range(repeats + 2):
        start = time.perf_counter()
        model(images).square().mean().backward()
        times.append(1e3 * (time.perf_counter() - start))
        model.zero_grad()
    return times[2:]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=CASES)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    layouts = {"nchw": torch.contiguous_format, "channels_last": torch.channels_last}
    for case in options.cases:
        name, shape = case.split(":")
        batch, size = map(int, shape.split("x"))
        for label, layout in layouts.items():
            times = measure(name, batch, size, layout, options.repeats)
            median, best = statistics.median(times), min(times)
            print(f"{case} {label}: median {median:.1f} ms, best {best:.1f} ms", flush=True)


if __name__ == "__main__":
    main()
