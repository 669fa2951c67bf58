"""Assignment of YOLOv8 to YOLO12 and of NanoDet-Plus, a batch at once. PyTorch on the CPU."""

import math

import torch
import torch.nn.functional as F

EPSILON = 1e-7


def ciou(predicted, target):
    """CIoU of boxes [..., 4] in pairs as Ultralytics computes it: ε in the heights, α without gradient."""
    w1, w2 = (box[..., 2] - box[..., 0] for box in (predicted, target))
    h1, h2 = (box[..., 3] - box[..., 1] + EPSILON for box in (predicted, target))
    extent = torch.min(predicted[..., 2:], target[..., 2:]) - torch.max(predicted[..., :2], target[..., :2])
    inner = extent.clamp(min=0).prod(-1)
    iou = inner / (w1 * h1 + w2 * h2 - inner + EPSILON)
    outer = torch.max(predicted[..., 2:], target[..., 2:]) - torch.min(predicted[..., :2], target[..., :2])
    diagonal = outer.pow(2).sum(-1) + EPSILON
    distance = (target[..., :2] + target[..., 2:] - predicted[..., :2] - predicted[..., 2:]).pow(2).sum(-1) / 4
    shape = (4 / math.pi**2) * (torch.atan(w2 / h2) - torch.atan(w1 / h1)).pow(2)
    with torch.no_grad():
        alpha = shape / (shape - iou + (1 + EPSILON))
    return iou - distance / diagonal - shape * alpha


def plain_iou(a, b):
    """IoU of boxes [..., 4] in pairs."""
    inner = (torch.min(a[..., 2:], b[..., 2:]) - torch.max(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)
    areas = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1)
    return inner / (areas - inner).clamp(min=1e-6)


def pad(boxes, labels):
    """Lists, an entry an image -> boxes [B, G, 4], labels [B, G] and which of them are objects [B, G]."""
    most = max(max(len(each) for each in labels), 1)
    padded = torch.zeros(len(boxes), most, 4), torch.zeros(len(boxes), most, dtype=torch.long)
    for image, (box, label) in enumerate(zip(boxes, labels)):
        padded[0][image, : len(box)] = box
        padded[1][image, : len(label)] = label
    counts = torch.tensor([len(each) for each in labels])
    return *padded, torch.arange(most)[None] < counts[:, None]


def inside_test(centres, boxes, valid, least):
    """Whether a location's centre lies inside an object, [B, G, A]."""
    low = centres[None, None] - boxes[:, :, None, :2]
    high = boxes[:, :, None, 2:] - centres[None, None]
    return (torch.min(low, high).amin(3) > least) & valid[:, :, None]


def matches(chosen, preference):
    """
    One object a location: where several chose it, that of largest preference among all.
    Returns pairs (image, object, location) of the positives.
    """
    contested = chosen.sum(1) > 1  # [B, A]
    best = F.one_hot(preference.argmax(1), chosen.shape[1]).bool().transpose(1, 2)
    return torch.where(contested[:, None], best, chosen).nonzero(as_tuple=True)


@torch.no_grad()
def task_aligned(logits, predicted, centres, boxes, labels, valid, topk=10, alpha=0.5, beta=6.0):
    """
    Task-aligned assignment (Feng et al., ICCV 2021) with masked overlaps.
    logits: [B, C, A]; predicted: [B, A, 4] pixels; centres: [A, 2] pixels; boxes [B, G, 4], labels and valid [B, G].
    Returns image, object, location and target score of each positive.
    """
    inside = inside_test(centres, boxes, valid, 1e-9)
    image, index, location = inside.nonzero(as_tuple=True)
    overlap = torch.zeros(inside.shape)
    overlap[inside] = ciou(predicted[image, location], boxes[image, index]).clamp(min=0)
    metric = torch.zeros(inside.shape)
    score = logits[image, labels[image, index], location].sigmoid()
    metric[inside] = score.pow(alpha) * overlap[inside].pow(beta)
    top, places = metric.topk(min(topk, metric.shape[2]), 2)
    chosen = torch.zeros_like(inside).scatter_(2, places, top > 0)
    image, index, location = matches(chosen, overlap)
    own = torch.zeros_like(inside)
    own[image, index, location] = True
    most_metric, most_overlap = ((each * own).amax(2)[image, index] for each in (metric, overlap))
    score = metric[image, index, location] * most_overlap / (most_metric + 1e-9)
    return image, index, location, score


@torch.no_grad()
def dynamic_soft_label(logits, predicted, centres, boxes, labels, valid, topk=13, factor=3.0):
    """
    Dynamic soft label assignment of NanoDet-Plus; arguments and result as of `task_aligned`, the score is the IoU.
    """
    candidate = inside_test(centres, boxes, valid, 0).any(1)  # [B, A]
    iou = plain_iou(predicted[:, None], boxes[:, :, None]) * (candidate[:, None] & valid[:, :, None])
    # Σ_c BCE(z, y) |y − σ|²: the classes that are not the object's have y = 0 for all objects.
    sigma = logits.sigmoid()
    background = F.softplus(logits) * sigma.pow(2)
    own = labels[:, :, None].expand(iou.shape)
    z, s, b = (each.gather(1, own) for each in (logits, sigma, background))
    cost = background.sum(1, keepdim=True) - b + (F.softplus(z) - z * iou) * (iou - s).pow(2)
    cost = cost - factor * (iou + 1e-7).log()
    cost = torch.where(candidate[:, None] & valid[:, :, None], cost, torch.full_like(cost, math.inf))
    counts = iou.topk(min(topk, iou.shape[2]), 2).values.sum(2).int().clamp(min=1)
    cheapest, places = cost.topk(int(counts.max()), 2, largest=False)
    among = (torch.arange(places.shape[2])[None, None] < counts[:, :, None]) & cheapest.isfinite()
    chosen = torch.zeros(iou.shape, dtype=torch.bool).scatter_(2, places, among)
    image, index, location = matches(chosen, -cost)
    return image, index, location, iou[image, index, location]
