"""Compares the script's regions, terms and gradients with golden cases of the reference implementation (test/golden/)."""

import json
import struct
import sys

import torch

from .bckd import bckd_loss
from .head import head_loss
from .other_heads import make_centres, other_head_loss
from .regions import assign_batch, make_anchors

RELATIVE, ABSOLUTE = 1e-4, 2e-5  # of `edgewise verify`


def read_safetensors(file):
    """Tensors by name and the metadata."""
    with open(file, "rb") as stream:
        header = json.loads(stream.read(struct.unpack("<Q", stream.read(8))[0]))
        content = bytearray(stream.read())
    metadata = header.pop("__metadata__")
    types = {"F32": torch.float32, "I32": torch.int32}
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        values = torch.frombuffer(content[begin:end], dtype=types[entry["dtype"]]) if end > begin else torch.zeros(0)
        tensors[name] = values.reshape(entry["shape"])
    return tensors, metadata


def differs(actual, expected):
    excess = (actual - expected).abs() - ABSOLUTE - RELATIVE * expected.abs()
    return not bool((excess <= 0).all())


def check(file):
    """The names of what differs; None where the script cannot tell."""
    tensors, metadata = read_safetensors(file)
    is_bckd = metadata.get("head") == "bckd"
    if "head" in metadata and not is_bckd:
        return check_other_head(tensors, metadata)
    if float(metadata["ignoreIofThreshold"]) >= 0:
        return None  # The script knows no regions to ignore.
    width, height, batch, classes = (int(metadata[name]) for name in ("width", "height", "batch", "classes"))
    strides = json.loads(metadata["strides"])
    anchors, counts = make_anchors(width, height, strides)
    boxes, labels = ([tensors[f"gt.{part}.{image}"] for image in range(batch)] for part in ("boxes", "labels"))
    assigned = assign_batch(anchors, counts, boxes, [each.long() for each in labels], classes)
    wrong = []
    for level, regions in enumerate(assigned):
        if not torch.equal(regions["label"], tensors[f"assign.label.{level}"].reshape(-1).long()):
            wrong.append(f"label of level {level}")
        if not is_bckd and differs(regions["vlr"], tensors[f"assign.vlr.{level}"].reshape(-1)):
            wrong.append(f"VLR of level {level}")
    if "losses" not in metadata:
        return wrong

    levels = range(len(strides))
    student = [[tensors[f"student.{part}.{level}"].requires_grad_() for part in ("cls", "reg")] for level in levels]
    teacher = [[tensors[f"teacher.{part}.{level}"] for part in ("cls", "reg")] for level in levels]
    sizes = (batch, classes, int(metadata["regMax"]) + 1)
    if is_bckd:
        terms = bckd_loss(student, teacher, assigned, anchors, counts, strides, sizes)
    else:
        temperatures = (float(metadata["temperatureLd"]), float(metadata["temperatureKd"]))
        terms = head_loss(student, teacher, assigned, anchors, counts, strides, sizes, temperatures)
    for name, values in json.loads(metadata["losses"]).items():
        if name in terms and differs(torch.stack(terms[name]).detach(), torch.tensor(values)):
            wrong.append(name)
    sum(sum(values) for values in terms.values()).backward()
    for level, (scores, edges) in enumerate(student):
        if differs(scores.grad, tensors[f"grad.cls.{level}"]):
            wrong.append(f"gradient of the class logits of level {level}")
        if differs(edges.grad, tensors[f"grad.reg.{level}"]):
            wrong.append(f"gradient of the box logits of level {level}")
    return wrong


def check_other_head(tensors, metadata):
    """As `check`, of a case of test/golden/heads/; one with a teacher has LD, too."""
    if metadata.get("overlaps") == "all":
        return None  # The form before 2023.
    width, height, batch, classes = (int(metadata[name]) for name in ("width", "height", "batch", "classes"))
    strides = json.loads(metadata["strides"])
    levels = range(len(strides))
    centres, sizes = make_centres(width, height, strides, float(metadata["centreOffset"]))
    boxes, labels = ([tensors[f"gt.{part}.{image}"] for image in range(batch)] for part in ("boxes", "labels"))
    student = [[tensors[f"student.{part}.{level}"].requires_grad_() for part in ("cls", "reg")] for level in levels]
    teacher = None
    if "teacher.reg.0" in tensors:
        teacher = [[tensors[f"teacher.{part}.{level}"] for part in ("cls", "reg")] for level in levels]
    labels = [each.long() for each in labels]
    terms, found = other_head_loss(metadata["head"], student, teacher, centres, sizes, boxes, labels)

    wrong = []
    image, label, location = found["place"]
    label_map, score_map = torch.full((batch, len(centres)), classes), torch.zeros(batch, len(centres))
    label_map[image, location], score_map[image, location] = label, found["score"]
    score = torch.cat([tensors[f"assign.score.{level}"] for level in levels], 1)
    counts = (score > 1e-9) | (score_map > 1e-9)
    theirs = torch.cat([tensors[f"assign.label.{level}"].long() for level in levels], 1)
    if not torch.equal(label_map[counts], theirs[counts]):
        wrong.append("labels")
    if differs(score_map, score):
        wrong.append("target scores")
    losses = json.loads(metadata["losses"])
    if set(terms) != set(losses):
        wrong.append(f"the names of the terms, {', '.join(terms)}")
    for name, value in losses.items():
        if name in terms and differs(terms[name].detach(), torch.tensor(value)):
            wrong.append(name)
    sum(terms.values()).backward()
    for level, (scores, edges) in enumerate(student):
        if differs(scores.grad, tensors[f"grad.cls.{level}"]):
            wrong.append(f"gradient of the class logits of level {level}")
        if differs(edges.grad, tensors[f"grad.reg.{level}"]):
            wrong.append(f"gradient of the box logits of level {level}")
    return wrong


def check_all(files):
    """Prints a line a file; whether all agree."""
    good = True
    for file in files:
        wrong = check(file)
        good = good and not wrong
        verdict = f"differs in {', '.join(wrong)}" if wrong else "agrees" if wrong == [] else "left out"
        print(f"{file}: {verdict}", file=sys.stderr)
    return good
