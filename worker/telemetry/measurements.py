"""The worker's metrics as OpenTelemetry has them: those of /metrics, under the same names and labels."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from opentelemetry.sdk.metrics.export import AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, Sum
from prometheus_client.core import Metric as Family
from prometheus_client.core import Sample

CUMULATIVE = AggregationTemporality.CUMULATIVE

UNKNOWN: Any = None
"""The least and the largest value of a histogram, which nobody has kept; the SDK leaves them out."""


def measurements(families: Iterable[Family], began: int, now: int) -> Iterator[Metric]:
    """Yields a metric for each family that has a value. `began`: since when counters count, in nanoseconds of Unix time, as is `now`."""
    for family in families:
        if family.samples:
            yield Metric(family.name, family.documentation, "", _data(family, began, now))


def _data(family: Family, began: int, now: int) -> Sum | Gauge | Histogram:
    if family.type == "histogram":
        return Histogram(list(_histograms(family.samples, began, now)), CUMULATIVE)
    if family.type == "counter":
        return Sum([_number(sample, began, now) for sample in family.samples], CUMULATIVE, is_monotonic=True)
    return Gauge([_number(sample, now, now) for sample in family.samples])


def _number(sample: Sample, began: int, now: int) -> NumberDataPoint:
    return NumberDataPoint(sample.labels, began, now, sample.value)


def _histograms(samples: Iterable[Sample], began: int, now: int) -> Iterator[HistogramDataPoint]:
    """A point for each set of labels: the counts of the buckets, which Prometheus adds up, and their bounds."""
    for labels, series in itertools.groupby(samples, key=_labels):
        found: dict[str, Any] = {"bucket": [], "bounds": []}
        for sample in series:
            kind = sample.name.rpartition("_")[2]
            if kind == "bucket":
                found["bucket"].append(int(sample.value))
                found["bounds"].append(float(sample.labels["le"]))
            else:
                found[kind] = sample.value
        counts = [after - before for before, after in itertools.pairwise([0, *found["bucket"]])]
        yield HistogramDataPoint(
            dict(labels), began, now, int(found["count"]), found["sum"], counts, found["bounds"][:-1], min=UNKNOWN, max=UNKNOWN
        )


def _labels(sample: Sample) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in sorted(sample.labels.items()) if name != "le")
