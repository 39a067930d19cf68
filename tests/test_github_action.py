"""Does `action.yml` do its work? Its steps are run as GitHub's runner runs them, in a repository.

The runner is played by `Runner`: expressions in `env` and `if`, files for outputs and summary, bash
with `-e -o pipefail`. Its API is a server of our own.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

ROOT = Path(__file__).parents[1]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS = ACTION["runs"]["steps"]
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the runner is played with bash")


class Result(NamedTuple):
    """How a job that uses the action ended."""

    failed: str
    """The name of the step that failed, or ""."""
    said: str
    outputs: dict[str, str]
    summary: str


class Runner:
    """Runs the action in a folder that is a checkout."""

    def __init__(self, checkout: Path, temporary: Path, bin: Path | None) -> None:
        self.checkout = checkout
        self.temporary = temporary
        self.bin = bin
        """Where rke2-lint is installed already, if that step is left out."""
        self.event: dict[str, Any] = {}
        self.environment: dict[str, str] = {}

    def __call__(self, **inputs: str) -> Result:
        outputs = self.temporary / "outputs"
        summary = self.temporary / "summary"
        summary.write_text("")
        context: dict[str, Any] = {
            "github": {"action_path": str(ROOT), "token": "t0ken", "event": self.event},
            "steps": {},
        }
        context["inputs"] = {
            name: inputs.pop(name.replace("-", "_"), evaluated(one.get("default", ""), context))
            for name, one in ACTION["inputs"].items()
        }
        assert not inputs, "an input that the action does not have"
        if self.bin is not None:
            context["steps"]["install"] = {"outputs": {"bin": str(self.bin)}}
        said, failed = "", ""
        for step in STEPS:
            if step.get("id") == "install" and self.bin is not None:
                continue
            if "if" in step and not truth(step["if"], context):
                continue
            outputs.write_text("")
            script = self.temporary / "script.sh"
            script.write_text(step["run"], encoding="utf-8")
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", script],
                cwd=self.checkout,
                env={
                    **{n: v for n, v in os.environ.items() if not n.startswith(("GIT", "PYTHON"))},
                    "RUNNER_TEMP": str(self.temporary),
                    "GITHUB_OUTPUT": str(outputs),
                    "GITHUB_STEP_SUMMARY": str(summary),
                    **self.environment,
                    **{n: evaluated(value, context) for n, value in step["env"].items()},
                },
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
            )
            said += done.stdout
            told = dict(line.split("=", 1) for line in outputs.read_text().splitlines())
            context["steps"][step.get("id", "")] = {"outputs": told}
            if done.returncode:
                failed = step["name"]
                break
        values = {name: evaluated(one["value"], context) for name, one in ACTION["outputs"].items()}
        return Result(failed, said, values, summary.read_text())


def evaluated(text: str, context: dict[str, Any]) -> str:
    """Return a text with its expressions replaced, as far as this action has any."""

    def value(found: re.Match[str]) -> str:
        return str(looked_up(found[1], context) or "")

    return EXPRESSION.sub(value, str(text))


def truth(text: str, context: dict[str, Any]) -> bool:
    found = EXPRESSION.fullmatch(text)
    assert found is not None
    for part in found[1].split(" && "):
        name, _, wanted = part.partition(" == ")
        value = looked_up(name, context)
        if not (value == wanted.strip("'") if wanted else value):
            return False
    return True


def looked_up(name: str, context: dict[str, Any]) -> Any:
    value: Any = context
    for key in name.split("."):
        assert re.fullmatch(r"[\w-]+", key), f"an expression that this runner does not know: {name}"
        value = value.get(key) if isinstance(value, dict) else None
    return value


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *arguments],
        cwd=folder, capture_output=True, text=True, check=True,
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
    )  # fmt: skip
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a repository of examples/, of one commit."""
    folder = tmp_path / "checkout"
    shutil.copytree(ROOT / "examples", folder)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "clusters")
    return folder


@pytest.fixture
def run(checkout: Path, tmp_path: Path) -> Runner:
    """Return a runner that uses the rke2-lint of these tests."""
    (tmp_path / "temporary").mkdir()
    return Runner(checkout, tmp_path / "temporary", Path(sys.executable).parent)


# --- what it says about itself


def test_nothing_is_put_into_the_text_of_a_script() -> None:
    """A branch called `$(…)` would be run."""
    for step in STEPS:
        assert "${{" not in step["run"], step["name"]


def test_it_uses_nothing_of_others() -> None:
    assert not [step for step in STEPS if "uses" in step]


