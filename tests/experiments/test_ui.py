"""The saved view and a trial's page in a real browser: what a person sees after `autodata ui`.

Pictures of the pages are left in pytest's folder for temporary files.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from autodata.experiments import address
from autodata.experiments.tracking import Tracker
from autodata.experiments.view import EVERY, view_path
from tests.experiments import trials
from tests.experiments.pages import Pages

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
OPENED = "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1"
"""Where a browser keeps that it has shown MLflow's assistant, which it does on the first visit."""
COUNT = 18
WAIT = 60_000
"""Milliseconds; a loaded machine has needed 15 seconds for the first page."""

pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="no chromium, chromium-browser or google-chrome on PATH"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ui")


@pytest.fixture(scope="module")
def tracker(folder: Path) -> Tracker:
    """Record a whole run, with markup where a model or a document may put some."""
    config = trials.config(folder / "runs")
    config = config.model_copy(
        update={"tracking": config.tracking.model_copy(update={"uri": _uri(folder)})}
    )
    searched = trials.study(COUNT)
    hostile = trials.accepted("doc-00", "0.2", "0.9", "Why does <img src=x onerror=alert(1)> fail?")
    searched[16] = searched[16].model_copy(
        update={"episodes": (hostile, *searched[16].episodes[1:])}
    )
    with Tracker(config) as tracker:
        for trial in searched:
            tracker.trial(trial, trials.BASELINE)
        result = trials.result(config, searched, searched[16])
        tracker.finish(result, {"compiled": config.folder / "compiled"})
    return tracker


def _uri(folder: Path) -> str:
    return address.default_uri(folder / "runs")


@pytest.fixture(scope="module")
def pages(folder: Path, tracker: Tracker) -> Iterator[Pages]:
    with Pages(_uri(folder), folder / "runs" / "artifacts", tracker.view_url) as started:
        yield started


@pytest.fixture(scope="module")
def page(pages: Pages) -> Iterator[Any]:
    """Return a page that has been opened at the printed address."""
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=BROWSER, args=OPTIONS)
        page = browser.new_page(viewport={"width": 1600, "height": 2000})
        page.set_default_timeout(WAIT)
        page.alerts = []
        page.on("dialog", lambda dialog: (page.alerts.append(dialog.message), dialog.dismiss()))
        page.add_init_script(f'localStorage.setItem("{OPENED}", "true")')
        page.goto(pages.url)
        page.get_by_text(f"{COUNT} matching runs").wait_for()
        yield page
        browser.close()


def test_the_printed_address_draws_every_trial(page: Any, pages: Pages, folder: Path) -> None:
    if "compareRunsMode=CHART" not in page.url:
        page.goto(pages.url)
    axes = page.locator(".parcoords .dimension")
    page.locator(".parcoords canvas.foreground").wait_for(state="attached")
    page.locator(".scatterlayer path.point").first.wait_for(state="attached")
    page.get_by_text("doc/gap_mean", exact=True).first.wait_for()
    page.wait_for_function(DRAWN)
    page.screenshot(path=folder / "view.png")
    for name in ("plan", "write", "demos", "temperature", "memory", "tokens_per_accepted", "value"):
        assert axes.filter(has_text=name).count() >= 1, name
    assert page.get_by_role("link", name=re.compile(r"^t0\d\d ")).count() == COUNT
    # The failed trial has no value, and so no point.
    assert page.locator(".scatterlayer path.point").count() >= COUNT - 1
    assert page.get_by_text("Show change from baseline").count() == 1


DRAWN = """() => {
    const canvas = document.querySelector(".parcoords canvas.foreground");
    if (!canvas) return false;
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    let colors = new Set();
    for (let i = 0; i < pixels.length; i += 4)
        if (pixels[i + 3] === 255) colors.add(pixels.slice(i, i + 3).join());
    return colors.size > 8;
}"""
"""Whether the lines are there, in more colors than a chart of a few trials would have."""


