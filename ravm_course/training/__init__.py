"""Train models: one loop, schedules, checkpoints that resume exactly."""

from ravm_course.training.checkpoint import fingerprint, load_weights, save_weights
from ravm_course.training.loop import History, fit
from ravm_course.training.precision import half_precision, has_bfloat16
from ravm_course.training.schedule import learning_rate_factor
from ravm_course.training.shipped import load_shipped, shipped_facts
from ravm_course.training.together import Together

__all__ = [
    "History",
    "Together",
    "fingerprint",
    "fit",
    "half_precision",
    "has_bfloat16",
    "learning_rate_factor",
    "load_shipped",
    "load_weights",
    "save_weights",
    "shipped_facts",
]
