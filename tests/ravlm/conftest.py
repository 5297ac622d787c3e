"""What the tests of chapter 23 share; a file may bring a `task` of its own."""

import pytest
import torch

from ravm_course.ravlm.joint_reading import ReadingTable
from ravm_course.ravlm.joint_task import load_joint_task
from ravm_course.ravlm.reader import Reader, ReaderConfig


@pytest.fixture(scope="module")
def task():
    generator = torch.Generator().manual_seed(0)
    keys = torch.randn(235, 8, generator=generator)
    return load_joint_task(keys + 0.5 * torch.randn(235, 8, generator=generator), keys)


@pytest.fixture(scope="module")
def reader():
    torch.manual_seed(0)
    words = ("the", "capital", "currency", "continent", "is", "of", ".")
    return Reader(words, ReaderConfig(width=8, layers=1))


@pytest.fixture(scope="module")
def table(task, reader):
    return ReadingTable(task, reader)
