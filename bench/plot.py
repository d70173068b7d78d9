"""Draws docs/throughput.svg from a result of bench/engine.py: tokens per second against answers at once.

python bench/plot.py bench/results/engine-h100.json docs/throughput.svg
"""

import json
import math
import sys
from pathlib import Path
from typing import Any

WIDTH, HEIGHT = 640, 380
LEFT, RIGHT, TOP, BOTTOM = 70, 150, 40, 50
LOW, HIGH = 10, 20_000  # tokens/s, both axes logarithmic


def x_of(streams: float) -> float:
    return LEFT + math.log2(streams) / 6 * (WIDTH - LEFT - RIGHT)


def y_of(tok_s: float) -> float:
    share = (math.log10(tok_s) - math.log10(LOW)) / (math.log10(HIGH) - math.log10(LOW))
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def text(x: float, y: float, words: str, *, anchor: str = "start", size: int = 13) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-size="{size}">{words}</text>'


def line(points: list[tuple[float, float]], colour: str, dash: str = "") -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'


def grid() -> list[str]:
    parts = []
    for value in (10, 100, 1000, 10_000):
        parts.append(line([(LEFT, y_of(value)), (WIDTH - RIGHT, y_of(value))], "#ddd"))
        parts.append(text(LEFT - 8, y_of(value) + 4, f"{value:,}", anchor="end"))
    for streams in (1, 2, 4, 8, 16, 32, 64):
        parts.append(text(x_of(streams), HEIGHT - BOTTOM + 20, str(streams), anchor="middle"))
    return parts


def chart(run: dict[str, Any]) -> str:
    ours = [(x_of(int(count)), y_of(speed)) for count, speed in run["decode_tok_s"].items()]
    parts = grid()
    parts += [
        text(LEFT, 20, f"Tokens per second, 7B shape, {run['hardware']}, context {run['context_tokens']}", size=14),
        text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, "answers at once", anchor="middle"),
        line(ours, "#0b6e4f"),
        *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#0b6e4f"/>' for x, y in ours),
        text(ours[-1][0] + 10, ours[-1][1] + 4, "this server, int8"),
    ]
    lines = (
        ("limit_tok_s", "one answer's limit", "#888"),
        ("fp16_tok_s", "transformers, 16 bit", "#b35900"),
        ("stock_bnb_tok_s", "transformers, 8 bit", "#a3123f"),
    )
    for name, words, colour in lines:
        y = y_of(run[name])
        parts.append(line([(x_of(1), y), (WIDTH - RIGHT, y)], colour, "5 4"))
        parts.append(text(WIDTH - RIGHT + 10, y + 4, f"{words}: {run[name]:.0f}", size=12))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + 60} {HEIGHT}" font-family="sans-serif">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>', *parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    target.write_text(chart(json.loads(source.read_text(encoding="utf-8"))), encoding="utf-8")
