"""Train the embedded network of `maskrle.shapes` and write its weights.

Needs torch (2.13.0 made the committed weights); building and running the network does not. The one command:

    OMP_WAIT_POLICY=PASSIVE python tools/train_shapes.py --threads 2 --output src/maskrle/shapes/weights.npz

Scenes come from fixed seeds and every random number from `--seed`. Sums in torch depend on the thread count,
so bit-equal weights need the same `--threads`, the same torch and the same kind of processor. Two idle cores
need about 35 minutes.

The network works in three steps, all trained together: `detect` finds centres and rough boxes on a grid;
`refine` measures the four edges of every box and names its class, `draw` draws the mask in the refined box.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from maskrle.shapes import CLASSES, scene

TRAIN_SEEDS = 1_000_000  # first seed; evaluation and tests use seeds below
SCENE = (480, 640)
MAX_OBJECTS = 12
GRID = 17
FINE = 33
REACH = 1.4  # the refining step looks this many times as wide as the rough box
CELLS = 8.0  # unit of the rough box distances, in cells of the detection grid
ROIS = 8  # regions of interest per image and step


def conv(inputs: int, outputs: int, size: int = 3, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, size, stride, (size - 1) // 2)


class Unit(nn.Module):
    """Convolution, normalisation and ReLU; `folded` takes the normalisation into the convolution."""

    def __init__(self, inputs: int, outputs: int, size: int = 3, stride: int = 1, padding: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, stride, padding, bias=False)
        self.norm = nn.BatchNorm2d(outputs, momentum=0.02)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(x)))


def sample(features: Tensor, boxes: Tensor, side: int) -> Tensor:
    """Bilinear samples at the centres of side x side bins.

    features [B, C, h, w]; boxes [B, K, 4] as shares of the whole map; returns [B * K, C, side, side].
    """
    batch, count = boxes.shape[:2]
    steps = (torch.arange(side) + 0.5) / side
    x = boxes[..., 0:1] + (boxes[..., 2:3] - boxes[..., 0:1]) * steps
    y = boxes[..., 1:2] + (boxes[..., 3:4] - boxes[..., 1:2]) * steps
    grid = torch.stack(
        (x[:, :, None, :].expand(-1, -1, side, -1), y[:, :, :, None].expand(-1, -1, -1, side)), dim=-1
    )
    grid = grid.reshape(batch, count * side, side, 2) * 2 - 1
    found = F.grid_sample(features.float(), grid, padding_mode="border", align_corners=False)
    return found.reshape(batch, -1, count, side, side).transpose(1, 2).flatten(0, 1)


def positions(count: int, side: int) -> Tensor:
    """Two channels that tell where in the region a bin lies, [count, 2, side, side], -1 to 1."""
    steps = (torch.arange(side) + 0.5) / side * 2 - 1
    return torch.stack((steps.expand(side, side), steps[:, None].expand(side, side))).expand(
        count, -1, -1, -1
    )


class Shapes(nn.Module):
    """The whole network, on pixels [B, 3, h, w] with sides that 32 divides, values BGR / 255 - 0.5."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Unit(3, 24, 6, 4)
        self.block0 = Unit(24, 24)
        self.down1 = Unit(24, 48, 3, 2)
        self.block1a, self.block1b = Unit(48, 48), Unit(48, 48)
        self.down2 = Unit(48, 64, 3, 2)
        self.block2a, self.block2b = Unit(64, 64), Unit(64, 64)
        self.down3 = Unit(64, 64, 3, 2)
        self.block3 = Unit(64, 64)
        self.side3, self.side2, self.side1 = conv(64, 40, 1), conv(64, 40, 1), conv(48, 40, 1)
        self.smooth = Unit(40, 40)
        self.head = Unit(40, 40)
        self.heat, self.rough = conv(40, len(CLASSES), 1), conv(40, 4, 1)
        self.refine1, self.refine2 = conv(66, 32), conv(32, 32)
        self.row1, self.row2 = nn.Conv2d(32, 32, (1, 3), 1, (0, 1)), nn.Conv2d(32, 2, (1, 3), 1, (0, 1))
        self.column1, self.column2 = nn.Conv2d(32, 32, (3, 1), 1, (1, 0)), nn.Conv2d(32, 2, (3, 1), 1, (1, 0))
        self.label1, self.label2 = nn.Linear(64, 48), nn.Linear(48, len(CLASSES))
        self.mask1, self.mask2, self.mask3 = conv(66, 40), conv(40, 40), conv(40, 24)
        self.fine1, self.fine2, self.mask = conv(24 + 27, 24), conv(24, 24), conv(24, 1, 1)
        nn.init.constant_(self.heat.bias, -4.0)
        nn.init.constant_(self.label2.bias, -1.0)

    def features(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """The fine map [B, 24, h/4, w/4] and the coarse map [B, 40, h/8, w/8]."""
        fine = self.stem(pixels)
        fine = fine + self.block0(fine)
        x1 = self.down1(fine)
        x1 = x1 + self.block1b(self.block1a(x1))
        x2 = self.down2(x1)
        x2 = x2 + self.block2b(self.block2a(x2))
        x3 = self.down3(x2)
        x3 = x3 + self.block3(x3)
        top = self.side2(x2) + F.interpolate(self.side3(x3), scale_factor=2.0)
        return fine, self.smooth(F.relu(self.side1(x1) + F.interpolate(top, scale_factor=2.0)))

    def detect(self, coarse: Tensor) -> tuple[Tensor, Tensor]:
        """Heat logits [B, 8, h, w] and distances left, top, right, bottom in cells, [B, 4, h, w]."""
        x = self.head(coarse)
        return self.heat(x), F.softplus(self.rough(x).float()) * CELLS

    def regions(self, fine: Tensor, coarse: Tensor, boxes: Tensor) -> Tensor:
        both = torch.cat((sample(coarse, boxes, GRID), sample(fine, boxes, GRID)), dim=1)
        return torch.cat((both, positions(len(both), GRID)), dim=1)

    def refine(self, fine: Tensor, coarse: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Edge logits [N, 4, 17], refined boxes [N, 4] as shares of the map, label logits [N, 8]."""
        wide = widen(boxes, REACH)
        x = F.relu(self.refine1(self.regions(fine, coarse, wide)))
        x = F.relu(x + self.refine2(x))
        rows = self.row2(F.relu(self.row1(x.amax(2, keepdim=True)))).squeeze(2)
        columns = self.column2(F.relu(self.column1(x.amax(3, keepdim=True)))).squeeze(3)
        logits = torch.stack((rows[:, 0], columns[:, 0], rows[:, 1], columns[:, 1]), dim=1).float()
        steps = (torch.arange(GRID) + 0.5) / GRID
        share = (logits.softmax(-1) * steps).sum(-1)
        corner, extent = wide.flatten(0, 1)[:, :2], (wide[..., 2:] - wide[..., :2]).flatten(0, 1)
        refined = corner.repeat(1, 2) + share * extent.repeat(1, 2)
        pooled = torch.cat((x.amax((2, 3)), x.mean((2, 3))), dim=1)
        return logits, refined, self.label2(F.relu(self.label1(pooled))).float()

    def draw(self, pixels: Tensor, fine: Tensor, coarse: Tensor, boxes: Tensor) -> Tensor:
        """Mask logits [N, 33, 33] within the boxes [B, K, 4]."""
        x = F.relu(self.mask1(self.regions(fine, coarse, boxes)))
        x = F.relu(x + self.mask2(x))
        x = F.interpolate(self.mask3(x).float(), (FINE, FINE), mode="bilinear", align_corners=False)
        x = torch.cat((x, sample(fine, boxes, FINE), sample(pixels, boxes, FINE)), dim=1)
        x = F.relu(self.fine1(x))
        x = F.relu(x + self.fine2(x))
        return self.mask(x).float().squeeze(1)


def widen(boxes: Tensor, factor: float) -> Tensor:
    center, half = (boxes[..., :2] + boxes[..., 2:]) / 2, (boxes[..., 2:] - boxes[..., :2]) / 2 * factor
    return torch.cat((center - half, center + half), dim=-1)


def folded(model: Shapes) -> dict[str, np.ndarray]:
    """Weights by name, float16, with every normalisation folded into its convolution."""
    arrays: dict[str, np.ndarray] = {}
    for name, part in model.named_modules():
        if isinstance(part, Unit):
            scale = part.norm.weight / torch.sqrt(part.norm.running_var + part.norm.eps)
            weight = part.conv.weight * scale[:, None, None, None]
            bias = part.norm.bias - part.norm.running_mean * scale
        elif isinstance(part, (nn.Conv2d, nn.Linear)) and not name.endswith(".conv"):
            weight, bias = part.weight, part.bias
        else:
            continue
        arrays[f"{name}.weight"] = weight.detach().numpy().astype(np.float16)
        arrays[f"{name}.bias"] = bias.detach().numpy().astype(np.float16)
    return arrays


def save(model: Shapes, path: Path) -> None:
    np.savez_compressed(path, **folded(model))


# Scenes


def _render(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    image, truth = scene(seed, SCENE)
    numbers = np.arange(1, len(truth) + 1, dtype=np.uint8)[:, None, None]
    labels = np.zeros(MAX_OBJECTS, np.int64)
    labels[: len(truth)] = truth.labels
    boxes = np.zeros((MAX_OBJECTS, 4), np.float32)
    boxes[: len(truth)] = truth.boxes
    return image, (truth.masks * numbers).max(axis=0), labels, boxes


@dataclass
class Scenes:
    """Rendered scenes, S of them.

    images   uint8 [S, H, W, 3]
    owner    uint8 [S, H, W], the object each pixel shows, 1-based; 0 is background
    labels   int64 [S, 12], 0 where no object
    boxes    float32 [S, 12, 4] in pixels
    """

    images: np.ndarray
    owner: np.ndarray
    labels: np.ndarray
    boxes: np.ndarray


def render(first: int, count: int, processes: int) -> Scenes:
    height, width = SCENE
    scenes = Scenes(
        np.empty((count, height, width, 3), np.uint8),
        np.empty((count, height, width), np.uint8),
        np.empty((count, MAX_OBJECTS), np.int64),
        np.empty((count, MAX_OBJECTS, 4), np.float32),
    )
    with multiprocessing.Pool(processes) as pool:
        for index, drawn in enumerate(pool.imap(_render, range(first, first + count), chunksize=8)):
            scenes.images[index], scenes.owner[index], scenes.labels[index], scenes.boxes[index] = drawn
    return scenes


@dataclass(frozen=True)
class Blanks:
    """Images of nothing but one colour, which teach the network to find nothing.

    share    of all images
    extent   smallest extent, as a share of a scene's
    vivid    whether it is any colour, or that of a scene's corner
    """

    share: float
    extent: float
    vivid: bool


@dataclass
class Batch:
    """Scenes on canvases.

    pixels   float32 [B, 3, h, w], -0.5 to 0.5
    owner    uint8 [B, H, W], as in `Scenes`
    labels   int64 [B, 12], 0 where no object
    boxes    float32 [B, 12, 4] as shares of the canvas
    scale    float32 [B, 2], x and y: from shares of the canvas to pixels of `owner`
    """

    pixels: Tensor
    owner: Tensor
    labels: Tensor
    boxes: Tensor
    scale: Tensor


def load(scenes: Scenes, chosen: np.ndarray, rng: np.random.Generator, blanks: Blanks) -> Batch:
    """Varied scenes on a canvas with zeros right and below, as the official preprocessing leaves them."""
    portrait = rng.random() < 0.3
    canvas_h, canvas_w = (512, 416) if portrait else (512, 704)
    pixels, owners, all_boxes, scales = [], [], [], []
    for index in chosen:
        image, owner, boxes = scenes.images[index], scenes.owner[index], scenes.boxes[index].copy()
        if portrait:
            image, owner, boxes = image.transpose(1, 0, 2), owner.T, boxes[:, [1, 0, 3, 2]]
        height, width = owner.shape
        if rng.random() < 0.5:
            image, owner = image[:, ::-1], owner[:, ::-1]
            boxes[:, [0, 2]] = width - boxes[:, [2, 0]]
        if rng.random() < 0.5:
            image, owner = image[::-1], owner[::-1]
            boxes[:, [1, 3]] = height - boxes[:, [3, 1]]
        image = image[..., rng.permutation(3)]
        zoom = canvas_h / height * (1.0 if rng.random() < 0.6 else rng.uniform(0.75, 1.0))
        zoom_y, zoom_x = zoom, min(zoom * rng.uniform(0.98, 1.03), canvas_w / width)
        source = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1).float()
        if rng.random() < 0.15:
            source = 255 - source
        if rng.random() < blanks.share:
            color = source[:, :1, :1]
            if blanks.vivid:
                color = torch.from_numpy(rng.uniform(0, 255, 3)).float()[:, None, None]
            source = color.expand(-1, height, width)
            boxes, owner = np.zeros_like(boxes), np.zeros_like(owner)
            if blanks.extent < 1:
                zoom_y, zoom_x = (zoom * rng.uniform(blanks.extent, 1.0) for zoom in (zoom_y, zoom_x))
        source = source * rng.uniform(0.8, 1.1)
        inner_h, inner_w = round(height * zoom_y), round(width * zoom_x)
        content = F.interpolate(source[None], (inner_h, inner_w), mode="bilinear", align_corners=False)[0]
        content = content.clamp(0, 255) / 255
        pixels.append(F.pad(content, (0, canvas_w - inner_w, 0, canvas_h - inner_h)) - 0.5)
        ratio = np.array([width / inner_w * canvas_w, height / inner_h * canvas_h], np.float32)
        all_boxes.append(boxes / np.concatenate((ratio, ratio)))
        owners.append(torch.from_numpy(np.ascontiguousarray(owner.T if portrait else owner)))
        scales.append(ratio)
    boxes_t = torch.from_numpy(np.stack(all_boxes)).float()
    labels = torch.from_numpy(scenes.labels[chosen]) * (boxes_t[..., 2] > 0)
    owner_t = torch.stack(owners)
    if portrait:
        owner_t = owner_t.transpose(1, 2)
    return Batch(torch.stack(pixels), owner_t, labels, boxes_t, torch.from_numpy(np.stack(scales)))


# Losses


def overlap(a: Tensor, b: Tensor) -> Tensor:
    """Generalised IoU of boxes [..., 4], pair by pair."""
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    inner = (high - low).clamp(min=0).prod(-1)
    union = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - inner
    hull = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).prod(-1)
    return inner / union.clamp(min=1e-9) - (hull - union) / hull.clamp(min=1e-9)


def detection_loss(heat: Tensor, rough: Tensor, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """Focal loss of the heat, box loss around the centres, and the rough boxes [B, 12, 4] at the centres."""
    count, _, rows, columns = heat.shape
    cells = torch.tensor([columns, rows, columns, rows], dtype=torch.float32)
    boxes = batch.boxes * cells
    present = batch.labels > 0
    center = (boxes[..., :2] + boxes[..., 2:]) / 2
    extent = boxes[..., 2:] - boxes[..., :2]
    x, y = torch.arange(columns) + 0.5, torch.arange(rows) + 0.5
    spread = (extent * 0.12).clamp(min=0.7)
    near_x = (x - center[..., 0:1]) / spread[..., 0:1]
    near_y = (y - center[..., 1:2]) / spread[..., 1:2]
    bump = (
        torch.exp(-(near_x[:, :, None, :] ** 2 + near_y[:, :, :, None] ** 2) / 2) * present[..., None, None]
    )
    target = torch.zeros_like(heat, dtype=torch.float32)
    for index in range(boxes.shape[1]):
        channel = (batch.labels[:, index] - 1).clamp(min=0)
        rows_of = torch.arange(count)
        target[rows_of, channel] = torch.maximum(target[rows_of, channel], bump[:, index])
    cell = center.floor().long()
    cell = torch.minimum(cell.clamp(min=0), torch.tensor([columns - 1, rows - 1]))
    image = torch.arange(count)[:, None].expand_as(present)
    target[image[present], batch.labels[present] - 1, cell[..., 1][present], cell[..., 0][present]] = 1.0
    logits = heat.float()
    chance = logits.sigmoid()
    positive = target == 1
    weight = torch.where(positive, (1 - chance) ** 2, chance**2 * (1 - target) ** 4)
    focal = F.binary_cross_entropy_with_logits(
        logits, positive.float(), weight=weight.detach(), reduction="sum"
    )
    # The box loss also covers the neighbours of the centre, since the peak may fall there.
    losses = []
    at_center = torch.zeros(count, boxes.shape[1], 4)
    for shift_x, shift_y in ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)):
        column = (cell[..., 0] + shift_x).clamp(0, columns - 1)
        row = (cell[..., 1] + shift_y).clamp(0, rows - 1)
        distance = rough[image, :, row, column]
        point = torch.stack((column, row), dim=-1) + 0.5
        found = torch.cat((point - distance[..., :2], point + distance[..., 2:]), dim=-1)
        wanted = torch.cat((point - boxes[..., :2], boxes[..., 2:] - point), dim=-1).clamp(min=0.2)
        offset = (torch.log(distance + 0.1) - torch.log(wanted + 0.1)).abs().mean(-1)
        losses.append(((1 - overlap(found, boxes)) + 0.2 * offset)[present])
        if shift_x == shift_y == 0:
            at_center = found.detach() / cells
    number = present.sum().clamp(min=1)
    return focal / number, torch.cat(losses).sum() / number / len(losses), at_center


def jitter(boxes: Tensor, amount: float) -> Tensor:
    """Boxes with every edge moved by about `amount` of the box."""
    extent = (boxes[..., 2:] - boxes[..., :2]).repeat(1, 1, 2)
    return boxes + torch.randn(boxes.shape).clamp(-2, 2) * extent * amount


def choose(batch: Batch, count: int) -> tuple[Tensor, Tensor]:
    """Random objects of each image: index [B, count] and whether it is one, [B, count]."""
    order = torch.rand(batch.labels.shape) + (batch.labels == 0) * 2
    index = order.argsort(dim=1)[:, :count]
    return index, batch.labels.gather(1, index) > 0


def pick(values: Tensor, index: Tensor) -> Tensor:
    return values.gather(1, index[..., None].expand(-1, -1, 4))


def refine_loss(
    logits: Tensor, refined: Tensor, names: Tensor, wide: Tensor, truth: Tensor, labels: Tensor
) -> tuple[Tensor, Tensor]:
    """Losses of edges and labels; truth [N, 4], labels [N] with 0 for no object."""
    extent = (wide[:, 2:] - wide[:, :2]).repeat(1, 2)
    share = ((truth - wide[:, :2].repeat(1, 2)) / extent).clamp(0.5 / GRID, 1 - 0.5 / GRID)
    position = share * GRID - 0.5
    low = position.floor().clamp(0, GRID - 2)
    high_share = position - low
    log_chance = logits.log_softmax(-1)
    at_low = log_chance.gather(-1, low.long()[..., None]).squeeze(-1)
    at_high = log_chance.gather(-1, low.long()[..., None] + 1).squeeze(-1)
    entropy = -(at_low * (1 - high_share) + at_high * high_share).mean(-1)
    offset = ((refined - truth).abs() / extent).mean(-1) * REACH
    positive = labels > 0
    number = positive.sum().clamp(min=1)
    edges = ((1 - overlap(refined, truth)) * 2 + offset * 8 + entropy * 0.15)[positive].sum() / number
    target = F.one_hot(labels, len(CLASSES) + 1)[:, 1:].float()
    return edges, F.binary_cross_entropy_with_logits(names, target, reduction="sum") / len(labels)


def mask_targets(batch: Batch, boxes: Tensor, index: Tensor) -> Tensor:
    """Share of each mask cell that the object covers, [B * K, 33, 33]."""
    fold = 3
    side = FINE * fold
    steps = (torch.arange(side) + 0.5) / side
    x = (boxes[..., 0:1] + (boxes[..., 2:3] - boxes[..., 0:1]) * steps) * batch.scale[:, None, 0:1]
    y = (boxes[..., 1:2] + (boxes[..., 3:4] - boxes[..., 1:2]) * steps) * batch.scale[:, None, 1:2]
    height, width = batch.owner.shape[1:]
    column, row = x.floor().long(), y.floor().long()
    inside_x, inside_y = (column >= 0) & (column < width), (row >= 0) & (row < height)
    image = torch.arange(len(boxes))[:, None, None, None]
    owner = batch.owner[
        image, row.clamp(0, height - 1)[..., :, None], column.clamp(0, width - 1)[..., None, :]
    ]
    hit = (owner == (index + 1)[..., None, None]) & inside_y[..., :, None] & inside_x[..., None, :]
    return F.avg_pool2d(hit.flatten(0, 1).float()[:, None], fold).squeeze(1)


def mask_loss(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none").mean((1, 2))
    floor = -(torch.xlogy(target, target) + torch.xlogy(1 - target, 1 - target)).mean((1, 2))
    soft = logits.sigmoid()
    dice = 1 - (2 * (soft * target).sum((1, 2)) + 1) / ((soft**2).sum((1, 2)) + (target**2).sum((1, 2)) + 1)
    return ((entropy - floor) * 2 + dice)[valid].sum() / valid.sum().clamp(min=1)


def losses(model: Shapes, batch: Batch) -> dict[str, Tensor]:
    """The weighted parts of the loss."""
    fine, coarse = model.features(batch.pixels.contiguous(memory_format=torch.channels_last))
    heat, rough = model.detect(coarse)
    focal, box, at_center = detection_loss(heat, rough, batch)
    fine, coarse = fine.float(), coarse.float()
    index, valid = choose(batch, ROIS)
    truth, labels = pick(batch.boxes, index), batch.labels.gather(1, index)
    start = torch.where(torch.rand(valid.shape)[..., None] < 0.5, pick(at_center, index), jitter(truth, 0.06))
    # What is no object: boxes of objects, moved away; empty places take the same.
    anywhere = torch.rand(len(truth), 3, 2) * 0.8
    nowhere = torch.cat((anywhere, anywhere + 0.08 + 0.2 * torch.rand(len(truth), 3, 2)), dim=-1)
    center = (nowhere[:, :, None, :2] + nowhere[:, :, None, 2:]) / 2
    hit = (center > batch.boxes[:, None, :, :2]).all(-1) & (center < batch.boxes[:, None, :, 2:]).all(-1)
    free = ~hit.any(-1)
    start = torch.where(valid[..., None], start, torch.tensor([0.4, 0.4, 0.5, 0.5]))
    boxes = torch.cat((start, nowhere), dim=1)
    logits, refined, names = model.refine(fine, coarse, boxes)
    all_truth = torch.cat((truth, nowhere), dim=1).flatten(0, 1)
    all_labels = torch.cat((labels, torch.zeros(len(truth), 3, dtype=torch.long)), dim=1).flatten()
    usable = torch.cat((valid, free), dim=1).flatten()
    edges, naming = refine_loss(
        logits[usable],
        refined[usable],
        names[usable],
        widen(boxes, REACH).flatten(0, 1)[usable],
        all_truth[usable],
        all_labels[usable],
    )
    second = refined.detach().reshape(len(truth), -1, 4)[:, :ROIS]
    good = (overlap(second, truth) > 0.6) & (torch.rand(valid.shape) < 0.6)
    regions = torch.where(good[..., None], widen(second, 1.01), jitter(truth, 0.025))
    regions = torch.where(valid[..., None], regions, torch.tensor([0.4, 0.4, 0.5, 0.5]))
    drawn = model.draw(batch.pixels, fine, coarse, regions)
    masks = mask_loss(drawn, mask_targets(batch, regions, index), valid.flatten())
    return {"heat": focal, "box": box, "edges": edges * 2, "label": naming, "mask": masks * 4}


# Training


@dataclass(frozen=True)
class Stage:
    """A part of the training; it starts from the averaged weights of the stage before.

    scenes    first scene, from `TRAIN_SEEDS` on, and how many
    steps     how many of the `horizon` steps of a cosine schedule are done
    rate      highest learning rate
    blanks    images of one colour among the scenes
    average   how much of the averaged weights each step keeps
    """

    scenes: tuple[int, int]
    steps: int
    horizon: int
    rate: float
    blanks: Blanks
    average: float

    def factor(self, step: int) -> float:
        """The learning rate of a step as a share of `rate`."""
        return min((step + 1) / 100, 0.5 + 0.5 * math.cos(math.pi * step / self.horizon)) + 0.005


STAGES = (
    Stage((0, 5000), steps=2750, horizon=5000, rate=2e-3, blanks=Blanks(0.03, 1.0, False), average=0.998),
    Stage((5000, 2000), steps=500, horizon=1000, rate=9e-4, blanks=Blanks(0.08, 0.4, False), average=0.996),
    Stage((7000, 1500), steps=600, horizon=600, rate=4.5e-4, blanks=Blanks(0.1, 0.4, True), average=0.995),
)


def run(model: Shapes, stage: Stage, number: int, arguments: argparse.Namespace) -> Shapes:
    """Train one stage and return the averaged model."""
    rng = np.random.default_rng(arguments.seed + number)
    started = time.perf_counter()
    first, count = stage.scenes
    scenes = render(TRAIN_SEEDS + first, count, arguments.threads)
    print(f"stage {number}: {count} scenes drawn in {time.perf_counter() - started:.0f} s", flush=True)
    average = torch.optim.swa_utils.AveragedModel(
        model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(stage.average), use_buffers=True
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=stage.rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, stage.factor)
    order = np.empty(0, np.int64)
    shown: dict[str, float] = {}
    for step in range(1, stage.steps + 1):
        if len(order) < arguments.batch:
            order = rng.permutation(count)
        chosen, order = order[: arguments.batch], order[arguments.batch :]
        batch = load(scenes, chosen, rng, stage.blanks)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=arguments.bf16):
            parts = losses(model, batch)
        loss = torch.stack(list(parts.values())).sum()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        average.update_parameters(model)
        for name, value in parts.items():
            shown[name] = 0.98 * shown.get(name, float(value.detach())) + 0.02 * float(value.detach())
        if step % 50 == 0:
            summary = "  ".join(f"{name} {value:.3f}" for name, value in shown.items())
            print(f"{step}/{stage.steps}  {time.perf_counter() - started:.0f} s  {summary}", flush=True)
        if step % 100 == 0 or step == stage.steps:
            save(average.module, arguments.output)
            torch.save(average.module.state_dict(), arguments.output.with_suffix(f".stage{number}.pt"))
    return average.module


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--output", type=Path, required=True, help="the .npz to write; a .pt per stage lies beside it"
    )
    parser.add_argument("--first-stage", type=int, default=0, help="with --resume: the stage to start at")
    parser.add_argument("--resume", type=Path, help="the .pt of the stage before")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--bf16", action=argparse.BooleanOptionalAction, default=True, help="bfloat16 autocast"
    )
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    model = Shapes().to(memory_format=torch.channels_last)
    if arguments.resume:
        model.load_state_dict(torch.load(arguments.resume))
    for number in range(arguments.first_stage, len(STAGES)):
        if number:
            torch.manual_seed(arguments.seed + number)
        model = run(model, STAGES[number], number, arguments)


if __name__ == "__main__":
    main()
