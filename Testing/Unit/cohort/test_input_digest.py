"""The state of the inputs of an exam."""

from __future__ import annotations

import os
from pathlib import Path

from NephroSynthLib.cohort.input_digest import MISSING, InputDigest, digest_inputs


def state(path: Path, known: InputDigest | None = None) -> InputDigest:
    return digest_inputs({"x": path}, {"x": known} if known else {})["x"]


def test_content_counts_and_names_do_not(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/1").write_bytes(b"one")
    (tmp_path / "a/2").write_bytes(b"two")
    before = state(tmp_path / "a")
    (tmp_path / "a/1").rename(tmp_path / "a/7")
    (tmp_path / "a").rename(tmp_path / "b")
    renamed = state(tmp_path / "b", before)
    assert renamed.signature != before.signature
    assert renamed.sha256 == before.sha256
    (tmp_path / "b/2").write_bytes(b"tow")
    assert state(tmp_path / "b", renamed).sha256 != before.sha256


def test_a_file_that_is_removed_or_added_counts(tmp_path: Path) -> None:
    (tmp_path / "1").write_bytes(b"one")
    before = state(tmp_path)
    (tmp_path / "2").write_bytes(b"one")
    assert state(tmp_path, before).sha256 != before.sha256
    (tmp_path / "2").unlink()
    assert state(tmp_path, before) == before


def test_content_is_not_read_again_where_names_sizes_and_times_are_the_same(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"one")
    os.utime(file, ns=(10**18, 10**18))
    before = state(file)
    file.write_bytes(b"two")
    os.utime(file, ns=(10**18, 10**18))
    assert state(file, before) == before
    os.utime(file, ns=(10**18, 10**18 + 1))
    assert state(file, before).sha256 != before.sha256


def test_a_missing_input_is_a_state_too(tmp_path: Path) -> None:
    assert state(tmp_path / "none").sha256 == MISSING