def test_every_input_is_asked_for() -> None:
    text = "\n".join(str(step.get("if")) + str(step["env"]) for step in STEPS)
    for name in ACTION["inputs"]:
        assert f"inputs.{name}" in text


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step["name"])
def test_a_script_is_clean_for_shellcheck(step: dict[str, Any], tmp_path: Path) -> None:
    found = Path(sys.executable).parent / "shellcheck"
    if not found.exists():
        pytest.skip("there is no shellcheck in this environment")
    given = [f"export {name}=$1" for name in (*step["env"], "RUNNER_TEMP", "GITHUB_OUTPUT")]
    script = tmp_path / "script.sh"
    script.write_text("\n".join([*given, step["run"]]), encoding="utf-8")
    done = subprocess.run([found, "--shell=bash", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


# --- what it does


def test_a_repository_is_linted_and_told_of(run: Runner) -> None:
    done = run()
    assert done.failed == "Say how it ended"
    assert "::error file=clusters/staging.yaml,line=12," in done.said
    counts = {name: int(done.outputs[name]) for name in ("errors", "warnings", "notes", "fixable")}
    assert counts["errors"] >= 2
    assert counts["fixable"] >= 1
    assert done.outputs["exit-code"] == "1"
    sarif = json.loads(Path(done.outputs["sarif"]).read_text())
    assert len(sarif["runs"][0]["results"]) == sum(counts.values()) - counts["fixable"]
    assert "missing-nft-pin" in done.summary
    assert git(run.checkout, "status", "--porcelain") == "", "reports lie outside the checkout"


def test_a_repository_without_findings_passes(run: Runner) -> None:
    done = run(paths="clusters/prod.yaml\nclusters/lab.yaml\n")
    assert (done.failed, done.outputs["exit-code"], done.outputs["errors"]) == ("", "0", "0")
    assert json.loads(Path(done.outputs["sarif"]).read_text())["runs"][0]["results"] == []


def test_options_and_reports_are_passed_on(run: Runner) -> None:
    done = run(
        paths="clusters",
        args="--ignore 'missing-nft-pin, selector-drops-pin'",
        formats="junit=report.xml\r\njsonl=lines.jsonl\r\n",
        sarif_file="my report.sarif",
    )
    assert (done.failed, done.outputs["sarif"]) == ("", "my report.sarif")
    for name in ("report.xml", "lines.jsonl", "my report.sarif"):
        assert (run.checkout / name).exists()


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        pytest.param({"args": "--select 'x"}, "a quote in the input args is not closed", id="a quote"),
        pytest.param({"paths": "\n"}, "the input paths names nothing", id="no path"),
        pytest.param({"sarif_file": "a\nexit-code=0"}, "the input sarif-file is more than one line", id="two lines"),
    ],
)  # fmt: skip
def test_wrong_use_is_said(run: Runner, inputs: dict[str, str], said: str) -> None:
    done = run(**inputs)
    assert (done.failed, done.outputs["exit-code"]) == ("Lint", "2")
    assert f"::error title=rke2-lint::{said}\n" in done.said


def test_a_path_that_is_not_there_fails_with_2(run: Runner) -> None:
    done = run(paths="no/such/folder")
    assert (done.failed, done.outputs["exit-code"]) == ("Say how it ended", "2")


