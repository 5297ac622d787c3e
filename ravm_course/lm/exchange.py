"""Take over weights of other libraries' models, but never of models that compute something else."""

from __future__ import annotations


def require(config: object, **expected: object) -> None:
    """Refuse a configuration that asks for something our model does not compute.

    Parameters
    ----------
    config
        Its attributes are settings; one that is missing is taken to be None.
    **expected
        The values that settings must have.

    Raises
    ------
    ValueError
        If a setting differs; the message names the first.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> require(SimpleNamespace(act="relu"), act="gelu")
    Traceback (most recent call last):
    ValueError: the model's act is 'relu', expected 'gelu': ours computes nothing else.
    """
    for name, value in expected.items():
        given = getattr(config, name, None)
        if given != value:
            raise ValueError(
                f"the model's {name} is {given!r}, expected {value!r}: ours computes nothing else."
            )
