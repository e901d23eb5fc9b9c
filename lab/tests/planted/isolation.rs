//! Case 6.

use crate::defect::Defect;
use crate::trial::{fails_by, passes};

#[tokio::test(flavor = "multi_thread")]
async fn isolation_passes_without_a_defect() {
    passes("isolation").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bound_that_two_pools_share_is_seen() {
    let checks = [
        "its p99 stays within its own noise",
        "its error rate stays within its own noise",
    ];
    fails_by("isolation", Defect::HiddenBound, &checks).await;
}
