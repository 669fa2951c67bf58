"""The head loss as the reference implementation of localization distillation writes it: eager, level by level, rows picked by
index. Recipe `reference` without feature imitation; without a teacher that of `gfocal`. PyTorch on the CPU."""

import torch
import torch.nn.functional as F

LD_TEMPERATURE, KD_TEMPERATURE = 10, 2
LD_WEIGHT, KD_WEIGHT, BOX_WEIGHT, DFL_WEIGHT = 0.25, 10, 2, 0.25


def temperature_kl(student, teacher, temperature):
    """(T² / K) Σ_k p_k (ln p_k − ln q_k) of each row [R, K]."""
    target = F.softmax(teacher / temperature, 1).detach()
    kl = F.kl_div(F.log_softmax(student / temperature, 1), target, reduction="none")
    return kl.mean(1) * temperature**2


def distribution_focal_loss(logits, target):
    """−(hi − y) ln p_lo − (y − lo) ln p_hi of each row."""
    low = target.long()
    high = low + 1
    left = F.cross_entropy(logits, low, reduction="none") * (high.float() - target)
    return left + F.cross_entropy(logits, high, reduction="none") * (target - low.float())


def integral(logits):
    """Σ_k k p_k of each row."""
    bins = torch.arange(logits.shape[1], dtype=logits.dtype)
    return F.linear(F.softmax(logits, 1), bins[None]).squeeze(1)


def quality_focal_loss(logits, label, quality):
    """[N, C] -> [N]; β = 2. Every entry as a negative first, then the positives' own class."""
    sigma = logits.sigmoid()
    loss = F.binary_cross_entropy_with_logits(logits, torch.zeros_like(logits), reduction="none") * sigma.pow(2)
    rows = (label < logits.shape[1]).nonzero().squeeze(1)
    columns = label[rows].long()
    distance = quality[rows] - sigma[rows, columns]
    own = F.binary_cross_entropy_with_logits(logits[rows, columns], quality[rows], reduction="none")
    loss[rows, columns] = own * distance.abs().pow(2)
    return loss.sum(1)


def iou_and_giou(a, b):
    """Of boxes [P, 4] in pairs."""
    inner = (torch.min(a[:, 2:], b[:, 2:]) - torch.max(a[:, :2], b[:, :2])).clamp(min=0).prod(1)
    areas = (a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1)
    union = (areas - inner).clamp(min=1e-7)
    outer = (torch.max(a[:, 2:], b[:, 2:]) - torch.min(a[:, :2], b[:, :2])).clamp(min=0).prod(1).clamp(min=1e-7)
    return inner / union, inner / union - (outer - union) / outer


def rows_of(maps, channels):
    """[B, C, H, W] -> rows in the order image, row, column."""
    return maps.permute(0, 2, 3, 1).reshape(-1, channels)


def level_losses(student, teacher, assigned, centres, stride, sizes, samples, temperatures):
    """
    Terms of one level, those of the boxes not yet divided by the sum of weights, and that sum.
    student, teacher: (class logits, box logits); centres: [locations, 2] pixels; sizes: (batch, classes, bins).
    """
    batch, classes, bins = sizes
    ld_temperature, kd_temperature = temperatures
    scores, boxes = rows_of(student[0], classes), rows_of(student[1], 4 * bins)
    if teacher:
        taught_scores, taught_boxes = rows_of(teacher[0], classes), rows_of(teacher[1], 4 * bins)
    label, vlr = assigned["label"], assigned["vlr"]
    positive = (label < classes).nonzero().squeeze(1)
    zero = boxes.sum() * 0
    terms = {name: zero for name in ("loss_bbox", "loss_dfl", "loss_ld", "loss_ld_vlr", "loss_kd")}
    quality = torch.zeros(len(scores))
    weights = scores.detach()[positive].sigmoid().amax(1) if len(positive) else torch.zeros(0)
    if len(positive):
        centre = centres.repeat(batch, 1)[positive] / stride
        target = assigned["target"][positive] / stride
        edges = boxes[positive].reshape(-1, bins)
        reach = integral(edges).reshape(-1, 4)
        predicted = torch.cat([centre - reach[:, :2], centre + reach[:, 2:]], 1)
        iou, giou = iou_and_giou(predicted, target)
        quality[positive] = iou.detach()
        distances = torch.cat([centre - target[:, :2], target[:, 2:] - centre], 1).clamp(0, bins - 1.1).reshape(-1)
        edge_weights = weights[:, None].expand(-1, 4).reshape(-1)
        terms["loss_bbox"] = BOX_WEIGHT * (weights * (1 - giou)).sum()
        terms["loss_dfl"] = DFL_WEIGHT / 4 * (edge_weights * distribution_focal_loss(edges, distances)).sum()
        if teacher:
            ld = temperature_kl(edges, taught_boxes[positive].reshape(-1, bins), ld_temperature)
            terms["loss_ld"] = LD_WEIGHT / 4 * (edge_weights * ld).sum()
            kd = temperature_kl(scores[positive], taught_scores[positive], kd_temperature)
            terms["loss_kd"] = KD_WEIGHT * kd.mean()
    valuable = (vlr > 0).nonzero().squeeze(1)
    if teacher and len(valuable):
        edges, taught = (rows[valuable].reshape(-1, bins) for rows in (boxes, taught_boxes))
        edge_weights = vlr[valuable][:, None].expand(-1, 4).reshape(-1)
        terms["loss_ld_vlr"] = LD_WEIGHT / 16 * (edge_weights * temperature_kl(edges, taught, ld_temperature)).sum()
    terms["loss_cls"] = quality_focal_loss(scores, label, quality).sum() / samples
    return terms, weights.sum()


def head_loss(student, teacher, assigned, anchors, counts, strides, sizes, temperatures=(LD_TEMPERATURE, KD_TEMPERATURE)):
    """
    The terms, a list of one value a level each; their sum is the loss.
    student, teacher: lists of (class logits [B, C, H, W], box logits [B, 4 · K, H, W]); sizes: (batch, classes, bins).
    """
    batch, classes, _ = sizes
    positives = torch.cat([level["label"].reshape(batch, -1) < classes for level in assigned], 1).sum(1)
    samples = max(positives.clamp(min=1).sum().item(), 1)
    centres = ((anchors[:, :2] + anchors[:, 2:]) / 2).split(counts)
    levels, weight_sum = [], 1e-6
    for i, stride in enumerate(strides):
        taught = teacher[i] if teacher else None
        terms, weight = level_losses(student[i], taught, assigned[i], centres[i], stride, sizes, samples, temperatures)
        levels.append(terms)
        weight_sum += weight.item()
    for terms in levels:
        terms["loss_bbox"] = terms["loss_bbox"] / weight_sum
        terms["loss_dfl"] = terms["loss_dfl"] / weight_sum
    return {name: [terms[name] for terms in levels] for name in levels[0]}
