"""Multiply in half precision where that is faster.

bfloat16 keeps the range of single precision and eight of its 24 binary digits. Processors with
instructions for it multiply it faster; on others it is emulated, and many times slower.
"""

from __future__ import annotations

import torch


def has_bfloat16(device: str | torch.device = "cpu") -> bool:
    """Return whether a device multiplies in bfloat16 without emulating it.

    Parameters
    ----------
    device
        On a CPU, this asks for AVX512-BF16, AMX or their like; other devices are taken to have it.

    Returns
    -------
    bool
        Where it is false, some layers cannot run in bfloat16 at all (``nn.LSTM`` among them).

    Examples
    --------
    >>> has_bfloat16("cuda")
    True
    """
    return torch.device(device).type != "cpu" or torch.ops.mkldnn._is_mkldnn_bf16_supported()


def half_precision(device: str | torch.device = "cpu") -> torch.autocast:
    """Return a context in which matrices are multiplied in bfloat16, if the processor can.

    Parameters
    ----------
    device
        Where is computed. On a CPU without such instructions the context changes nothing.

    Returns
    -------
    torch.autocast
        For a ``with`` statement.

    Examples
    --------
    >>> with half_precision():
    ...     product = torch.ones(2, 3) @ torch.ones(3, 2)
    >>> product[0, 0].item()
    3.0
    """
    return torch.autocast(torch.device(device).type, torch.bfloat16, enabled=has_bfloat16(device))
