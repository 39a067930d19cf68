"""Does `--since` look at what has changed, and at what means something else because of it? In real repositories."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

posix = pytest.mark.skipif(os.name != "posix", reason="there is no such thing on Windows")

PINNED = """\
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: NAME, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: [IPTABLES_MODE=nft]
    machinePools:
      - {name: all, controlPlaneRole: true, etcdRole: true, workerRole: true, quantity: 1}
"""
UNPINNED = PINNED.replace("kube-proxy-extra-env: [IPTABLES_MODE=nft]", "cni: calico")
FILES = """\
    machineSelectorFiles:
      - fileSources:
          - secret:
              name: shop-proxy
              items:
                - {key: proxy, path: /etc/rancher/rke2/config.yaml.d/99-proxy.yaml}
"""
REFERRING = PINNED + FILES
SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: shop-proxy, namespace: fleet-default}
stringData:
  proxy: |
    kube-proxy-extra-env+: [GOGC=50]
"""
NODE = "nodes/a/etc/rancher/rke2/config.yaml"


@pytest.fixture(autouse=True)
def repository(lint: Any) -> None:
    """Begin on a branch, off another one that has gone on since."""
    lint.git("init", "--quiet", "--initial-branch=main")
    lint.write({"old.yaml": UNPINNED, "theirs.yaml": PINNED})
    lint.commit()
    lint.git("branch", "topic")
    lint.write({"theirs.yaml": UNPINNED})
    lint.commit()
    lint.git("checkout", "--quiet", "topic")


def since(lint: Any, *arguments: str) -> list[str]:
    """Return the files in which something is found, of those that have changed."""
    paths: list[str] = lint.found("--since", "main", *arguments).paths
    return paths


# --- what has changed


def test_nothing_has_changed(lint: Any) -> None:
    done = lint("--since", "main", "-v")
    assert (done.status, done.out) == (0, "")
    assert "note: 2 files have not changed since main\n" in done.err


def test_what_was_committed_since_it_branched_off(lint: Any) -> None:
    """What the other branch has done since is not ours: `theirs.yaml` is unpinned there."""
    lint.write({"new.yaml": UNPINNED, "deep/new.yaml": UNPINNED})
    lint.commit()
    assert since(lint) == ["deep/new.yaml", "new.yaml"]
    assert lint.found("--since", "HEAD").paths == []
    assert lint.found("--since", "HEAD~1").paths == ["deep/new.yaml", "new.yaml"]


@pytest.mark.parametrize("staged", [True, False], ids=["staged", "on disk"])
def test_what_is_not_committed(lint: Any, *, staged: bool) -> None:
    lint.write({"old.yaml": UNPINNED + "# changed\n", "new.yaml": UNPINNED})
    if staged:
        lint.git("add", "--all")
    assert since(lint) == ["new.yaml", "old.yaml"]
    assert lint.found("--since", "HEAD").paths == ["new.yaml", "old.yaml"]


def test_what_git_ignores_is_not_new(lint: Any) -> None:
    lint.write({".gitignore": "build/\n", "build/a.yaml": UNPINNED})
    assert since(lint) == []


def test_what_is_renamed_has_changed(lint: Any) -> None:
    lint.git("mv", "old.yaml", "moved.yaml")
    assert since(lint) == ["moved.yaml"]
    lint.commit()
    assert since(lint) == ["moved.yaml"]


def test_what_is_deleted_is_no_error(lint: Any) -> None:
    (lint.folder / "old.yaml").unlink()
    assert since(lint) == []


def test_a_file_whose_time_alone_has_changed_has_not(lint: Any) -> None:
    os.utime(lint.folder / "old.yaml", (1, 1))
    assert since(lint) == []


def test_a_conflict_has_changed(lint: Any) -> None:
    lint.write({"theirs.yaml": PINNED.replace("=nft", "=NFT")})
    lint.commit()
    with pytest.raises(subprocess.CalledProcessError):
        lint.git("merge", "main")
    assert since(lint) == ["theirs.yaml"]


def test_names_that_git_would_quote(lint: Any) -> None:
    names = ["blank here.yaml", "grüße.yaml", "a:b.yaml" if os.name == "posix" else "c.yaml"]
    lint.write(dict.fromkeys(names, UNPINNED))
    assert since(lint) == sorted(names)
    lint.commit()
    assert since(lint) == sorted(names)