HOSTILE = [
    "$(touch pwned)",
    "`touch pwned`",
    '"; touch pwned; "',
    "'; touch pwned; '",
    "x\ntouch pwned",
    "x && touch pwned",
    "$(touch${IFS}pwned)",
    "--output=pwned",
    "\\$(touch pwned)",
    "x\nexit-code=0",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("name", ["paths", "args", "since", "formats", "sarif_file", "suggestions"])
def test_an_input_is_never_a_program(run: Runner, name: str, text: str) -> None:
    done = run(**{"paths": "clusters/staging.yaml", name: text})
    assert not list(run.checkout.rglob("pwned"))
    assert done.outputs["exit-code"] in ("1", "2")


@pytest.mark.parametrize("text", HOSTILE)
def test_a_version_is_never_a_program(run: Runner, text: str) -> None:
    run.bin = None
    done = run(version=text)
    assert done.failed == "Install rke2-lint"
    assert "the input version is not a version" in done.said
    assert not list(run.checkout.rglob("pwned"))


def test_it_installs_itself(run: Runner, tmp_path: Path) -> None:
    """As a user has it: from the files of the action, into a place of its own."""
    run.bin = None
    done = run(paths="clusters/prod.yaml")
    assert done.failed == "", done.said
    assert done.said.startswith("rke2-lint 0.")
    assert (tmp_path / "temporary/rke2-lint/bin/rke2-lint").exists()


# --- pull requests


@pytest.fixture
def pull_request(run: Runner) -> Runner:
    """Return a runner for a pull request that changes one file, in a shallow checkout of its head."""
    base = git(run.checkout, "rev-parse", "HEAD")
    # A branch may be called like this.
    git(run.checkout, "checkout", "--quiet", "-b", "$(touch${IFS}pwned)")
    lab = run.checkout / "clusters/lab.yaml"
    lab.write_text(lab.read_text() + "# changed\n")
    git(run.checkout, "commit", "--quiet", "--all", "--message", "a comment")
    origin = run.checkout.rename(run.checkout.with_name("origin"))
    git(origin.parent, "clone", "--quiet", "--depth=1", origin.as_uri(), str(run.checkout))
    head = git(run.checkout, "rev-parse", "HEAD")
    run.event = {
        "pull_request": {"number": 7, "base": {"sha": base}, "head": {"sha": head}},
    }
    return run


def test_a_pull_request_is_linted_since_its_base(pull_request: Runner) -> None:
    done = pull_request()
    assert (done.failed, done.outputs["exit-code"]) == ("", "0"), done.said
    assert "::warning" not in done.said
    assert not list(pull_request.checkout.rglob("pwned"))


def test_a_base_that_has_moved_on_costs_the_history(pull_request: Runner) -> None:
    """The merge was made of a later base than the one that the event tells."""
    origin = pull_request.checkout.with_name("origin")
    git(origin, "checkout", "--quiet", "main")
    for number in range(3):
        edge = origin / "clusters/edge.yaml"
        edge.write_text(edge.read_text() + f"# {number}\n")
        git(origin, "commit", "--quiet", "--all", "--message", "on main")
    git(origin, "merge", "--quiet", "--no-edit", pull_request.event["pull_request"]["head"]["sha"])
    shutil.rmtree(pull_request.checkout)
    git(origin.parent, "clone", "--quiet", "--depth=1", origin.as_uri(), str(pull_request.checkout))
    done = pull_request()
    # What others have changed since is linted, too: rather too much than too little.
    assert "::warning" not in done.said
    assert "clusters/edge.yaml" in done.said
    assert "clusters/staging.yaml" not in done.said


def test_a_pull_request_may_be_linted_as_a_whole(pull_request: Runner) -> None:
    assert pull_request(since="").outputs["exit-code"] == "1"


def test_a_base_that_cannot_be_fetched_means_everything(pull_request: Runner) -> None:
    pull_request.event["pull_request"]["base"]["sha"] = "0123456789" * 4
    done = pull_request()
    assert done.outputs["exit-code"] == "1"
    assert "::warning title=rke2-lint::the commit of the input since is not here" in done.said


# --- suggestions


class GitHub(ThreadingHTTPServer):
    """Enough of GitHub's API for reviews of one pull request."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.comments: list[dict[str, Any]] = []
        self.bodies: list[str] = []
        self.shown: set[str] | None = None
        """The files whose lines the pull request shows; all without a word."""
        self.answers_with = 0
        self.tokens: set[str | None] = set()


class Handler(BaseHTTPRequestHandler):
    server: GitHub

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        known = path == "/repos/team/gitops/pulls/7/comments"
        page = int(query.rpartition("page=")[2]) - 1
        self.answer(200 if known else 404, self.server.comments[page * 100 : page * 100 + 100])

    def do_POST(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.tokens.add(self.headers["Authorization"])
        self.answer(self.status_of(content), {})

    def status_of(self, content: dict[str, Any]) -> int:
        server = self.server
        review = self.path == "/repos/team/gitops/pulls/7/reviews"
        if not review and self.path != "/repos/team/gitops/pulls/7/comments":
            return 404
        if server.answers_with:
            return server.answers_with
        comments = content["comments"] if review else [content]
        hidden = server.shown is not None and any(
            one["path"] not in server.shown for one in comments
        )
        if hidden or not re.fullmatch("[0-9a-f]{40}", content["commit_id"]):
            return 422
        if review:
            server.bodies.append(content["body"])
        # Texts come back with the line ends of the web.
        server.comments += [{**one, "body": one["body"].replace("\n", "\r\n")} for one in comments]
        return 200 if review else 201

    def answer(self, status: int, content: object) -> None:
        written = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(written)))
        self.end_headers()
        self.wfile.write(written)


@pytest.fixture
def github(pull_request: Runner) -> Iterator[GitHub]:
    with GitHub() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        pull_request.environment = {
            "GITHUB_API_URL": f"http://127.0.0.1:{server.server_port}",
            "GITHUB_REPOSITORY": "team/gitops",
        }
        yield server
        server.shutdown()


def test_fixes_are_suggested_once(pull_request: Runner, github: GitHub) -> None:
    done = pull_request(since="", suggestions="true")
    assert done.outputs["exit-code"] == "1"
    paths = [one["path"] for one in github.comments]
    assert "clusters/staging.yaml" in paths
    assert "```suggestion" in github.comments[paths.index("clusters/staging.yaml")]["body"]
    assert f"rke2-lint: {len(paths)} comments posted\n" in done.said
    assert github.tokens == {"Bearer t0ken"}

    again = pull_request(since="", suggestions="true")
    assert f"rke2-lint: {len(paths)} comments there already\n" in again.said
    assert len(github.comments) == len(paths)
    assert len(github.bodies) == 1


def test_comments_of_many_pages_are_known(pull_request: Runner, github: GitHub) -> None:
    github.comments = [{"path": "x", "line": number, "body": "somebody's"} for number in range(200)]
    pull_request(since="", suggestions="true")
    posted = len(github.comments)
    assert posted > 200
    pull_request(since="", suggestions="true")
    assert len(github.comments) == posted


def test_what_hangs_on_lines_that_are_not_shown_is_left_out(
    pull_request: Runner, github: GitHub
) -> None:
    github.shown = {"clusters/staging.yaml"}
    done = pull_request(since="", suggestions="true")
    assert {one["path"] for one in github.comments} == {"clusters/staging.yaml"}
    assert re.search(r"rke2-lint: 1 comment posted, \d+ left out", done.said)


def test_a_file_that_the_merge_has_changed_gets_no_suggestion(
    pull_request: Runner, github: GitHub
) -> None:
    """GitHub counts the lines of the pull request's last commit, and a merge may have moved them."""
    origin = pull_request.checkout.with_name("origin")
    git(origin, "checkout", "--quiet", "main")
    staging = origin / "clusters/staging.yaml"
    staging.write_text(f"# one\n# two\n{staging.read_text()}")
    git(origin, "commit", "--quiet", "--all", "--message", "on main")
    git(origin, "merge", "--quiet", "--no-edit", pull_request.event["pull_request"]["head"]["sha"])
    shutil.rmtree(pull_request.checkout)
    git(origin.parent, "clone", "--quiet", "--depth=1", origin.as_uri(), str(pull_request.checkout))
    done = pull_request(since="", suggestions="true")
    paths = {one["path"] for one in github.comments}
    assert "clusters/edge.yaml" in paths
    assert "clusters/staging.yaml" not in paths
    assert "1 left out: the merge with the base has changed these files" in done.said


def test_without_the_last_commit_nothing_is_suggested(pull_request: Runner, github: GitHub) -> None:
    pull_request.event["pull_request"]["head"]["sha"] = "0123456789" * 4
    done = pull_request(since="", suggestions="true")
    assert github.comments == []
    assert (
        "the fixes are not suggested: the last commit of the pull request is not here" in done.said
    )


def test_without_the_permission_there_is_a_warning(pull_request: Runner, github: GitHub) -> None:
    github.answers_with = 403
    done = pull_request(since="", suggestions="true")
    assert (done.failed, done.outputs["exit-code"]) == ("Say how it ended", "1")
    assert "::warning title=rke2-lint::the fixes are not suggested: GitHub answers 403" in done.said
    assert "t0ken" not in done.said


def test_without_github_there_is_a_warning(pull_request: Runner, github: GitHub) -> None:
    github.server_close()
    github.shutdown()
    pull_request.environment["GITHUB_API_URL"] = "http://127.0.0.1:1"
    done = pull_request(since="", suggestions="true")
    assert done.failed == "Say how it ended"
    assert (
        "::warning title=rke2-lint::the fixes are not suggested: GitHub cannot be asked"
        in done.said
    )


def test_outside_of_pull_requests_nothing_is_suggested(run: Runner) -> None:
    done = run(suggestions="true")
    assert "suggest" not in done.said
    assert done.outputs["exit-code"] == "1"


def test_nothing_to_suggest_asks_nobody(pull_request: Runner) -> None:
    pull_request.environment = {
        "GITHUB_API_URL": "http://127.0.0.1:1",
        "GITHUB_REPOSITORY": "team/gitops",
    }
    done = pull_request(since="", paths="clusters/prod.yaml", suggestions="true")
    assert done.failed == ""
    assert "rke2-lint: nothing to suggest\n" in done.said
