//! A pool that hangs, or that cannot be made, is told of by name, and keeps no other from its turn. No server is needed:
//! these pools lead nowhere.

use async_trait::async_trait;
use millpond_lab::Failure;
use millpond_lab::cases::Case;
use millpond_lab::data::{Scale, Verdict};
use millpond_lab::ground::Ground;
use millpond_lab::runner::{self, Nobody, Plan};
use millpond_lab::site::Site;
use millpond_lab::subject::{Lease, Look, Maker, Refusal, Spec, Subject};
use std::future::pending;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Takes a connection, whatever that takes.
struct Takes;

#[async_trait]
impl Case for Takes {
    fn name(&self) -> &'static str {
        "takes"
    }

    fn title(&self) -> &'static str {
        "Takes"
    }

    fn question(&self) -> &'static str {
        "Is there one?"
    }

    fn conditions(&self, _: Scale) -> Vec<String> {
        Vec::new()
    }

    fn bound(&self, _: Scale) -> Duration {
        Duration::from_millis(300)
    }

    fn expected(&self, _: Scale) -> Duration {
        Duration::from_millis(1)
    }

    async fn run(&self, ground: &Ground) -> Result<(), Failure> {
        let pool = ground.make(&ground.spec("takes", 1, 0)).await?;
        let got = pool.get(Duration::from_secs(1), Location::caller()).await;
        let found = got
            .err()
            .map_or("one".to_owned(), |refusal| refusal.to_string());
        ground
            .recorder()
            .check("it says so", "timed out", &found, found == "timed out");
        Ok(())
    }
}

/// What a pool does when it is asked for a connection.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Hangs,
    CannotBeMade,
    SaysSo,
}

#[async_trait]
impl Maker for Kind {
    fn name(&self) -> &'static str {
        match self {
            Self::Hangs => "hangs",
            Self::CannotBeMade => "cannot be made",
            Self::SaysSo => "says so",
        }
    }

    fn version(&self) -> String {
        "0".to_owned()
    }

    async fn make(&self, _: &Spec) -> Result<Arc<dyn Subject>, Failure> {
        match self {
            Self::CannotBeMade => Err("there is no such server".into()),
            kind => Ok(Arc::new(*kind)),
        }
    }
}

#[async_trait]
impl Subject for Kind {
    async fn get(
        &self,
        _: Duration,
        _: &'static Location<'static>,
    ) -> Result<Box<dyn Lease>, Refusal> {
        match self {
            Self::Hangs => pending().await,
            _ => Err(Refusal::TimedOut),
        }
    }

    fn look(&self) -> Look {
        Look::default()
    }

    async fn close(&self) {}
}

#[tokio::test]
async fn it_is_told_of_and_the_next_has_its_turn() {
    let kinds = [Kind::Hangs, Kind::CannotBeMade, Kind::SaysSo];
    let plan = Plan {
        cases: vec![Arc::new(Takes)],
        makers: kinds
            .iter()
            .map(|kind| Arc::new(*kind) as Arc<dyn Maker>)
            .collect(),
        scale: Scale::Short,
        seed: 7,
    };
    let site = Site::sqlite("0".to_owned())
        .await
        .expect("a folder can be made");
    let reports = runner::run(&plan, &site, &CancellationToken::new(), &Nobody).await;
    let verdicts: Vec<_> = reports[0]
        .runs
        .iter()
        .map(|run| (run.pool.as_str(), &run.verdict))
        .collect();
    let broken = |why: &str| Verdict::Broken(why.to_owned());
    assert_eq!(
        verdicts,
        [
            ("hangs", &broken("no end after 300ms")),
            ("cannot be made", &broken("there is no such server")),
            ("says so", &Verdict::Passed),
        ]
    );
}
