"""Retrieval-augmented vision-language models: a store of what is known, and what reads from it."""

from ravm_course.ravlm.cache_adapter import CacheAdapter
from ravm_course.ravlm.captioner import Captioner, CaptionerConfig
from ravm_course.ravlm.datastore import Datastore, Hit, Item
from ravm_course.ravlm.visual_qa import VisualQA

__all__ = ["CacheAdapter", "Captioner", "CaptionerConfig", "Datastore", "Hit", "Item", "VisualQA"]
