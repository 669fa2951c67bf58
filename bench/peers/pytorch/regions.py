"""Regions as the reference implementation of localization distillation computes them: ATSS and the valuable region (VLR),
image by image, over the full matrix of anchors and boxes. PyTorch on the CPU."""

import torch

TOPK = 9  # candidates a level
OCTAVE = 8  # anchor side in strides
GAMMA = 0.25  # lower end of the VLR as a share of the ATSS threshold


def make_anchors(width, height, strides):
    """Square anchors [A, 4] of all levels around the cells' top-left corners, and the number of anchors of each level."""
    anchors, counts = [], []
    for stride in strides:
        rows, columns = -(-height // stride), -(-width // stride)
        y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        centres = torch.stack([x, y], -1).reshape(-1, 2).float() * stride
        half = OCTAVE * stride / 2
        anchors.append(torch.cat([centres - half, centres + half], 1))
        counts.append(rows * columns)
    return torch.cat(anchors), counts


def centres_of(boxes):
    return (boxes[..., :2] + boxes[..., 2:]) / 2


def overlaps(anchors, boxes):
    """Intersection, union, anchors' areas and squared centre distance over enclosing diagonal, each [A, G]."""
    low = torch.max(anchors[:, None, :2], boxes[None, :, :2])
    high = torch.min(anchors[:, None, 2:], boxes[None, :, 2:])
    inner = (high - low).clamp(min=0).prod(2)
    area = (anchors[:, 2:] - anchors[:, :2]).prod(1)
    union = area[:, None] + (boxes[:, 2:] - boxes[:, :2]).prod(1) - inner
    outer = torch.max(anchors[:, None, 2:], boxes[None, :, 2:]) - torch.min(anchors[:, None, :2], boxes[None, :, :2])
    distance = (centres_of(anchors)[:, None] - centres_of(boxes)[None]).pow(2).sum(2)
    return inner, union, area[:, None], distance / outer.clamp(min=0).pow(2).sum(2).clamp(min=1e-6)


def assign_image(anchors, counts, boxes, labels, classes):
    """
    ATSS (Zhang et al., CVPR 2020) and VLR of one image.
    Returns label [A] (`classes` for background), box index [A] (-1), VLR weight [A] (0 outside).
    """
    label = torch.full((len(anchors),), classes)
    matched = torch.full((len(anchors),), -1)
    if len(boxes) == 0:
        return label, matched, torch.zeros(len(anchors))
    inner, union, area, penalty = overlaps(anchors, boxes)
    iou = inner / union.clamp(min=1e-6)
    distance = (centres_of(anchors)[:, None] - centres_of(boxes)[None]).pow(2).sum(2).sqrt()

    candidates, start = [], 0
    for count in counts:
        _, nearest = distance[start : start + count].topk(min(TOPK, count), dim=0, largest=False)
        candidates.append(nearest + start)
        start += count
    candidates = torch.cat(candidates)  # [M, G]
    theirs = iou.gather(0, candidates)
    threshold = theirs.mean(0) + theirs.std(0)
    centre = centres_of(anchors)
    inside = torch.cat([centre[:, None] - boxes[None, :, :2], boxes[None, :, 2:] - centre[:, None]], 2).amin(2) > 0.01
    is_positive = (theirs >= threshold) & inside.gather(0, candidates)
    quality = torch.full_like(iou, -1)
    quality.scatter_(0, candidates, torch.where(is_positive, theirs, torch.full_like(theirs, -1)))
    best, index = quality.max(1)
    positive = best >= 0
    matched[positive] = index[positive]
    label[positive] = labels[index[positive]]

    pseudo = inner / area.clamp(min=1e-6) - penalty
    valuable = (pseudo >= GAMMA * threshold) & (pseudo < threshold)
    return label, matched, torch.where(valuable, iou, torch.zeros_like(iou)).amax(1)


def assign_batch(anchors, counts, boxes, labels, classes):
    """
    Regions of a batch, a dictionary a level of tensors [B · locations]: label, VLR weight, matched box [., 4] in pixels.
    boxes, labels: lists, an entry an image.
    """
    images = []
    for image_boxes, image_labels in zip(boxes, labels):
        label, matched, vlr = assign_image(anchors, counts, image_boxes, image_labels, classes)
        target = torch.zeros(len(anchors), 4)
        target[matched >= 0] = image_boxes[matched[matched >= 0]]
        images.append((label, vlr, target))
    stacked = [torch.stack(part) for part in zip(*images)]
    levels = zip(*(part.split(counts, 1) for part in stacked))
    return [{"label": label.reshape(-1), "vlr": vlr.reshape(-1), "target": target.reshape(-1, 4)} for label, vlr, target in levels]