@posix
def test_a_link_has_changed_with_what_it_leads_to(lint: Any) -> None:
    lint.write(
        {"shared/proxy.yaml": "kube-proxy-extra-env: [IPTABLES_MODE=nft]\n", f"{NODE}.d/.keep": ""}
    )
    (lint.folder / f"{NODE}.d/20-proxy.yaml").symlink_to("../../../../../../shared/proxy.yaml")
    lint.commit()
    lint.write({"shared/proxy.yaml": "kube-proxy-extra-env: [IPTABLES_MODE=NFT]\n"})
    assert f"{NODE}.d/20-proxy.yaml" in lint.found("--since", "HEAD").paths


@pytest.mark.parametrize(
    ("where", "paths", "found"),
    [
        (".", ["deep"], ["deep/new.yaml"]),
        (".", ["deep/new.yaml", "old.yaml"], ["deep/new.yaml"]),
        ("deep", [], ["new.yaml"]),
        ("deep", [".."], ["../deep/new.yaml", "../new.yaml"]),
        ("deep", ["../old.yaml", "./new.yaml"], ["./new.yaml"]),
    ],
)
def test_paths_are_those_that_were_named(
    lint: Any, where: str, paths: list[str], found: list[str]
) -> None:
    lint.write({"new.yaml": UNPINNED, "deep/new.yaml": UNPINNED})
    lint.go_to(where)
    assert since(lint, *paths) == found


@posix
def test_a_folder_seen_through_a_link(lint: Any, tmp_path: Path) -> None:
    lint.write({"deep/new.yaml": UNPINNED})
    (tmp_path / "link").symlink_to("deep")
    assert since(lint, "link") == ["link/new.yaml"]


def test_fixes_are_made_in_what_has_changed(lint: Any) -> None:
    lint.write({"new.yaml": UNPINNED})
    done = lint("--fix", "--since", "main")
    assert done.status == 0
    assert "IPTABLES_MODE=nft" in lint.read("new.yaml")
    assert lint.read("old.yaml") == UNPINNED


def test_standard_input_is_always_new(lint: Any) -> None:
    done = lint.found("--since", "main", "-", "--stdin-filename", "old.yaml", stdin=UNPINNED)
    assert done.paths == ["old.yaml"]


def test_what_is_excluded_stays_so(lint: Any) -> None:
    lint.write({"vendor/a.yaml": UNPINNED, ".rke2-lint.yaml": "exclude: [vendor/]\n"})
    assert since(lint) == []


# --- what means something else


def test_a_drop_in_is_seen_with_its_neighbours(lint: Any) -> None:
    lint.write({NODE: "kube-proxy-extra-env: [IPTABLES_MODE=nft]\n"})
    lint.commit()
    lint.write({f"{NODE}.d/20-proxy.yaml": "kube-proxy-extra-env: [A=b]\n"})
    assert lint.found("--since", "HEAD").paths == [f"{NODE}.d/20-proxy.yaml"]


def test_the_rest_of_a_node_whose_drop_in_is_gone(lint: Any) -> None:
    lint.write(
        {
            NODE: "cni: calico\n",
            f"{NODE}.d/20-pin.yaml": "kube-proxy-extra-env: [IPTABLES_MODE=nft]\n",
        }
    )
    lint.commit()
    assert lint.found().paths == ["old.yaml"]
    (lint.folder / f"{NODE}.d/20-pin.yaml").unlink()
    done = lint.found("--since", "HEAD", "-v")
    assert done.paths == [NODE]
    assert f"note: {NODE}: looked at, because a file of its node is gone\n" in done.err


def test_the_drop_ins_of_a_file_that_is_gone(lint: Any) -> None:
    lint.write(
        {
            NODE: "kube-proxy-extra-env: [IPTABLES_MODE=nft]\n",
            f"{NODE}.d/20-x.yaml": "cni: calico\n",
        }
    )
    lint.commit()
    lint.git("mv", NODE, "elsewhere.yaml")
    assert f"{NODE}.d/20-x.yaml" in lint.found("--since", "HEAD").paths


def test_a_cluster_is_seen_with_the_secret_that_it_refers_to(lint: Any) -> None:
    lint.write({"secrets/s.yaml": SECRET})
    lint.commit()
    lint.write({"shop.yaml": REFERRING})
    assert lint.found("--since", "HEAD").found == []
    # Without that file its backend would be unknown.
    assert [one[1] for one in lint.found("shop.yaml").found] == ["file-may-override"]


