"""The two terms of Bridging Cross-task Protocol Inconsistency (Yang et al., ICCV 2023) as its code writes them: eager, level by level,
at all locations. PyTorch on the CPU."""

import torch
import torch.nn.functional as F

from .head import integral, iou_and_giou, rows_of

KD_WEIGHT, IOU_WEIGHT = 1, 4


def boxes_of(rows, centres, bins):
    """Boxes in strides of rows [N, 4 · K]."""
    reach = integral(rows.reshape(-1, bins)).reshape(-1, 4)
    return torch.cat([centres - reach[:, :2], centres + reach[:, 2:]], 1)


def bckd_loss(student, teacher, assigned, anchors, counts, strides, sizes):
    """The terms as `head_loss` gives them; levels without positives have none."""
    batch, classes, bins = sizes
    positives = torch.cat([level["label"].reshape(batch, -1) < classes for level in assigned], 1).sum(1)
    samples = max(positives.clamp(min=1).sum().item(), 1)
    centres = ((anchors[:, :2] + anchors[:, 2:]) / 2).split(counts)
    terms = {"loss_kd": [], "loss_ld_iou": []}
    for i, stride in enumerate(strides):
        scores, boxes = rows_of(student[i][0], classes), rows_of(student[i][1], 4 * bins)
        if not (assigned[i]["label"] < classes).any():
            terms["loss_kd"].append(scores.sum() * 0)
            terms["loss_ld_iou"].append(boxes.sum() * 0)
            continue
        taught = rows_of(teacher[i][0], classes).sigmoid()
        apart = (taught - scores.sigmoid()).abs()
        entropy = F.binary_cross_entropy_with_logits(scores, taught, reduction="none")
        terms["loss_kd"].append(KD_WEIGHT * (entropy * apart).sum() / samples)
        centre = centres[i].repeat(batch, 1) / stride
        _, giou = iou_and_giou(boxes_of(boxes, centre, bins), boxes_of(rows_of(teacher[i][1], 4 * bins), centre, bins))
        weights = apart.detach().amax(1)
        terms["loss_ld_iou"].append(IOU_WEIGHT * (weights * (1 - giou)).sum() / samples)
    return terms
