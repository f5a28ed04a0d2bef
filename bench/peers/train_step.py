"""The training step of `crates/ocelli-train/benches/train_step.rs` in PyTorch, for comparison.

Usage: python train_step.py MODEL:BATCHxSIZE [REPEATS] [nchw|channels_last] [--threads N]
Prints one JSON object with the time of each repeat in milliseconds and the most memory that the
process ever had, in mebibytes.
"""

import argparse
import json
import resource
import time

import torch

from peer import cifar_resnet

WARM_UP = 2


def create(name):
    if name == "resnet20_cifar":
        return cifar_resnet(torch, 3, 10)
    import timm

    return timm.create_model(name, pretrained=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case")
    parser.add_argument("repeats", type=int, nargs="?", default=5)
    parser.add_argument("layout", nargs="?", default="nchw", choices=["nchw", "channels_last"])
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    name, shape = options.case.split(":")
    batch, size = map(int, shape.split("x"))
    layout = torch.channels_last if options.layout == "channels_last" else torch.contiguous_format
    torch.manual_seed(0)
    model = create(name).train().to(memory_format=layout)
    images = torch.randn(batch, 3, size, size).to(memory_format=layout)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=1e-3, momentum=0.9, weight_decay=1e-4, nesterov=True
    )
    times = []
    for _ in range(WARM_UP + options.repeats):
        start = time.perf_counter()
        model(images).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
        times.append(1e3 * (time.perf_counter() - start))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    times = [round(time, 2) for time in times[WARM_UP:]]
    tool = f"pytorch {torch.__version__} {options.layout}"
    print(json.dumps({"tool": tool, "ms": times, "peak_mib": round(peak)}), flush=True)


if __name__ == "__main__":
    main()
