from __future__ import annotations

from pathlib import Path

import pytest
import torch

pytest.importorskip("lightning", reason="training needs the extra 'train'")

from NephroSynthLib.errors import Action, UnreadableInputError
from NephroSynthLib.training import checkpoints


def give(path: Path, step: int) -> None:
    torch.save({"global_step": step, "state_dict": {"weight": torch.ones(500)}}, path)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:400])


def test_the_last_checkpoint_counts_and_none_is_no_error(tmp_path: Path) -> None:
    assert checkpoints.load(tmp_path) is None
    give(tmp_path / "previous.ckpt", 250)
    give(tmp_path / "last.ckpt", 500)
    found = checkpoints.load(tmp_path)
    assert found
    assert (found.step, found.path.name, found.warning) == (500, "last.ckpt", "")


def test_the_previous_one_stands_in_for_a_damaged_one_in_words(tmp_path: Path) -> None:
    give(tmp_path / "previous.ckpt", 250)
    give(tmp_path / "last.ckpt", 500)
    cut(tmp_path / "last.ckpt")
    found = checkpoints.load(tmp_path)
    assert found
    assert found.step == 250
    assert found.warning.endswith("last.ckpt is damaged or cut short; previous.ckpt of step 250 was used.")


@pytest.mark.parametrize("content", [b"", b"no checkpoint at all", b"PK\x03\x04"])
def test_a_damaged_one_alone_is_an_error_with_its_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "last.ckpt").write_bytes(content)
    with pytest.raises(UnreadableInputError, match=r"last\.ckpt is damaged or cut short") as caught:
        checkpoints.load(tmp_path)
    assert caught.value.action is Action.RESTART_TRAINING
