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

__all__ = ["saved_view", "view_path"]

METRICS = ("gap", "acceptance", "accepted_gap", "weak", "strong", "tokens_per_accepted")
TAGS = ("state", "winner", "origin")
STUDY, DOCUMENTS = "section-study", "section-documents"


def saved_view(name: str, run_id: str, params: Sequence[str]) -> tuple[str, str]:
    """Return the experiment tag, name and value, that saves the view of a run's trials.

    Args:
        name: What the menu of saved views shows.
        run_id: The parent run.
        params: Names of the search space's parameters, for columns and axes.
    """
    state = {
        "searchFilter": f"tags.`mlflow.parentRunId` = '{run_id}'",
        "orderByKey": "metrics.`gap`",
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": [
            *(f"metrics.`{metric}`" for metric in METRICS),
            *(f"params.`{param}`" for param in params),
            *(f"tags.`{tag}`" for tag in TAGS),
        ],
        "columnOrder": [],
        "columnWidths": {},
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
        "compareRunCharts": _charts(params),
        "compareRunSections": [
            _section(STUDY, "Trials"),
            _section(DOCUMENTS, "Document by document"),
        ],
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


def _charts(params: Sequence[str]) -> list[dict[str, Any]]:
    return [
        _chart(
            "PARALLEL",
            STUDY,
            selectedParams=list(params),
            selectedMetrics=["tokens_per_accepted", "gap"],
            showAllRuns=True,
        ),
        _chart(
            "SCATTER",
            STUDY,
            xaxis={"key": "tokens_per_accepted", "type": "METRIC"},
            yaxis={"key": "gap", "type": "METRIC"},
        ),
        _chart(
            "DIFFERENCE",
            STUDY,
            compareGroups=["Model metrics", "Parameters", "Tags"],
            chartName="Runs difference view",
            showChangeFromBaseline=True,
            showDifferencesOnly=True,
            baselineColumnUuid="",
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


def _section(section: str, name: str) -> dict[str, Any]:
    return {
        "uuid": section,
        "name": name,
        "display": True,
        "isReordered": False,
        "deleted": False,
        "isGenerated": False,
    }
