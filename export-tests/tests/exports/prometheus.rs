//! A page that is scraped over HTTP.

use crate::expected::{Figure, Series, assert_same, expected};
use crate::page::read;
use crate::pools::{Scene, Scripted};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusRecorder};
use millpond::managed::Pool;
use millpond::observe::Pools;
use millpond::observe::export::Metrics;
use millpond::observe::names::{BUCKETS_SECONDS, Kind, METRICS};
use millpond_ops_tests::Promtool;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;

/// A Prometheus exporter that listens on this machine, for as long as it is there.
struct Target {
    recorder: PrometheusRecorder,
    address: SocketAddr,
    server: AbortHandle,
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    let histograms = METRICS
        .iter()
        .filter(|metric| metric.kind == Kind::Histogram);
    histograms
        .into_iter()
        .try_fold(PrometheusBuilder::new(), |builder, metric| {
            let whole = Matcher::Full(metric.prometheus_name());
            builder.set_buckets_for_metric(whole, &BUCKETS_SECONDS)
        })
}

impl Target {
    /// The exporter does not tell its port, so a free one is looked for; somebody else may take it in between.
    fn new() -> Self {
        let attempts = (0..20).map(|_| {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
            let builder = builder().expect("buckets").with_http_listener(free);
            let built = builder.build().map_err(std::io::Error::other)?;
            Ok::<_, std::io::Error>((built, free))
        });
        let ((recorder, serve), address) = attempts
            .filter_map(Result::ok)
            .next()
            .expect("a port in twenty attempts");
        let server = tokio::spawn(async move { drop(serve.await) });
        Self {
            recorder,
            address,
            server: server.abort_handle(),
        }
    }

    fn publish(&self, metrics: &Metrics) {
        metrics::with_local_recorder(&self.recorder, || metrics.publish());
    }