def test_the_table_shows_gaps_states_and_the_winner(page: Any, pages: Pages, folder: Path) -> None:
    page.goto(pages.url.replace("compareRunsMode=CHART", "compareRunsMode=TABLE"))
    page.locator('.ag-header-cell[col-id="metrics.`gap`"]').wait_for()
    page.get_by_text("pruned", exact=True).first.wait_for()
    page.screenshot(path=folder / "table.png")

    def column(name: str) -> list[str]:
        cells = page.locator(f'.ag-center-cols-container [col-id="{name}"]')
        return [text.strip() for text in cells.all_inner_texts()]

    states = column("tags.`state`")
    assert sorted(set(states)) == ["complete", "failed", "pruned"]
    assert states.count("pruned") == 4
    assert column("tags.`winner`").count("yes") == 1
    assert "0.252" in column("metrics.`gap`")
    assert set(column("params.`demos`")) == {"best-2", "none"}


def test_a_trial_s_page_shows_its_note_and_its_files(
    page: Any, pages: Pages, tracker: Tracker, folder: Path
) -> None:
    client = MlflowClient(tracking_uri=_uri(folder))
    where = tracker.location
    winner = client.search_runs([where.experiment_id], "tags.winner = 'yes'")[0].info.run_id
    base = f"{pages.base}#/experiments/{where.experiment_id}/runs/{winner}"
    page.goto(base)
    page.get_by_text("gap 0.252").first.wait_for()
    page.get_by_text("Show more").click()
    page.get_by_text("12 words instead of 7").wait_for()
    page.screenshot(path=folder / "trial.png")
    page.goto(f"{base}/artifacts/prompts.json")
    page.get_by_text("Path: ").first.wait_for()
    for name in ("candidate.json", "diff.txt", "failures.json", "prompts.json", "tasks.json"):
        assert page.get_by_text(name, exact=True).count() >= 1, name
    page.get_by_text("challenger.write", exact=True).wait_for()
    page.screenshot(path=folder / "prompts.png")
    page.get_by_text("tasks.json", exact=True).first.click()
    page.get_by_text("question_type", exact=True).wait_for()
    page.get_by_text("causal comparison").first.wait_for()
    page.screenshot(path=folder / "tasks.png")
    page.get_by_text("diff.txt", exact=True).first.click()
    page.get_by_text("candidate/challenger.write").wait_for()
    page.screenshot(path=folder / "diff.png")
    assert page.alerts == []


def test_the_run_s_page_compares_winner_and_baseline(
    page: Any, pages: Pages, tracker: Tracker, folder: Path
) -> None:
    where = tracker.location
    page.goto(f"{pages.base}#/experiments/{where.experiment_id}/runs/{where.run_id}")
    page.get_by_text("gap +0.120").wait_for()
    page.get_by_text("Show more").click()
    page.get_by_text("tokens per accepted").first.wait_for()
    page.get_by_role("link", name=re.compile(r"^t0\d\d ")).first.wait_for()
    page.screenshot(path=folder / "run.png")


def test_a_run_can_be_recorded_through_the_server_too(pages: Pages, folder: Path) -> None:
    uri = pages.base.rstrip("/")
    config = trials.config(folder / "runs", run="remote", tracking={"uri": uri})
    with Tracker(config) as tracker:
        tracker.trial(trials.study(1)[0], trials.BASELINE)
        tracker.fail("only this one")
    assert tracker.location.tracking_uri == uri
    client = MlflowClient(tracking_uri=_uri(folder))
    parent = client.get_run(tracker.location.run_id)
    assert (parent.info.run_name, parent.info.status) == ("remote", "FAILED")
    child = client.search_runs(
        [parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'"
    )[0]
    assert {file.path for file in client.list_artifacts(child.info.run_id)} >= {"prompts.json"}


def test_the_trials_of_different_methods_compare_in_one_chart(
    page: Any, pages: Pages, tracker: Tracker, folder: Path
) -> None:
    config = trials.config(folder / "runs", run="other", method="evolution")
    config = config.model_copy(
        update={"tracking": config.tracking.model_copy(update={"uri": _uri(folder)})}
    )
    with Tracker(config) as other:
        for trial in trials.study(6):
            other.trial(trial, trials.BASELINE)
        other.fail("only these")
    page.goto(pages.base + view_path(tracker.location.experiment_id, EVERY))
    axes = page.locator(".parcoords .dimension")
    page.locator(".parcoords canvas.foreground").wait_for(state="attached")
    page.wait_for_function(DRAWN)
    page.screenshot(path=folder / "methods.png")
    for name in ("run", "method", "memory", "tokens_per_accepted", "value"):
        assert axes.filter(has_text=name).count() >= 1, name
    shown = axes.filter(has_text="method").first.text_content()
    assert "optuna" in shown
    assert "evolution" in shown
