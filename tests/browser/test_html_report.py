"""Is the HTML report what a person, a keyboard, a screen reader and a phone can use?"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import visiting

from rke2_lint.cli import main
from rke2_policies.catalog import rules

ROOT = Path(__file__).parents[2]
PHONE, _, DESKTOP, _ = visiting.LOOKS
HOSTILE = """\
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata:
  namespace: fleet-default
  name: "</script><script>alert(1)</script>"
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: ["IPTABLES_MODE=\\u202Etfn\\u202C<img src=x onerror=alert(2)>"]
    machinePools:
      - {name: "\\"onmouseover=alert(3) x='", workerRole: true, quantity: 1}
      - {name: javascript:alert(4), controlPlaneRole: true, etcdRole: true, quantity: 1}
"""
Open = Callable[..., visiting.Visit]


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report on the examples, on hard cases and on a hostile file, as an address."""
    folder = tmp_path_factory.mktemp("report")
    shutil.copytree(ROOT / "examples", folder / "examples")
    shutil.copytree(ROOT / "tests" / "golden" / "hard" / "input", folder / "hard")
    (folder / "hostile.yaml").write_text(HOSTILE)
    page = folder / "report.html"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        main(
            ["--output-format", f"html={page}", "examples", "hard", "hostile.yaml", "missing.yaml"]
        )
    return page.as_uri()


@pytest.fixture(scope="session")
def every_rule(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report on what the pages of all rules show, as an address."""
    folder = tmp_path_factory.mktemp("rules")
    for rule in rules().values():
        example = next((one for one in rule.examples if one.before), None)
        for path, text in example.before.items() if example is not None else ():
            file = folder / rule.id / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    page = folder / "report.html"
    main(["--quiet", "--output-format", f"html={page}", str(folder)])
    return page.as_uri()


def shown(visit: visiting.Visit, what: str) -> int:
    """Return how many elements of a kind are shown."""
    return int(
        visit.page.evaluate(
            """what => [...document.querySelectorAll(what)].filter((each) => each.checkVisibility()).length""",
            what,
        )
    )


MACHINES, FINDINGS = ".machines [data-item]", ".finding"


# --- how it looks


def test_it_fits_and_nobody_complains(
    report: str, look: visiting.Look, visit: Open, picture: Callable[[visiting.Visit], None]
) -> None:
    seen = visit(report, look)
    seen.draw_everything()
    assert seen.too_wide() == []
    seen.page.get_by_role("button", name="Unfold all").click()
    assert seen.too_wide() == []
    assert seen.complaints == []
    picture(seen)


@pytest.mark.parametrize("look", [PHONE, DESKTOP], ids=lambda look: look.name)
def test_what_every_rule_says_fits(look: visiting.Look, every_rule: str, visit: Open) -> None:
    seen = visit(every_rule, look)
    seen.draw_everything()
    assert seen.too_wide() == []
    assert seen.complaints == []


def test_axe_finds_nothing(report: str, look: visiting.Look, visit: Open) -> None:
    seen = visit(report, look)
    seen.draw_everything()
    assert seen.axe() == []
    seen.page.evaluate("document.querySelectorAll('details').forEach((each) => each.open = true)")
    seen.page.locator(".chip").first.click()
    assert seen.axe() == []


def test_axe_would_find_something(report: str, visit: Open) -> None:
    seen = visit(report)
    seen.draw_everything()
    seen.page.evaluate("document.querySelector('select').previousSibling.remove()")
    assert [line.partition(" ")[0] for line in seen.axe()] == ["select-name"]


def test_light_and_dark_are_told_apart(report: str, visit: Open) -> None:
    grounds = {
        visit(report, look).page.evaluate("getComputedStyle(document.body).backgroundColor")
        for look in visiting.LOOKS
    }
    assert len(grounds) == 2


def test_paper_shows_everything(report: str, visit: Open) -> None:
    seen = visit(report)
    seen.page.get_by_role("button", name="Fold all", exact=True).click()
    assert not seen.page.locator(".finding .inside").first.is_visible()
    seen.page.emulate_media(media="print")
    assert seen.page.locator(".finding .inside").first.is_visible()
    assert not seen.page.locator(".filters").is_visible()


# --- what others wrote into it


def test_nothing_runs_that_a_file_says(report: str, visit: Open) -> None:
    seen = visit(report)
    assert seen.page.locator("script").count() == 1
    assert seen.page.locator("img, iframe, object, [onmouseover], [onerror], [style]").count() == 0
    assert seen.page.get_by_text("</script><script>alert(1)</script>").count() > 0
    assert seen.page.locator(".unseen", has_text="U+202E").count() > 0
    assert seen.complaints == []


def test_the_policy_would_stop_what_ran(report: str, visit: Open) -> None:
    seen = visit(report)
    seen.page.evaluate("""() => {
        const script = document.createElement("script");
        script.textContent = "document.title = 'taken over'";
        document.body.append(script);
        const image = document.createElement("img");
        image.src = "https://example.com/x.png";
        document.body.append(image);
    }""")
    seen.page.wait_for_timeout(200)
    assert seen.page.title() != "taken over"
    assert sum("Content Security Policy" in each for each in seen.complaints) == 2


# --- filters


def test_filters_work_by_keyboard(report: str, visit: Open) -> None:
    seen = visit(report)
    page = seen.page
    everything = shown(seen, MACHINES), shown(seen, FINDINGS)
    focused = "document.activeElement.value ?? document.activeElement.textContent"
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate(focused) == "unpinned":
            break
    ring = page.evaluate("getComputedStyle(document.activeElement.nextSibling).outlineStyle")
    assert ring == "solid"
    page.keyboard.press("Space")
    verdicts = page.locator(".machines [data-item]:visible").evaluate_all(
        "all => [...new Set(all.map((each) => each.dataset.verdict))]"
    )
    assert verdicts == ["unpinned"]
    assert 0 < shown(seen, MACHINES) < everything[0]
    assert shown(seen, FINDINGS) == everything[1]
    assert page.evaluate("location.hash") == "#verdict=unpinned"
    status = page.get_by_role("status")
    assert status.inner_text().startswith(
        f"Showing {shown(seen, MACHINES)} of {everything[0]} machines"
    )
    assert status.get_attribute("aria-live") == "polite"
    page.keyboard.press("Space")
    assert (shown(seen, MACHINES), shown(seen, FINDINGS)) == everything
    assert page.evaluate("location.hash") == ""


def test_text_is_sought_in_machines_and_findings(report: str, visit: Open) -> None:
    seen = visit(report)
    page = seen.page
    page.get_by_label("Search").fill("STAGING  unpinned")
    page.wait_for_selector("[data-status]:not(:empty)")
    assert shown(seen, MACHINES) == 1
    page.get_by_label("Search").fill("no-such-thing")
    page.get_by_text("No machine is left by these filters.").wait_for()
    assert (shown(seen, MACHINES), shown(seen, FINDINGS), shown(seen, ".machines .head")) == (
        0,
        0,
        0,
    )
    page.get_by_role("button", name="Clear filters").click()
    page.wait_for_selector("[data-status]:empty", state="attached")
    assert shown(seen, MACHINES) > 1


def test_a_choice_can_be_sent_to_somebody(report: str, visit: Open) -> None:
    seen = visit(f"{report}#verdict=pinned,broken&rule=missing-nft-pin&q=fleet")
    assert seen.page.get_by_label("Search").input_value() == "fleet"
    assert seen.page.get_by_label("Rule").input_value() == "missing-nft-pin"
    verdicts = seen.page.locator(".machines [data-item]:visible").evaluate_all(
        "all => [...new Set(all.map((each) => each.dataset.verdict))].sort()"
    )
    assert verdicts == ["broken", "pinned"]
    assert shown(seen, ".rule") == 1
    assert seen.complaints == []


def test_an_address_nobody_made_does_no_harm(report: str, visit: Open) -> None:
    seen = visit(f"{report}#rule=no-such-rule&verdict=%3Cb%3E&%")
    assert shown(seen, FINDINGS) > 1
    assert visit(f"{report}#%").complaints == seen.complaints == []


@pytest.mark.parametrize("which", ["report", "every_rule"])
def test_a_finding_can_be_linked_to_while_it_is_folded_and_filtered(
    which: str, request: pytest.FixtureRequest, visit: Open
) -> None:
    seen = visit(request.getfixturevalue(which))
    page = seen.page
    page.get_by_role("button", name="Fold all", exact=True).click()
    link = page.locator(".machines .links a").last
    target = link.get_attribute("href").removeprefix("#")
    page.get_by_label("Rule").select_option("syntax")
    assert link.inner_text() != "syntax"
    finding = page.locator(f"details:has([id='{target}'])")
    assert not finding.is_visible()
    link.click()
    page.locator(f"[id='{target}']").wait_for(state="visible")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    box = finding.bounding_box()
    bar = page.locator(".filters").bounding_box()
    assert bar["y"] + bar["height"] <= box["y"] + 1 < visiting.LOOKS[2].height


# --- without a script


@pytest.mark.parametrize("look", [PHONE, DESKTOP], ids=lambda look: look.name)
def test_filters_work_without_a_script(look: visiting.Look, report: str, visit: Open) -> None:
    seen = visit(report, look, scripts=False)
    page = seen.page
    everything = shown(seen, MACHINES), shown(seen, FINDINGS)
    assert not page.locator("#filter-text").is_visible()
    page.locator('.chip input[value="unpinned"]').check()
    page.locator('.chip input[value="warning"]').check()
    for what, facet, word in ((MACHINES, "verdict", "unpinned"), (FINDINGS, "severity", "warning")):
        words = page.locator(f"{what}:visible").evaluate_all(
            f"all => [...new Set(all.map((each) => each.dataset.{facet}))]"
        )
        assert words == [word]
    # No heading is left of a cluster or a rule without anything below it.
    for group in ("tbody[data-group]", "section.rule"):
        assert page.locator(f"{group}:visible").evaluate_all(
            "all => all.every((each) => [...each.querySelectorAll('[data-item]')]"
            ".some((item) => item.checkVisibility()))"
        )
    page.get_by_role("button", name="Clear filters").click()
    assert (shown(seen, MACHINES), shown(seen, FINDINGS)) == everything
    page.get_by_label("Rule").select_option("missing-nft-pin")
    assert shown(seen, ".rule") == 1
    assert shown(seen, MACHINES) == everything[0]


def test_a_folded_finding_opens_by_its_address_without_a_script(report: str, visit: Open) -> None:
    seen = visit(report, scripts=False)
    page = seen.page
    target = page.locator(".machines .links a").last.get_attribute("href")
    page.locator(f"details:has({target}) > summary").click()
    assert not page.locator(target).is_visible()
    page.locator(f".machines .links a[href='{target}']").last.click()
    page.locator(target).wait_for(state="visible")


# --- size


def test_a_report_on_a_thousand_clusters_can_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, visit: Open
) -> None:
    selectors = "".join(
        f"""
      - config: {{kube-proxy-extra-env: [{value}]}}
        machineLabelSelector: {{matchLabels: {{rke.cattle.io/rke-machine-pool-name: pool{number}}}}}"""
        for number, value in enumerate(("IPTABLES_MODE=NFT", "IPTABLES_MODE=legacy", "A=b", "C=d"))
    )
    pools = "".join(f"\n      - {{name: pool{number}, workerRole: true}}" for number in range(4))
    for number in range(1000):
        (tmp_path / f"{number:04}.yaml").write_text(f"""\
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {{namespace: fleet-default, name: cluster-{number:04}}}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: [IPTABLES_MODE=nft, IPTABLES_MODE=nft]
    machineSelectorConfig:{selectors}
    machinePools:{pools}
      - {{name: cp, controlPlaneRole: true, etcdRole: true}}
""")
    monkeypatch.chdir(tmp_path)
    main(["--output-format", "html=report.html", "."])
    page = tmp_path / "report.html"
    assert page.stat().st_size < 14_000_000
    seen = visit(page.as_uri())
    assert shown(seen, FINDINGS) == 5000
    # What takes long on such a page is layout; what is out of sight costs none.
    seconds: dict[str, Any] = seen.page.evaluate("""async () => {
        const timing = performance.getEntriesByName("first-contentful-paint")[0].startTime;
        const field = document.querySelector("#filter-text");
        const begin = performance.now();
        field.value = "cluster-0500";
        field.dispatchEvent(new Event("change", {bubbles: true}));
        document.body.offsetHeight;
        return {painted: timing / 1000, sought: (performance.now() - begin) / 1000};
    }""")
    assert shown(seen, FINDINGS) == 5
    print(f"\n{page.stat().st_size / 1e6:.1f} MB, {seconds}")
    assert seconds["painted"] < 5
    assert seconds["sought"] < 5