    async fn scrape(&self) -> String {
        let mut stream = TcpStream::connect(self.address).await.expect("it listens");
        let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream
            .write_all(request.as_bytes())
            .await
            .expect("it reads");
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .await
            .expect("it answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        body.to_owned()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[tokio::test]
async fn a_scraped_page_has_the_table_and_the_figures_of_the_pools_and_nothing_else() {
    let scene = Scene::new().await;
    let (target, metrics) = (Target::new(), Metrics::new(scene.pools.clone()));
    target.publish(&metrics);
    let page = target.scrape().await;
    let expected = expected(&scene);
    assert_same(&read(&page), &expected);
    let gets = |outcome| &expected[&("millpond.gets", "busy".to_owned(), outcome)];
    for outcome in [
        "at_once",
        "after_waiting",
        "created",
        "cancelled",
        "failed",
        "timed_out_wait",
    ] {
        assert_ne!(*gets(outcome), Figure::Number(0.0), "{outcome}");
    }

    // Again: nothing is counted twice, and what has happened since is there.
    drop(scene.closed.get().await);
    drop(scene.fresh.get().await.expect("made"));
    drop(scene.fresh.get().await.expect("idle"));
    target.publish(&metrics);
    assert_same(
        &read(&target.scrape().await),
        &crate::expected::expected(&scene),
    );
}

#[tokio::test]
async fn promtool_objects_to_one_name_alone() {
    let scene = Scene::new().await;
    let target = Target::new();
    target.publish(&Metrics::new(scene.pools.clone()));
    let page = target.scrape().await;
    let promtool = Promtool::find(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("promtool"))
        .unwrap_or_else(|why| panic!("{why}"));
    let said = promtool
        .objections(&page)
        .unwrap_or_else(|why| panic!("{why}"));
    let theirs = "db_client_connection_count non-histogram and non-summary metrics should not have \"_count\" suffix";
    assert_eq!(said, [theirs], "{page}");
}

fn pool(name: &str) -> Pool<Scripted> {
    let builder = Pool::builder(Scripted::default()).name(name).max_size(3);
    builder.build().expect("it builds")
}

fn one(pools: &Pools, target: &Target, metrics: &Metrics) -> BTreeMap<Series, Figure> {
    assert!(pools.all().len() <= 1);
    target.publish(metrics);
    read(&target.recorder.handle().render())
}

fn of(page: &BTreeMap<Series, Figure>, metric: &'static str, label: &'static str) -> f64 {
    match page.get(&(metric, "main".to_owned(), label)) {
        Some(Figure::Number(number)) => *number,
        Some(Figure::Times { count, .. }) => *count as f64,
        None => panic!("{metric} {label} is not on the page"),
    }
}

#[tokio::test]
async fn before_anything_has_happened_every_value_of_every_label_stands_at_0() {
    let (pools, target, main) = (Pools::new(), Target::new(), pool("main"));
    pools.list(&main);
    let page = one(&pools, &target, &Metrics::new(pools.clone()));
    for metric in METRICS.iter().filter(|metric| metric.labels.len() > 1) {
        for (value, _) in metric.labels[1].values {
            assert_eq!(
                of(&page, metric.name, value),
                0.0,
                "{} {value}",
                metric.name
            );
        }
    }
    for metric in METRICS
        .iter()
        .filter(|metric| metric.kind == Kind::Histogram)
    {
        assert_eq!(of(&page, metric.name, ""), 0.0, "{}", metric.name);
    }
    assert_eq!(of(&page, "db.client.connection.max", ""), 3.0);
}

#[tokio::test]
async fn the_gauges_of_a_pool_that_is_gone_are_0_and_who_takes_its_name_counts_on() {
    let (pools, target, main) = (Pools::new(), Target::new(), pool("main"));
    let metrics = Metrics::new(pools.clone());
    pools.list(&main);
    drop(main.get().await);
    let page = one(&pools, &target, &metrics);
    assert_eq!(of(&page, "db.client.connection.count", "idle"), 1.0);
    drop(main);
    let page = one(&pools, &target, &metrics);
    for (metric, _, label) in page.keys() {
        let gauge = matches!(
            crate::expected::row(metric).kind,
            Kind::UpDownCounter | Kind::Gauge
        );
        assert!(
            !gauge || of(&page, metric, label) == 0.0,
            "{metric} {label}"
        );
    }
    assert_eq!(
        of(&page, "millpond.gets", "created"),
        1.0,
        "a counter never falls"
    );

    let main = pool("main");
    pools.list(&main);
    for _ in 0..3 {
        drop(main.get().await);
    }
    let page = one(&pools, &target, &metrics);
    assert_eq!(of(&page, "db.client.connection.max", ""), 3.0);
    assert_eq!(of(&page, "millpond.gets", "created"), 2.0);
    assert_eq!(of(&page, "millpond.gets", "at_once"), 2.0);
    assert_eq!(of(&page, "db.client.connection.wait_time", ""), 4.0);
}

#[tokio::test]
async fn with_the_names_that_the_exporter_recommends_they_are_the_same() {
    let recorder = builder()
        .expect("buckets")
        .with_recommended_naming(true)
        .build_recorder();
    let scene = Scene::new().await;
    let metrics = Metrics::new(scene.pools.clone());
    metrics::with_local_recorder(&recorder, || metrics.publish());
    assert_same(&read(&recorder.handle().render()), &expected(&scene));
}

#[test]
fn it_publishes_by_itself_as_often_as_it_is_told() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let recorder = builder().expect("buckets").build_recorder();
    let created = || {
        of(
            &read(&recorder.handle().render()),
            "millpond.connection.created",
            "",
        )
    };
    // The recorder is this thread's, and so is the runtime.
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let (pools, main) = (Pools::new(), pool("main"));
            pools.list(&main);
            let metrics = Metrics::new(pools);
            let publishing =
                tokio::spawn(async move { metrics.publish_every(Duration::from_secs(10)).await });
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert_eq!(created(), 0.0, "at once");
            drop(main.get().await.expect("made"));
            tokio::time::sleep(Duration::from_secs(8)).await;
            assert_eq!(created(), 0.0, "not yet again");
            tokio::time::sleep(Duration::from_secs(2)).await;
            assert_eq!(created(), 1.0);
            publishing.abort();
        });
    });
}