CHANGES = {
    "it says something else": SECRET.replace("env+", "env"),
    "it is called another name": SECRET.replace("shop-proxy", "store-proxy"),
    "it is gone, and the file is not": "kind: Deployment\n",
    "it is gone": None,
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_cluster_whose_secret_has_changed(lint: Any, change: str) -> None:
    lint.write(
        {
            "shop.yaml": REFERRING,
            "other.yaml": REFERRING.replace("shop-proxy", "another"),
            "secrets/s.yaml": SECRET,
        }
    )
    lint.commit()
    text = CHANGES[change]
    if text is None:
        (lint.folder / "secrets/s.yaml").unlink()
    else:
        lint.write({"secrets/s.yaml": text})
    done = lint.found("--since", "HEAD", "-v")
    assert done.paths == ["shop.yaml"] or done.paths == ["secrets/s.yaml"]
    assert "note: shop.yaml: looked at, because what it refers to has changed\n" in done.err
    assert "other.yaml: looked at" not in done.err
    lint.commit()
    assert lint.found("--since", "HEAD~1").paths == done.paths
    assert lint.found("--since", "HEAD").paths == []


# --- repositories in repositories


def test_a_repository_that_git_knows_nothing_of_is_new(lint: Any) -> None:
    lint.git("init", "--quiet", "inner")
    lint.write({"inner/a.yaml": UNPINNED})
    lint.commit("inner")
    assert since(lint) == ["inner/a.yaml"]
    assert lint.found("--since", "HEAD", "inner").paths == []


@pytest.fixture
def submodule(lint: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Add a submodule with one file in it."""
    outside = tmp_path_factory.mktemp("outside")
    lint.git("init", "--quiet", folder=str(outside))
    (outside / "a.yaml").write_text(UNPINNED)
    lint.commit(str(outside))
    lint.git(
        "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(outside), "inner"
    )
    return "inner"


def test_a_new_submodule_is_new_as_a_whole(lint: Any, submodule: str) -> None:
    assert since(lint) == ["inner/a.yaml"]


def test_the_files_of_a_submodule_that_have_changed(lint: Any, submodule: str) -> None:
    lint.commit()
    assert lint.found("--since", "HEAD").paths == []
    lint.write({"inner/b.yaml": UNPINNED})
    assert lint.found("--since", "HEAD").paths == ["inner/b.yaml"]
    lint.commit(submodule)
    assert lint.found("--since", "HEAD").paths == ["inner/b.yaml"]
    lint.commit()
    assert lint.found("--since", "HEAD~1").paths == ["inner/b.yaml"]
    assert lint.found("--since", "HEAD").paths == []


# --- what cannot be compared


@pytest.mark.parametrize(
    ("revision", "message"),
    [
        ("nowhere", "git knows no revision nowhere here"),
        ("", "--since names no revision; try --since origin/main"),
        ("  ", "--since names no revision; try --since origin/main"),
        ("--output=x", "--since --output=x: this is no revision"),
        ("-x", "--since -x: this is no revision"),
        ("main..topic", "git knows no revision main..topic here"),
        ("HEAD:old.yaml", "git knows no revision HEAD:old.yaml here"),
        ("$(touch ran)", "git knows no revision $(touch ran) here"),
        ("a\nb", "git knows no revision a␊b here"),
    ],
)
def test_what_is_no_revision(lint: Any, revision: str, message: str) -> None:
    lint.write({"new.yaml": UNPINNED})
    done = lint("--fix", f"--since={revision}")
    assert (done.status, done.out, done.err) == (2, "", f"rke2-lint: error: {message}\n")
    assert lint.read("new.yaml") == UNPINNED
    assert not (lint.folder / "x").exists()
    assert not (lint.folder / "ran").exists()


@pytest.mark.parametrize(
    "revision", ["topic", "refs/heads/main", "HEAD^", ":/as it is", "main@{0}", "HEAD"]
)
def test_what_is_a_revision(lint: Any, revision: str) -> None:
    lint.commit()
    lint.write({"new.yaml": UNPINNED})
    assert lint.found("--since", revision).paths == ["new.yaml"]


def test_a_revision_of_a_remote_that_was_not_fetched(lint: Any) -> None:
    lint.git("remote", "add", "origin", "https://git.example.com/x")
    said = lint("--since", "origin/release").err
    assert said == (
        "rke2-lint: error: git knows no revision origin/release here; "
        "fetch it with `git fetch origin release`\n"
    )
    assert "in full, as in origin/release" in lint("--since", "release").err


def test_a_shallow_clone(lint: Any, tmp_path: Path) -> None:
    for _ in range(3):
        lint.commit()
    lint.git("clone", "--quiet", "--depth=1", "--no-single-branch", tmp_path.as_uri(), "shallow")
    lint.go_to("shallow")
    done = lint("--since", "origin/main")
    assert done.status == 2
    assert done.err == (
        "rke2-lint: error: origin/main and HEAD have no common ancestor here: this clone is shallow; "
        "fetch the rest with `git fetch --unshallow` (GitHub: `fetch-depth: 0`; GitLab: `GIT_DEPTH: 0`)\n"
    )
    assert "this clone is shallow" in lint("--since", "HEAD~1").err
    lint.git("fetch", "--quiet", "--unshallow", folder="shallow")
    assert lint("--since", "origin/main").status == 0


def test_branches_that_have_nothing_in_common(lint: Any) -> None:
    lint.git("checkout", "--quiet", "--orphan", "other")
    lint.write({"new.yaml": UNPINNED})
    lint.commit()
    done = lint("--since", "main")
    assert (done.status, done.err) == (2, "rke2-lint: error: main and HEAD have no common ancestor here\n")  # fmt: skip


def test_before_anything_is_committed_the_revision_itself_is_compared_with(lint: Any) -> None:
    lint.git("checkout", "--quiet", "--orphan", "other")
    assert since(lint) == []
    lint.write({"old.yaml": UNPINNED + "# changed\n"})
    assert since(lint) == ["old.yaml"]


def test_outside_of_any_repository(lint: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "a.yaml").write_text(UNPINNED)
    done = lint("--since", "main", str(elsewhere))
    assert (done.status, done.err) == (2, f"rke2-lint: error: --since needs git, and {elsewhere} is in no git repository\n")  # fmt: skip


def test_without_git(lint: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    done = lint("--since", "main")
    assert (done.status, done.err) == (2, "rke2-lint: error: --since needs git, and there is none here\n")  # fmt: skip


def test_a_repository_of_somebody_else(lint: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs as root over a checkout of another user."""
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    done = lint("--since", "main", ".")
    assert done.status == 2
    assert "git config --global --add safe.directory" in done.err


def test_a_path_that_is_not_there_is_told_as_always(lint: Any) -> None:
    done = lint("--since", "main", "nowhere.yaml")
    assert done.status == 2
    assert "nowhere.yaml: No such file or directory" in done.err


# --- what is never run


@posix
def test_no_program_of_the_repository_is_run(lint: Any) -> None:
    lint.write({"spy.sh": "#!/bin/sh\ntouch ran\ncat\n"})
    (lint.folder / "spy.sh").chmod(0o755)
    spy = str(lint.folder / "spy.sh")
    lint.write({".gitattributes": "*.yaml filter=spy diff=spy\n"})
    lint.commit()
    for key in (
        "filter.spy.clean",
        "filter.spy.process",
        "diff.external",
        "diff.spy.command",
        "diff.spy.textconv",
        "core.fsmonitor",
        "core.pager",
    ):
        lint.git("config", key, spy)
    lint.git("config", "filter.spy.required", "true")
    os.utime(lint.folder / "old.yaml", (1, 1))  # git has to look into it
    lint.write({"secret.yaml": SECRET, "theirs.yaml": UNPINNED})
    assert lint.found("--since", "HEAD").paths == ["theirs.yaml"]
    assert not (lint.folder / "ran").exists()


def test_inside_a_hook_of_another_repository(
    lint: Any, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("other")
    lint.git("init", "--quiet", folder=str(elsewhere))
    lint.write({"new.yaml": UNPINNED})
    monkeypatch.setenv("GIT_DIR", str(elsewhere / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(elsewhere / ".git/index"))
    assert since(lint) == ["new.yaml"]


@posix
def test_no_program_of_a_submodule_is_run(lint: Any, submodule: str) -> None:
    lint.commit()
    lint.write({"spy.sh": "#!/bin/sh\ntouch ran\n"})
    (lint.folder / "spy.sh").chmod(0o755)
    for key in ("core.fsmonitor", "filter.spy.clean"):
        lint.git("config", key, str(lint.folder / "spy.sh"), folder=submodule)
    lint.write({"inner/.gitattributes": "*.yaml filter=spy\n"})
    os.utime(lint.folder / "inner/a.yaml", (1, 1))  # git has to look into it
    lint.write({"inner/b.yaml": UNPINNED})
    assert "inner/b.yaml" in lint.found("--since", "HEAD").paths
    assert not list(lint.folder.rglob("ran"))


@posix
def test_git_is_asked_in_english(lint: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it says is searched for the reason, and told."""
    lint.write({"bin/git": '#!/bin/sh\necho "fatal: in $LC_ALL" >&2\nexit 1\n'})
    (lint.folder / "bin/git").chmod(0o755)
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("PATH", f"{lint.folder / 'bin'}{os.pathsep}{os.environ['PATH']}")
    assert lint("--since", "main").err.endswith("fatal: in C\n")
