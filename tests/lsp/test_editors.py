"""Do the snippets of docs/editors.md work? Each is run by the editor itself, where there is one."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from clusters import WRONG
from editor import PATIENCE

PAGE = Path(__file__).parents[2] / "docs/editors.md"
FIXED = WRONG.replace("NFT", "nft")
LINE, COLUMN = next(
    (number, line.index("IPTABLES")) for number, line in enumerate(WRONG.split("\n"), 1) if "IPT" in line
)  # fmt: skip


def snippet(heading: str, language: str) -> str:
    """Return the block below a heading of the page."""
    section = PAGE.read_text("utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    [block] = re.findall(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return str(block)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file to fix, in a repository, and a `rke2-lint` that is found."""
    commands = tmp_path / "bin"
    commands.mkdir()
    command = commands / "rke2-lint"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m rke2_lint "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{commands}:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home/.config"))
    (tmp_path / "home/.config").mkdir(parents=True)
    (tmp_path / "home/.emacs.d").mkdir()
    (tmp_path / "repository/.git").mkdir(parents=True)
    path = tmp_path / "repository/prod.yaml"
    path.write_text(WRONG)
    return path


def need(program: str, *arguments: str, version: tuple[int, int]) -> str:
    """Return the path of a program that is new enough, or skip."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not here")
    done = subprocess.run([path, *arguments], capture_output=True, text=True)
    found = re.search(r"(\d+)\.(\d+)", done.stdout)
    if found is None or (int(found[1]), int(found[2])) < version:
        pytest.skip(f"this {program} is too old")
    return path


NEOVIM = r"""
local function wait(what, is_there)
  assert(vim.wait(30000, is_there, 50), "no " .. what)
end

