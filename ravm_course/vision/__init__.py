"""Networks that see (chapter 16)."""

from ravm_course.vision.efficientnet import EfficientNetLite0, load_efficientnet

__all__ = ["EfficientNetLite0", "load_efficientnet"]
