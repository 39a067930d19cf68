"""Which files are looked at, and does `rke2-lint files` say so, and why not? Through the command line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from rke2_lint import files

posix = pytest.mark.skipif(os.name != "posix", reason="there are no such files on Windows")

UNPINNED = """\
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: prod, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig: {cni: calico}
    machinePools:
      - {name: all, controlPlaneRole: true, etcdRole: true, workerRole: true, quantity: 1}
"""
TREE = (
    "a.yaml", "clusters/b.yaml", "clusters/lab/c.yaml", "vendor/d.yaml", "apps/vendor/e.yaml",
    "clusters/f.gen.yaml",
)  # fmt: skip


@pytest.fixture(params=["git", "no git"])
def tree(lint: Any, request: pytest.FixtureRequest) -> Any:
    """A folder with unpinned Clusters, in a git repository and in none."""
    if request.param == "git":
        lint.git("init", "--quiet")
    else:
        (lint.folder / ".rke2-lint.yaml").touch()  # the lookup ends here
    lint.write(dict.fromkeys(TREE, UNPINNED))
    return lint


# --- include and exclude


@pytest.mark.parametrize(
    ("said", "left_out"),
    [
        pytest.param("exclude: []", [], id="nothing"),
        pytest.param("exclude: [vendor]", ["vendor/d.yaml", "apps/vendor/e.yaml"], id="a name"),
        pytest.param("exclude: [vendor/]", ["vendor/d.yaml", "apps/vendor/e.yaml"], id="a folder"),
        pytest.param("exclude: [/vendor]", ["vendor/d.yaml"], id="a folder right here"),
        pytest.param("exclude: [./vendor]", ["vendor/d.yaml"], id="the same"),
        pytest.param("exclude: ['*.gen.yaml']", ["clusters/f.gen.yaml"], id="names"),
        pytest.param("exclude: [clusters/lab]", ["clusters/lab/c.yaml"], id="a path"),
        pytest.param("exclude: [lab/c.yaml]", [], id="a path that starts nowhere here"),
        pytest.param("exclude: ['**/lab/c.yaml']", ["clusters/lab/c.yaml"], id="any folders"),
        pytest.param("exclude: ['clusters/*.yaml']", ["clusters/b.yaml", "clusters/f.gen.yaml"], id="no deeper"),
        pytest.param("exclude: ['clusters/**']", ["clusters/b.yaml", "clusters/lab/c.yaml", "clusters/f.gen.yaml"], id="all below"),
        pytest.param("exclude: ['[a-c].yaml']", ["a.yaml", "clusters/b.yaml", "clusters/lab/c.yaml"], id="characters"),
        pytest.param("exclude: ['**']", [*TREE], id="everything"),
        pytest.param("include: [clusters]", ["a.yaml", "vendor/d.yaml", "apps/vendor/e.yaml"], id="include a folder"),
        pytest.param("include: ['b.yaml', /vendor]", ["a.yaml", "clusters/lab/c.yaml", "apps/vendor/e.yaml", "clusters/f.gen.yaml"], id="include two things"),
        pytest.param("include: [clusters]\nexclude: [lab]", ["a.yaml", "clusters/lab/c.yaml", "vendor/d.yaml", "apps/vendor/e.yaml"], id="exclude wins"),
    ],
)  # fmt: skip
def test_what_a_configuration_leaves_out(tree: Any, said: str, left_out: list[str]) -> None:
    tree.write({".rke2-lint.yaml": f"{said}\n"})
    looked_at = sorted({*TREE} - {*left_out})
    assert tree.found().paths == looked_at
    tree.go_to("clusters")
    assert tree.found("..").paths == [f"../{one}" for one in looked_at]


def test_include_takes_in_what_is_named_whatever_its_suffix(tree: Any) -> None:
    tree.write(
        {
            "clusters/x.yaml.j2": UNPINNED,
            "clusters/README": UNPINNED,
            "plain.txt": UNPINNED,
            ".rke2-lint.yaml": "include: ['*.yaml', '*.yaml.j2', clusters/]\n",
        }
    )
    assert tree.found().paths == sorted([*TREE, "clusters/x.yaml.j2"])


def test_the_nearest_configuration_alone_says_what_is_left_out(tree: Any) -> None:
    tree.write({".rke2-lint.yaml": "exclude: ['*.gen.yaml', /vendor]\n"})
    tree.write({"clusters/.rke2-lint.yaml": "extends: default\n"})
    assert "clusters/f.gen.yaml" in tree.found().paths
    tree.write({"vendor/.rke2-lint.yaml": "extends: default\n"})
    assert "vendor/d.yaml" not in tree.found().paths  # nobody comes there
    tree.write({"clusters/.rke2-lint.yaml": "extends: ../.rke2-lint.yaml\n"})
    assert "clusters/f.gen.yaml" not in tree.found().paths


# --- named files


def test_a_named_file_is_looked_at_whatever_is_excluded(tree: Any) -> None:
    tree.write({".rke2-lint.yaml": "exclude: [vendor]\ninclude: [vendor]\n"})
    assert tree.found("vendor/d.yaml", "a.yaml").paths == ["a.yaml", "vendor/d.yaml"]
    assert tree.found("vendor").paths == ["vendor/d.yaml"]


def test_unless_it_is_to_be_left_out_all_the_same(tree: Any) -> None:
    """As pre-commit asks, which names every file that has changed."""
    tree.write({".rke2-lint.yaml": "exclude: [vendor]\n"})
    done = tree.found("--force-exclude", "vendor/d.yaml", "a.yaml", "apps/vendor", "-v")
    assert done.paths == ["a.yaml"]
    assert "note: vendor/d.yaml: excluded by .rke2-lint.yaml:1 (vendor)\n" in done.err
    assert "note: apps/vendor: excluded by .rke2-lint.yaml:1 (vendor)\n" in done.err
    assert "Checked 1 file " in done.err
    tree.write({".rke2-lint.yaml": "include: [clusters]\n"})
    done = tree.found("--force-exclude", "clusters/b.yaml", "a.yaml", "-v")
    assert done.paths == ["clusters/b.yaml"]
    assert "note: a.yaml: not included by .rke2-lint.yaml:1\n" in done.err


def test_what_is_in_a_named_folder_is_left_out_by_its_own_name(tree: Any) -> None:
    tree.write({".rke2-lint.yaml": "exclude: [clusters, lab]\n"})
    assert tree.found("clusters").paths == ["clusters/b.yaml", "clusters/f.gen.yaml"]


def test_standard_input_is_left_out_by_its_name(tree: Any) -> None:
    tree.write({".rke2-lint.yaml": "exclude: [vendor]\n"})
    named = ["-", "--stdin-filename", "vendor/new.yaml"]
    assert tree.found(*named, stdin=UNPINNED).paths == ["vendor/new.yaml"]
    done = tree.found("--force-exclude", *named, stdin=UNPINNED)
    assert (done.status, done.found) == (0, [])
    # An editor gets back what it gave.
    assert tree("--force-exclude", "--fix", *named, stdin=UNPINNED).out == UNPINNED


# --- from the command line


def test_exclude_is_added_to_what_configurations_say(tree: Any) -> None:
    tree.write({".rke2-lint.yaml": "exclude: [/vendor]\n"})
    done = tree.found("--exclude", "lab", "--exclude", "apps/**", "-v")
    assert done.paths == ["a.yaml", "clusters/b.yaml", "clusters/f.gen.yaml"]
    assert "excluded by --exclude lab\n" in done.err
    tree.go_to("clusters")
    assert tree.found("--isolated", "--exclude", "/lab").paths == ["b.yaml", "f.gen.yaml"]
    assert tree.found("--force-exclude", "--exclude", "b.yaml", "b.yaml").paths == []


@pytest.mark.parametrize("glob", ["!a", "", "a//b", "a\\b", "[b-a]"])
def test_a_glob_that_is_none_is_told(tree: Any, glob: str) -> None:
    done = tree(f"--exclude={glob}")
    assert done.status == 2
    assert done.err.startswith(f"rke2-lint: error: --exclude {glob}: a glob ")


def test_effective_leaves_out_the_same(tree: Any) -> None:
    tree.write({".rke2-lint.yaml": "exclude: [/vendor, apps, clusters]\n"})
    told = tree("effective", "--output-format", "json").json["machines"]
    assert [machine["path"] for machine in told] == ["a.yaml"]


# --- what is read once, or not at all


@posix
def test_a_folder_that_is_left_out_is_not_walked(lint: Any) -> None:
    """It may hold anything: a million files, or none that may be opened."""
    lint.write({"a.yaml": UNPINNED, ".rke2-lint.yaml": "exclude: [huge/]\n"})
    (lint.folder / "huge").mkdir()
    real = os.scandir
    opened: list[str] = []

    def spying(path: str) -> Any:
        opened.append(path)
        return real(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "scandir", spying)
        assert lint.found().paths == ["a.yaml"]
    assert opened == ["."]


def test_a_large_file_is_told_where_it_is_ours(lint: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_BYTES", 2000)
    lint.git("init", "--quiet")
    large = UNPINNED + "# long\n" * 400
    lint.write(
        {"ours.yaml": large, "other.yaml": "kind: Deployment\n" * 200, "small.yaml": UNPINNED}
    )
    done = lint.found("-v")
    assert done.paths == ["ours.yaml", "small.yaml"]
    assert ("ours.yaml", "syntax", "error") in done.found
    assert "note: other.yaml: is very large, and does not look like ours\n" in done.err
    told = {
        one["path"]: one["reason"] for one in lint("files", "--output-format", "json").json["files"]
    }
    assert told["ours.yaml"] == "is larger than 16 MiB"


@posix
def test_links_and_their_files_are_told_once(lint: Any) -> None:
    lint.git("init", "--quiet")
    lint.write({"z/real.yaml": UNPINNED})
    (lint.folder / "link.yaml").symlink_to("z/real.yaml")
    (lint.folder / "round").symlink_to(".")
    (lint.folder / "gone.yaml").symlink_to("nowhere")
    assert lint.found().paths == ["z/real.yaml"]
    assert told(lint)["link.yaml"] == ("left-out", None, "the same file as z/real.yaml")
    assert told(lint)["gone.yaml"] == ("left-out", None, "is a link that leads nowhere")
    assert told(lint)["round"] == ("left-out", None, "is a link to a folder")


@posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_told_and_the_rest_is_looked_at(lint: Any) -> None:
    lint.git("init", "--quiet")
    lint.write({"closed.yaml": UNPINNED, "open.yaml": UNPINNED})
    (lint.folder / "closed.yaml").chmod(0)
    done = lint.found()
    assert (done.status, done.paths) == (1, ["open.yaml"])
    assert "warning: closed.yaml: Permission denied\n" in done.err
    assert lint.found("closed.yaml").status == 2
    assert told(lint)["closed.yaml"] == ("unreadable", None, "Permission denied")


# --- `rke2-lint files`


def told(lint: Any, *arguments: str) -> dict[str, tuple[str, str | None, str]]:
    """Return status, kind and reason of each file."""
    rows = lint("files", "--output-format", "json", *arguments).json["files"]
    assert [row["path"] for row in rows] == sorted(row["path"] for row in rows)
    return {row["path"]: (row["status"], row["kind"], row["reason"]) for row in rows}


def test_files_tells_of_each_file_what_it_is_or_why_not(lint: Any) -> None:
    lint.git("init", "--quiet")
    node = "nodes/a/etc/rancher/rke2/config.yaml"
    lint.write(
        {
            ".gitignore": "build/\n*.tmp.yaml\n",
            ".rke2-lint.yaml": "\nexclude: [vendor/]\n",
            "README.md": "",
            "app/pyproject.toml": "[project]\nname = 'rke2-lint-rules'\n",
            "team/pyproject.toml": "[tool.rke2-lint]\n",
            "apps/d.yaml": "kind: Deployment\n",
            "broken.yaml": UNPINNED + "x: [\n",
            "build/x.yaml": UNPINNED,
            "clusters/a.yaml": UNPINNED,
            "clusters/k3s.yaml": UNPINNED.replace("+rke2r1", "+k3s1"),
            "old.tmp.yaml": UNPINNED,
            node: "cni: calico\n",
            f"{node}.d/20-x.yaml": "",
            "nodes/a/etc/default/rke2-server": "A=b\n",
            "vendor/e.yaml": UNPINNED,
        }
    )
    not_ours = ("left-out", None, "neither YAML nor JSON, nor another file that RKE2 reads")
    found = told(lint)
    broken, k3s, read = found.pop("broken.yaml"), found.pop("clusters/k3s.yaml"), found.pop(node)
    assert broken[0] == k3s[0] == read[0] == "read"
    assert k3s[1:] == (
        "Cluster of provisioning.cattle.io",
        "K3s runs kube-proxy in its own process and knows no kube-proxy-extra-env",
    )
    assert read[1] == "RKE2 configuration"
    assert found == {
        ".gitignore": not_ours,
        ".rke2-lint.yaml": ("left-out", None, "a configuration of rke2-lint"),
        "README.md": not_ours,
        "app/pyproject.toml": not_ours,
        "team/pyproject.toml": ("left-out", None, "a configuration of rke2-lint"),
        "apps/d.yaml": ("searched", None, "says nothing of RKE2"),
        "build/": ("left-out", None, "ignored by git (.gitignore:1)"),
        "clusters/a.yaml": ("read", "Rancher Cluster", "its apiVersion and kind say so"),
        "old.tmp.yaml": ("left-out", None, "ignored by git (.gitignore:2)"),
        f"{node}.d/20-x.yaml": read,
        "nodes/a/etc/default/rke2-server": read,
        "vendor/e.yaml": ("left-out", None, "excluded by .rke2-lint.yaml:2 (vendor/)"),
    }


def test_files_reads_what_check_reads(tree: Any) -> None:
    tree.write({".rke2-lint.yaml": "exclude: [lab]\n", "d.yaml": "kind: Deployment\n", "x.md": ""})
    looked_at = [
        path for path, (status, _, _) in told(tree).items() if status in ("read", "searched")
    ]
    assert f"Checked {len(looked_at)} files" in tree().err
    assert "clusters/lab/c.yaml" not in looked_at


OTHER = "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: db}\n"


@pytest.mark.parametrize(
    "objects",
    [
        pytest.param((UNPINNED, OTHER), id="ours first"),
        pytest.param((OTHER, UNPINNED), id="ours last"),
    ],
)
def test_files_tells_of_the_cluster_that_is_looked_at(lint: Any, objects: tuple[str, str]) -> None:
    lint.write({"x.yaml": "---\n".join(objects)})
    assert told(lint)["x.yaml"] == ("read", "Rancher Cluster", "its apiVersion and kind say so")


def test_files_counts_what_most_files_are(tree: Any) -> None:
    tree.write(
        {".rke2-lint.yaml": "exclude: [/vendor]\n", "x.md": "", "y.md": "", "d.yaml": "a: 1\n"}
    )
    done = tree("files")
    assert done.status == 0
    assert done.out.startswith("PATH ")
    assert "x.md" not in done.out
    assert (
        "2 files: neither YAML nor JSON, nor another file that RKE2 reads (see --verbose)\n"
        in done.out
    )
    assert "1 file: says nothing of RKE2 (see --verbose)\n" in done.out
    assert "x.md " in tree("files", "-v").out


def test_files_tells_of_paths_and_of_what_has_not_changed(lint: Any) -> None:
    lint.git("init", "--quiet")
    lint.write({"a.yaml": UNPINNED, "deep/b.yaml": UNPINNED})
    lint.commit()
    lint.write({"deep/c.yaml": UNPINNED})
    found = told(lint, "--since", "HEAD")
    assert [found[path][0] for path in ("a.yaml", "deep/b.yaml", "deep/c.yaml")] == [
        "left-out",
        "left-out",
        "read",
    ]
    assert found["a.yaml"][2] == "has not changed since HEAD"
    assert (
        "2 files: has not changed since HEAD (see --verbose)\n"
        in lint("files", "--since", "HEAD").out
    )
    assert "a.yaml  " in lint("files", "--since", "HEAD", "--verbose").out
    assert list(told(lint, "deep")) == ["deep/b.yaml", "deep/c.yaml"]
    assert told(lint, "--as", "rke2-config", "a.yaml")["a.yaml"][0] == "read"
    done = lint("files", "nowhere.yaml")
    assert done.status == 2
    assert "error: nowhere.yaml: No such file or directory\n" in done.err


def test_files_names_the_configuration_of_each(lint: Any) -> None:
    lint.git("init", "--quiet")
    lint.write({"lab/.rke2-lint.yml": "", "lab/a.yaml": UNPINNED, "b.yaml": UNPINNED})
    rows = lint("files", "--output-format", "json").json["files"]
    assert {row["path"]: row["configuration"] for row in rows} == {
        "b.yaml": None, "lab/.rke2-lint.yml": "lab/.rke2-lint.yml", "lab/a.yaml": "lab/.rke2-lint.yml",
    }  # fmt: skip


@pytest.mark.parametrize("config", ["", "levels: {missing-nft-pin: off}\n"])
def test_a_repository_inside_is_left_out_by_the_one_around_it(lint: Any, config: str) -> None:
    lint.git("init", "--quiet")
    lint.git("init", "--quiet", "vendor/inner")
    lint.write({".rke2-lint.yaml": "exclude: [vendor/]\n", "vendor/inner/a.yaml": UNPINNED})
    if config:
        lint.write({"vendor/inner/.rke2-lint.yaml": config})
    lint.commit("vendor/inner")
    found = told(lint)
    assert found.pop(".rke2-lint.yaml")[0] == "left-out"
    reason = "excluded by .rke2-lint.yaml:1 (vendor/)"
    assert found == {"vendor/inner/": ("left-out", None, reason)}
    alone = told(lint, "--force-exclude", "vendor/inner/a.yaml")
    assert alone["vendor/inner/a.yaml"][0] == "read", "a clone says the same wherever it is"
    named = told(lint, "vendor/inner")
    assert named["vendor/inner/a.yaml"][0] == "read", "whoever names it means it"


def test_files_of_a_submodule_and_its_ignores(lint: Any, tmp_path: Path) -> None:
    lint.git("init", "--quiet")
    lint.git("init", "--quiet", "inner")
    lint.write({"inner/.gitignore": "x.yaml\n", "inner/x.yaml": UNPINNED, "inner/a.yaml": UNPINNED})
    lint.commit("inner")
    assert told(lint)["inner/x.yaml"] == ("left-out", None, "ignored by git (inner/.gitignore:1)")
