"""
PyTorch on the CPU, eager, with a thread a core: the losses as the reference implementation of localization distillation writes
them, regions included. Draws its own inputs, of the same sizes and distributions as edgewise's.

    yes head-loss | head -7 | python3 bench/peers/torch_losses.py
    python3 bench/peers/torch_losses.py --check test/golden/*.safetensors

Speaks as bench/peers/index.ts says, a line of JSON for each line on stdin. `--adapter` is for the other peers.
"""

import argparse
import functools
import json
import os
import pathlib
import sys
import time

try:
    import torch
except ImportError:
    sys.exit("not available: python3 has no torch")

from pytorch.bckd import bckd_loss
from pytorch.check import check_all
from pytorch.detector import Detector
from pytorch.head import distribution_focal_loss, head_loss, integral, temperature_kl
from pytorch.nanodet import NanoDet
from pytorch.other_heads import make_centres, other_head_loss
from pytorch.regions import assign_batch, make_anchors

BATCH, CLASSES, BINS, STRIDES, SIZE, BOXES = 8, 80, 17, (8, 16, 32, 64, 128), 640, 10
INTERVAL = 0.005  # Seconds: short work is run several times a turn; as edgewise's.
CONVOLUTIONS = json.loads((pathlib.Path(__file__).parent.parent / "convolutions.json").read_text())


def uniform(shape, low=-2.0, high=2.0):
    return torch.empty(shape).uniform_(low, high)


def random_outputs(cells, bins):
    """Class and box logits of each level, as bench/scene.ts draws them."""
    return [(uniform((BATCH, CLASSES, n, n), -6.6, -2.6), uniform((BATCH, 4 * bins, n, n))) for n in cells]


def random_truth(width, height, smallest, largest, classes):
    """Boxes [10, 4] and labels [10] of each image; sides between `smallest` and `largest`, pairs of pixels."""
    sides = [[torch.empty(BOXES).uniform_(low, high) for low, high in zip(smallest, largest)] for _ in range(BATCH)]
    boxes = []
    for w, h in sides:
        x, y = torch.rand(BOXES) * (width - w), torch.rand(BOXES) * (height - h)
        boxes.append(torch.stack([x, y, x + w, y + h], 1))
    return boxes, [torch.randint(0, classes, (BOXES,)) for _ in boxes]


def rows_ld_dfl():
    rows = BATCH * 4 * 8525
    student, teacher = uniform((rows, BINS)).requires_grad_(), uniform((rows, BINS))
    targets, weights = uniform(rows, 0, BINS - 1.1), torch.ones(rows)

    def work():
        student.grad = None
        ld = (weights * temperature_kl(student, teacher, 10)).sum()
        dfl = (weights * distribution_focal_loss(student, targets)).sum()
        # What the integral's consumer does must cost nothing: the mean of the expected edges.
        (ld + dfl + (weights * integral(student)).mean()).backward()

    return work


def head_scene():
    anchors, counts = make_anchors(SIZE, SIZE, STRIDES)
    boxes, labels = random_truth(SIZE, SIZE, (24, 24), (256, 256), CLASSES)
    return anchors, counts, boxes, labels


def regions():
    anchors, counts, boxes, labels = head_scene()
    return lambda: assign_batch(anchors, counts, boxes, labels, CLASSES)


