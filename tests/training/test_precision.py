"""Half precision is used where the processor has it, and nowhere else."""

import torch

from ravm_course.training import half_precision, has_bfloat16


def test_products_are_halved_where_the_processor_can(monkeypatch):
    one = torch.ones(2, 2)
    for able, dtype in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda able=able: able)
        assert has_bfloat16() == able
        with half_precision("cpu"):
            assert (one @ one).dtype == dtype
        assert (one @ one).dtype == torch.float32