vim.schedule(function()
  local ok, failed = pcall(function()
    wait("diagnostics", function() return #vim.diagnostic.get(0) > 0 end)
    local found = vim.diagnostic.get(0)[1]
    print("diagnostic: " .. found.lnum .. " " .. found.code)
    vim.api.nvim_win_set_cursor(0, { found.lnum + 1, found.col })
    local where = vim.lsp.util.make_position_params(0, "utf-16")
    local hover = vim.lsp.buf_request_sync(0, "textDocument/hover", where, 30000)
    for _, answer in pairs(hover) do print("hover: " .. answer.result.contents.value) end
    local lenses = vim.lsp.buf_request_sync(0, "textDocument/codeLens", where, 30000)
    for _, answer in pairs(lenses) do print("lenses: " .. #answer.result) end
    vim.lsp.buf.code_action({ apply = true, context = { only = { "source.fixAll" }, diagnostics = {} } })
    wait("fix", function() return vim.bo.modified end)
    wait("silence", function() return #vim.diagnostic.get(0) == 0 end)
    vim.cmd("write")
  end)
  if not ok then print("failed: " .. failed) end
  vim.cmd("qall!")
end)
"""


def test_neovim(file: Path, tmp_path: Path) -> None:
    nvim = need("nvim", "--version", version=(0, 8))
    (tmp_path / "init.lua").write_text(snippet("Neovim", "lua"))
    (tmp_path / "check.lua").write_text(NEOVIM)
    done = subprocess.run(
        [nvim, "--headless", "-u", tmp_path / "init.lua", "-c", "filetype on", file, "-c", f"luafile {tmp_path}/check.lua"],
        capture_output=True, text=True, timeout=2 * PATIENCE, cwd=file.parent,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert "failed:" not in said
    assert f"diagnostic: {LINE - 1} invalid-backend" in said
    assert "hover: **`kube-proxy-extra-env`**" in said
    assert "lenses: 3" in said
    assert file.read_text() == FIXED


EMACS = r"""
(setq native-comp-enable-subr-trampolines nil)
(setq eglot-sync-connect 30 eglot-confirm-server-edits nil)
(define-derived-mode yaml-mode fundamental-mode "YAML")
(add-to-list 'auto-mode-alist '("\\.yaml\\'" . yaml-mode))
(require 'eglot)
(require 'flymake)

(defun wait-for (what is-there)
  (let ((rounds 600))
    (while (and (not (funcall is-there)) (> (setq rounds (1- rounds)) 0))
      (accept-process-output nil 0.05))
    (unless (funcall is-there) (error "No %s" what))))
"""
EMACS_CHECK = r"""
(run-hooks 'post-command-hook) ; what eglot-ensure waits for, and no batch comes to
(wait-for "server" #'eglot-current-server)
(wait-for "diagnostics" (lambda () (flymake-start) (flymake-diagnostics)))
(let ((found (car (flymake-diagnostics))))
  (message "diagnostic: %d %s" (line-number-at-pos (flymake-diagnostic-beg found)) (flymake-diagnostic-text found))
  (goto-char (flymake-diagnostic-beg found)))
(message "hover: %s" (plist-get (plist-get (jsonrpc-request (eglot--current-server-or-lose) :textDocument/hover (eglot--TextDocumentPositionParams)) :contents) :value))
(cl-letf (((symbol-function 'completing-read)
           (lambda (_ choices &rest _) (car (all-completions "" choices)))))
  (eglot-code-actions (point) (point) "source.fixAll.rke2-lint" t))
(wait-for "fix" #'buffer-modified-p)
(save-buffer)
(eglot-shutdown (eglot-current-server))
"""


def test_emacs(file: Path, tmp_path: Path) -> None:
    emacs = need("emacs", "--version", version=(29, 1))
    subprocess.run(["git", "init", "-q"], cwd=file.parent, check=True)
    (tmp_path / "start.el").write_text(EMACS + snippet("Emacs", "elisp"))
    (tmp_path / "check.el").write_text(EMACS_CHECK)
    done = subprocess.run(
        [emacs, "--batch", "-Q", "-l", tmp_path / "start.el", file, "-l", tmp_path / "check.el"],
        capture_output=True, text=True, timeout=2 * PATIENCE, cwd=file.parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"diagnostic: {LINE} " in done.stderr
    assert "IPTABLES_MODE is 'NFT'" in done.stderr
    assert "kube-proxy-extra-env" in done.stderr.partition("hover: ")[2]
    assert file.read_text() == FIXED


@pytest.mark.skipif(sys.platform == "win32", reason="Helix is driven through a terminal of POSIX")
def test_helix(file: Path, tmp_path: Path) -> None:
    hx = need("hx", "--version", version=(23, 5))
    configuration = tmp_path / "home/.config/helix"
    configuration.mkdir(exist_ok=True)
    (configuration / "languages.toml").write_text(snippet("Helix", "toml"))
    import fcntl
    import pty
    import struct
    import termios

    child, terminal = pty.fork()
    if child == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("4H", 40, 160, 0, 0))
        os.environ["TERM"] = "xterm"
        os.chdir(file.parent)
        os.execv(hx, [hx, "-vv", "--log", str(tmp_path / "log"), f"{file}:{LINE}:{COLUMN + 1}"])
    said = b""

    def look(seconds: float) -> None:
        nonlocal said
        import select

        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if select.select([terminal], [], [], 0.05)[0]:
                try:
                    said += os.read(terminal, 1 << 16)
                except OSError:
                    return

    def wait_for(word: bytes) -> None:
        until = time.monotonic() + PATIENCE
        while word not in said and time.monotonic() < until:
            look(0.2)
        assert word in said, said[-4000:]

    wait_for(b"NFT', which")
    os.write(terminal, b" a")
    wait_for(b"invalid-backend:")
    os.write(terminal, b"\r")
    look(0.5)
    os.write(terminal, b":wq\r")
    until = time.monotonic() + PATIENCE
    while file.read_text() == WRONG and time.monotonic() < until:
        look(0.2)
    look(0.5)
    os.close(terminal)
    os.waitpid(child, 0)
    assert file.read_text() == FIXED


def test_the_settings_of_vs_code_name_a_command_that_starts(file: Path) -> None:
    settings = json.loads(snippet("VS Code", "json"))
    command = [settings["glspc.server.command"], *settings["glspc.server.commandArguments"]]
    done = subprocess.run([*command, "--stdio"], input=b"", capture_output=True, cwd=file.parent)
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")  # nobody said good-bye
    assert "yaml" in settings["glspc.server.languageId"]


def test_the_page_says_how_it_is_installed() -> None:
    assert "pip install 'rke2-lint[lsp]'" in PAGE.read_text("utf-8")
