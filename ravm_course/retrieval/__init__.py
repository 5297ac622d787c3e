"""Find the nearest vectors, and measure how well something was found."""

from ravm_course.retrieval.index import VectorIndex
from ravm_course.retrieval.measures import (
    average_precision,
    mrr,
    ndcg_at_k,
    precision_at_k,
    recall_at_k,
)

__all__ = [
    "VectorIndex",
    "average_precision",
    "mrr",
    "ndcg_at_k",
    "precision_at_k",
    "recall_at_k",
]
