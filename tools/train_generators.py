"""Train small generators with and without retrieved drawings, and judge what they draw.

Each seed trains the same network twice for the same number of steps on the same batches: once
beside two drawings of the same concept by other artists, once beside zeros. Both then draw the two
test sets of :mod:`ravm_course.ravlm.redraw_task`, the first under four conditions of retrieval.
What the network predicts (the drawing or the direction) and how many drawings a batch holds were
chosen in a trial that looked at drawings of the tests; both networks of a seed share these choices,
so the difference between them was not chosen. The number of steps was set by the time at hand. No
weights are written: what the chapter shows it trains itself.

    python tools/train_generators.py
    python tools/train_generators.py --seeds 0 --steps 20 --output trial.json

A long training is done seed by seed, so that one that is stopped loses one seed only:

    python tools/train_generators.py --steps 3000 --seeds 0 --output build/long-0.json
    python tools/train_generators.py --steps 3000 --seeds 1 --output build/long-1.json
    python tools/train_generators.py --merge build/long-0.json build/long-1.json --output both.json
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ravm_course.data import atomic, load_emoji
from ravm_course.ravlm.redraw_task import CONDITIONS, PICTURES, RedrawTask, load_redraw_task
from ravm_course.training import fingerprint, fit
from ravm_course.vision.flow import FlowConfig, FlowNet, draw_pictures, flow_loss
from ravm_course.vlm import class_weights, encode_images, load_pretrained

ROOT = Path(__file__).resolve().parents[1]
SHOWN = 24  # drawings of a test on the sheet


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--vectors", type=Path, help="npz with vectors z and names w of all emoji")
    parser.add_argument(
        "--merge", type=Path, nargs="+", help="join records of other seeds, and train nothing"
    )
    parser.add_argument(
        "--output", type=Path, default=ROOT / "benchmarks" / "results" / "redraw.json"
    )
    return parser.parse_args(arguments)


def train(task: RedrawTask, options: argparse.Namespace, seed: int, *, blank: bool):
    """Train one generator and return it with what its training was."""
    torch.manual_seed(seed)
    net = FlowNet(FlowConfig(pictures=PICTURES, vector=task.names.shape[1]))
    begin = time.process_time()
    history = fit(
        net,
        flow_loss,
        task.drawer(options.batch, blank=blank),
        steps=options.steps,
        lr=options.lr,
        warmup=min(20, options.steps // 4),
        clip_norm=1.0,
        seed=seed,
    )
    seconds = time.process_time() - begin
    tail = float(np.mean(history.losses[-max(1, options.steps // 10) :]))
    return net, {"loss": round(tail, 4), "cpu_seconds": round(seconds, 1)}


def sheet(rows_of_pictures: list[torch.Tensor]) -> str:
    """Return pictures (N, 3, S, S) in [0, 1], one row each, as a PNG in base64."""
    rows = [torch.cat(list(pictures), dim=2) for pictures in rows_of_pictures]
    pixels = (torch.cat(rows, dim=1).permute(1, 2, 0).clamp(0, 1) * 255).round().byte().numpy()
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def merge(records: list[dict]) -> dict:
    """Return one record of what were several, each of one seed, equal in all else.

    Raises
    ------
    SystemExit
        If they differ in more than the seed, or one holds several.
    """
    first = records[0]
    seeds = [seed for record in records for seed in record["options"]["seeds"]]
    alike = all(
        record["options"] | {"seeds": []} == first["options"] | {"seeds": []}
        and record["towers"] == first["towers"]
        and record["rows"] == first["rows"]
        for record in records
    )
    if not alike or len(seeds) != len(records) or len(set(seeds)) != len(seeds):
        raise SystemExit("Expected records of one seed each, all different, and equal otherwise.")

    def join(name: str, condition: str) -> dict:
        verdicts = [record["results"][name][condition] for record in records]
        both = [share for verdict in verdicts for share in verdict["both_by_seed"]]
        keys = [key for key in verdicts[0] if key != "both_by_seed"]
        return {
            key: np.round(np.mean([verdict[key] for verdict in verdicts], axis=0), 2).tolist()
            for key in keys
        } | {"both_by_seed": both}

    numbers = " ".join(map(str, seeds))
    return first | {
        "command": f"python tools/train_generators.py --steps {first['options']['steps']} "
        f"--seeds {numbers}",
        "options": first["options"] | {"seeds": seeds},
        "runs": [run for record in records for run in record["runs"]],
        "results": {
            name: {condition: join(name, condition) for condition in conditions}
            for name, conditions in first["results"].items()
        },
    }


def main(arguments: list[str] | None = None) -> None:
    """Train every seed, judge, and write the means over seeds of every drawing."""
    options = parse(arguments)
    torch.set_num_threads(1)
    if options.merge:
        record = merge([json.loads(path.read_text(encoding="utf-8")) for path in options.merge])
        atomic.write_text(options.output, json.dumps(record, separators=(",", ":")) + "\n")
        return
    emoji, model = load_emoji(), load_pretrained("towers")
    if options.vectors:
        with np.load(options.vectors) as file:
            vectors, names = torch.from_numpy(file["z"]), torch.from_numpy(file["w"])
    else:
        vectors = encode_images(model, emoji.images)
        names = class_weights(model, [concept.name_en for concept in emoji.concepts])
    task = load_redraw_task(vectors, names)
    tests = {"held": task.held, "new": task.new}
    judged: dict[str, dict[str, list[dict]]] = {name: {} for name in tests}
    runs, sheets = [], {}

    def keep(name: str, condition: str, drawings: torch.Tensor, shown: np.ndarray) -> None:
        verdict = task.judge(drawings, tests[name], shown, model)
        judged[name].setdefault(condition, []).append(verdict)

    for seed in options.seeds:
        nets = {}
        for kind, blank in (("with", False), ("none", True)):
            nets[kind], facts = train(task, options, seed, blank=blank)
            runs.append({"seed": seed, "neighbours": kind, **facts})
        for name, rows in tests.items():
            vector = task.names[torch.from_numpy(emoji.concept[rows])]
            named = task.shown(rows, "named", seed=seed)
            strips = [(task.small[named[:, i]] + 1) / 2 for i in range(PICTURES)]
            for i, truth in enumerate(((task.small[rows] + 1) / 2, strips[0], sum(strips) / 2)):
                keep(name, ("truth", "copy", "mean of both")[i], truth, named)
            for condition in CONDITIONS:
                shown = task.shown(rows, condition, seed=seed)
                drawn = draw_pictures(nets["with"], task.small[shown], vector, seed=seed)
                keep(name, condition, drawn, shown)
                if condition == "named":
                    strips.append(drawn)
            nothing = torch.zeros(len(rows), PICTURES, *task.small.shape[1:])
            drawn = draw_pictures(nets["none"], nothing, vector, seed=seed)
            keep(name, "none", drawn, named)
            if seed == options.seeds[0]:
                strips += [drawn, (task.small[rows] + 1) / 2]
                some = np.linspace(0, len(rows) - 1, SHOWN).astype(int)
                sheets[name] = {"png": sheet([strip[some] for strip in strips]),
                                "rows": rows[some].tolist()}  # fmt: skip
        found = {c: round(float(np.mean(v[-1]["both"])), 3) for c, v in judged["new"].items()}
        print(f"seed {seed}: loss {[run['loss'] for run in runs[-2:]]}, new, both: {found}")
    results = {
        name: {
            condition: {
                key: np.round(np.mean([verdict[key] for verdict in verdicts], axis=0), 2).tolist()
                for key in verdicts[0]
            }
            | {"both_by_seed": [round(float(verdict["both"].mean()), 4) for verdict in verdicts]}
            for condition, verdicts in conditions.items()
        }
        for name, conditions in judged.items()
    }
    record = {
        "command": f"python tools/train_generators.py --steps {options.steps}",
        "options": {key: getattr(options, key) for key in ("seeds", "steps", "batch", "lr")},
        "towers": fingerprint(model),
        "runs": runs,
        "rows": {name: rows.tolist() for name, rows in tests.items()},
        "sheet_rows": ["shown", "shown too", "with neighbours", "without", "openmoji"],
        "sheets": sheets,
        "results": results,
    }
    atomic.write_text(options.output, json.dumps(record, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
