"""The one-pixel attack by torchattacks and by the Adversarial Robustness Toolbox, for `peer.py`.

A request names a network, the files of its weights and of an image, the image's class and what the
network must say of it: another network is refused. A pass is one call of the
peer's attack, with its own evolution, on that image; it says how many images the network was really
asked about. What a user can choose is chosen by time: the memory layout and how many images the
network takes at once.

The Keras project from which both took their evolution
(https://github.com/Hyperparticle/one-pixel-attack-keras) is not here: it imports `scipy._lib.six`, which
SciPy dropped in 1.5, `keras.utils.np_utils` and other modules that Keras has dropped since, and no Python
that the packages of this folder support has releases as old as those.
"""

import functools
import time
from collections import OrderedDict

# A larger batch of larger images would only fill memory.
BATCHES = (8, 32, 128, 400)
MOST_PIXELS = 1 << 21

# How far the logarithm of a probability may be from what it should be, relative to one more than it.
TOLERANCE = 1e-3


class Attack:
    """What both peers share: PyTorch, the network and how it is run best."""

    # Finding out how the network is run best has warmed it up.
    warm_ups = 0

    def __init__(self, threads):
        import numpy
        import torch

        torch.set_num_threads(threads)
        numpy.random.seed(0)
        self.numpy, self.torch = numpy, torch

    def prepare(self, task):
        size = task["size"]
        pixels = self.numpy.fromfile(task["image"], self.numpy.uint8).reshape(size, size, 3)
        image = self.numpy.ascontiguousarray(pixels.transpose(2, 0, 1)[None], dtype="float32")
        network = network_of(self.torch, task)
        image, scale = image / self.levels, [self.levels * scale for scale in task["scale"]]
        model = counted(self.torch, network, scale, task["offset"])
        with self.torch.inference_mode():
            self.check(model, image, task)
            batch = self.choose(model, image)
        attack = self.attack(model, batch, image, task)

        def step():
            model.images = 0
            with self.torch.inference_mode():
                attack()
            return model.images

        return step

    def check(self, model, image, task):
        """Refuses a network that is not the one that was meant."""
        logits = model(self.torch.from_numpy(image))
        found = logits.double().log_softmax(1)[0].tolist()
        # A probability of zero has no logarithm in JSON.
        pairs = [pair for pair in zip(found, task["log_probabilities"]) if pair[1] is not None]
        worst = max(abs(found - expected) / (1 + abs(expected)) for found, expected in pairs)
        if len(found) != task["classes"] or not worst <= TOLERANCE:
            raise ValueError(f"another network: log-probabilities differ by {worst:.1e}")

    def choose(self, model, image):
        """Sets the faster layout and says which number of images at a time is the fastest."""
        pixels = image.shape[2] * image.shape[3]
        batches = [batch for batch in BATCHES if batch * pixels <= MOST_PIXELS] or BATCHES[:1]
        layouts = {"nchw": self.torch.contiguous_format, "nhwc": self.torch.channels_last}
        times = {}
        for name, layout in layouts.items():
            model.use(layout)
            for batch in batches:
                images = self.torch.from_numpy(image.repeat(batch, 0))
                times[name, batch] = fastest(lambda: model(images)) / batch
        name, batch = min(times, key=times.get)
        model.use(layouts[name])
        self.settings = f"{name}, batch {batch}"
        return batch


class TorchAttacks(Attack):
    """torchattacks' OnePixel; its images are of 0 to 1."""

    levels = 255

    def __init__(self, threads):
        import torchattacks

        super().__init__(threads)
        self.attacks = torchattacks
        self.name = f"torchattacks {torchattacks.__version__}"

    def attack(self, model, batch, image, task):
        attack = self.attacks.OnePixel(
            model,
            pixels=1,
            steps=task["generations"],
            popsize=task["population"],
            inf_batch=batch,
        )
        images = self.torch.from_numpy(image)
        labels = self.torch.tensor([task["label"]])
        return lambda: attack(images, labels)


class Art(Attack):
    """PixelAttack of the Adversarial Robustness Toolbox by differential evolution, whose population
    is always of 400; its images are of 0 to 255, for which it rescales none."""

    levels = 1

    def __init__(self, threads):
        import art
        from art.attacks.evasion import PixelAttack
        from art.estimators.classification import PyTorchClassifier

        super().__init__(threads)
        self.pixel_attack, self.classifier = PixelAttack, PyTorchClassifier
        self.name = f"art {art.__version__}"

    def attack(self, model, batch, image, task):
        if task["population"] != 400:
            raise ValueError("its population is of 400")
        classifier = self.classifier(
            model,
            loss=self.torch.nn.CrossEntropyLoss(),
            input_shape=image.shape[1:],
            nb_classes=task["classes"],
            clip_values=(0, 255),
            device_type="cpu",
        )
        # The attack itself leaves it at 128.
        classifier.predict = functools.partial(classifier.predict, batch_size=batch)
        attack = self.pixel_attack(
            classifier, th=1, es=1, max_iter=task["generations"], verbose=False
        )
        labels = self.numpy.array([task["label"]])
        return lambda: attack.generate(image, labels)


