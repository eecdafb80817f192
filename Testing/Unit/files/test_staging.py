from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from NephroSynthLib.errors import ResourceError, UsageError
from NephroSynthLib.files.staging import (
    check_apart,
    check_space,
    check_target,
    check_writable,
    file_suffix,
    remove_leftovers,
    staged_file,
    staged_folder,
)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


class TestFile:
    @pytest.mark.parametrize("name", ["腎臓 α.nii.gz", "a.json", "x.seg.nrrd", f"{'long' * 60}.txt", "no_suffix"])
    def test_takes_its_name_at_the_end(self, tmp_path: Path, name: str) -> None:
        target = tmp_path / "new" / name
        with staged_file(target) as temporary:
            assert file_suffix(temporary) == file_suffix(target)
            temporary.write_text("whole")
            assert not target.exists()
        assert target.read_text() == "whole"
        assert names(target.parent) == [name]

    def test_a_failure_leaves_what_was_there(self, tmp_path: Path) -> None:
        target = tmp_path / "result.json"
        target.write_text("old")
        with contextlib.suppress(RuntimeError), staged_file(target) as temporary:
            temporary.write_text("half")
            raise RuntimeError
        assert target.read_text() == "old"
        assert names(tmp_path) == ["result.json"]

    def test_a_name_that_is_too_long(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="too long"), staged_file(tmp_path / ("x" * 300)) as temporary:
            temporary.write_text("whole")
        assert names(tmp_path) == []


