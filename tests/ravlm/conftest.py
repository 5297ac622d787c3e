"""What the tests of chapter 23 share; each brings a `task` of its own."""

import pytest
import torch

from ravm_course.ravlm.joint_reading import ReadingTable
from ravm_course.ravlm.reader import Reader, ReaderConfig


@pytest.fixture(scope="module")
def reader():
    torch.manual_seed(0)
    words = ("the", "capital", "currency", "continent", "is", "of", ".")
    return Reader(words, ReaderConfig(width=8, layers=1))


@pytest.fixture(scope="module")
def table(task, reader):
    return ReadingTable(task, reader)
