"""Embed a folder of pictures and index the vectors: in one process, in several, on many machines.

    python tools/embed_folder.py PICTURES OUT                               # one process
    python tools/embed_folder.py PICTURES OUT --workers 2                   # two, by Ray Data
    python tools/embed_folder.py PICTURES OUT --workers 64 --address auto   # a running Ray cluster

The pictures get the numbers 0, 1, 2, ... in the order of their names, and are cut into shards. A
worker keeps the model, takes one shard after the other, and writes each as one file, whole or not
at all. So it does not matter how many workers there are or which of them dies: Ray gives a lost
shard to another, and the same command, given again after everything died, does what is missing. On
a cluster all machines must see PICTURES and OUT under the same paths.

OUT holds
    plan.json                  what is embedded, by what model; picture i is called names[i]
    shard-00000.safetensors    ids and unit vectors, and why pictures could not be read
    blank.npz                  the empty index, with the centres that it learned
    index-00000.npz            the index of a shard
    index.npz                  all of them, joined
    refused.json               pictures that could not be read, and why; their numbers stay free
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import logging
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from ravm_course.data import PictureError, atomic, fit_square, read_picture
from ravm_course.data.pictures import ENDINGS
from ravm_course.retrieval import VectorIndex, blank, merge
from ravm_course.retrieval.approximate import needed_to_train
from ravm_course.training import fingerprint
from ravm_course.training.checkpoint import read_tensors, write_tensors
from ravm_course.vlm import TransformersCLIP, encode_images, load_pretrained

SIDE = 64  # of the pictures that the shipped towers were trained with
OVERSAMPLE = 39  # vectors a centre that FAISS advises to train on
LEFT_BEHIND = re.compile(r"\.(shard|index|plan|blank|refused)[-.].*\.tmp")


def list_pictures(folder: Path) -> list[str]:
    """Return the names of all pictures below a folder, sorted, with ``/``."""
    names = []
    for here, _, files in os.walk(folder):
        for file in files:
            if file.lower().endswith(ENDINGS):
                names.append(Path(here, file).relative_to(folder).as_posix())
    return sorted(names)


def make_plan(options: argparse.Namespace) -> dict:
    """Return what is to be done; two plans that agree give the same files."""
    folder = options.pictures.resolve()
    if not folder.is_dir():
        raise SystemExit(f"There is no folder {str(folder)!r}.")
    names = list_pictures(folder)
    if not names:
        raise SystemExit(f"No file below {str(folder)!r} ends in {', '.join(ENDINGS)}.")
    model = load_pretrained(options.model)
    published = isinstance(model, TransformersCLIP)
    files = hashlib.sha256()
    for name in names:
        facts = (folder / name).stat()
        files.update(f"{name}|{facts.st_size}|{facts.st_mtime_ns}\n".encode("utf-8", "replace"))
    return {
        "pictures": str(folder),
        "model": str(Path(options.model).resolve()) if published else options.model,
        "fingerprint": fingerprint(model),
        "dim": model.dim if published else model.config.dim,
        "side": model.image_size if published else SIDE,
        "crop": published,
        "shard": options.shard,
        "batch": options.batch,
        "kind": options.kind,
        "options": dict(options.options),
        "files": files.hexdigest(),
        "names": names,
    }


def agree(plan: dict, out: Path) -> None:
    """Write the plan into the folder, or see that it is the one that lies there."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / "plan.json"
    if not file.is_file():
        atomic.write_text(file, json.dumps(plan))
        return
    old = json.loads(file.read_text(encoding="utf-8"))
    if differing := [key for key in plan if plan[key] != old.get(key)]:
        shown = ", ".join(
            key if key in ("names", "files") else f"{key} ({old.get(key)!r}, now {plan[key]!r})"
            for key in differing
        )
        raise SystemExit(
            f"{str(out)!r} was begun with another plan; what differs: {shown}. Give the old "
            "arguments to go on, or another folder to begin anew."
        )


