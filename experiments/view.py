"""The saved view: one address that shows a run's trials as a table and as charts.

MLflow keeps a saved view in an experiment tag, whose form it does not document. It was read off
MLflow 3.17 and is checked in a real browser by `tests/experiments/test_ui.py`.
"""

import base64
import json
import time
import zlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

__all__ = ["EVERY", "every_view", "saved_view", "view_path"]

EVERY = "every-run"
"""What stands for a run's id in the address of the view of all runs' trials."""

OBJECTIVE, COST = "value", "tokens_per_accepted"
# A stopped trial's gap is that of its first few documents; its value is the estimate for all.
METRICS = (OBJECTIVE, "gap", "acceptance", "weak", "strong", COST)
TAGS = ("state", "winner")
SHARED = ("run", "method", "memory", "temperature")
"""Parameters that the trials of all methods have."""
NAME, CREATED = "attributes.`Run Name`", "runDateAndNestInfo"
WIDTHS = {
    NAME: 200,
    CREATED: 150,
    f"metrics.`{COST}`": 150,
    "metrics": 95,
    "tags": 85,
    "params": 95,
}
"""Of columns, in pixels; by kind where a column has no width of its own."""
COMPARISON, DIFFERENCES, DOCUMENTS = "section-trials", "section-differences", "section-documents"


def saved_view(
    name: str, run_id: str, params: Sequence[str], baseline: str = ""
) -> tuple[str, str]:
    """Return the experiment tag, name and value, that saves the view of a run's trials.

    Args:
        name: What the menu of saved views shows.
        run_id: The parent run.
        params: Names of the search space's parameters, for columns and axes.
        baseline: The child run that the others are compared with.
    """
    sections = [
        _section(COMPARISON, "Trials", columns=1, height=420),
        _section(DOCUMENTS, "Document by document", columns=1, height=420),
        _section(DIFFERENCES, "What differs", columns=1, height=600),
    ]
    which = f"tags.`mlflow.parentRunId` = '{run_id}'"
    return _packed(name, run_id, which, params, _charts(params, baseline), sections)


def every_view() -> tuple[str, str]:
    """Return the experiment tag that saves the view of all runs' trials, whatever their method."""
    sections = [_section(COMPARISON, "Trials of all runs", columns=1, height=520)]
    charts = _charts(SHARED, "")[:2]
    return _packed("trials of all runs", EVERY, "tags.`kind` = 'trial'", SHARED, charts, sections)


def _packed(
    name: str,
    run_id: str,
    which: str,
    params: Sequence[str],
    charts: Sequence[dict[str, Any]],
    sections: Sequence[dict[str, Any]],
) -> tuple[str, str]:
    """Write a view down as MLflow does."""
    columns = [
        *(f"metrics.`{metric}`" for metric in METRICS),
        *(f"tags.`{tag}`" for tag in TAGS),
        *(f"params.`{param}`" for param in params),
    ]
    order = [NAME, *columns, CREATED]
    state = {
        "searchFilter": which,
        "orderByKey": f"metrics.`{OBJECTIVE}`",
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": columns,
        "columnOrder": order,
        "columnWidths": {name: WIDTHS.get(name) or WIDTHS[name.split(".")[0]] for name in order},
        "runsHiddenMode": "SHOWALL",
        "viewMaximized": False,
        "runListHidden": False,
        # Keeps our sections before those that MLflow generates.
        "isAccordionReordered": True,
        "useGroupedValuesInCharts": True,
        "hideEmptyCharts": True,
        "groupBy": None,
        "groupsExpanded": {},
        "globalLineChartConfig": {
            "xAxisKey": "step",
            "lineSmoothness": 0,
            "selectedXAxisMetricKey": "",
        },
        "compareRunCharts": charts,
        "compareRunSections": sections,
    }
    packed = base64.b64encode(zlib.compress(json.dumps(state).encode())).decode()
    now = int(time.time() * 1000)
    view = {"name": name, "createdAt": now, "updatedAt": now, "state": f"deflate;{packed}"}
    return f"mlflow.sharedViewState.{_key(run_id)}", json.dumps(view)


def view_path(experiment_id: str, run_id: str) -> str:
    """Return the part of the view's address that follows the server's.

    The workflow type has to be there: MLflow hides runs behind traces without it.
    """
    return (
        f"#/experiments/{quote(experiment_id)}/runs?workflowType=machine_learning"
        f"&viewStateShareKey={_key(run_id)}&compareRunsMode=CHART"
    )


def _key(run_id: str) -> str:
    return f"autodata-{run_id}"


def _charts(params: Sequence[str], baseline: str) -> list[dict[str, Any]]:
    return [
        _chart(
            "PARALLEL",
            COMPARISON,
            selectedParams=list(params),
            selectedMetrics=[COST, OBJECTIVE],
            showAllRuns=True,
        ),
        _chart(
            "SCATTER",
            COMPARISON,
            xaxis={"key": COST, "type": "METRIC"},
            yaxis={"key": OBJECTIVE, "type": "METRIC"},
        ),
        _chart(
            "DIFFERENCE",
            DIFFERENCES,
            compareGroups=["Model metrics", "Parameters", "Tags"],
            chartName="Runs difference view",
            showChangeFromBaseline=True,
            showDifferencesOnly=True,
            baselineColumnUuid=baseline,
        ),
        _chart(
            "LINE",
            DOCUMENTS,
            metricKey="doc/gap_mean",
            selectedMetricKeys=["doc/gap_mean"],
            lineSmoothness=0,
            xAxisScaleType="linear",
            scaleType="linear",
            range={},
            xAxisKey="step",
            selectedXAxisMetricKey="",
            ignoreOutliers=False,
            useGlobalXaxisKey=True,
            useGlobalLineSmoothing=True,
        ),
    ]


def _chart(kind: str, section: str, **settings: Any) -> dict[str, Any]:
    return {
        "uuid": f"{section}-{kind.lower()}",
        "type": kind,
        "deleted": False,
        "isGenerated": False,
        "metricSectionId": section,
        "runsCountToCompare": 100,
        **settings,
    }


def _section(section: str, name: str, *, columns: int, height: int) -> dict[str, Any]:
    return {
        "uuid": section,
        "name": name,
        "display": True,
        "columns": columns,
        "cardHeight": height,
        "isReordered": False,
        "deleted": False,
        "isGenerated": False,
    }
