"""The graph of bench/nanodet.ts as a plain module: NanoDet-m with its batch norms folded."""

import torch
from torch import nn
from torch.nn import functional as F

STAGES, STEM, FEATURES, OUTPUTS = ((116, 4), (232, 8), (464, 4)), 24, 96, 112


def leaky(*layers):
    return nn.Sequential(*layers, nn.LeakyReLU(0.1, inplace=True))


def depth(channels, stride=1):
    return nn.Conv2d(channels, channels, 3, stride, 1, groups=channels)


def shuffle(left, right):
    joined = torch.cat((left, right), 1)
    batch, channels, height, width = joined.shape
    return joined.view(batch, 2, channels // 2, height, width).transpose(1, 2).reshape(joined.shape)


class Unit(nn.Module):
    """Ma et al., ECCV 2018."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        half = outputs // 2
        self.first = None if stride == 1 else leaky(depth(inputs, 2), nn.Conv2d(inputs, half, 1))
        taken = inputs if stride == 2 else half
        self.second = nn.Sequential(
            leaky(nn.Conv2d(taken, half, 1)), leaky(depth(half, stride), nn.Conv2d(half, half, 1))
        )

    def forward(self, x):
        if self.first is None:
            kept, taken = x.chunk(2, 1)
            return shuffle(kept, self.second(taken))
        return shuffle(self.first(x), self.second(x))


class NanoDet(nn.Module):
    """Strides 8, 16, 32: maps of class and box logits."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(leaky(nn.Conv2d(3, STEM, 3, 2, 1)), nn.MaxPool2d(3, 2, 1))
        widths = (STEM, *(width for width, _ in STAGES))
        self.stages = nn.ModuleList(
            nn.Sequential(Unit(before, width, 2), *(Unit(width, width, 1) for _ in range(units - 1)))
            for before, (width, units) in zip(widths, STAGES)
        )
        self.laterals = nn.ModuleList(nn.Conv2d(width, FEATURES, 1) for width, _ in STAGES)
        tower = lambda: (leaky(depth(FEATURES)), leaky(nn.Conv2d(FEATURES, FEATURES, 1)))
        self.heads = nn.ModuleList(
            nn.Sequential(*tower(), *tower(), nn.Conv2d(FEATURES, OUTPUTS, 1)) for _ in STAGES
        )

    def forward(self, images):
        x, maps = self.stem(images), []
        for stage, lateral in zip(self.stages, self.laterals):
            x = stage(x)
            maps.append(lateral(x))
        for to, source in ((1, 2), (0, 1), (1, 0), (2, 1)):
            resized = F.interpolate(maps[source], size=maps[to].shape[2:], mode="bilinear", align_corners=False)
            maps[to] = maps[to] + resized
        return [head(each) for head, each in zip(self.heads, maps)]