def fastest(step, seconds=0.2):
    """The shortest time of a step, after one that warms up."""
    step()
    times = []
    while sum(times) < seconds:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return min(times)


def counted(torch, network, scale, offset):
    """`network` behind its normalisation, counting the images that it is asked about."""

    class Counted(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network
            self.images = 0
            self.register_buffer("scale", torch.tensor(scale).view(1, 3, 1, 1))
            self.register_buffer("offset", torch.tensor(offset).view(1, 3, 1, 1))

        def use(self, layout):
            self.layout = layout
            self.network.to(memory_format=layout)

        def forward(self, x):
            self.images += len(x)
            x = x.to(memory_format=self.layout)
            return self.network(torch.addcmul(self.offset, x, self.scale))

    model = Counted().eval()
    model.use(torch.contiguous_format)
    return model


def network_of(torch, task):
    """The network of a task with the weights of its file."""
    from safetensors.torch import load_file

    weights = load_file(task["weights"])
    name, classes = task["model"], task["classes"]
    if name == "lenet_keras_cifar":
        network = lenet(torch, classes)
        # A convolution over all that there is: the same as a dense layer.
        weights["dense_1.weight"] = weights["dense_1.weight"].flatten(1)
    elif name == "bvlc_alexnet":
        network = alexnet(torch, classes)
    elif name == "vgg16_cifar":
        network = vgg16(torch, classes)
    elif name.startswith("resnet") and name.endswith("_cifar"):
        from peer import cifar_resnet

        blocks = (int(name.removeprefix("resnet").removesuffix("_cifar")) - 2) // 6
        network = cifar_resnet(torch, blocks, classes)
        weights = {key: weights[name] for key, name in cifar_names(network, blocks)}
    else:
        import timm

        network = timm.create_model(name, num_classes=classes)
    network.load_state_dict(weights)
    return network.eval()


def cifar_names(network, blocks):
    """The names of a CIFAR ResNet's values as a list of modules has them, and by stage and block."""
    stages = [f"layer{stage}.{block}" for stage in (1, 2, 3) for block in range(blocks)]
    modules = ["conv1", "bn1", "relu", *stages, "pool", "flatten", "linear"]
    for key in network.state_dict():
        module, _, rest = key.partition(".")
        yield key, f"{modules[int(module)]}.{rest}"


def lenet(torch, classes):
    """LeNet of the Keras one-pixel attack, for 32 × 32 pixels."""
    nn = torch.nn
    return sequence(
        torch,
        conv2d_1=nn.Conv2d(3, 6, 5),
        relu_1=nn.ReLU(),
        pool_1=nn.MaxPool2d(2),
        conv2d_2=nn.Conv2d(6, 16, 5),
        relu_2=nn.ReLU(),
        pool_2=nn.MaxPool2d(2),
        flatten=nn.Flatten(),
        dense_1=nn.Linear(400, 120),
        relu_3=nn.ReLU(),
        dense_2=nn.Linear(120, 84),
        relu_4=nn.ReLU(),
        dense_3=nn.Linear(84, classes),
    )


def alexnet(torch, classes):
    """Caffe's bvlc_alexnet, for 227 × 227 pixels."""
    nn = torch.nn
    return sequence(
        torch,
        conv1=nn.Conv2d(3, 96, 11, stride=4),
        relu1=nn.ReLU(),
        norm1=nn.LocalResponseNorm(5, 1e-4, 0.75, 1.0),
        pool1=nn.MaxPool2d(3, 2),
        conv2=nn.Conv2d(96, 256, 5, padding=2, groups=2),
        relu2=nn.ReLU(),
        norm2=nn.LocalResponseNorm(5, 1e-4, 0.75, 1.0),
        pool2=nn.MaxPool2d(3, 2),
        conv3=nn.Conv2d(256, 384, 3, padding=1),
        relu3=nn.ReLU(),
        conv4=nn.Conv2d(384, 384, 3, padding=1, groups=2),
        relu4=nn.ReLU(),
        conv5=nn.Conv2d(384, 256, 3, padding=1, groups=2),
        relu5=nn.ReLU(),
        pool5=nn.MaxPool2d(3, 2),
        flatten=nn.Flatten(),
        fc6=nn.Linear(256 * 6 * 6, 4096),
        relu6=nn.ReLU(),
        fc7=nn.Linear(4096, 4096),
        relu7=nn.ReLU(),
        fc8=nn.Linear(4096, classes),
    )


def vgg16(torch, classes):
    """VGG-16 with normalisations and a single linear layer, for any size."""
    nn = torch.nn
    layers, width = [], 3
    for count, channels in ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)):
        for _ in range(count):
            layers += [nn.Conv2d(width, channels, 3, padding=1), nn.BatchNorm2d(channels)]
            layers += [nn.ReLU()]
            width = channels
        layers += [nn.MaxPool2d(2)]
    return sequence(
        torch,
        features=nn.Sequential(*layers),
        pool=nn.AdaptiveAvgPool2d(1),
        flatten=nn.Flatten(),
        classifier=nn.Linear(width, classes),
    )


def sequence(torch, **modules):
    """Modules one after the other under these names."""
    return torch.nn.Sequential(OrderedDict(modules))
