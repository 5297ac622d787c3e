"""Retrieval-augmented vision-language models: a store of what is known, and what reads from it."""

from ravm_course.ravlm.cache_adapter import CacheAdapter
from ravm_course.ravlm.datastore import Datastore, Hit, Item

__all__ = ["CacheAdapter", "Datastore", "Hit", "Item"]
