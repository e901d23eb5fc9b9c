//! Case 3: a service is asked for twice what it can do.

use super::Case;
use super::pressed::{MACHINE, Terms, press};
use crate::Failure;
use crate::data::Scale;
use crate::ground::Ground;
use crate::load::client;
use crate::service::{Service, Settings};
use async_trait::async_trait;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// See `cases/mod.rs`.
pub(super) struct Pressure;

const MOST: usize = 10;
const WORK: Duration = Duration::from_millis(200);
/// The longest that the service lets a request wait for a connection.
const WAIT: Duration = Duration::from_millis(2_500);
/// What each request has altogether.
const BUDGET: Duration = Duration::from_secs(3);

#[async_trait]
impl Case for Pressure {
    fn name(&self) -> &'static str {
        "pressure"
    }

    fn title(&self) -> &'static str {
        "Back-pressure"
    }

    fn question(&self) -> &'static str {
        "When a service is asked for twice what it can do, does it serve what it can in time, and tell everybody else at once when to come again?"
    }

    fn conditions(&self, scale: Scale) -> Vec<String> {
        let Terms {
            per_second, lasts, ..
        } = terms(scale);
        vec![
            format!(
                "an HTTP service on loopback, {MOST} connections, each request works for {WORK:?}: it can do {:.0} a second",
                per_second / 2.0
            ),
            format!(
                "{per_second:.0} requests a second for {lasts:?}, sent when they are due, whatever became of those before"
            ),
            format!(
                "a request waits for a connection for {WAIT:?} at most, and has {BUDGET:?} altogether, from the moment when it is due"
            ),
            MACHINE.to_owned(),
        ]
    }

    fn bound(&self, scale: Scale) -> Duration {
        terms(scale).lasts + Duration::from_secs(60)
    }

    fn expected(&self, scale: Scale) -> Duration {
        terms(scale).lasts + WAIT
    }

    async fn run(&self, ground: &Ground) -> Result<(), Failure> {
        let mut spec = ground.spec("pressure", MOST, MOST);
        spec.wait = WAIT;
        spec.shed = true;
        let pool = ground.make(&spec).await?;
        let settings = Settings {
            kind: ground.maker().name().to_owned(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            wait: WAIT,
        };
        let service = Service::start(pool, settings).await?;
        press(
            &client()?,
            &service.url(),
            &terms(ground.scale()),
            ground.seed(),
            ground.recorder(),
        )
        .await
    }
}

fn terms(scale: Scale) -> Terms {
    let capacity = MOST as f64 / WORK.as_secs_f64();
    Terms {
        ready: "/ready".to_owned(),
        path: format!("/query?ms={}", WORK.as_millis()),
        capacity,
        per_second: 2.0 * capacity,
        budget: BUDGET,
        lasts: match scale {
            Scale::Short => Duration::from_millis(7_500),
            Scale::Full => Duration::from_secs(60),
        },
    }
}
