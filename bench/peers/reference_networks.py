"""State dicts and logits of timm's and torchvision's networks, without any weights file.

Prints the expected values of the tests in `crates/ocelli-nn/src/weights/names/parity.rs`: for each
network a digest of the names and shapes of its state dict, and logits of one image whose weights are
a function of their names. A tensor that is looked up under a wrong name has other values, a padding
or an epsilon that differs moves the logits too.

Give the names of networks, as in `timm/ghostnet_100`, to print only those.
"""

import sys

import numpy as np
import timm
import torch
import torchvision

# Project, network, and the sizes of images; none where the state dict alone is compared, of VGG-16
# without its classifier, which is another one for small images.
NETWORKS = [
    ("timm", "ghostnet_050", [224, 160]),
    ("timm", "ghostnet_100", [224, 160]),
    ("timm", "ghostnet_130", [224, 160]),
    ("timm", "tf_efficientnetv2_b0", [224, 225]),
    ("timm", "tf_efficientnetv2_b1", []),
    ("timm", "tf_efficientnetv2_b2", [260, 225]),
    ("timm", "tf_efficientnetv2_b3", []),
    ("timm", "tf_efficientnetv2_s", [224, 193]),
    ("timm", "tf_efficientnetv2_m", []),
    ("timm", "tf_efficientnetv2_l", []),
    ("timm", "tf_efficientnetv2_xl", []),
    ("timm", "efficientnetv2_s", [224, 193]),
    ("timm", "efficientnetv2_rw_t", [224, 193]),
    ("timm", "efficientnetv2_rw_s", [224, 193]),
    ("timm", "efficientnetv2_rw_m", [193]),
    ("timm", "mobilenetv2_100", [224]),
    ("timm", "resnet18", [224]),
    ("torchvision", "efficientnet_v2_s", [224, 193]),
    ("torchvision", "efficientnet_v2_m", [193]),
    ("torchvision", "efficientnet_v2_l", []),
    ("torchvision", "mobilenet_v2", [224, 193]),
    ("torchvision", "resnet18", [224, 193]),
    ("torchvision", "resnet34", [193]),
    ("torchvision", "resnet50", [224, 193]),
    ("torchvision", "vgg16_bn", []),
]
CLASSES = 4


def fnv(text: str, bits: int) -> int:
    """FNV-1a."""
    offset, prime = {32: (0x811C9DC5, 0x01000193), 64: (0xCBF29CE484222325, 0x100000001B3)}[bits]
    value = offset
    for byte in text.encode():
        value = (value ^ byte) * prime % 2**bits
    return value


def hashed(name: str, count: int) -> np.ndarray:
    """Numbers from 0 to 1 that depend on a name and a position."""
    with np.errstate(over="ignore"):
        x = np.uint32(fnv(name, 32)) ^ (np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B9))
        x = (x ^ (x >> 16)) * np.uint32(0x7FEB352D)
        x = (x ^ (x >> 15)) * np.uint32(0x846CA68B)
        x = x ^ (x >> 16)
    return (x >> 8).astype(np.float64) / 2**24


def value(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """Weights under which signals neither fade nor grow chaotically, and statistics near one."""
    if name.endswith("num_batches_tracked"):
        return torch.zeros_like(tensor)
    u = hashed(name, tensor.numel())
    if tensor.dim() > 1:
        values = (2 * u - 1) * np.sqrt(4 / np.prod(tensor.shape[1:]))
    elif name.endswith(("bias", "running_mean")):
        values = 0.2 * u - 0.1
    else:
        values = 0.75 + 0.5 * u
    return torch.from_numpy(values.astype(np.float32)).view(tensor.shape)


def image(size: int) -> torch.Tensor:
    values = 2 * hashed("image", 3 * size * size) - 1
    return torch.from_numpy(values.astype(np.float32)).view(1, 3, size, size)


def build(project: str, name: str) -> torch.nn.Module:
    if project == "timm":
        return timm.create_model(name, num_classes=CLASSES)
    return getattr(torchvision.models, name)(num_classes=CLASSES)


def main() -> None:
    wanted = sys.argv[1:]
    for project, name, sizes in NETWORKS:
        if wanted and f"{project}/{name}" not in wanted:
            continue
        model = build(project, name).eval()
        state = model.state_dict()
        if name == "vgg16_bn":
            state = {key: tensor for key, tensor in state.items() if key.startswith("features.")}
        lines = sorted(f"{key}:{list(tensor.shape)}\n" for key, tensor in state.items())
        print(f'("{project}", "{name}", {len(lines)}, {fnv("".join(lines), 64):#018x})', flush=True)
        if not sizes:
            continue
        model.load_state_dict({key: value(key, tensor) for key, tensor in state.items()})
        model = model.double()
        for size in sizes:
            with torch.no_grad():
                logits = model(image(size).double())[0].tolist()
            print(f'    ({size}, {[float(f"{logit:.9g}") for logit in logits]})', flush=True)


main()
