"""Cost of the two towers: pictures and texts encoded a second, and one step of training.

    OMP_NUM_THREADS=1 python benchmarks/vlm.py

writes benchmarks/results/vlm.json. CPU seconds of one thread, median of five turns.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import timing
import torch

from ravm_course.data import load_emoji
from ravm_course.training import shipped_facts
from ravm_course.vlm import augment, clip_loss, load_pretrained, to_float

BATCH = 128


def main() -> None:
    """Measure and write."""
    timing.fix_threads(1)
    emoji = load_emoji()
    model = load_pretrained("emoji-clip")
    images = to_float(emoji.images[:BATCH])
    half = torch.nn.functional.avg_pool2d(images, 2)
    english = [emoji.concepts[c].name_en for c in emoji.concept[:BATCH]]
    chinese = [emoji.concepts[c].name_zh for c in emoji.concept[:BATCH]]
    generator = torch.Generator().manual_seed(0)
    learner = load_pretrained("emoji-clip").requires_grad_(True).train()

    def encode(function, values):
        def way():
            with torch.no_grad():
                function(values)

        return way

    def step(pictures):
        def way():
            learner.zero_grad()
            loss = clip_loss(
                learner.encode_image(pictures), learner.encode_text(english), learner.logit_scale
            )
            loss.backward()

        return way

    seconds = timing.interleave(
        {
            "encode image, 64 px": encode(model.encode_image, images),
            "encode image, 32 px": encode(model.encode_image, half),
            "encode English name": encode(model.encode_text, english),
            "encode Chinese name": encode(model.encode_text, chinese),
            "augment, 64 px": lambda: augment(images, generator),
            "loss and gradient, 64 px": step(images),
            "loss and gradient, 32 px": step(half),
        },
        clock=time.process_time,
    )
    facts = shipped_facts("emoji-clip")
    results = {
        "batch": BATCH,
        "parameters": sum(p.numel() for p in model.parameters()),
        "training_cpu_seconds_of_checkpoint": facts["cpu_seconds"],
        "milliseconds_each": {k: round(1e3 * v / BATCH, 4) for k, v in seconds.items()},
        "each_second": {k: round(BATCH / v) for k, v in seconds.items()},
    }
    print(timing.write("vlm", "OMP_NUM_THREADS=1 python benchmarks/vlm.py", results))
    for name, rate in results["each_second"].items():
        print(f"{name:28s} {rate:8,d} / s")


if __name__ == "__main__":
    main()
