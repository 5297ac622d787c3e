"""Multiply in half precision where that is faster.

bfloat16 keeps the range of single precision and eight of its 24 binary digits. Processors with
instructions for it multiply it faster; on others it is emulated, and many times slower.
"""

from __future__ import annotations

import torch


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
    kind = torch.device(device).type
    able = kind != "cpu" or torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return torch.autocast(kind, torch.bfloat16, enabled=able)
