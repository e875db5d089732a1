"""What Prometheus reads at /metrics: counts and times of requests, and how the workers are doing.

A registry for each server, so that several can run in one process. A server that switches to a new release goes on
counting; what has its own count, such as a pool of workers, is read when the metrics are.

What those who operate the server ask: whether it lives, whether it is ready to answer, and its metrics.
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
from kg.http.openapi import answered
from kg.http.sparql_endpoint import Refusal, accept_of

# In seconds: from an answer that is at hand to one that takes all the time there is.
_BUCKETS: tuple[float, ...] = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


@dataclass
class Times:
    """How many requests took how long, a number for each bucket and one for what is longer; their sum in seconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(_BUCKETS) + 1))
    sum: float = 0.0


class Counted(Protocol):
    """What counts by names of its own."""

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
        # Added to for each request, so in the plainest way: the library's own counters take a lock each time.
        self.requests: defaultdict[tuple[str, str, int], int] = defaultdict(int)
        self.times: defaultdict[str, Times] = defaultdict(Times)
        self._sources = _Sources(self)
        self.registry.register(self._sources)

    def answered(self, route: str, method: str, status: int, outcome: str, seconds: float) -> None:
        """Count a request. Route, method and outcome are words of a bounded set, never what a client has written."""
        self.requests[route, method, status] += 1
        times = self.times[outcome]
        times.counts[bisect_left(_BUCKETS, seconds)] += 1
        times.sum += seconds

    def ended(self, reason: str) -> None:
        """Count a connection that the server has ended."""
        self._ended.labels(reason).inc()

    @contextmanager
    def reading(self, version: str, pool: Pool, answers: Counted) -> Iterator[None]:
        """Read the counts of a pool and of what is asked of it for as long as the context lasts; keep them then."""
        self._sources.live.append((version, pool, answers))
        try:
            yield
        finally:
            self._sources.live.remove((version, pool, answers))
            self._sources.past_pools.update(pool.counts)
            self._sources.past_answers.update(answers.counts)

    def text(self, accept: str | None) -> tuple[bytes, str]:
        """Return all metrics and their media type, in the format that an Accept header asks for."""
        encoder, content_type = choose_encoder(accept or "")
        return encoder(self.registry), content_type


class _Sources(Collector):
    """Reads the pools of workers, and what is asked of them, each time that the metrics are read."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self.live: list[tuple[str, Pool, Counted]] = []
        self.past_pools, self.past_answers = Tally[str](), Tally[str]()

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics (prometheus_client)."""
        yield from self._of_requests()
        pools = [pool for _, pool, _ in self.live]
        yield _counter("kg_answers", "Answers to queries by how they were had", "source", self._of_answers())
        yield _counter("kg_pool_events", "What has happened to workers and to questions", "event", self._of_pools())
        yield GaugeMetricFamily(
            "kg_http_requests_in_progress", "Requests that are being answered", self._metrics.in_progress
        )
        yield GaugeMetricFamily("kg_workers_alive", "Workers that live", sum(pool.workers for pool in pools))
        waiting, held, places = (
            GaugeMetricFamily(f"kg_questions_{name}", text, labels=["lane"])
            for name, text in (
                ("waiting", "Questions that wait for a place"),
                ("running", "Questions that hold a place"),
                ("places", "Places for questions"),
            )
        )
        for lane in ("fast", "slow"):
            lanes = [pool.slots[lane] for pool in pools]
            waiting.add_metric([lane], sum(len(lane.waiting) for lane in lanes))
            held.add_metric([lane], sum(lane.used for lane in lanes))
            places.add_metric([lane], sum(lane.limit for lane in lanes))
        yield from (waiting, held, places)
        info = GaugeMetricFamily("kg_release_info", "What is served, by which program", labels=["release", "program"])
        triples = GaugeMetricFamily("kg_release_triples", "Triples of what is served", labels=["release"])
        for version, pool, _ in self.live:
            info.add_metric([version, __version__], 1)
            triples.add_metric([version], pool.triples)
        yield from (info, triples)

    def _of_requests(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "kg_http_requests",
            "Requests by the first part of the path, the method and the status",
            labels=["route", "method", "status"],
        )
        for (route, method, status), count in sorted(self._metrics.requests.items()):
            requests.add_metric([route, method, str(status)], count)
        yield requests
        times = HistogramMetricFamily(
            "kg_http_request_duration_seconds",
            "Time until an answer begins, by what became of the request",
            labels=["outcome"],
        )
        for outcome, seen in sorted(self._metrics.times.items()):
            limits = [*map(str, _BUCKETS), "+Inf"]
            times.add_metric([outcome], list(zip(limits, accumulate(seen.counts), strict=True)), seen.sum)
        yield times

    def _of_pools(self) -> Tally[str]:
        return sum((pool.counts for _, pool, _ in self.live), start=self.past_pools)

    def _of_answers(self) -> Tally[str]:
        replayed = Tally({REPLAYED: self._metrics.replayed})
        return sum((answers.counts for _, _, answers in self.live), start=self.past_answers + replayed)


def _counter(name: str, text: str, label: str, counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, text, labels=[label])
    for value, count in sorted(counts.items()):
        family.add_metric([value], count)
    return family


# The answers hold for this moment only.
_PASSING = {"Cache-Control": "no-store"}
_METRICS = answered("text/plain", "application/openmetrics-text")


@dataclass(frozen=True)
class Served:
    """What is served: the version of a release, empty where there is none, and the place where its data are."""

    version: str
    store: str


def router(served: Served, pool: Pool, metrics: Metrics, trouble: Callable[[], str]) -> APIRouter:
    """Return the routes for those who operate the server; `trouble` tells why it cannot answer, where it cannot."""
    routes = APIRouter(tags=["operation"])

    @routes.get("/healthz", summary="Whether the server lives", responses=answered("text/plain"))
    async def live() -> Response:
        return PlainTextResponse("ok\n", headers=_PASSING)

    @routes.get(
        "/readyz", summary="Whether the server can answer, and from what", responses=answered("application/json")
    )
    async def ready() -> Response:
        if not pool.workers:
            raise Refusal(503, "no worker can answer at the moment; one is started", {"Retry-After": "1", **_PASSING})
        if why := trouble():
            raise Refusal(503, why, {"Retry-After": "1", **_PASSING})
        told = {"release": served.version or None, "triples": pool.triples, "store": served.store}
        return JSONResponse({**told, "workers": pool.workers}, headers=_PASSING)

    @routes.get("/metrics", summary="Counts and times, in the format of Prometheus", responses=_METRICS)
    async def measured(request: Request) -> Response:
        text, media_type = metrics.text(accept_of(request))
        return Response(text, headers={"Content-Type": media_type, "Vary": "Accept", **_PASSING})

    return routes
