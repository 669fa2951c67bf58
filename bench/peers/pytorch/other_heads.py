"""The losses of YOLOv8 to YOLO12's head and of NanoDet-Plus', eager, assignment included, with LD on the positives where there is a
teacher: recipes `yolov8+ld` and `nanodet-plus+ld`. PyTorch on the CPU."""

import torch
import torch.nn.functional as F

from .assigners import ciou, dynamic_soft_label, pad, task_aligned
from .head import distribution_focal_loss, integral, iou_and_giou, temperature_kl

LD_TEMPERATURE = 10


def make_centres(width, height, strides, offset):
    """Centres [A, 2] in pixels and strides [A] of all locations."""
    centres, sizes = [], []
    for stride in strides:
        rows, columns = -(-height // stride), -(-width // stride)
        y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        centres.append((torch.stack([x, y], -1).reshape(-1, 2) + offset) * stride)
        sizes.append(torch.full((rows * columns,), float(stride)))
    return torch.cat(centres).float(), torch.cat(sizes)


def joined(maps, index):
    """Levels of (class logits, box logits) [B, channels, H, W] -> [B, channels, A]."""
    return torch.cat([level[index].flatten(2) for level in maps], 2)


@torch.no_grad()
def decode(box_logits, centres, strides, bins):
    """[B, 4 · K, A] -> boxes [B, A, 4] in pixels."""
    batch, _, locations = box_logits.shape
    shares = box_logits.view(batch, 4, bins, locations).softmax(2)
    reach = torch.einsum("beka,k->bae", shares, torch.arange(bins, dtype=torch.float32)) * strides[:, None]
    return torch.cat([centres - reach[..., :2], centres + reach[..., 2:]], 2)


def positives(student, teacher, head, centres, strides, boxes, labels):
    """What both heads need: class logits [B, C, A], positives, and of these centre and target in strides, edges [4 P, K] and boxes."""
    bins = student[0][1].shape[1] // 4
    logits, box_logits = joined(student, 0), joined(student, 1)
    boxes, labels, valid = pad(boxes, labels)
    assign = task_aligned if head == "task-aligned" else dynamic_soft_label
    predicted = decode(box_logits, centres, strides, bins)
    image, index, location, score = assign(logits.detach(), predicted, centres, boxes, labels, valid)
    stride = strides[location, None]
    centre, target = centres[location] / stride, boxes[image, index] / stride

    def edges_of(maps):
        return maps.view(len(maps), 4, bins, -1)[image, :, :, location].reshape(-1, bins)

    edges = edges_of(box_logits)
    reach = integral(edges).view(-1, 4)
    return {
        "logits": logits,
        "place": (image, labels[image, index], location),
        "score": score,
        "target": target,
        "distances": torch.cat([centre - target[:, :2], target[:, 2:] - centre], 1),
        "edges": edges,
        "predicted": torch.cat([centre - reach[:, :2], centre + reach[:, 2:]], 1),
        "taught": edges_of(joined(teacher, 1)) if teacher else None,
        "bins": bins,
    }


def per_location(weights, of_edges):
    """Σ weight · mean over the four edges."""
    return (weights * of_edges.view(-1, 4).mean(1)).sum()


def yolov8_loss(found, batch, gains=(7.5, 0.5, 1.5)):
    """The terms; their sum is the loss."""
    box_gain, class_gain, dfl_gain = gains
    score, edges = found["score"], found["edges"]
    targets = torch.zeros_like(found["logits"])
    targets[found["place"]] = score
    total = score.sum().clamp(min=1)
    distances = found["distances"].clamp(0, found["bins"] - 1.01).view(-1)
    terms = {
        "loss_cls": class_gain * F.binary_cross_entropy_with_logits(found["logits"], targets, reduction="sum"),
        "loss_bbox": box_gain * (score * (1 - ciou(found["predicted"], found["target"]))).sum(),
        "loss_dfl": dfl_gain * per_location(score, distribution_focal_loss(edges, distances)),
    }
    if found["taught"] is not None:
        terms["loss_ld"] = dfl_gain * per_location(score, temperature_kl(edges, found["taught"], LD_TEMPERATURE))
    return {name: batch * term / total for name, term in terms.items()}


def nanodet_plus_loss(found):
    """The terms; their sum is the loss."""
    score, edges, logits, place = found["score"], found["edges"], found["logits"], found["place"]
    # Every entry as a negative first, then the positives' own class.
    sigma = logits.sigmoid()
    focal = F.softplus(logits) * sigma.pow(2)
    own = F.binary_cross_entropy_with_logits(logits[place], score, reduction="none")
    focal[place] = own * (score - sigma[place]).pow(2)
    image, _, location = place
    weights = logits.detach()[image, :, location].amax(1).sigmoid()
    weight_sum = weights.sum().clamp(min=1)
    distances = found["distances"].clamp(0, found["bins"] - 1.1).view(-1)
    giou = iou_and_giou(found["predicted"], found["target"])[1]
    terms = {
        "loss_cls": focal.sum() / max(len(score), 1),
        "loss_bbox": 2 * (weights * (1 - giou)).sum() / weight_sum,
        "loss_dfl": 0.25 * per_location(weights, distribution_focal_loss(edges, distances)) / weight_sum,
    }
    if found["taught"] is not None:
        ld = per_location(score, temperature_kl(edges, found["taught"], LD_TEMPERATURE))
        terms["loss_ld"] = 0.25 * ld / score.sum().clamp(min=1)
    return terms


def other_head_loss(head, student, teacher, centres, strides, boxes, labels):
    """
    The terms of head `task-aligned` or `dynamic-soft-label`, and the positives.
    student, teacher: levels of (class logits, box logits); boxes [G, 4] and labels [G]: lists, an entry an image.
    """
    found = positives(student, teacher, head, centres, strides, boxes, labels)
    terms = yolov8_loss(found, len(boxes)) if head == "task-aligned" else nanodet_plus_loss(found)
    return terms, found
