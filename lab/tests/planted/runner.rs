//! A case that does not come to its end, or asserts nothing, never counts as passed.

use crate::trial::run_own;
use async_trait::async_trait;
use millpond_lab::Failure;
use millpond_lab::cases::Case;
use millpond_lab::data::{Run, Scale, Verdict};
use millpond_lab::ground::Ground;
use std::sync::Arc;
use std::time::Duration;

/// How a case ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    AssertsNothing,
    Fails,
    Panics,
    NeverEnds,
    IsSkipped,
}

struct Ends(Way);

#[async_trait]
impl Case for Ends {
    fn name(&self) -> &'static str {
        "ends"
    }

    fn title(&self) -> &'static str {
        "Ends"
    }

    fn question(&self) -> &'static str {
        "How does it end?"
    }

    fn conditions(&self, _: Scale) -> Vec<String> {
        Vec::new()
    }

    fn bound(&self, _: Scale) -> Duration {
        match self.0 {
            Way::NeverEnds => Duration::from_millis(100),
            _ => Duration::from_secs(60),
        }
    }

    fn expected(&self, _: Scale) -> Duration {
        Duration::ZERO
    }

    fn unasked(&self, _: &Ground) -> Option<String> {
        (self.0 == Way::IsSkipped).then(|| "as it was told to".to_owned())
    }

    async fn run(&self, ground: &Ground) -> Result<(), Failure> {
        if self.0 != Way::AssertsNothing {
            ground.recorder().check("something", "holds", "holds", true);
        }
        match self.0 {
            Way::AssertsNothing => Ok(()),
            Way::Fails => Err("as it was told to".into()),
            Way::Panics => panic!("as it was told to"),
            Way::NeverEnds => std::future::pending().await,
            Way::IsSkipped => panic!("it was not to be run"),
        }
    }
}

async fn ends(way: Way) -> Run {
    let run = run_own(Arc::new(Ends(way))).await;
    assert!(!run.passed(), "{run:#?}");
    run
}

async fn is_broken(way: Way, why: &str) {
    let run = ends(way).await;
    let Verdict::Broken(said) = &run.verdict else {
        panic!("{run:#?}");
    };
    assert!(said.contains(why), "{said:?} does not hold {why:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_that_asserts_nothing_is_broken() {
    is_broken(Way::AssertsNothing, "it asserted nothing").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_that_fails_panics_or_never_ends_is_broken() {
    is_broken(Way::Fails, "as it was told to").await;
    is_broken(Way::Panics, "it panicked: as it was told to").await;
    is_broken(Way::NeverEnds, "no end after 100ms").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_that_cannot_be_asked_is_skipped_by_name() {
    let run = ends(Way::IsSkipped).await;
    assert_eq!(
        run.verdict,
        Verdict::Skipped("as it was told to".to_owned())
    );
}
