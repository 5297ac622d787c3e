"""Train models: one loop, schedules, checkpoints that resume exactly."""

from ravm_course.training.checkpoint import fingerprint, load_weights, save_weights
from ravm_course.training.loop import History, fit
from ravm_course.training.schedule import learning_rate_factor

__all__ = [
    "History",
    "fingerprint",
    "fit",
    "learning_rate_factor",
    "load_weights",
    "save_weights",
]
