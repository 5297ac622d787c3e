"""Networks that see (chapter 16)."""

from ravm_course.vision.boxes import Detections, box_average_precision, box_iou, suppress
from ravm_course.vision.cnn import ConvNet, ConvNetConfig
from ravm_course.vision.conditional_vae import ConditionalVAE, VAEConfig
from ravm_course.vision.convolution import as_matrix, correlate, receptive_field, windows
from ravm_course.vision.edges import blur, edge_histograms, slopes
from ravm_course.vision.efficientnet import EfficientNetLite0, load_efficientnet
from ravm_course.vision.gan import Discriminator, GANConfig, Generator
from ravm_course.vision.graph import PatchGraph, PatchGraphConfig
from ravm_course.vision.masks import class_iou, confusion
from ravm_course.vision.patches import from_patches, rearrange_pictures, to_patches
from ravm_course.vision.scene_net import SceneNet, detect
from ravm_course.vision.vit import ViT, ViTConfig

__all__ = [
    "ConditionalVAE",
    "ConvNet",
    "ConvNetConfig",
    "Detections",
    "Discriminator",
    "EfficientNetLite0",
    "GANConfig",
    "Generator",
    "PatchGraph",
    "PatchGraphConfig",
    "SceneNet",
    "VAEConfig",
    "ViT",
    "ViTConfig",
    "as_matrix",
    "blur",
    "box_average_precision",
    "box_iou",
    "class_iou",
    "confusion",
    "correlate",
    "detect",
    "edge_histograms",
    "from_patches",
    "load_efficientnet",
    "rearrange_pictures",
    "receptive_field",
    "slopes",
    "suppress",
    "to_patches",
    "windows",
]
