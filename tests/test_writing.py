"""Does a file get its new bytes at once and nothing else, or stay as it was?"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from rke2_lint.writing import NotWrittenError, replace

posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no such thing")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"before\n")
    return file


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_new_bytes_take_the_place_of_the_old(file: Path) -> None:
    replace(str(file), b"before\n", b"after\r\n")
    assert file.read_bytes() == b"after\r\n"
    assert left(file.parent) == ["a.yaml"]


def test_in_the_folder_where_one_stands(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    replace("a.yaml", b"before\n", b"after\n")
    assert file.read_bytes() == b"after\n"


@posix
@pytest.mark.parametrize("mode", [0o600, 0o644, 0o660, 0o755])
def test_the_mode_is_kept(file: Path, mode: int) -> None:
    file.chmod(mode)
    replace(str(file), b"before\n", b"after\n")
    assert stat.S_IMODE(file.stat().st_mode) == mode


@posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="only root gives files away")
def test_the_owner_is_kept(file: Path) -> None:
    os.chown(file, 1234, 2345)
    replace(str(file), b"before\n", b"after\n")
    assert (file.stat().st_uid, file.stat().st_gid) == (1234, 2345)


@posix
def test_what_would_become_ours_is_left_alone(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "chown", refuse)
    status = os.stat

    def of_another(path: str, **options: bool) -> os.stat_result:
        found = status(path, **options)
        if ".rke2-lint" not in str(path):
            return found
        return os.stat_result((*found[:4], 1000, *found[5:]))

    monkeypatch.setattr(os, "stat", of_another)
    with pytest.raises(NotWrittenError, match="would become yours"):
        replace(str(file), b"before\n", b"after\n")
    assert left(file.parent) == ["a.yaml"]


@pytest.mark.skipif(sys.platform != "linux", reason="extended attributes are Linux's")
def test_attributes_are_kept(file: Path) -> None:
    try:
        os.setxattr(file, "user.note", b"mine")
    except OSError:
        pytest.skip("the file system has no attributes")
    replace(str(file), b"before\n", b"after\n")
    assert os.getxattr(file, "user.note") == b"mine"


def test_a_file_that_has_changed_is_left_alone(file: Path) -> None:
    with pytest.raises(NotWrittenError, match="has changed since"):
        replace(str(file), b"something else\n", b"after\n")
    assert file.read_bytes() == b"before\n"
    assert left(file.parent) == ["a.yaml"]


def test_a_file_that_is_gone_is_not_made_again(file: Path) -> None:
    file.unlink()
    with pytest.raises(NotWrittenError, match="No such file"):
        replace(str(file), b"before\n", b"after\n")
    assert left(file.parent) == []


@posix
def test_a_link_is_not_written_through(file: Path) -> None:
    link = file.parent / "link.yaml"
    link.symlink_to(file.name)
    with pytest.raises(NotWrittenError, match=f"it is a link to .*{file.name}"):
        replace(str(link), b"before\n", b"after\n")
    assert link.is_symlink()
    assert file.read_bytes() == b"before\n"


@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may write everything")
def test_a_write_protected_file_is_left_alone(file: Path) -> None:
    file.chmod(0o444)
    with pytest.raises(NotWrittenError, match="write-protected"):
        replace(str(file), b"before\n", b"after\n")
    assert file.read_bytes() == b"before\n"


def test_when_the_disk_is_full_nothing_has_happened(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NotWrittenError, match="No space left"):
        replace(str(file), b"before\n", b"after\n")
    assert file.read_bytes() == b"before\n"
    assert left(file.parent) == ["a.yaml"]
