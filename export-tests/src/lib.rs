//! What millpond exports, tested as its users see it: a Prometheus page scraped over HTTP, OpenTelemetry's exporter
//! in memory, a subscriber of `tracing`. A crate of its own, so that the library's tests need none of these.
//!
//! The examples of the pages in `docs/` about observing are compiled and run here.

#[cfg(doctest)]
#[doc = include_str!("../../docs/metrics.md")]
struct MetricsPage;

#[cfg(doctest)]
#[doc = include_str!("../../docs/observe.md")]
struct ObservePage;
