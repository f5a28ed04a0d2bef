"""Checks and runs ONNX files that Ocelli has written, with onnx and ONNX Runtime.

`onnx_check.py FOLDER`: every FILE.onnx of the folder must pass the checker of the standard, shapes inferred
strictly; where FILE.safetensors lies beside it, with `images` and `logits`, the relative error of ONNX Runtime's
logits is printed, ||found - expected|| / ||expected||. `cargo run --example registry -- FOLDER` writes such files.

`onnx_check.py FILE.onnx IMAGES.safetensors`: how many of `images` have their label in `labels` as the largest
logit, and, where there are `logits`, how many classes differ from Ocelli's.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from safetensors.numpy import load_file

BATCH = 16


def session(path: Path) -> onnxruntime.InferenceSession:
    """ONNX Runtime on one thread of the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def logits(path: Path, images: np.ndarray) -> np.ndarray:
    """What ONNX Runtime makes of images."""
    run = session(path)
    batches = [images[start : start + BATCH] for start in range(0, len(images), BATCH)]
    return np.concatenate([run.run(["logits"], {"image": batch})[0] for batch in batches])


def check_folder(folder: Path) -> None:
    """Checks every file, and compares those with tensors beside them."""
    paths = sorted(folder.glob("*.onnx"))
    worst = 0.0
    for path in paths:
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
        opset = model.opset_import[0].version
        line = f"{path.stem}: opset {opset}, {len(model.graph.node)} operations, checked"
        tensors = path.with_suffix(".safetensors")
        if tensors.exists():
            expected = load_file(tensors)
            found = logits(path, expected["images"])
            own = expected["logits"]
            error = np.linalg.norm(found - own) / np.linalg.norm(own)
            worst = max(worst, error)
            line += f", relative error {error:.1e} on {len(own)} images"
        print(line, flush=True)
    print(f"{len(paths)} files pass the checker, worst relative error {worst:.1e}")


def count(path: Path, tensors: Path) -> None:
    """Counts right classes, and those that are others than Ocelli's."""
    found = load_file(tensors)
    classes = logits(path, found["images"]).argmax(axis=1)
    print(f"{path}: {(classes == found['labels']).sum()} of {len(classes)} right")
    if "logits" in found:
        print(f"{(classes != found['logits'].argmax(axis=1)).sum()} other classes than Ocelli's")


if len(sys.argv) == 2:
    check_folder(Path(sys.argv[1]))
else:
    count(Path(sys.argv[1]), Path(sys.argv[2]))
