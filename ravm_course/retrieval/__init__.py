"""Find the nearest vectors, and measure how well something was found."""

from ravm_course.retrieval.consensus import consensus, nearness_weights, votes
from ravm_course.retrieval.graph import NavigableGraph
from ravm_course.retrieval.index import VectorIndex
from ravm_course.retrieval.inverted import InvertedLists
from ravm_course.retrieval.measures import (
    average_precision,
    mrr,
    ndcg_at_k,
    precision_at_k,
    recall_at_k,
)
from ravm_course.retrieval.neighbours import distance_ratio, neighbour_recall
from ravm_course.retrieval.product import ProductQuantiser
from ravm_course.retrieval.shards import blank, merge, search_shards
from ravm_course.retrieval.smoothing import link_neighbours, smooth_scores

__all__ = [
    "InvertedLists",
    "NavigableGraph",
    "ProductQuantiser",
    "VectorIndex",
    "average_precision",
    "blank",
    "consensus",
    "distance_ratio",
    "link_neighbours",
    "merge",
    "mrr",
    "ndcg_at_k",
    "nearness_weights",
    "neighbour_recall",
    "precision_at_k",
    "recall_at_k",
    "search_shards",
    "smooth_scores",
    "votes",
]
