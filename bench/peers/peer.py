"""The other side of `ocelli bench --peers`: answers one line of JSON for each line of JSON.

    python peer.py PEER THREADS

PEER is pytorch, pytorch-channels-last, pytorch-compiled, pytorch-compiled-channels-last, onnxruntime,
onnxruntime-floats, onnxruntime-integers, openvino, torchvision, torchattacks or art. First it says its name: {"name": "pytorch 2.15.0"}. Then every request names a task, what it is done
with and how long to time it, in seconds; the answer is the median time of a pass in milliseconds,
{"ms": 97.1}, or {"error": "why not"}. Where a pass counts its images, the answer has their mean
number too, and the time is that of so many: {"ms": 97.1, "images": 401}; "settings" says how the peer chose
to run. What a task needs is prepared and warmed up once and kept for the
requests that repeat it, so no answer counts it.
"""

import contextlib
import itertools
import json
import os
import statistics
import sys
import tempfile
import time
import warnings

# How often a pass is made before it is timed, unless the peer has warmed up otherwise.
WARM_UPS = 2


def release(module):
    """The version without what it was built for."""
    return module.__version__.split("+")[0]


def turn(step, seconds):
    """What the passes of a turn took, and about how many images they were if they say so."""
    times, counts = [], []
    while not times or sum(times) < seconds:
        start = time.perf_counter()
        count = step()
        times.append(time.perf_counter() - start)
        counts.append(count if isinstance(count, int) else None)
    if None in counts:
        return {"ms": 1e3 * statistics.median(times)}
    images = statistics.mean(counts)
    each = statistics.median(time / count for time, count in zip(times, counts))
    return {"ms": 1e3 * images * each, "images": images}


