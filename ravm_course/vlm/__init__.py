"""Two towers that learn from pairs of pictures and texts: CLIP in small (chapters 17 and 19)."""

from ravm_course.vlm.augment import augment, may_mirror
from ravm_course.vlm.clip import CLIP, CLIPConfig, to_float
from ravm_course.vlm.evaluate import encode_images, hits, pixel_features
from ravm_course.vlm.fusion import AttentionFusion, FeatureFusion, OneInput, fuse_decisions
from ravm_course.vlm.hashing import hash_text
from ravm_course.vlm.late_interaction import max_sim
from ravm_course.vlm.lite_tower import LiteTower
from ravm_course.vlm.loss import clip_loss, gather_rows
from ravm_course.vlm.pairs import draw_caption, pair_drawer
from ravm_course.vlm.patch_matcher import PatchMatcher
from ravm_course.vlm.pretrained import load_pretrained
from ravm_course.vlm.rerank import CrossEncoder, TwoVectors, reorder
from ravm_course.vlm.towers import ImageTower, TextTower
from ravm_course.vlm.transformers_clip import TransformersCLIP
from ravm_course.vlm.zero_shot import class_weights, classify, zero_shot

__all__ = [
    "CLIP",
    "AttentionFusion",
    "CLIPConfig",
    "CrossEncoder",
    "FeatureFusion",
    "ImageTower",
    "LiteTower",
    "OneInput",
    "PatchMatcher",
    "TextTower",
    "TransformersCLIP",
    "TwoVectors",
    "augment",
    "class_weights",
    "classify",
    "clip_loss",
    "draw_caption",
    "encode_images",
    "fuse_decisions",
    "gather_rows",
    "hash_text",
    "hits",
    "load_pretrained",
    "max_sim",
    "may_mirror",
    "pair_drawer",
    "pixel_features",
    "reorder",
    "to_float",
    "zero_shot",
]
