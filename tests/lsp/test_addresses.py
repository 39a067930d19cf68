"""Do editors and we mean the same file, on every system, and no file where there is none?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rke2_lint.lsp.addresses import is_on_disk, path_of, uri_of

POSIX = [
    ("file:///etc/rancher/rke2/config.yaml", "/etc/rancher/rke2/config.yaml"),
    ("file://localhost/a.yaml", "/a.yaml"),
    ("FILE:///a.yaml", "/a.yaml"),
    ("file:/a.yaml", "/a.yaml"),
    ("file:///a%20b/%C3%A9%F0%9F%98%80.yaml", "/a b/é😀.yaml"),
    ("file:///a%23b%3Fc%25d.yaml", "/a#b?c%d.yaml"),
    ("file:///a;b=c.yaml", "/a;b=c.yaml"),
    ("file:///%FF.yaml", "/\udcff.yaml"),
    ("file:///a.yaml?x=1#L3", "/a.yaml"),
]
WINDOWS = [
    ("file:///c%3A/Users/x/config.yaml", "c:/Users/x/config.yaml"),
    ("file:///C:/Users/x/config.yaml", "c:/Users/x/config.yaml"),
    ("file://server/share/a%20b.yaml", "//server/share/a b.yaml"),
]
ELSEWHERE = [
    ("untitled:Untitled-1", "untitled:Untitled-1"),
    ("git:/a.yaml?%7B%22ref%22%3A%22HEAD%22%7D", 'git:/a.yaml?{"ref":"HEAD"}'),
    ("vscode-vfs://github/o/r/etc/rancher/rke2/config.yaml", "vscode-vfs://github/o/r/etc/rancher/rke2/config.yaml"),
    ("file://elsewhere/a.yaml", "file://elsewhere/a.yaml"),
    ("file:///a%00b.yaml", "file:///a\0b.yaml"),
    ("file:a.yaml", "file:a.yaml"),
    ("", ""),
    ("nonsense", "nonsense"),
]  # fmt: skip


@pytest.mark.parametrize(("uri", "path"), POSIX)
def test_a_uri_leads_to_its_path(uri: str, path: str) -> None:
    assert path_of(uri, windows=False) == path
    assert is_on_disk(path, windows=False)
    assert path_of(uri_of(path, windows=False), windows=False) == path


@pytest.mark.parametrize(("uri", "path"), WINDOWS)
def test_a_uri_leads_to_its_path_on_windows(uri: str, path: str) -> None:
    assert path_of(uri, windows=True) == path
    assert is_on_disk(path, windows=True)
    assert path_of(uri_of(path, windows=True), windows=True) == path


@pytest.mark.parametrize(("uri", "path"), ELSEWHERE)
def test_what_is_no_file_here_is_not_looked_up(uri: str, path: str) -> None:
    assert path_of(uri, windows=False) == path
    assert not is_on_disk(path, windows=False)


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_every_path_has_a_uri_that_leads_back(name: str) -> None:
    for path, windows in ((f"/{name}", False), (f"c:/{name}", True)):
        assert path_of(uri_of(path, windows=windows), windows=windows) == path
