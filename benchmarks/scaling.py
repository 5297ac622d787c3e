"""Cost of embedding a folder: reading, encoding, indexing, and what Ray adds.

    OMP_NUM_THREADS=1 python benchmarks/scaling.py
    OMP_NUM_THREADS=1 PYTHONPATH=build/scale python benchmarks/scaling.py --ray

writes benchmarks/results/scaling.json. CPU seconds of one thread, the median of turns, except for
``--ray``: it sums the CPU seconds of all processes of a run. Each adds its part to the file. The
published CLIP is the architecture ViT-B/32 with random weights: they cost what trained ones cost.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import psutil
import timing
import torch
from PIL import Image

from ravm_course.data import fit_square, load_emoji, read_picture
from ravm_course.retrieval import VectorIndex, blank, merge
from ravm_course.vlm import TransformersCLIP, load_pretrained, to_float

TOOL = Path(__file__).resolve().parent.parent / "tools/embed_folder.py"
VECTORS, DIM, SHARDS = 100_000, 256, 8


def photograph(width: int, height: int) -> bytes:
    """Return a JPEG of smooth colours with some noise, as a camera would save it."""
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), np.int16)
    noisy = (smooth + rng.normal(0, 6, smooth.shape)).clip(0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noisy).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def drawing() -> bytes:
    """Return an emoji as a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(load_emoji().images[0]).save(buffer, "PNG")
    return buffer.getvalue()


def vit_b_32() -> TransformersCLIP:
    """Return OpenAI's smaller architecture without its training."""
    from transformers import CLIPConfig, CLIPModel

    torch.manual_seed(0)
    model = CLIPModel(CLIPConfig()).eval().requires_grad_(False)
    return TransformersCLIP(model, None, 224, 224, [0.5] * 3, [0.25] * 3)


def reading_and_encoding() -> dict:
    """Return milliseconds a picture."""
    files = {
        "drawing, 64 x 64": (drawing(), 64, 64),
        "photograph, 640 x 480": (photograph(640, 480), 224, 16),
        "photograph, 4000 x 3000": (photograph(4000, 3000), 224, 1),
    }

    def read(data, side, count):
        return lambda: [fit_square(read_picture(data), side, crop=side > 64) for _ in range(count)]

    seconds = timing.interleave(
        {name: read(*file) for name, file in files.items()}, clock=time.process_time
    )
    reading = {name: round(1e3 * s / files[name][2], 2) for name, s in seconds.items()}
    models = {
        "emoji-clip": (load_pretrained("emoji-clip"), 64, 128),
        "towers": (load_pretrained("towers"), 64, 128),
        "CLIP ViT-B/32": (vit_b_32(), 224, 8),
    }

    def encode(model, side, count):
        images = to_float(
            np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8)
        )
        return lambda: model.encode_image(images)

    with torch.no_grad():
        seconds = timing.interleave(
            {name: encode(*way) for name, way in models.items()}, clock=time.process_time
        )
    return {
        "file_bytes": {name: len(file[0]) for name, file in files.items()},
        "milliseconds_to_read": reading,
        "milliseconds_to_encode": {
            name: round(1e3 * s / models[name][2], 2) for name, s in seconds.items()
        },
        "parameters": {
            name: sum(p.numel() for p in model.parameters()) for name, (model, *_) in models.items()
        },
    }


def indexing() -> list[dict]:
    """Return CPU seconds to fill shards, to join them, and the bytes of what comes out."""
    vectors = np.random.default_rng(0).normal(size=(VECTORS, DIM)).astype(np.float32)
    rows = []
    for kind, options in (
        ("flat", {}),
        ("ivf", {"nlist": 256}),
        ("ivfpq", {"nlist": 256, "m": 32}),
    ):
        start = time.process_time()
        whole = VectorIndex(DIM, kind, **options)
        whole.train(vectors[: 39 * 256])
        trained = time.process_time()
        shards = [blank(whole) for _ in range(SHARDS)]
        for shard, some in zip(shards, np.array_split(np.arange(VECTORS), SHARDS), strict=True):
            shard.add(vectors[some], some)
        filled = time.process_time()
        joined = merge(shards)
        merged = time.process_time()
        rows.append(
            {
                "kind": kind,
                "train_s": round(trained - start, 2),
                "fill_s": round(filled - trained, 2),
                "join_s": round(merged - filled, 2),
                "bytes_a_vector": round(len(joined.to_bytes()) / VECTORS, 1),
            }
        )
    return rows


def run(arguments: list[str]) -> dict:
    """Run the tool; return the CPU seconds of all its processes, and their memory together."""
    cpu, peak = {}, 0
    process = psutil.Popen([sys.executable, str(TOOL), *arguments], stdout=subprocess.DEVNULL)
    while process.poll() is None:
        memory = 0
        for one in [process, *process.children(recursive=True)]:
            try:
                spent = one.cpu_times()
                cpu[one.pid] = spent.user + spent.system
                memory += one.memory_full_info().pss
            except (psutil.NoSuchProcess, psutil.ZombieProcess):
                continue
        peak = max(peak, memory)
        time.sleep(0.5)
    if process.returncode:
        raise SystemExit(f"the tool ended with status {process.returncode}")
    return {
        "cpu_s": round(sum(cpu.values()), 1),
        "memory_gb": round(peak / 2**30, 2),
    }


def with_ray(count: int) -> dict:
    """Return the cost of runs on as many drawings, with and without Ray."""
    images, rows = load_emoji().images, []
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder, "pictures")
        pictures.mkdir()
        for i in range(count):
            Image.fromarray(images[i % len(images)]).save(pictures / f"{i:06d}.png")
        for workers in (0, 1, 2):
            out = Path(folder, f"out{workers}")
            spent = run([str(pictures), str(out), "--shard", "250", "--workers", str(workers)])
            rows.append({"workers": workers, "pictures": count, **spent})
        same = [
            (Path(folder, f"out{workers}", "index.npz")).read_bytes()
            == (Path(folder, "out0", "index.npz")).read_bytes()
            for workers in (1, 2)
        ]
    return {"runs": rows, "same_bytes": all(same)}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ray", action="store_true", help="only what Ray adds")
    parser.add_argument("--pictures", type=int, default=3000, help="of the runs with Ray (3000)")
    options = parser.parse_args()
    timing.fix_threads(1)
    file = timing.RESULTS / "scaling.json"
    results = json.loads(file.read_text(encoding="utf-8"))["results"] if file.is_file() else {}
    if options.ray:
        results["with_ray"] = with_ray(options.pictures)
    else:
        sizes = {"vectors": VECTORS, "dimension": DIM, "shards": SHARDS}
        results |= {**reading_and_encoding(), **sizes, "indexing": indexing()}
    print(timing.write("scaling", "OMP_NUM_THREADS=1 python benchmarks/scaling.py", results))
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