def shards(plan: dict) -> range:
    """Return the numbers of the shards."""
    return range(-(-len(plan["names"]) // plan["shard"]))


def read_shard(out: Path, plan: dict, number: int) -> tuple[np.ndarray, np.ndarray, dict] | None:
    """Return ids (n,), vectors (n, D) and refusals of a shard; None if it is not there, whole."""
    try:
        tensors, facts = read_tensors(out / f"shard-{number:05d}.safetensors")
    except (FileNotFoundError, ValueError):
        return None
    if (facts["files"], facts["fingerprint"]) != (plan["files"], plan["fingerprint"]):
        return None
    return tensors["ids"].numpy(), tensors["vectors"].numpy(), facts["refused"]


class Embedder:
    """A worker that keeps the model and embeds shards.

    Parameters
    ----------
    out
        The folder with the plan.
    device
        Where the model computes.
    threads
        For the arithmetic of this worker.
    """

    def __init__(self, out: str, device: str, threads: int):
        torch.set_num_threads(threads)
        self.out = Path(out)
        self.plan = json.loads((self.out / "plan.json").read_text(encoding="utf-8"))
        self.model = load_pretrained(self.plan["model"]).to(device)
        found = fingerprint(self.model)
        if found != self.plan["fingerprint"]:
            raise RuntimeError(
                f"the model here has the fingerprint {found}, the plan {self.plan['fingerprint']}: "
                "install the same version on every machine."
            )

    def __call__(self, number: int) -> dict:
        """Write a shard; return its number and how many pictures were embedded and refused."""
        plan, first = self.plan, number * self.plan["shard"]
        ids, squares, vectors, refused = [], [], [], {}
        for i, name in enumerate(plan["names"][first : first + plan["shard"]], start=first):
            try:
                picture = read_picture(Path(plan["pictures"], name))
            except PictureError as error:
                refused[str(i)] = str(error).encode("ascii", "backslashreplace").decode()
                continue
            ids.append(i)
            squares.append(fit_square(picture, plan["side"], crop=plan["crop"]))
            if len(squares) == plan["batch"]:
                vectors.append(encode_images(self.model, np.stack(squares)))
                squares = []
        if squares:
            vectors.append(encode_images(self.model, np.stack(squares)))
        write_tensors(
            self.out / f"shard-{number:05d}.safetensors",
            {
                "ids": torch.tensor(ids, dtype=torch.int64),
                "vectors": torch.cat([torch.empty(0, plan["dim"]), *vectors]),
            },
            {"files": plan["files"], "fingerprint": plan["fingerprint"], "refused": refused},
        )
        return {"shard": number, "embedded": len(ids), "refused": len(refused)}


class Indexer:
    """A worker that fills copies of the blank index with shards."""

    def __init__(self, out: str):
        self.out = Path(out)
        self.plan = json.loads((self.out / "plan.json").read_text(encoding="utf-8"))
        self.blank = VectorIndex.load(self.out / "blank.npz")

    def __call__(self, number: int) -> dict:
        """Write the index of a shard; return its number and how many vectors it holds."""
        ids, vectors, _ = read_shard(self.out, self.plan, number)
        index = blank(self.blank)
        index.add(vectors, ids)
        index.save(self.out / f"index-{number:05d}.npz")
        return {"shard": number, "indexed": len(index)}


class InActor:
    """What Ray Data calls: a worker in a process of its own, made once and used for many rows."""

    def __init__(self, worker: type, arguments: tuple):
        self.worker = worker(*arguments)

    def __call__(self, row: dict) -> dict:
        """Do the shard of a row."""
        return self.worker(int(row["shard"]))


def work(
    worker: type, arguments: tuple, numbers: Sequence[int], workers: int, gpus: int = 0
) -> Iterator[dict]:
    """Yield what a worker returns for each number, in any order; here, or in as many actors."""
    if not numbers:
        return
    if not workers:
        here = worker(*arguments)
        for number in numbers:
            yield here(number)
        return
    import ray.data

    rows = [{"shard": number} for number in numbers]
    # a block a shard: what an actor did not finish is one shard, and Ray gives it to another
    dataset = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
        InActor,
        fn_constructor_args=(worker, arguments),
        compute=ray.data.ActorPoolStrategy(size=min(workers, len(rows))),
        num_cpus=1,
        num_gpus=gpus,
    )
    yield from dataset.iter_rows()


def start_ray(workers: int, address: str | None) -> None:
    """Join a cluster, or start one of this machine's cores; no message leaves it."""
    if importlib.util.find_spec("ray") is None:
        raise SystemExit(
            "Several workers need Ray, which is not installed: pip install 'ray[data]==2.60.0' "
            "(or the package with its extra, pip install -e '.[scale]'), or give --workers 0."
        )
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray
    import ray.data

    logging.getLogger("ray.data").setLevel(logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False
    here = {"num_cpus": workers, "object_store_memory": 128 * 2**20, "include_dashboard": False}
    ray.init(
        address=address,
        log_to_driver=False,
        logging_level=logging.ERROR,
        **({} if address else here),
    )


def train(plan: dict, out: Path) -> None:
    """Write the empty index, after it learned its centres from vectors of all shards."""
    index = VectorIndex(plan["dim"], plan["kind"], **plan["options"])
    if needed := needed_to_train(plan["kind"], index.options):
        # every so-and-so-many-th picture, shard by shard: all vectors need not fit into memory
        step = max(1, len(plan["names"]) // (OVERSAMPLE * needed))
        parts = (read_shard(out, plan, number) for number in shards(plan))
        index.train(np.concatenate([vectors[ids % step == 0] for ids, vectors, _ in parts]))
    index.save(out / "blank.npz")


def join(plan: dict, out: Path) -> tuple[int, int]:
    """Write the whole index and the refusals; return how many there are of each."""
    index = merge([VectorIndex.load(out / f"index-{number:05d}.npz") for number in shards(plan)])
    refused = {}
    for number in shards(plan):
        for id, reason in read_shard(out, plan, number)[2].items():
            refused[plan["names"][int(id)]] = reason
    if len(index) + len(refused) != len(plan["names"]):
        raise SystemExit(
            f"{len(plan['names'])} pictures, but {len(index)} vectors and {len(refused)} refusals: "
            f"delete {str(out)!r} and begin anew."
        )
    index.save(out / "index.npz")
    atomic.write_text(out / "refused.json", json.dumps(refused, indent=1) + "\n")
    return len(index), len(refused)


def pair(text: str) -> tuple[str, int]:
    """Read an option of the index, such as ``nlist=256``."""
    name, _, value = text.partition("=")
    return name, int(value)


def arguments_of(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("pictures", type=Path, help="the folder of pictures, with all folders below it")
    add("out", type=Path, help="the folder to write; one run at a time")
    add("--model", default="towers", help="emoji-clip, towers, or a folder with a CLIP (towers)")
    add("--workers", type=int, default=0, help="processes that embed; 0: this one, no Ray (0)")
    add("--address", help="of a running Ray cluster; auto: the one of this machine")
    add("--device", default="cpu", help="cpu or cuda; with cuda every worker takes a GPU (cpu)")
    add("--threads", type=int, default=1, help="of each worker; vectors are equal bit by bit at 1")
    add("--shard", type=int, default=1000, help="pictures a shard (1000)")
    add("--batch", type=int, default=64, help="pictures that the model takes at a time (64)")
    add("--kind", choices=("flat", "ivf", "pq", "ivfpq"), default="flat", help="of index (flat)")
    add("--options", type=pair, nargs="*", default=[], help="of the index: nlist=256 nprobe=16")
    options = parser.parse_args(arguments)
    for name in ("shard", "batch", "threads"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} is {getattr(options, name)}: at least 1")
    if options.workers < 0:
        parser.error(f"--workers is {options.workers}: 0 for this process, or more")
    return options


def main(arguments: list[str] | None = None) -> None:
    """Embed what is missing, index it, and join the parts."""
    options = arguments_of(arguments)
    if options.workers:
        start_ray(options.workers, options.address)
    start, out = time.perf_counter(), options.out.resolve()
    plan = make_plan(options)
    agree(plan, out)
    for file in out.iterdir():
        if LEFT_BEHIND.fullmatch(file.name):  # by a run that was killed
            file.unlink()
    missing = [number for number in shards(plan) if read_shard(out, plan, number) is None]
    print(
        f"{len(plan['names'])} pictures in {len(shards(plan))} shards, "
        f"{len(shards(plan)) - len(missing)} of them done before",
        flush=True,
    )
    gpus = int(options.device == "cuda")
    made_by = (str(out), options.device, options.threads)
    for done in work(Embedder, made_by, missing, options.workers, gpus):
        print("shard {shard}: {embedded} embedded, {refused} refused".format(**done), flush=True)
    embedded = time.perf_counter()
    if not (out / "blank.npz").is_file():
        train(plan, out)
    numbers = [n for n in shards(plan) if not (out / f"index-{n:05d}.npz").is_file()]
    workers = options.workers if options.kind != "flat" else 0  # a flat index only copies
    for done in work(Indexer, (str(out),), numbers, workers):
        print("shard {shard}: {indexed} indexed".format(**done), flush=True)
    count, refused = join(plan, out)
    print(
        f"{count} vectors in {out / 'index.npz'}, {refused} pictures refused; embedded in "
        f"{embedded - start:.1f} s, indexed and joined in {time.perf_counter() - embedded:.1f} s"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
