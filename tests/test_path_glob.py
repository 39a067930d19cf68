"""Do globs mean what git means by them, and is none of them slow?"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rke2_policies.path_glob import PathGlob, problem


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("vendor", "vendor/a.yaml", True),
        ("vendor", "deep/vendor/a.yaml", True),
        ("vendor", "vendor", True),
        ("vendor", "vendors/a.yaml", False),
        ("vendor/", "vendor/a.yaml", True),
        ("vendor/", "deep/vendor/a.yaml", True),
        pytest.param("vendor/", "vendor", False, id="a folder is no file"),
        pytest.param("vendor/", "vendor/", True, id="a folder's path ends in /"),
        ("/vendor", "vendor/a.yaml", True),
        ("/vendor", "deep/vendor/a.yaml", False),
        ("./vendor", "deep/vendor/a.yaml", False),
        ("clusters/lab", "clusters/lab/a.yaml", True),
        ("clusters/lab", "x/clusters/lab/a.yaml", False),
        ("*.yaml", "a.yaml", True),
        ("*.yaml", "a/.hidden.yaml", True),
        ("*.yaml", "a.yaml.j2", False),
        ("*.yaml", "a\nb.yaml", True),
        ("a/*.yaml", "a/b/c.yaml", False),
        ("a/**", "a/b/c.yaml", True),
        ("a/**", "a", False),
        ("a/**/c.yaml", "a/c.yaml", True),
        ("a/**/c.yaml", "a/b/b/c.yaml", True),
        ("**/lab/*.yaml", "lab/a.yaml", True),
        ("**", "a", True),
        pytest.param("**", "", False, id="the glob's own folder"),
        ("?.yaml", "a.yaml", True),
        ("?.yaml", "é.yaml", True),
        ("?.yaml", "ab.yaml", False),
        ("[ab].yaml", "b.yaml", True),
        ("[!ab].yaml", "b.yaml", False),
        ("[a-c]x", "bx", True),
        ("a[/]b", "a/b", False),
        pytest.param("[*].yaml", "*.yaml", True, id="an asterisk itself"),
        pytest.param("[]].yaml", "].yaml", True, id="a bracket itself"),
        pytest.param("a[b", "a[b", True, id="a bracket that is never closed"),
        pytest.param("[[a]", "[", True, id="a bracket in brackets"),
        pytest.param("a.b", "axb", False, id="a dot is a dot"),
    ],
)
def test_what_a_glob_means(pattern: str, path: str, *, matches: bool) -> None:
    assert PathGlob(pattern).matches(path) is matches
    assert PathGlob(pattern, "/r").matches(f"/r/{path}") is matches
    assert not PathGlob(pattern, "/r").matches(f"/elsewhere/{path}")


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("../lab/", "/r/lab/a.yaml", True),
        ("../lab/", "/r/ci/lab/a.yaml", False),
        ("../../lab/", "/lab/a.yaml", True),
        ("../*.yaml", "/r/a.yaml", True),
        ("../../../*.yaml", "/a.yaml", True),
    ],
)
def test_a_glob_may_start_in_a_folder_above(pattern: str, path: str, *, matches: bool) -> None:
    assert PathGlob(pattern, "/r/ci").matches(path) is matches


@pytest.mark.parametrize(
    ("pattern", "path", "names"),
    [
        ("*.yaml.j2", "a/b.yaml.j2", True),
        ("clusters/*.tmpl", "clusters/a.tmpl", True),
        ("Clusterfile", "a/Clusterfile", True),
        ("clusters/prod", "clusters/prod/README.md", False),
        ("clusters/*", "clusters/README.md", False),
        ("clusters/**", "clusters/README.md", False),
        ("releases/v1.2", "releases/v1.2/README.md", False),
        ("*.yaml", "a.json", False),
    ],
)
def test_a_file_by_its_name_or_by_its_folder(pattern: str, path: str, *, names: bool) -> None:
    assert PathGlob(pattern).names(path) is names


def test_who_takes_a_glob_over_has_the_name_and_not_the_path() -> None:
    assert PathGlob("vendor/", "/r/ci").taken_over("/r") == PathGlob("vendor/", "/r")
    assert PathGlob("a/vendor", "/r/ci").taken_over("/r") == PathGlob("a/vendor", "/r/ci")


@pytest.mark.parametrize(
    ("pattern", "wrong"),
    [
        ("clusters/*.yaml", ""),
        ("../lab/", ""),
        ("./lab", ""),
        ("/lab", ""),
        ("**", ""),
        ("", "a glob is a name, or names with one / between them"),
        ("/", "a glob is a name, or names with one / between them"),
        ("../", "a glob is a name, or names with one / between them"),
        ("a//b", "a glob is a name, or names with one / between them"),
        ("a/../b", "a glob has ./ and ../ at its beginning only"),
        ("a/.", "a glob has ./ and ../ at its beginning only"),
        (".", "a glob has ./ and ../ at its beginning only"),
        ("!a", "a glob does not begin with !: nothing is taken back"),
        ("a\\*", "a glob has no backslashes: / separates folders, and [*] is an asterisk"),
        ("[b-a]", "a glob has its ranges in order, as in [a-z]"),
        ("a" * 1001, "a glob has at most 1000 characters"),
    ],
)
def test_what_is_no_glob(pattern: str, wrong: str) -> None:
    assert problem(pattern) == wrong


NAMES = ["a", "b", "ab", "abc", "a.yaml", "b.yaml", "a.gen.yaml", "-", "x y"]
STEPS = ["a", "b", "ab", "*", "**", "***", "?", "a*", "*b", "*.yaml", "a*c", "[ab]", "[!a]", "[a-c]*", "*.gen.*"]  # fmt: skip
PATTERNS = st.builds(
    lambda start, steps, end: start + "/".join(steps) + end,
    st.sampled_from(["", "", "/"]),
    st.lists(st.sampled_from(STEPS), min_size=1, max_size=4),
    st.sampled_from(["", "", "/"]),
)
PATHS = st.lists(
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map("/".join), min_size=30, max_size=60
)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("globs")
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    return folder


@given(pattern=PATTERNS, paths=PATHS)
@settings(max_examples=100, deadline=None)
def test_git_means_the_same(repository: Path, pattern: str, paths: list[str]) -> None:
    assert problem(pattern) == ""
    (repository / ".gitignore").write_text(f"{pattern}\n", encoding="utf-8")
    told = subprocess.run(
        ["git", "-C", repository, "check-ignore", "--no-index", "-z", "--stdin"],
        input="\0".join(paths).encode(),
        capture_output=True,
    )
    ignored = set(told.stdout.decode().split("\0")) - {""}
    assert {path for path in paths if PathGlob(pattern).matches(path)} == ignored


@given(st.text(alphabet="ab*?[]!^-/.~&|{}()+$ \n", max_size=40), st.text("ab/.-\n", max_size=20))
@settings(max_examples=300, deadline=None)
def test_any_glob_is_used_or_refused(pattern: str, path: str) -> None:
    if not problem(pattern):
        assert PathGlob(pattern, "/r").matches(f"/r/{path}") in (True, False)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        pytest.param("*a" * 400 + "b", "a" * 250, id="many stars in a name"),
        pytest.param("**/a/" * 190 + "b", "a/" * 2000, id="many folders"),
        pytest.param("**/*a*a*a*a/" * 70 + "b", f"{'a' * 200}/" * 40, id="both"),
    ],
)
def test_no_glob_is_slow(pattern: str, path: str) -> None:
    start = time.process_time()
    assert not PathGlob(pattern).matches(path)
    assert time.process_time() - start < 1
