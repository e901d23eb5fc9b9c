//! Case 4.

use crate::defect::{Defect, When};
use crate::trial::{fails_by, passes};
use millpond_lab::data::Outcome;

#[tokio::test(flavor = "multi_thread")]
async fn leaks_pass_without_a_defect() {
    for run in passes("leaks").await {
        let operations = &run.groups[0].outcomes;
        // All of them took place, as they were meant to.
        let meant = [
            (Outcome::Served, 13),
            (Outcome::Failed, 1),
            (Outcome::Cancelled, 4),
            (Outcome::Panicked, 1),
            (Outcome::Forgot, 1),
        ];
        assert_eq!(*operations, meant.into(), "{}: {:#?}", run.pool, run.notes);
        let named = run.notes.iter().find(|note| note.contains("leaks.rs:"));
        assert!(named.is_some(), "{}: {:#?}", run.pool, run.notes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_lost_by_a_cancelled_connect_is_seen() {
    loses(When::Connecting, "is cancelled while it connects").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_lost_by_a_cancel_after_the_hand_over_is_seen() {
    loses(When::Handed, "is cancelled just after it was handed one").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_lost_in_the_midst_of_a_statement_is_seen() {
    loses(When::AtWork, "is cancelled at work").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_lost_by_a_failure_is_seen() {
    loses(When::Failed, "fails").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_lost_by_a_panic_is_seen() {
    loses(When::Panicking, "panics").await;
}

async fn loses(when: When, says: &str) {
    let counts = format!("the counts after one that {says}");
    let checks = [&counts, "all but the forgotten can be had"];
    fails_by("leaks", Defect::Loses(when), &checks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_nobody_names_is_seen() {
    let checks = [
        "who forgot it is named by file and line",
        "it is named within the threshold",
    ];
    fails_by("leaks", Defect::NamesNobody, &checks).await;
}
