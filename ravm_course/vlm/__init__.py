"""Two towers that learn from pairs of pictures and texts: CLIP in small (chapters 17 and 19)."""

from ravm_course.vlm.augment import augment, may_mirror
from ravm_course.vlm.clip import CLIP, CLIPConfig, to_float
from ravm_course.vlm.evaluate import encode_images, hits, pixel_features
from ravm_course.vlm.hashing import hash_text
from ravm_course.vlm.lite_tower import LiteTower
from ravm_course.vlm.loss import clip_loss, gather_rows
from ravm_course.vlm.pairs import draw_caption, pair_drawer
from ravm_course.vlm.pretrained import load_pretrained
from ravm_course.vlm.towers import ImageTower, TextTower
from ravm_course.vlm.transformers_clip import TransformersCLIP
from ravm_course.vlm.zero_shot import class_weights, classify, zero_shot

__all__ = [
    "CLIP",
    "CLIPConfig",
    "ImageTower",
    "LiteTower",
    "TextTower",
    "TransformersCLIP",
    "augment",
    "class_weights",
    "classify",
    "clip_loss",
    "draw_caption",
    "encode_images",
    "gather_rows",
    "hash_text",
    "hits",
    "load_pretrained",
    "may_mirror",
    "pair_drawer",
    "pixel_features",
    "to_float",
    "zero_shot",
]
