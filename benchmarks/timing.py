"""Time several ways of doing one thing fairly, and write down what was measured, and on what.

The ways take turns (A B C A B C ...) so that a busy moment of the machine hits all of them, each
is warmed up once, and the median counts. Threads are fixed before anything is timed.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def fix_threads(n: int = 1) -> None:
    """Let torch and FAISS use `n` CPU threads. BLAS reads OMP_NUM_THREADS when it is loaded."""
    import faiss
    import torch

    torch.set_num_threads(n)
    faiss.omp_set_num_threads(n)


def interleave(
    ways: dict[str, Callable[[], object]],
    repeats: int = 5,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Return the median seconds of each way, measured in turns.

    Parameters
    ----------
    ways
        Name and function of each way.
    repeats
        How many turns.
    clock
        `time.perf_counter` for wall time; `time.process_time` for CPU time on a busy machine.
    """
    for way in ways.values():
        way()
    seconds = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            start = clock()
            way()
            seconds[name].append(clock() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def machine() -> dict[str, object]:
    """Return what a reader needs in order to judge a time: processor, cores, versions."""
    versions = {}
    for package in ("numpy", "torch", "faiss-cpu"):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "absent"
    return {
        "cores": os.cpu_count(),
        "threads": os.environ.get("OMP_NUM_THREADS", "not set"),
        "architecture": platform.machine(),
        "processor": _processor(),
        "python": platform.python_version(),
        **versions,
    }


def write(name: str, command: str, results: object) -> Path:
    """Write `results` with the command that made them and the machine to results/`name`.json."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    record = {"command": command, "machine": machine(), "results": results}
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _processor() -> str:
    """Return the processor's name where the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"
