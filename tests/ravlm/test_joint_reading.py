"""The reader's numbers for the passages of chapter 23: every place of an answer is marked."""

import pytest
import torch

from ravm_course.ravlm.joint_answers import fixed_reading
from ravm_course.ravlm.joint_reading import answer_log_probs
from ravm_course.ravlm.joint_task import load_joint_task
from ravm_course.ravlm.reader import reader_loss


@pytest.fixture(scope="module")
def task():
    return load_joint_task(torch.ones(235, 2), torch.ones(235, 2))


def test_a_batch_marks_every_place_of_the_answer_and_equals_the_readers_own_encoding(
    task, reader, table
):
    row = int(task.rows["train"][3])
    question = int((task.relation == 0).nonzero()[0])
    batch = table.batch(torch.tensor([question]), torch.tensor([row]), torch.tensor([[row, 0]]))
    texts = [task.passages[row], task.passages[0]]
    plain = reader.encode([task.questions[question]] * 2, texts, [task.titles[row], task.titles[0]])
    for name in ("question", "passage", "shapes", "marks"):
        assert torch.equal(getattr(batch, name), getattr(plain, name)), name
    starts, more = table.find(row, task.answers[0][row])
    assert batch.gold[0].nonzero().tolist() == [[i, more] for i in starts]


def test_log_probs_agree_with_the_readers_loss_where_the_answer_stands_once(task, reader, table):
    reader.eval()
    question = int((task.relation == 0).nonzero()[0])
    rows = [
        r for r in task.rows["train"].tolist() if len(table.find(r, task.answers[0][r])[0]) == 1
    ]
    rows = torch.tensor(rows[:5])
    batch = table.batch(torch.full_like(rows, question), rows, rows[:, None])
    found = -answer_log_probs(reader, batch).mean()
    torch.testing.assert_close(found, reader_loss(reader, batch))


def test_fixed_reading_is_what_the_table_reads(task, reader, table):
    reader.eval()
    fixed = fixed_reading(reader, table)
    rows = task.rows["train"][:4]
    passages = torch.stack([rows, rows.roll(1)], dim=1)
    for relation in range(3):
        question = int((task.relation == relation).nonzero()[0])
        with torch.no_grad():
            read = table.log_probs(reader, torch.full_like(rows, question), rows, passages)
        torch.testing.assert_close(fixed[relation, rows[:, None], passages], read)
    longer = [len(words) > reader.config.max_answer for words in table.words]
    assert all(longer)
    assert torch.equal(fixed.isfinite().any(2), task.contains.any(2))
