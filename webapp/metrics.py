"""How the app is doing, for programs that watch it: `/healthz`, and `/metrics` in Prometheus's text format."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.process_collector import ProcessCollector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from webapp.routes.studio import Studio

SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 30)


class Metrics:
    """What is counted of one app."""

    def __init__(self, studio: Studio):
        self._studio = studio
        self.answers: Counter[tuple[str, int]] = Counter()  # by what was asked for, and status
        self._registry = CollectorRegistry()
        self._waits = Histogram(
            "studio_answer_seconds", "From a request to its answer's beginning", ["what"], buckets=SECONDS,
            registry=self._registry,
        )  # fmt: skip
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def answered(self, path: str, status: int, seconds: float) -> None:
        """Count an answer. Paths are told apart by their last part, and only those of notes and the like."""
        what = path.rsplit("/", 1)[-1]
        what = what if what in TOLD_APART else "other"
        self.answers[what, status] += 1
        if status < 400:
            self._waits.labels(what).observe(seconds)

    def collect(self) -> Iterator[Metric]:
        turns, jobs = self._studio.opened.turns, self._studio.jobs
        yield GaugeMetricFamily("studio_waiting_requests", "Requests that wait for notes", turns.waiting)
        yield GaugeMetricFamily("studio_open_exports", "Exports that wait or run", jobs.open)
        yield _counted("studio_notes", "Notes rendered, found in the cache, and shared", "how", {
            how: turns.counts[how] for how in ("rendered", "found", "shared")
        })  # fmt: skip
        yield _counted("studio_dropped_requests", "Requests for notes refused, late, or left by who asked", "why", {
            why: turns.counts[why] for why in ("busy", "late", "left")
        })  # fmt: skip
        yield _counted("studio_exports", "Exports by how they ended", "how", {
            how: jobs.counts[how] for how in ("done", "failed", "cancelled")
        })  # fmt: skip
        answers = CounterMetricFamily("studio_answers", "Answers by what was asked and status", labels=["what", "code"])
        for (what, status), count in sorted(self.answers.items()):
            answers.add_metric([what, str(status)], count)
        yield answers

    def routes(self) -> list[Route]:
        """`/healthz` and `/metrics`."""
        return [Route("/healthz", self._health), Route("/metrics", self._metrics)]

    async def _health(self, request: Request) -> Response:
        """200 once the model has made a note, 503 until then and if it cannot."""
        ready = self._studio.opened.is_ready()
        return PlainTextResponse("ready\n" if ready else "not ready\n", 200 if ready else 503)

    async def _metrics(self, request: Request) -> Response:
        return Response(generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


TOLD_APART = ("notes", "takes", "measures", "timbre", "glide", "wav", "picture", "thumb", "model", "export", "render")


def _counted(name: str, about: str, label: str, counts: dict[str, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, about, labels=[label])
    for value, count in counts.items():
        family.add_metric([value], count)
    return family
