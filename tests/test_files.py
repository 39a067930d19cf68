"""Which files are looked at, and is each of them read once and never waited for?"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from rke2_lint import files
from rke2_lint.files import File, NotAFileError, TooLargeError, discover
from rke2_policies import yaml_source

posix = pytest.mark.skipif(os.name != "posix", reason="there are no such files on Windows")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder that is in no git repository."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    return tmp_path


def write(*paths: str, text: str = "a: 1\n") -> None:
    for path in paths:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text)


def git(*arguments: str, folder: str = ".") -> None:
    subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True)


def found(*paths: str, keep: Iterable[str] = ()) -> list[str]:
    return [file.path for file in discover(paths or ["."], lambda path: path in keep).files]


# --- names


@pytest.mark.parametrize(
    "path",
    [
        "cluster.yaml",
        "cluster.yml",
        "cluster.json",
        "CLUSTER.YAML",
        "Cluster.Json",
        "deep/down/in/here.yml",
        "etc/rancher/rke2/config.yaml.d/.50-hidden.yaml",
        pytest.param("rke2/config.yaml.d/pin.conf", id="C55 another suffix in the folder"),
        pytest.param("rke2/config.yaml.d/pin.yaml.disabled", id="C55 switched off"),
        pytest.param("rke2/config.yaml.d/sub/pin", id="C55 a folder below"),
        pytest.param("etc/default/rke2-server", id="C37 Debian"),
        pytest.param("etc/sysconfig/rke2-agent", id="C37 RHEL"),
        pytest.param("usr/local/lib/systemd/system/rke2-server.env", id="C37 tarball"),
    ],
)
def test_a_folder_gives(path: str) -> None:
    write(path)
    assert found() == [path]


@pytest.mark.parametrize(
    "path",
    [
        "README.md",
        "cluster.yaml.bak",
        "cluster.tf",
        "etc/default/grub",
        "etc/default/k3s",
        ".git/config.yaml",
        pytest.param("app/config.d/pin.conf", id="config.d without a config.yaml beside it"),
    ],
)
def test_a_folder_leaves_out(path: str) -> None:
    write(path)
    assert found() == []


def test_every_name_counts_in_a_config_d_beside_a_config_yaml() -> None:
    write("rke2/config.yaml", "rke2/config.d/pin", "other/config.d/pin")
    assert found() == ["rke2/config.d/pin", "rke2/config.yaml"]


def test_a_named_file_is_looked_at_whatever_its_name_is() -> None:
    write("notes.txt")
    assert found("notes.txt") == ["notes.txt"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (".", "a/x.yaml"),
        ("./", "a/x.yaml"),
        ("a", "a/x.yaml"),
        ("a/", "a/x.yaml"),
        ("./a", "./a/x.yaml"),
        ("a/x.yaml", "a/x.yaml"),
        ("../{name}/a", "../{name}/a/x.yaml"),
        ("{here}/a", "{here}/a/x.yaml"),
    ],
)
def test_paths_are_told_as_they_were_given(given: str, told: str, folder: Path) -> None:
    write("a/x.yaml")
    fill = {"name": folder.name, "here": folder.as_posix()}
    assert found(given.format(**fill)) == [told.format(**fill)]


def test_files_come_in_the_order_of_their_paths() -> None:
    write("b.yaml", "a/z.yaml", "a.yaml", "B.yaml")
    assert found() == ["B.yaml", "a.yaml", "a/z.yaml", "b.yaml"]


# --- once each


@pytest.mark.parametrize(
    "paths",
    [
        ("a.yaml", "a.yaml"),
        ("a.yaml", "./a.yaml"),
        (".", "a.yaml"),
        (".", "."),
    ],
)
def test_a_file_with_several_names_is_looked_at_once(paths: tuple[str, ...]) -> None:
    write("a.yaml")
    assert len(found(*paths)) == 1


@posix
def test_a_link_stands_back_behind_the_file_itself() -> None:
    write("z/real.yaml")
    Path("link.yaml").symlink_to("z/real.yaml")
    assert found() == ["z/real.yaml"]
    assert found("link.yaml", ".") == ["z/real.yaml"]


@posix
def test_a_link_to_a_file_elsewhere_is_read() -> None:
    write("elsewhere/real.yaml")
    Path("here").mkdir()
    Path("here/link.yaml").symlink_to("../elsewhere/real.yaml")
    [file] = discover(["here"], lambda _: False).files
    assert (file.path, file.is_link) == ("here/link.yaml", True)


@posix
def test_a_link_counts_where_its_own_name_means_something() -> None:
    write("shared/proxy.yaml")
    drop_in = "rke2/config.yaml.d/20-proxy.yaml"
    Path(drop_in).parent.mkdir(parents=True)
    Path(drop_in).symlink_to("../../shared/proxy.yaml")
    assert found(keep=[drop_in]) == [drop_in, "shared/proxy.yaml"]


@posix
def test_two_hard_links_are_two_files() -> None:
    write("a.yaml")
    Path("b.yaml").hardlink_to("a.yaml")
    assert found() == ["a.yaml", "b.yaml"]


@posix
def test_links_to_folders_are_not_followed() -> None:
    write("a/x.yaml")
    Path("a/round").symlink_to("..")
    assert found() == ["a/x.yaml"]
    assert found("a/round") == ["a/round/a/x.yaml"]  # unless somebody names one


# --- what cannot be read


def test_a_named_path_that_is_not_there_is_an_error_and_the_others_are_looked_at() -> None:
    write("a.yaml")
    listing = discover(["nowhere.yaml", "a.yaml"], lambda _: False)
    assert [file.path for file in listing.files] == ["a.yaml"]
    assert listing.unreadable == ["nowhere.yaml: No such file or directory"]


def test_a_path_of_nothing_is_seen_in_the_message() -> None:
    """A variable that is not set, in quotes, is such a path."""
    assert discover([""], lambda _: False).unreadable == ["'': No such file or directory"]


def test_a_path_that_no_system_can_have_is_an_error() -> None:
    assert len(discover(["a\0b"], lambda _: False).unreadable) == 1


@posix
def test_a_link_to_nowhere_is_an_error_only_where_it_was_named() -> None:
    Path("link.yaml").symlink_to("nowhere")
    listing = discover(["."], lambda _: False)
    assert (listing.files, listing.unreadable) == ([], [])
    told = ["link.yaml: is a link that leads nowhere"]
    assert listing.notes == told
    assert discover(["link.yaml"], lambda _: False).unreadable == told


@posix
def test_a_link_to_itself_is_an_error_only_where_it_was_named() -> None:
    Path("link.yaml").symlink_to("link.yaml")
    listing = discover(["."], lambda _: False)
    assert (listing.files, listing.unreadable, listing.warnings) == ([], [], [])
    assert listing.notes == ["link.yaml: is a link that leads nowhere"]
    assert discover(["link.yaml"], lambda _: False).unreadable


@posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_opened_is_a_warning() -> None:
    write("closed/a.yaml", "b.yaml")
    Path("closed").chmod(0)
    listing = discover(["."], lambda _: False)
    Path("closed").chmod(0o755)
    assert [file.path for file in listing.files] == ["b.yaml"]
    assert listing.warnings == ["closed: Permission denied"]


@posix
def test_nobody_waits_for_what_is_not_a_file() -> None:
    Path("folder.yaml").mkdir()
    os.mkfifo("fifo.yaml")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.yaml")
        assert found() == []
        assert found("folder.yaml") == []


@posix
def test_what_turns_into_a_fifo_after_it_was_listed_is_not_read() -> None:
    os.mkfifo("fifo.yaml")
    with pytest.raises(NotAFileError):
        files.read(File("fifo.yaml"))


@posix
def test_a_named_fifo_is_read() -> None:
    """`rke2-lint <(helm template .)` names one."""
    reader, writer = os.pipe()
    os.write(writer, b"a: 1\n")
    os.close(writer)
    assert files.read(File(f"/dev/fd/{reader}", named=True)) == b"a: 1\n"


def test_a_large_file_is_not_read_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_BYTES", 10)
    write("large.yaml", text="x" * 11)
    with pytest.raises(TooLargeError):
        files.read(File("large.yaml"))


def test_blocks_of_a_large_file_cut_no_word_in_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_BLOCK", 8)
    monkeypatch.setattr(files, "_OVERLAP", 4)
    write("large.yaml", text="......abcd......")
    assert any(b"abcd" in block for block in files.blocks("large.yaml"))


def test_the_limit_is_the_one_of_the_reader() -> None:
    assert files.MOST_BYTES == yaml_source.MAX_BYTES


# --- git


def test_what_git_ignores_is_left_out() -> None:
    git("init")
    write("a.yaml", "build/b.yaml", "new.yaml")
    write(".gitignore", text="build/\n*.tmp.yaml\n")
    write("c.tmp.yaml", "sub/d.tmp.yaml")
    git("add", "a.yaml")
    assert found() == ["a.yaml", "new.yaml"]
    assert found("sub") == []


def test_who_names_what_git_ignores_means_it() -> None:
    git("init")
    write("build/b.yaml", "build/deep/c.yaml")
    write(".gitignore", text="build/\n")
    assert found("build") == ["build/b.yaml", "build/deep/c.yaml"]
    assert found("build/b.yaml") == ["build/b.yaml"]


def test_what_is_deleted_and_not_committed_is_no_error() -> None:
    git("init")
    write("a.yaml", "b.yaml")
    git("add", ".")
    Path("a.yaml").unlink()
    listing = discover(["."], lambda _: False)
    assert [file.path for file in listing.files] == ["b.yaml"]
    assert (listing.unreadable, listing.warnings) == ([], [])


def test_an_unmerged_file_is_looked_at_once() -> None:
    git("init")
    git("config", "user.email", "a@example.com")
    git("config", "user.name", "A")
    write("a.yaml", text="a: 0\n")
    git("add", ".")
    git("commit", "-m", "base")
    git("branch", "other")
    write("a.yaml", text="a: 1\n")
    git("commit", "-am", "one")
    git("checkout", "other")
    write("a.yaml", text="a: 2\n")
    git("commit", "-am", "two")
    with pytest.raises(subprocess.CalledProcessError):
        git("merge", "-")
    assert found() == ["a.yaml"]


@pytest.mark.parametrize("known", ["nested", "submodule"])
def test_repositories_inside_a_repository_are_looked_at(known: str) -> None:
    git("init")
    write("inner/a.yaml", "inner/ignored.yaml", "outer.yaml")
    write("inner/.gitignore", text="ignored.yaml\n")
    git("init", folder="inner")
    git("config", "user.email", "a@example.com", folder="inner")
    git("config", "user.name", "A", folder="inner")
    git("add", ".", folder="inner")
    git("commit", "-m", "inner", folder="inner")
    if known == "submodule":
        git("-c", "protocol.file.allow=always", "submodule", "add", "./inner")
    assert found() == ["inner/a.yaml", "outer.yaml"]


def test_a_repository_below_a_plain_folder_keeps_its_ignores() -> None:
    write("plain.yaml", "repo/a.yaml", "repo/ignored.yaml")
    write("repo/.gitignore", text="ignored.yaml\n")
    git("init", folder="repo")
    assert found() == ["plain.yaml", "repo/a.yaml"]


def test_names_that_git_would_quote() -> None:
    git("init")
    names = ["blank here.yaml", "grüße.yaml", 'quote".yaml' if os.name == "posix" else "q.yaml"]
    write(*names)
    assert found() == sorted(names)


def test_the_environment_of_a_hook_of_another_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    write("other/ignored.yaml", "here/a.yaml", "here/ignored.yaml")
    write("here/.gitignore", text="ignored.yaml\n")
    git("init", folder="other")
    git("add", ".", folder="other")
    git("init", folder="here")
    monkeypatch.setenv("GIT_DIR", str(Path("other/.git").absolute()))
    monkeypatch.setenv("GIT_INDEX_FILE", str(Path("other/.git/index").absolute()))
    assert found("here") == ["here/a.yaml"]


@posix
def test_nothing_of_a_repository_is_run() -> None:
    git("init")
    write("a.yaml")
    write("spy.sh", text="#!/bin/sh\ntouch ran\n")
    Path("spy.sh").chmod(0o755)
    git("config", "core.fsmonitor", str(Path("spy.sh").absolute()))
    assert found() == ["a.yaml"]
    assert not Path("ran").exists()


def test_where_git_refuses_everything_is_looked_at_and_that_is_said() -> None:
    git("init")
    write("a.yaml", "ignored.yaml")
    write(".gitignore", text="ignored.yaml\n")
    write(".git/config", text="this is not a git config [\n")
    listing = discover(["."], lambda _: False)
    assert [file.path for file in listing.files] == ["a.yaml", "ignored.yaml"]
    [warning] = listing.warnings
    assert warning.startswith(".: git cannot tell what it ignores")


def test_without_git_everything_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    git("init")
    write("a.yaml")
    monkeypatch.setenv("PATH", "")
    listing = discover(["."], lambda _: False)
    assert [file.path for file in listing.files] == ["a.yaml"]
    assert listing.warnings == []
    assert listing.notes == [
        ".: there is no git here, so files that git ignores are looked at, too"
    ]


def test_bytes_that_are_no_text_in_a_name() -> None:
    if sys.platform != "linux":
        pytest.skip("other systems have no such names")
    Path(os.fsdecode(b"bad\xff.yaml")).write_text("a: 1\n")
    assert found() == ["bad\udcff.yaml"]
