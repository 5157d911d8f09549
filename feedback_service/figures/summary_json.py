"""The JSON of a summary: the reply of GET /summaries, which the command ``summary`` prints too."""

from dataclasses import asdict

from feedback_service.figures.shapes import Funnel, Group, Summary, WithoutSignals
from feedback_service.indicators.scoring import Figures, IndicatorFigure, QuestionFigure
from feedback_service.indicators.statistics import Interval


def summary_json(summary: Summary, without_signals: WithoutSignals | None = None) -> dict[str, object]:
    """The members of the reply, in its order; ``without_signals`` only if it is given."""
    members: dict[str, object] = {
        "period": {"from": summary.first.isoformat(), "to": summary.last.isoformat()},
        "methodology": {"id": summary.methodology.id, "status": summary.methodology.status},
    }
    if summary.suppressed:
        members["suppressed"] = True
    members |= {"funnel": _funnel_json(summary.funnel)} | _figures_json(summary.figures)
    members["groups"] = [_group_json(group) for group in summary.groups]
    if without_signals is not None:
        members["without_signals"] = _without_signals_json(without_signals)
    return members


def _group_json(group: Group) -> dict[str, object]:
    if group.content is None:
        return {"key": group.key, "suppressed": True}
    content = {"funnel": _funnel_json(group.content.funnel)} | _figures_json(group.content.figures)
    return {"key": group.key, "suppressed": False} | content


def _without_signals_json(rest: WithoutSignals) -> dict[str, object]:
    if rest.figures is None:
        return {"suppressed": True}
    return {"suppressed": False, "signalled": rest.signalled} | _figures_json(rest.figures)


def _funnel_json(funnel: Funnel) -> dict[str, object]:
    return asdict(funnel) | {"response_rate": funnel.response_rate}


def _figures_json(figures: Figures) -> dict[str, object]:
    return {
        "indicators": [_indicator_json(figure) for figure in figures.indicators],
        "questions": [_question_json(figure) for figure in figures.questions],
        "reasons": [asdict(reason) for reason in figures.reasons],
    }


def _indicator_json(figure: IndicatorFigure) -> dict[str, object]:
    index, place = figure.index, {"id": "loyalty_index", "front_office": figure.front_office}
    if index is None:
        return place | {"suppressed": True}
    return place | {
        "n": index.n,
        "promoters": index.promoters,
        "passives": index.passives,
        "detractors": index.detractors,
        "value": None if index.value is None else float(index.value),
        "interval": _interval_json(index.interval),
        "band": index.band,
        "status": figure.status,
    }


def _question_json(figure: QuestionFigure) -> dict[str, object]:
    return {
        "id": figure.id,
        "n": figure.n,
        "counts": dict(figure.counts),
        "share_satisfied": figure.share_satisfied,
        "interval": _interval_json(figure.interval),
        "share_not_awful": figure.share_not_awful,
    }


def _interval_json(interval: Interval | None) -> list[float] | None:
    return None if interval is None else list(interval)