class PyTorch:
    """Eager mode or `torch.compile`, in one of the two memory layouts."""

    def __init__(self, threads, channels_last=False, compiled=False):
        import torch

        torch.set_num_threads(threads)
        torch.manual_seed(0)
        self.torch, self.compiled = torch, compiled
        self.layout = torch.channels_last if channels_last else torch.contiguous_format
        mode = ("-compiled" if compiled else "") + ("-channels-last" if channels_last else "")
        self.name = f"pytorch{mode} {release(torch)}"

    def prepare(self, task):
        kinds = {
            "inference": self.inference,
            "training step": self.training_step,
            "simclr step": self.simclr_step,
            "forward and backward": self.convolution,
        }
        return kinds[task["task"]](task)

    def network(self, task):
        if task["model"].endswith("_cifar"):
            depth = int(task["model"].removeprefix("resnet").removesuffix("_cifar"))
            network = cifar_resnet(self.torch, (depth - 2) // 6, task["classes"])
        else:
            import timm

            network = timm.create_model(task["model"], num_classes=task["classes"])
        return network.to(memory_format=self.layout)

    def images(self, task):
        shape = (task["images"], 3, task["size"], task["size"])
        return self.torch.randn(shape).to(memory_format=self.layout)

    def inference(self, task):
        network, images = self.network(task).eval(), self.images(task)

        def step():
            with self.torch.inference_mode():
                network(images)

        return step

    def training_step(self, task):
        torch = self.torch
        network, images = self.network(task).train(), self.images(task)
        labels = torch.arange(task["images"]) % task["classes"]

        def loss():
            return torch.nn.functional.cross_entropy(network(images), labels)

        return self.update(loss, network)

    def simclr_step(self, task):
        """Rows 2i and 2i + 1 are the views of a picture."""
        torch, functional = self.torch, self.torch.nn.functional
        backbone, images = self.network(task | {"classes": 0}), self.images(task)
        layers, width = [], backbone(images[:2]).shape[1]
        for index, outputs in enumerate(task["widths"]):
            if index:
                layers.append(torch.nn.ReLU())
            layers += [torch.nn.Linear(width, outputs, bias=False), torch.nn.BatchNorm1d(outputs)]
            width = outputs
        network = torch.nn.Sequential(backbone, *layers).train()
        partners = torch.arange(len(images)) ^ 1
        itself = torch.eye(len(images), dtype=torch.bool)

        def loss():
            unit = functional.normalize(network(images), dim=1)
            similarity = unit @ unit.T / task["temperature"]
            return functional.cross_entropy(similarity.masked_fill(itself, -torch.inf), partners)

        return self.update(loss, network)

    def update(self, loss, network):
        """A step of the optimiser."""
        optimizer = self.torch.optim.SGD(
            network.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=1e-4
        )
        if self.compiled:
            self.torch.compiler.reset()
            loss = self.torch.compile(loss)

        def step():
            optimizer.zero_grad(set_to_none=True)
            loss().backward()
            optimizer.step()

        return step

    def convolution(self, task):
        """Forward and backward; where PyTorch has no such padding, padding is part of it."""
        torch, conv2d = self.torch, self.torch.nn.functional.conv2d
        inputs, outputs, groups = task["in_channels"], task["out_channels"], task["groups"]
        x = torch.randn(task["images"], inputs, *task["size"])
        weight = torch.randn(outputs, inputs // groups, *task["kernel"])
        x, weight = (tensor.to(memory_format=self.layout) for tensor in (x, weight))
        weight.requires_grad_()
        x.requires_grad_(task["data_gradient"])
        wanted = [weight, x] if task["data_gradient"] else [weight]
        left, right, top, bottom = task["padding"]
        # A zero that no window reaches may be left out or not.
        shared = (max(top, bottom), max(left, right))
        settings = {key: task[key] for key in ("stride", "dilation", "groups")}

        def padded(x):
            if top >= bottom and left >= right:
                return conv2d(x, weight, padding=shared, **settings)
            x = torch.nn.functional.pad(x, (left, right, top, bottom))
            return conv2d(x, weight, **settings)

        gradient = torch.randn_like(padded(x))

        def step():
            torch.autograd.grad(padded(x), wanted, gradient)

        return step


class OnnxRuntime:
    """PyTorch's network, exported and optimised by ONNX Runtime."""

    def __init__(self, threads):
        import onnxruntime

        self.runtime = onnxruntime
        self.options = onnxruntime.SessionOptions()
        self.options.intra_op_num_threads = threads
        self.options.inter_op_num_threads = 1
        self.torch = PyTorch(threads)
        self.name = f"onnxruntime {release(onnxruntime)}"

    def prepare(self, task):
        with exported(self.torch, task) as (path, images):
            session = self.runtime.InferenceSession(
                path, self.options, providers=["CPUExecutionProvider"]
            )
        feed = {session.get_inputs()[0].name: images}
        return lambda: session.run(None, feed)


class OnnxFile:
    """ONNX Runtime on a file that Ocelli has written; a request names one in floats and one on integers."""

    def __init__(self, threads, kind):
        import numpy
        import onnxruntime

        self.numpy, self.runtime, self.kind = numpy, onnxruntime, kind
        self.options = onnxruntime.SessionOptions()
        self.options.intra_op_num_threads = threads
        self.options.inter_op_num_threads = 1
        self.name = f"onnxruntime-{kind} {release(onnxruntime)}"

    def prepare(self, task):
        session = self.runtime.InferenceSession(
            task[self.kind], self.options, providers=["CPUExecutionProvider"]
        )
        shape = (task["images"], 3, task["size"], task["size"])
        images = self.numpy.random.default_rng(0).standard_normal(shape, self.numpy.float32)
        feed = {session.get_inputs()[0].name: images}
        return lambda: session.run(None, feed)


class OpenVino:
    """PyTorch's network, exported and compiled by OpenVINO; in the precision of the others."""

    def __init__(self, threads):
        import openvino

        self.core = openvino.Core()
        self.options = {
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",
        }
        self.torch = PyTorch(threads)
        self.name = f"openvino {openvino.__version__.split('-')[0]}"

    def prepare(self, task):
        with exported(self.torch, task) as (path, images):
            request = self.core.compile_model(path, "CPU", self.options).create_infer_request()
        return lambda: request.infer([images], share_inputs=True)


@contextlib.contextmanager
def exported(pytorch, task):
    """PyTorch's network in ONNX's format, and images for it."""
    network, images = pytorch.network(task).eval(), pytorch.images(task)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "network.onnx")
        pytorch.torch.onnx.export(network, (images,), path, dynamo=False)
        yield path, images.numpy()


class TorchVision:
    """Its own JPEG decoder and its v2 transforms on uint8 tensors, over threads."""

    def __init__(self, threads):
        from concurrent.futures import ThreadPoolExecutor

        import torch
        import torchvision
        from torchvision.transforms import v2

        torch.set_num_threads(1)
        torch.manual_seed(0)
        self.torch, self.io, self.v2 = torch, torchvision.io, v2
        self.pool = ThreadPoolExecutor(threads)
        self.name = f"torchvision {release(torchvision)}"

    def prepare(self, task):
        v2, torch = self.v2, self.torch
        transform = v2.Compose(
            [
                v2.RandomResizedCrop(task["size"], antialias=True),
                v2.RandomHorizontalFlip(),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
            ]
        )
        files = itertools.islice(files_of(task["path"]), task["images"])
        pictures = [torch.frombuffer(bytearray(file), dtype=torch.uint8) for file in files]

        def one(picture):
            transform(self.io.decode_image(picture, mode=self.io.ImageReadMode.RGB))

        return lambda: list(self.pool.map(one, pictures, chunksize=1))


def files_of(path):
    """The contents of the files in a folder or a tar, in the order in which they are found."""
    if os.path.isdir(path):
        for folder, _, names in sorted(os.walk(path)):
            for name in sorted(names):
                with open(os.path.join(folder, name), "rb") as file:
                    yield file.read()
        return
    import tarfile

    with tarfile.open(path) as archive:
        for member in archive:
            if member.isfile():
                yield archive.extractfile(member).read()


def cifar_resnet(torch, blocks, classes):
    """The residual networks of He et al. 2016, section 4.2, with parameter-free shortcuts."""
    nn = torch.nn

    class Block(nn.Module):
        def __init__(self, inputs, outputs, stride):
            super().__init__()
            self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(outputs)
            self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(outputs)
            self.stride, self.more = stride, (outputs - inputs) // 2

        def forward(self, x):
            y = torch.relu(self.bn1(self.conv1(x)))
            y = self.bn2(self.conv2(y))
            if self.more or self.stride > 1:
                x = x[:, :, :: self.stride, :: self.stride]
                x = nn.functional.pad(x, (0, 0, 0, 0, self.more, self.more))
            return torch.relu(x + y)

    layers = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    width = 16
    for outputs, stride in ((16, 1), (32, 2), (64, 2)):
        for block in range(blocks):
            layers.append(Block(width, outputs, stride if block == 0 else 1))
            width = outputs
    classifier = [nn.Linear(64, classes)] if classes else []
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), *classifier)


