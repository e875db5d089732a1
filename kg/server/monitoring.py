"""Prometheus metrics at /metrics, and the health endpoints /healthz and /readyz.

Each server has its own registry, so that several can run in one process. Counters survive the switch to a new release;
objects with counters of their own, such as a worker pool, are read at scrape time.
"""

from bisect import bisect_left
from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Protocol

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CollectorRegistry, Counter, GCCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from kg import __version__
from kg.engine.pool import Pool
from kg.engine.result_cache import REPLAYED
from kg.http import conditional_requests
from kg.http.openapi import response_docs
from kg.http.sparql_endpoint import Refusal, accept_header

# In seconds, from a cached response to the longest time limit.
_BUCKETS: tuple[float, ...] = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


@dataclass
class DurationHistogram:
    """Histogram of request durations: a count for each bucket and one for longer ones, and the sum in seconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(_BUCKETS) + 1))
    sum: float = 0.0


class HasCounts(Protocol):
    """An object with named counters."""

    counts: Tally[str]


class Metrics:
    """The metrics of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._ended = Counter(
            "kg_connections_ended",
            "Connections ended by the server, by reason",
            ["reason"],
            registry=self.registry,
        )
        self.in_progress = 0
        self.replayed = 0
        # Plain counters, since these are updated for each request and the library's own take a lock.
        self.requests: defaultdict[tuple[str, str, int], int] = defaultdict(int)
        self.times: defaultdict[str, DurationHistogram] = defaultdict(DurationHistogram)
        self._collector = _LiveCollector(self)
        self.registry.register(self._collector)

    def count_request(self, route: str, method: str, status: int, outcome: str, seconds: float) -> None:
        """Count a request. Route, method and outcome are from bounded sets, never text sent by a client."""
        self.requests[route, method, status] += 1
        times = self.times[outcome]
        times.counts[bisect_left(_BUCKETS, seconds)] += 1
        times.sum += seconds

    def ended(self, reason: str) -> None:
        """Count a connection that the server has ended."""
        self._ended.labels(reason).inc()

    @contextmanager
    def collecting(self, version: str, pool: Pool, answers: HasCounts) -> Iterator[None]:
        """Collect the counters of a pool and a result cache within the context; keep their totals afterwards."""
        self._collector.live.append((version, pool, answers))
        try:
            yield
        finally:
            self._collector.live.remove((version, pool, answers))
            self._collector.past_pools.update(pool.counts)
            self._collector.past_answers.update(answers.counts)

    def text(self, accept: str | None) -> tuple[bytes, str]:
        """Return all metrics and their media type, in the format negotiated by an Accept header."""
        encoder, content_type = choose_encoder(accept or "")
        return encoder(self.registry), content_type


class _LiveCollector(Collector):
    """Collector that reads pools and result caches at scrape time."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self.live: list[tuple[str, Pool, HasCounts]] = []
        self.past_pools, self.past_answers = Tally[str](), Tally[str]()

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics (prometheus_client)."""
        yield from self._request_metrics()
        pools = [pool for _, pool, _ in self.live]
        yield _counter("kg_answers", "Answers to queries, by their source", "source", self._answer_counts())
        yield _counter("kg_pool_events", "Events of workers and queries", "event", self._pool_counts())
        yield GaugeMetricFamily("kg_http_requests_in_progress", "Requests in progress", self._metrics.in_progress)
        yield GaugeMetricFamily("kg_workers_alive", "Running workers", sum(pool.workers for pool in pools))
        waiting, running, slots = (
            GaugeMetricFamily(f"kg_questions_{name}", text, labels=["lane"])
            for name, text in (
                ("waiting", "Queries waiting for a slot"),
                ("running", "Running queries"),
                ("places", "Slots for queries"),
            )
        )
        for lane in ("fast", "slow"):
            lanes = [pool.slots[lane] for pool in pools]
            waiting.add_metric([lane], sum(len(lane.waiting) for lane in lanes))
            running.add_metric([lane], sum(lane.used for lane in lanes))
            slots.add_metric([lane], sum(lane.limit for lane in lanes))
        yield from (waiting, running, slots)
        info = GaugeMetricFamily(
            "kg_release_info", "The release served and the version of the program", labels=["release", "program"]
        )
        triples = GaugeMetricFamily("kg_release_triples", "Triples of the release served", labels=["release"])
        for version, pool, _ in self.live:
            info.add_metric([version, __version__], 1)
            triples.add_metric([version], pool.triples)
        yield from (info, triples)

    def _request_metrics(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "kg_http_requests",
            "Requests, by first path segment, method and status",
            labels=["route", "method", "status"],
        )
        for (route, method, status), count in sorted(self._metrics.requests.items()):
            requests.add_metric([route, method, str(status)], count)
        yield requests
        times = HistogramMetricFamily(
            "kg_http_request_duration_seconds",
            "Time until a response begins, by outcome of the request",
            labels=["outcome"],
        )
        for outcome, seen in sorted(self._metrics.times.items()):
            limits = [*map(str, _BUCKETS), "+Inf"]
            times.add_metric([outcome], list(zip(limits, accumulate(seen.counts), strict=True)), seen.sum)
        yield times

    def _pool_counts(self) -> Tally[str]:
        return sum((pool.counts for _, pool, _ in self.live), start=self.past_pools)

    def _answer_counts(self) -> Tally[str]:
        replayed = Tally({REPLAYED: self._metrics.replayed})
        return sum((answers.counts for _, _, answers in self.live), start=self.past_answers + replayed)


def _counter(name: str, text: str, label: str, counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, text, labels=[label])
    for value, count in sorted(counts.items()):
        family.add_metric([value], count)
    return family


# These responses are valid at the moment of the request only.
_NO_STORE = {"Cache-Control": conditional_requests.NO_STORE}
_METRICS = response_docs("text/plain", "application/openmetrics-text")


@dataclass(frozen=True)
class ServedData:
    """Identity of the data served: the version of the release, empty without one, and the location of the store."""

    version: str
    store: str


def router(served: ServedData, pool: Pool, metrics: Metrics, unavailable_reason: Callable[[], str]) -> APIRouter:
    """Return the operational routes; `unavailable_reason` returns why it is not ready."""
    routes = APIRouter(tags=["operation"])

    @routes.get("/healthz", summary="Check whether the server is alive", responses=response_docs("text/plain"))
    async def live() -> Response:
        return PlainTextResponse("ok\n", headers=_NO_STORE)

    @routes.get(
        "/readyz",
        summary="Check whether the server can answer, and what it serves",
        responses=response_docs("application/json"),
    )
    async def ready() -> Response:
        if not pool.workers:
            raise Refusal(503, "no worker can answer at the moment; one is started", {"Retry-After": "1", **_NO_STORE})
        if reason := unavailable_reason():
            raise Refusal(503, reason, {"Retry-After": "1", **_NO_STORE})
        status = {"release": served.version or None, "triples": pool.triples, "store": served.store}
        return JSONResponse({**status, "workers": pool.workers}, headers=_NO_STORE)

    @routes.get("/metrics", summary="Get the metrics, in the format of Prometheus", responses=_METRICS)
    async def measured(request: Request) -> Response:
        text, media_type = metrics.text(accept_header(request))
        return Response(text, headers={"Content-Type": media_type, "Vary": "Accept", **_NO_STORE})

    return routes
