//! Case 3: a service is asked for twice what it can do.

use super::Case;
use super::beforehand::{BEFOREHAND, capacity, question};
use super::pressed::{MACHINE, Terms, available, press};
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
const WAIT: Duration = Duration::from_millis(2_250);
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
        vec![
            format!(
                "an HTTP service on loopback, {MOST} connections, each request works for {WORK:?}"
            ),
            format!(
                "twice what it can do for {:?}, sent when they are due, whatever became of those before",
                lasts(scale)
            ),
            format!(
                "what it can do: {MOST} requests in the time for which one holds its connection, on this machine, measured for {BEFOREHAND:?} beforehand"
            ),
            format!(
                "a request waits for a connection for {WAIT:?} at most, and has {BUDGET:?} altogether, from the moment when it is due"
            ),
            MACHINE.to_owned(),
        ]
    }

    fn bound(&self, scale: Scale) -> Duration {
        lasts(scale) + Duration::from_secs(60)
    }

    fn expected(&self, scale: Scale) -> Duration {
        BEFOREHAND + lasts(scale) + WAIT
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
        let (client, recorder) = (client()?, ground.recorder());
        let mut dice = fastrand::Rng::with_seed(ground.seed());
        available(&client, &format!("{}/ready", service.url()), recorder).await?;
        let capacity = capacity(&client, &service.url(), MOST, WORK, &mut dice, recorder).await;
        let terms = Terms {
            url: question(&service.url(), WORK),
            capacity,
            per_second: 2.0 * capacity,
            budget: BUDGET,
            lasts: lasts(ground.scale()),
        };
        press(&client, &terms, &mut dice, recorder).await;
        Ok(())
    }
}

fn lasts(scale: Scale) -> Duration {
    match scale {
        Scale::Short => Duration::from_millis(7_500),
        Scale::Full => Duration::from_secs(60),
    }
}