def one_pixel(name):
    """A peer of `one_pixel.py`."""

    def start(threads):
        import one_pixel

        return getattr(one_pixel, name)(threads)

    return start


PEERS = {
    "pytorch": PyTorch,
    "pytorch-channels-last": lambda threads: PyTorch(threads, channels_last=True),
    "pytorch-compiled": lambda threads: PyTorch(threads, compiled=True),
    "pytorch-compiled-channels-last": lambda threads: PyTorch(
        threads, channels_last=True, compiled=True
    ),
    "onnxruntime": OnnxRuntime,
    "onnxruntime-floats": lambda threads: OnnxFile(threads, "floats"),
    "onnxruntime-integers": lambda threads: OnnxFile(threads, "integers"),
    "openvino": OpenVino,
    "torchvision": TorchVision,
    "torchattacks": one_pixel("TorchAttacks"),
    "art": one_pixel("Art"),
}


def main():
    warnings.simplefilter("ignore")
    # What libraries print must not come between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(**words):
        print(json.dumps(words), file=answers, flush=True)

    try:
        peer = PEERS[sys.argv[1]](int(sys.argv[2]))
    except ImportError as error:
        answer(error=str(error))
        return
    answer(name=peer.name)
    prepared = step = None
    for line in sys.stdin:
        task = json.loads(line)
        try:
            if task != prepared:
                prepared, step = None, None
                step = peer.prepare(task)
                for _ in range(getattr(peer, "warm_ups", WARM_UPS)):
                    step()
                prepared = task
            settings = {"settings": peer.settings} if hasattr(peer, "settings") else {}
            answer(**turn(step, task["seconds"]), **settings)
        except Exception as error:  # A peer that cannot do one thing may do the next.
            answer(error=f"{type(error).__name__}: {error}".splitlines()[0])


if __name__ == "__main__":
    main()