def head(is_bckd=False):
    """Recipe `reference`, or `bckd`: no LD, and its own two terms."""
    anchors, counts, boxes, labels = head_scene()
    cells = [-(-SIZE // stride) for stride in STRIDES]
    student, teacher = random_outputs(cells, BINS), random_outputs(cells, BINS)
    leaves = [maps.requires_grad_() for level in student for maps in level]

    def work():
        for leaf in leaves:
            leaf.grad = None
        assigned = assign_batch(anchors, counts, boxes, labels, CLASSES)
        shared = assigned, anchors, counts, STRIDES, (BATCH, CLASSES, BINS)
        terms = head_loss(student, None if is_bckd else teacher, *shared)
        if is_bckd:
            terms.update(bckd_loss(student, teacher, *shared))
        sum(sum(values) for values in terms.values()).backward()

    return work


def other_head(head, size, strides, bins, offset):
    """The head loss of another detector, its assigner and LD included."""
    centres, sizes = make_centres(size, size, strides, offset)
    boxes, labels = random_truth(size, size, (24, 24), (256, 256), CLASSES)
    cells = [-(-size // stride) for stride in strides]
    student, teacher = random_outputs(cells, bins), random_outputs(cells, bins)
    leaves = [maps.requires_grad_() for level in student for maps in level]

    def work():
        for leaf in leaves:
            leaf.grad = None
        terms, _ = other_head_loss(head, student, teacher, centres, sizes, boxes, labels)
        sum(terms.values()).backward()

    return work


def convolution(shape, part):
    stride = shape["stride"]
    x = uniform((shape["batch"], shape["inputs"], shape["height"], shape["width"]))
    w = uniform((shape["outputs"], shape["inputs"], 3, 3))

    def forward():
        return torch.nn.functional.conv2d(x, w, stride=stride, padding=1)

    if part == "forward":
        return forward
    dy = uniform(forward().shape)
    wanted = [part == "input-gradient", part == "weight-gradient", False]
    sizes = [stride] * 2, [1, 1], [1, 1], False, [0, 0], 1
    return lambda: torch.ops.aten.convolution_backward(dy, x, w, None, *sizes, wanted)


def train_step():
    """Detector `small`, 8 images of 320 × 256, QFL + GIoU + DFL with a given assignment, AdamW."""
    width, height, classes, strides = 320, 256, 3, (8, 16, 32)
    detector = Detector(classes, BINS)
    optimizer = torch.optim.AdamW(detector.parameters(), lr=1e-4, weight_decay=0.05)
    images = uniform((BATCH, 3, height, width))
    anchors, counts = make_anchors(width, height, strides)
    low, high = ((share * width, share * height) for share in (0.1, 0.4))
    boxes, labels = random_truth(width, height, low, high, classes)
    assigned = assign_batch(anchors, counts, boxes, labels, classes)

    def work():
        optimizer.zero_grad(set_to_none=True)
        terms = head_loss(detector(images), None, assigned, anchors, counts, strides, (BATCH, classes, BINS))
        sum(sum(values) for values in terms.values()).backward()
        optimizer.step()

    return work


def train_step_nanodet():
    """A graph like NanoDet-m's, 8 images of 320 × 320, from given gradients of its outputs; AdamW."""
    model = NanoDet()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, weight_decay=0.05)
    images = uniform((BATCH, 3, 320, 320))
    gradients = [uniform(output.shape, -1e-3, 1e-3) for output in model(images)]

    def work():
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(model(images), gradients)
        optimizer.step()

    return work


ROWS = {
    "rows-ld-dfl": rows_ld_dfl,
    "head-loss": head,
    "head-loss-bckd": functools.partial(head, True),
    "head-loss-yolov8": functools.partial(other_head, "task-aligned", 640, (8, 16, 32), 16, 0.5),
    "head-loss-nanodet-plus": functools.partial(other_head, "dynamic-soft-label", 416, (8, 16, 32, 64), 8, 0.0),
    "regions": regions,
    "train-step": train_step,
    "train-step-nanodet": train_step_nanodet,
    **{
        f"{name}-{part}": functools.partial(convolution, shape, part)
        for name, shape in CONVOLUTIONS.items()
        for part in ("forward", "input-gradient", "weight-gradient")
    },
}


def turn(work):
    """Milliseconds of a run by the wall."""
    start, runs = time.perf_counter(), 0
    while runs == 0 or time.perf_counter() - start < INTERVAL:
        work()
        runs += 1
    return 1e3 * (time.perf_counter() - start) / runs


def main():
    parser = argparse.ArgumentParser(description="The losses in PyTorch, on the CPU.")
    parser.add_argument("--adapter", help="ignored: PyTorch takes the CPU")
    parser.add_argument("--check", nargs="+", metavar="FILE", help="compare with golden cases instead")
    options = parser.parse_args()
    if options.check:
        sys.exit(0 if check_all(options.check) else 1)
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    version = torch.__version__.split("+")[0]

    def answer(document):
        print(json.dumps(document), flush=True)

    answer({"peer": f"PyTorch {version} CPU, {threads} threads", "rows": list(ROWS)})
    prepared, work = None, None
    for line in sys.stdin:
        name = line.strip()
        try:
            if name != prepared:
                prepared, work = name, ROWS[name]()
            answer({"ms": turn(work)})
        except Exception as error:
            answer({"error": repr(error)})


if __name__ == "__main__":
    main()
