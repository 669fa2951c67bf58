"""edgewise's detector `small` (src/detector/) in PyTorch: residual backbone, feature pyramid, GFocal head, group norm."""

import math

from torch import nn, ones
from torch.nn import functional as F

STEM, STAGES, FEATURES, TOWER, GROUP = (16, 16), (32, 64, 128), 32, 2, 8


def block(inputs, outputs, stride=1):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.GroupNorm(outputs // GROUP, outputs), nn.ReLU(inplace=True)
    )


class BasicBlock(nn.Module):
    """He et al., CVPR 2016, with stride 2 and group norm."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.first = block(inputs, outputs, 2)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm = nn.GroupNorm(outputs // GROUP, outputs)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, 2, bias=False)
        self.shortcut_norm = nn.GroupNorm(outputs // GROUP, outputs)

    def forward(self, x):
        return F.relu(self.norm(self.second(self.first(x))) + self.shortcut_norm(self.shortcut(x)))


class Detector(nn.Module):
    """Strides 8, 16, 32."""

    def __init__(self, classes, bins):
        super().__init__()
        self.stem = nn.Sequential(block(3, STEM[0], 2), block(STEM[0], STEM[1], 2))
        widths = (STEM[1], *STAGES)
        self.stages = nn.ModuleList(BasicBlock(a, b) for a, b in zip(widths, widths[1:]))
        self.laterals = nn.ModuleList(nn.Conv2d(width, FEATURES, 1) for width in STAGES)
        self.outputs = nn.ModuleList(nn.Conv2d(FEATURES, FEATURES, 3, 1, 1) for _ in STAGES)
        self.class_tower, self.box_tower = (nn.Sequential(*(block(FEATURES, FEATURES) for _ in range(TOWER))) for _ in range(2))
        self.class_logits = nn.Conv2d(FEATURES, classes, 1)
        self.box_logits = nn.Conv2d(FEATURES, 4 * bins, 1)
        self.scales = nn.Parameter(ones(len(STAGES)))
        for output in (self.class_logits, self.box_logits):
            nn.init.normal_(output.weight, std=0.01)
            nn.init.zeros_(output.bias)
        nn.init.constant_(self.class_logits.bias, -math.log(99))

    def forward(self, images):
        """[B, 3, H, W] -> (class logits, box logits) of each level."""
        x, maps = self.stem(images), []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        merged = [lateral(each) for lateral, each in zip(self.laterals, maps)]
        for level in reversed(range(len(merged) - 1)):
            merged[level] = merged[level] + F.interpolate(merged[level + 1], scale_factor=2, mode="nearest")
        features = [output(each) for output, each in zip(self.outputs, merged)]
        return [
            (self.class_logits(self.class_tower(each)), self.box_logits(self.box_tower(each)) * self.scales[level])
            for level, each in enumerate(features)
        ]