class TestFolder:
    def test_takes_its_name_at_the_end(self, tmp_path: Path) -> None:
        out = tmp_path / "new" / "Ergebnis 腎"
        with staged_folder(out) as temporary:
            (temporary / "result.json").write_text("{}")
            assert not out.exists()
        assert names(out) == ["result.json"]
        assert names(out.parent) == [out.name]

    def test_an_empty_folder_is_filled(self, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        with staged_folder(tmp_path / "out") as temporary:
            (temporary / "a").touch()
        assert names(tmp_path / "out") == ["a"]

    def test_a_filled_folder_is_kept_without_overwrite(self, tmp_path: Path) -> None:
        (tmp_path / "a").touch()
        with pytest.raises(UsageError, match="not empty") as caught, staged_folder(tmp_path):
            pytest.fail("the block must not run")
        assert caught.value.exit_code == 2

    def test_overwrite_replaces_all_of_an_earlier_result(self, tmp_path: Path) -> None:
        out = tmp_path / "out"
        out.mkdir()
        (out / "old.json").write_text("old")
        with staged_folder(out, overwrite=True) as temporary:
            (temporary / "new.json").write_text("new")
            assert names(out) == ["old.json"]
        assert names(out) == ["new.json"]
        assert names(tmp_path) == ["out"]

    def test_a_failure_leaves_the_earlier_result(self, tmp_path: Path) -> None:
        out = tmp_path / "out"
        out.mkdir()
        (out / "old.json").write_text("old")
        with contextlib.suppress(RuntimeError), staged_folder(out, overwrite=True) as temporary:
            (temporary / "new.json").write_text("new")
            raise RuntimeError
        assert names(out) == ["old.json"]
        assert names(tmp_path) == ["out"]

    def test_a_folder_with_other_things_is_never_replaced(self, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "thesis.tex").touch()
        known = ("*.nii.gz", "result.json")
        with pytest.raises(UsageError, match="more than"), staged_folder(tmp_path / "out", True, results=known):
            pytest.fail("the block must not run")

    def test_the_current_folder_is_never_replaced(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "work").mkdir()
        (tmp_path / "work" / "a").touch()
        monkeypatch.chdir(tmp_path / "work")
        for out in (tmp_path, tmp_path / "work", Path()):
            with pytest.raises(UsageError, match="more than an earlier result"), staged_folder(out, overwrite=True):
                pytest.fail("the block must not run")

    def test_a_link_to_a_folder_is_filled_and_stays_a_link(self, tmp_path: Path) -> None:
        (tmp_path / "real").mkdir()
        (tmp_path / "link").symlink_to("real")
        for overwrite in (False, True):
            with staged_folder(tmp_path / "link", overwrite) as temporary:
                (temporary / "a").touch()
            assert names(tmp_path / "real") == ["a"]
        assert (tmp_path / "link").is_symlink()
        with pytest.raises(UsageError, match="not empty"), staged_folder(tmp_path / "link"):
            pytest.fail("the block must not run")

    def test_a_link_to_nothing_is_no_folder(self, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to("gone")
        with pytest.raises(UsageError, match="not a folder"):
            check_target(tmp_path / "link", False, ())

    def test_a_file_in_its_place(self, tmp_path: Path) -> None:
        (tmp_path / "out").touch()
        with pytest.raises(UsageError, match="not a folder"), staged_folder(tmp_path / "out", overwrite=True):
            pytest.fail("the block must not run")


class TestTarget:
    def test_a_sound_target_is_passed_and_left_alone(self, tmp_path: Path) -> None:
        check_target(tmp_path / "new" / "result", False, ())
        assert names(tmp_path) == []

    def test_a_folder_that_is_added_to_may_be_filled(self, tmp_path: Path) -> None:
        (tmp_path / "case").touch()
        check_writable(tmp_path)
        check_writable(tmp_path / "new" / "training")
        assert names(tmp_path) == ["case"]

    def test_a_place_within_a_file_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        for check in (lambda out: check_target(out, False, ()), check_writable):
            with pytest.raises(UsageError, match="lies in a file"):
                check(tmp_path / "file" / "x" / "y")

    def test_names_that_no_folder_can_have_are_refused_before_the_work(self, tmp_path: Path) -> None:
        (tmp_path / "circle").symlink_to("circle")
        for check in (lambda out: check_target(out, False, ()), check_writable):
            for name in ("x" * 300, f"{'x' * 300}/out", "new/" * 2000):
                with pytest.raises(UsageError, match="too long"):
                    check(tmp_path / name)
            for name in ("circle", "circle/out"):
                with pytest.raises(UsageError, match="leads back to itself"):
                    check(tmp_path / name)
        assert names(tmp_path) == ["circle"]

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc and names that are not valid UTF-8")
    def test_a_place_that_nobody_can_write_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ResourceError, match="cannot be written"):
            check_target(Path("/proc/nephrosynth"), False, ())
        with pytest.raises(UsageError, match="not valid UTF-8"):
            check_target(Path(os.fsdecode(os.fsencode(tmp_path) + b"/r\xe9sultat")), False, ())
        assert names(tmp_path) == []

    @pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES])
    def test_a_read_only_place_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise OSError(code, os.strerror(code))

        monkeypatch.setattr(Path, "mkdir", refuse)
        monkeypatch.setattr(Path, "unlink", refuse)
        for place in (tmp_path / "out", tmp_path / "new" / "out"):
            with pytest.raises(ResourceError, match="cannot be written"):
                check_target(place, False, ())
        with pytest.raises(ResourceError, match="cannot be written"), staged_file(tmp_path / "a.json"):
            pytest.fail("the block must not run")

    def test_a_disk_with_too_little_space_is_refused(self, tmp_path: Path) -> None:
        check_space(tmp_path / "new" / "result", 1000)
        with pytest.raises(ResourceError, match=r"MB free, and the result needs about 10{9} MB"):
            check_space(tmp_path / "new" / "result", 10**15)
        assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("first", "second"), [("a", "a"), ("a", "a/b"), ("a/b", "a"), ("a/../b", "b/c"), ("linked/c", "a"), (".", "a")]
)
def test_folders_of_which_one_lies_in_the_other_are_refused(tmp_path: Path, first: str, second: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "linked").symlink_to(tmp_path / "a")
    with pytest.raises(UsageError, match="lies in the other"):
        check_apart(tmp_path / first, tmp_path / second)
    check_apart(tmp_path / "a" / "b", tmp_path / "a" / "bc")


class TestLeftovers:
    SCRIPT = (
        "import sys, time; from pathlib import Path\n"
        "from NephroSynthLib.files.staging import staged_file, staged_folder\n"
        "with staged_file(Path(sys.argv[1]) / 'a.txt') as file, staged_folder(Path(sys.argv[1]) / 'b') as folder:\n"
        "    file.write_text('half'); (folder / 'c').touch(); print('ready', flush=True); time.sleep(60)\n"
    )

    def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_is_not(self, tmp_path: Path) -> None:
        writer = subprocess.Popen([sys.executable, "-c", self.SCRIPT, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        try:
            assert writer.stdout is not None
            assert writer.stdout.readline().strip() == "ready"
            remove_leftovers(tmp_path)
            assert len(names(tmp_path)) == 2
        finally:
            writer.send_signal(signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
            writer.wait()
        assert len(names(tmp_path)) == 2
        (tmp_path / ".nephrosynth-unrelated").touch()
        remove_leftovers(tmp_path)
        assert names(tmp_path) == [".nephrosynth-unrelated"]
