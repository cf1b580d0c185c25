"""Colours, backgrounds and fills of generated scenes. Images are float32 [H, W, 3], BGR, 0 to 1."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .drawing import Field, Sprite

__all__ = ["background", "between", "fill", "finish", "shape_color"]

Color = NDArray[np.float32]


def between(rng: Generator, low: float, high: float) -> float:
    """A uniform number. `random` is the one distribution whose stream numpy keeps stable."""
    return low + (high - low) * float(rng.random())


def _choice(rng: Generator, count: int) -> int:
    return int(rng.random() * count)


def _bgr(hue: float, saturation: float, value: float) -> Color:
    """BGR of a hue in turns, a saturation and a value in 0 to 1."""
    ramp = np.abs((hue % 1.0 * 6 + np.array([0.0, 4.0, 2.0])) % 6 - 3) - 1
    rgb = value * (1 - saturation + saturation * np.clip(ramp, 0, 1))
    color: Color = rgb[::-1].astype(np.float32)
    return color


def shape_color(rng: Generator) -> Color:
    """A colour for a shape: mostly clear and warm or cool, now and then nearly black or white."""
    kind = rng.random()
    hue = float(rng.random())
    if kind < 0.07:
        return _bgr(hue, between(rng, 0.0, 0.12), between(rng, 0.88, 0.98))
    if kind < 0.14:
        return _bgr(hue, between(rng, 0.1, 0.4), between(rng, 0.08, 0.2))
    return _bgr(hue, between(rng, 0.45, 0.88), between(rng, 0.5, 0.98))


def _noise(rng: Generator, height: int, width: int, cell: float) -> Field:
    """Smooth noise in 0 to 1, [height, width], with bumps about `cell` pixels wide."""
    axes = []
    for side in (height, width):
        position = np.arange(side, dtype=np.float32) / np.float32(cell)
        index = position.astype(np.intp)
        weight = position - index.astype(np.float32)
        axes.append((index, weight * weight * (3 - 2 * weight)))
    (row, row_weight), (column, column_weight) = axes
    grid = rng.random((int(row[-1]) + 2, int(column[-1]) + 2)).astype(np.float32)
    # Columns first: the intermediate has only as many rows as the grid.
    lines = grid[:, column] + (grid[:, column + 1] - grid[:, column]) * column_weight
    blended: Field = lines[row] + (lines[row + 1] - lines[row]) * row_weight[:, None]
    return blended


def _grain(rng: Generator, height: int, width: int) -> Field:
    """Independent noise of mean 0 and standard deviation 1, [height, width, 3]."""
    total = rng.random((height, width, 3), dtype=np.float32) + rng.random(
        (height, width, 3), dtype=np.float32
    )
    return (total - np.float32(1)) * np.float32(6**0.5)


def _wave(phase: Field) -> Field:
    """A triangle wave of period 1, between 0 and 1, softened at its turns."""
    ramp = np.abs((phase - np.floor(phase)) * 2 - 1)
    found: Field = ramp * ramp * (3 - 2 * ramp)
    return found


def _pattern(rng: Generator, height: int, width: int) -> Field:
    """The pattern of a background in 0 to 1, [height, width]."""
    short = min(height, width)
    x = np.arange(width, dtype=np.float32)[None, :] / np.float32(short)
    y = np.arange(height, dtype=np.float32)[:, None] / np.float32(short)
    turn = between(rng, 0, 2 * np.pi)
    along = x * np.float32(np.cos(turn)) + y * np.float32(np.sin(turn))
    across = y * np.float32(np.cos(turn)) - x * np.float32(np.sin(turn))
    clouds = _noise(rng, height, width, max(short * between(rng, 0.25, 0.6), 2.0))
    kind = _choice(rng, 6)
    found: Field
    if kind == 0:  # gradient
        field = (along - along.min()) / max(float(along.max() - along.min()), 1e-6)
        found = field * np.float32(0.8) + clouds * np.float32(0.2)
        return found
    if kind == 1:  # clouds
        finer = _noise(rng, height, width, max(short * 0.12, 2.0))
        finest = _noise(rng, height, width, max(short * 0.04, 2.0))
        found = clouds * np.float32(0.6) + finer * np.float32(0.27) + finest * np.float32(0.13)
        return found
    if kind == 2:  # stripes
        stripes = _wave(along * np.float32(between(rng, 6, 22)))
        return stripes * np.float32(between(rng, 0.25, 0.6)) + clouds * np.float32(0.4)
    if kind == 3:  # plaid
        count = np.float32(between(rng, 6, 14))
        plaid = _wave(along * count) * np.float32(0.5) + _wave(across * count) * np.float32(0.5)
        return plaid * np.float32(between(rng, 0.25, 0.6)) + clouds * np.float32(0.4)
    if kind == 4:  # waves
        bent = across + clouds * np.float32(between(rng, 0.1, 0.5))
        return _wave(bent * np.float32(between(rng, 4, 12))) * np.float32(0.45) + clouds * np.float32(0.4)
    # brushed: noise drawn out along one axis
    if rng.random() < 0.5:
        brushed = _noise(rng, height, 1, max(short * 0.012, 1.0)) * np.ones((1, width), np.float32)
    else:
        brushed = _noise(rng, 1, width, max(short * 0.012, 1.0)) * np.ones((height, 1), np.float32)
    return brushed * np.float32(0.45) + clouds * np.float32(0.55)


def background(rng: Generator, height: int, width: int) -> Field:
    """A quiet textured background, [height, width, 3]."""
    hue = float(rng.random())
    saturation, value, spread = (
        (between(rng, 0.04, 0.3), between(rng, 0.72, 0.95), -0.16),
        (between(rng, 0.2, 0.55), between(rng, 0.13, 0.32), 0.18),
        (between(rng, 0.15, 0.45), between(rng, 0.4, 0.68), 0.2),
    )[_choice(rng, 3)]
    first = _bgr(hue, saturation, value)
    second = _bgr(hue + between(rng, -0.12, 0.12), saturation * between(rng, 0.6, 1.3), value + spread)
    canvas = first + (second - first) * _pattern(rng, height, width)[..., None]
    _strokes(rng, canvas)
    return canvas


def _strokes(rng: Generator, canvas: Field) -> None:
    """Draw up to three thin lines that belong to no class, in place."""
    height, width = canvas.shape[:2]
    short = min(height, width)
    for _ in range(_choice(rng, 4)):
        turn = between(rng, 0, np.pi)
        x = np.arange(width, dtype=np.float32)[None, :] - np.float32(between(rng, 0, width))
        y = np.arange(height, dtype=np.float32)[:, None] - np.float32(between(rng, 0, height))
        away = np.abs(x * np.float32(np.cos(turn)) + y * np.float32(np.sin(turn)))
        half_width = short * between(rng, 0.002, 0.008)
        cover = np.clip(np.float32(half_width + 0.5) - away, 0, 1) * np.float32(between(rng, 0.2, 0.7))
        canvas += (shape_color(rng) - canvas) * cover[..., None]


def fill(rng: Generator, sprite: Sprite, color: Color, short: int) -> Field:
    """The colours of a shape, [h, w, 3]: flat, graded, shaded, striped or mottled; maybe with a rim."""
    height, width = sprite.u.shape
    darker = color * np.float32(between(rng, 0.6, 0.85))
    lighter = color + (1 - color) * np.float32(between(rng, 0.15, 0.4))
    other = darker if rng.random() < 0.5 else lighter
    turn = between(rng, 0, 2 * np.pi)
    along = sprite.u * np.float32(np.cos(turn)) + sprite.v * np.float32(np.sin(turn))
    kind = _choice(rng, 5)
    if kind == 0:
        share = np.zeros((height, width), np.float32)
    elif kind == 1:
        share = np.clip(along * np.float32(0.5) + np.float32(0.5), 0, 1)
    elif kind == 2:
        u, v = sprite.u + np.float32(0.35), sprite.v + np.float32(0.35)
        share = np.clip(np.sqrt(u * u + v * v) * np.float32(0.6), 0, 1)
    elif kind == 3:
        share = _wave(along * np.float32(between(rng, 1.5, 4))) * np.float32(0.8)
    else:
        share = _noise(rng, height, width, max(short * 0.03, 2.0))
    colors: Field = color + (other - color) * share[..., None]
    if rng.random() < 0.35:
        rim = np.float32(max(short * between(rng, 0.006, 0.014), 1.0))
        edge = np.clip(sprite.distance + rim + np.float32(0.5), 0, 1)
        line = (darker if rng.random() < 0.7 else lighter) * np.float32(0.9)
        colors += (line - colors) * edge[..., None]
    return colors


def finish(rng: Generator, canvas: Field) -> NDArray[np.uint8]:
    """Light from one side, sensor noise, and rounding to uint8."""
    height, width = canvas.shape[:2]
    x = np.arange(width, dtype=np.float32)[None, :] / np.float32(width) - np.float32(0.5)
    y = np.arange(height, dtype=np.float32)[:, None] / np.float32(height) - np.float32(0.5)
    light = 1 + x * np.float32(between(rng, -0.25, 0.25)) + y * np.float32(between(rng, -0.25, 0.25))
    canvas = canvas * light[..., None]
    sigma = max(between(rng, -0.006, 0.022), 0.0)
    canvas += _grain(rng, height, width) * np.float32(sigma)
    image: NDArray[np.uint8] = np.clip(canvas * 255 + np.float32(0.5), 0, 255).astype(np.uint8)
    return image
