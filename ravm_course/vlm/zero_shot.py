"""Classify into classes that were never a training target: by their names.

The text tower turns the name of a class into a vector; the picture belongs to the class whose
vector is nearest. The vectors of the classes play the part of a linear classifier's weights,
written in words instead of learned (Radford et al., ICML 2021, section 3.1). Several phrasings of
a name ("a picture of a cat", "cat") are averaged and brought back to unit length, which evens out
what one phrasing happens to say; whether that helps is a question for measurement.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ravm_course.vlm.clip import CLIP


def class_weights(
    model: CLIP, names: Sequence[str | Sequence[str]], templates: Sequence[str] = ("{}",)
) -> Tensor:
    """Return one unit vector a class: the mean over its names and over the templates.

    Parameters
    ----------
    model
        A model with ``encode_text``.
    names
        K classes; each is a name or several names.
    templates
        Texts with ``{}`` where the name goes.

    Returns
    -------
    Tensor
        Shape ``(K, dim)``, rows of length one.

    Raises
    ------
    ValueError
        If there is no class, a class has no name, or a template has no ``{}``.

    Examples
    --------
    >>> from ravm_course.vlm.clip import CLIPConfig
    >>> model = CLIP(CLIPConfig(dim=8, channels=(8,), blocks=(1,), buckets=64)).eval()
    >>> class_weights(model, ["cat", ["dog", "狗"]], ["{}", "a picture of {}"]).shape
    torch.Size([2, 8])
    """
    groups = [[name] if isinstance(name, str) else list(name) for name in names]
    if not groups or not all(groups):
        raise ValueError("every class needs a name, and there must be at least one class.")
    for template in templates:
        if "{}" not in template:
            raise ValueError(f"the template {template!r} has no {{}} to put the name in.")
    if not templates:
        raise ValueError("templates is empty: the plainest template is '{}'.")
    texts = [[t.replace("{}", name) for name in group for t in templates] for group in groups]
    with torch.no_grad():
        features = model.encode_text([text for some in texts for text in some])
    means = [part.mean(dim=0) for part in features.split([len(some) for some in texts])]
    return F.normalize(torch.stack(means), dim=-1)


def classify(image_features: Tensor, weights: Tensor, logit_scale: Tensor | float = 1.0) -> Tensor:
    """Return the probability of every class for every picture.

    Parameters
    ----------
    image_features
        Unit vectors, shape ``(N, D)``.
    weights
        Unit vectors of the classes, shape ``(K, D)``, as :func:`class_weights` returns them.
    logit_scale
        What similarities are multiplied by. It sharpens the probabilities and leaves their order.

    Returns
    -------
    Tensor
        Shape ``(N, K)``; rows sum to one.

    Raises
    ------
    ValueError
        If the vectors of pictures and classes differ in size.

    Examples
    --------
    >>> classify(torch.eye(2), torch.eye(2), 100.0).argmax(dim=1).tolist()
    [0, 1]
    """
    if image_features.ndim != 2 or weights.ndim != 2 or image_features.shape[1] != weights.shape[1]:
        raise ValueError(
            f"image features have shape {tuple(image_features.shape)} and class weights "
            f"{tuple(weights.shape)}, expected (N, D) and (K, D) with the same D."
        )
    return torch.softmax(logit_scale * image_features @ weights.T, dim=1)


def zero_shot(
    model: CLIP,
    images: Tensor,
    names: Sequence[str | Sequence[str]],
    templates: Sequence[str] = ("{}",),
) -> Tensor:
    """Return, for each picture, the probability of each named class.

    Parameters
    ----------
    model
        A trained model.
    images
        Shape ``(N, 3, H, W)``, floating point in [0, 1].
    names, templates
        As in :func:`class_weights`.

    Returns
    -------
    Tensor
        Shape ``(N, K)``; rows sum to one.

    Examples
    --------
    >>> from ravm_course.vlm.clip import CLIPConfig
    >>> model = CLIP(CLIPConfig(dim=8, channels=(8,), blocks=(1,), buckets=64)).eval()
    >>> zero_shot(model, torch.rand(2, 3, 32, 32), ["cat", "dog", "fish"]).shape
    torch.Size([2, 3])
    """
    with torch.no_grad():
        return classify(
            model.encode_image(images), class_weights(model, names, templates), model.logit_scale
        )
