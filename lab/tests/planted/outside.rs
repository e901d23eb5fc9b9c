//! Pools that tell nothing: a case passes by what can be seen from outside, says what it could not know, and still fails
//! on a defect that anybody can see.

use crate::defect::{Defect, When};
use crate::mute::Mute;
use crate::pool::Planted;
use crate::trial::{fails_mute_by, run};
use millpond_lab::data::Verdict;

async fn passes_mute(case: &str, unknown: &[&str]) {
    let run = run(case, Mute::over(Planted::with(Defect::None))).await;
    assert_eq!(run.verdict, Verdict::Passed, "{:#?}", run.checks);
    for check in unknown {
        let told = |note: &&String| note.starts_with(check) && note.contains("unknown");
        assert!(
            run.notes.iter().any(|note| told(&note)),
            "{check}: {:#?}",
            run.notes
        );
        assert!(
            run.checks.iter().all(|it| it.name != *check),
            "{check} was guessed"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn saturation_of_a_pool_that_tells_nothing() {
    let unknown = ["utilisation, holder by holder", "health, holder by holder"];
    passes_mute("saturation", &unknown).await;
    let checks = ["everybody else times out", "never more than the most"];
    fails_mute_by("saturation", Defect::OneTooMany, &checks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_line_of_a_pool_that_tells_nothing() {
    let unknown = ["who left the line is not counted any more"];
    passes_mute("line", &unknown).await;
    fails_mute_by("line", Defect::Lottery, &["served in order of arrival"]).await;
    fails_mute_by(
        "line",
        Defect::LosesWakeUp,
        &["everybody in line is served"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leaks_of_a_pool_that_tells_nothing() {
    let unknown = [
        "the counts after one that panics",
        "who forgot it is named by file and line",
    ];
    passes_mute("leaks", &unknown).await;
    let check = "all but the forgotten can be had";
    for when in [When::Connecting, When::Handed, When::Panicking] {
        fails_mute_by("leaks", Defect::Loses(when), &[check]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn isolation_of_a_pool_that_tells_nothing() {
    passes_mute("isolation", &[]).await;
}
