"""
PyTorch on the CPU, eager, with a thread a core: the losses as the reference implementation of localization distillation writes
them, regions included. Draws its own inputs, of the same sizes and distributions as edgewise's.

    python3 bench/peers/torch_losses.py --rows head-loss,regions --runs 7
    python3 bench/peers/torch_losses.py --check test/golden/*.safetensors

Prints {"peer", "rows": {NAME: {"ms", "spread"}}}; rows that it does not have are left out. `--adapter` is for the other peers.
"""

import argparse
import json
import os
import sys
import time

try:
    import torch
except ImportError:
    sys.exit("not available: python3 has no torch")

from pytorch.check import check_all
from pytorch.detector import Detector
from pytorch.head import distribution_focal_loss, head_loss, integral, temperature_kl
from pytorch.regions import assign_batch, make_anchors

BATCH, CLASSES, BINS, STRIDES, SIZE, BOXES = 8, 80, 17, (8, 16, 32, 64, 128), 640, 10
WARM_UP = 2


def uniform(shape, low=-2.0, high=2.0):
    return torch.empty(shape).uniform_(low, high)


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


def head():
    anchors, counts, boxes, labels = head_scene()
    cells = [-(-SIZE // stride) for stride in STRIDES]

    def outputs():
        return [(uniform((BATCH, CLASSES, n, n), -6.6, -2.6), uniform((BATCH, 4 * BINS, n, n))) for n in cells]

    student, teacher = outputs(), outputs()
    leaves = [maps.requires_grad_() for level in student for maps in level]

    def work():
        for leaf in leaves:
            leaf.grad = None
        assigned = assign_batch(anchors, counts, boxes, labels, CLASSES)
        terms = head_loss(student, teacher, assigned, anchors, counts, STRIDES, (BATCH, CLASSES, BINS))
        sum(sum(values) for values in terms.values()).backward()

    return work


def convolution(what):
    x, dy, w = uniform((2, 64, 60, 80)), uniform((2, 64, 60, 80)), uniform((64, 64, 3, 3))
    if what == "forward":
        return lambda: torch.nn.functional.conv2d(x, w, padding=1)
    wanted = [what == "input", what == "weight", False]
    return lambda: torch.ops.aten.convolution_backward(dy, x, w, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1, wanted)


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


ROWS = {
    "rows-ld-dfl": rows_ld_dfl,
    "head-loss": head,
    "regions": regions,
    "conv3x3-64-forward": lambda: convolution("forward"),
    "conv3x3-64-input-gradient": lambda: convolution("input"),
    "conv3x3-64-weight-gradient": lambda: convolution("weight"),
    "train-step": train_step,
}


def measure(work, runs):
    """Median and half the interquartile range of wall time, and mean processor time, in milliseconds."""
    for _ in range(WARM_UP):
        work()
    times = []
    before = time.process_time()
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(1e3 * (time.perf_counter() - start))
    processor = 1e3 * (time.process_time() - before) / runs
    low, median, high = torch.tensor(times, dtype=torch.float64).quantile(torch.tensor([0.25, 0.5, 0.75]).double()).tolist()
    return {"ms": median, "spread": (high - low) / 2}, processor


def main():
    parser = argparse.ArgumentParser(description="The losses in PyTorch, on the CPU.")
    parser.add_argument("--rows", help="rows to time, joined by commas; all unless given")
    parser.add_argument("--adapter", help="ignored: PyTorch takes the CPU")
    parser.add_argument("--runs", type=int, default=7, help="timed runs of each row")
    parser.add_argument("--check", nargs="+", metavar="FILE", help="compare with golden cases instead")
    options = parser.parse_args()
    if options.check:
        sys.exit(0 if check_all(options.check) else 1)
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    rows = {}
    for name in options.rows.split(",") if options.rows else ROWS:
        if name not in ROWS:
            continue
        timing, processor = measure(ROWS[name](), options.runs)
        rows[name] = timing
        times = f"{timing['ms']:.2f} ms ± {timing['spread']:.2f}, {processor:.2f} ms of processor time"
        print(f"{name}: {times}", file=sys.stderr)
    version = torch.__version__.split("+")[0]
    print(json.dumps({"peer": f"PyTorch {version} CPU, {threads} threads", "rows": rows}))


if __name__ == "__main__":
    main()
