"""Logits of torchvision's networks with weights that are a function of their names.

Prints the expected values of the test `torchvision_names_give_its_logits` of `ocelli-nn`: a tensor
that is looked up under a wrong name has other values, and the logits differ.
"""

import numpy as np
import torch
import torchvision


def hashed(name: str, count: int) -> np.ndarray:
    """Numbers from 0 to 1 that depend on a name and a position."""
    seed = 0x811C9DC5
    for byte in name.encode():
        seed = (seed ^ byte) * 0x01000193 % 2**32
    with np.errstate(over="ignore"):
        x = np.uint32(seed) ^ (np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B9))
        x = (x ^ (x >> 16)) * np.uint32(0x7FEB352D)
        x = (x ^ (x >> 15)) * np.uint32(0x846CA68B)
        x = x ^ (x >> 16)
    return (x >> 8).astype(np.float64) / 2**24


def value(name: str, tensor: torch.Tensor) -> torch.Tensor:
    if name.endswith("num_batches_tracked"):
        return torch.zeros_like(tensor)
    u = hashed(name, tensor.numel())
    if tensor.dim() > 1:
        values = (2 * u - 1) * np.sqrt(3 / np.prod(tensor.shape[1:]))
    elif name.endswith(("bias", "running_mean")):
        values = 0.2 * u - 0.1
    else:
        values = 0.5 + u
    return torch.from_numpy(values.astype(np.float32)).view(tensor.shape)


def image(size: int) -> torch.Tensor:
    values = 2 * hashed("image", 3 * size * size) - 1
    return torch.from_numpy(values.astype(np.float32)).view(1, 3, size, size)


for build in (torchvision.models.efficientnet_v2_s, torchvision.models.mobilenet_v2):
    model = build(num_classes=4).eval()
    model.load_state_dict({name: value(name, t) for name, t in model.state_dict().items()})
    with torch.no_grad():
        print(build.__name__, model.double()(image(64).double())[0].tolist())
