//! What a request is answered that is not served: JSON, a reason that a program and one that a person can read, and
//! when to come again. Nothing of what the database or a driver says is in it: that may name what is nobody's business.

use super::tally::End;
use crate::subject::Refusal;
use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// An answer other than the one that was asked for.
#[derive(Debug)]
pub(super) struct Turned {
    pub(super) status: StatusCode,
    pub(super) body: Body,
}

/// Its body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// In one word: `overloaded`, `timed_out`, `shutting_down`, `unavailable`, `failed`, `not_asked_well`,
    /// `nothing_here`, `only_asked`.
    pub error: String,
    /// In a sentence.
    pub reason: String,
    /// When it is worth another try. The header `Retry-After` says the same in whole seconds, rounded up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl Turned {
    /// There was no connection: `turn` is how long it takes by the observed rate of returns until it would be the turn of
    /// somebody who comes now.
    pub(super) fn away(end: End, refusal: &Refusal, turn: Option<Duration>) -> Self {
        let hint = match refusal {
            Refusal::Shed(hint) => *hint,
            _ => None,
        };
        let retry_after = turn.max(hint).unwrap_or(UNKNOWN).clamp(SOONEST, LATEST);
        let retry_after_ms = u64::try_from(retry_after.as_millis()).ok();
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            body: Body {
                error: end.name().to_owned(),
                reason: reason(end).to_owned(),
                retry_after_ms,
            },
        }
    }

    /// It had a connection, and the database failed. Not 500: what failed is behind this service.
    pub(super) fn failed() -> Self {
        Self::plain(
            StatusCode::BAD_GATEWAY,
            End::Failed.name(),
            reason(End::Failed),
        )
    }

    pub(super) fn plain(status: StatusCode, error: &str, reason: impl Into<String>) -> Self {
        Self {
            status,
            body: Body {
                error: error.to_owned(),
                reason: reason.into(),
                retry_after_ms: None,
            },
        }
    }
}

impl IntoResponse for Turned {
    fn into_response(self) -> Response {
        let seconds = self.body.retry_after_ms.map(|ms| ms.div_ceil(1_000).max(1));
        let mut response = (self.status, Json(self.body)).into_response();
        if let Some(seconds) = seconds {
            let headers = response.headers_mut();
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// What is asked for where there is nothing.
pub(super) async fn nothing_here() -> Turned {
    let reason = "there are /query, /live, /ready, /metrics and /debug/pool";
    Turned::plain(StatusCode::NOT_FOUND, "nothing_here", reason)
}

/// What is told to do something.
pub(super) async fn only_asked() -> Turned {
    let reason = "nothing here takes anything but GET and HEAD";
    Turned::plain(StatusCode::METHOD_NOT_ALLOWED, "only_asked", reason)
}

fn reason(end: End) -> &'static str {
    match end {
        End::Shed => "every connection is taken, and your turn would not come in time",
        End::TimedOut => "every connection was taken for as long as you could wait",
        End::Closed => "the service is shutting down",
        End::Unavailable => "no connection to the database could be made",
        End::Failed => "the database did not do it",
        End::Served | End::GoneAway => "",
    }
}

/// Where neither the pool nor the returns say when.
const UNKNOWN: Duration = Duration::from_secs(1);
const SOONEST: Duration = Duration::from_millis(1);
/// Whatever they say: nobody knows more than a minute ahead.
const LATEST: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(refusal: &Refusal, turn: Option<Duration>) -> (Option<u64>, String) {
        let turned = Turned::away(End::Shed, refusal, turn);
        let ms = turned.body.retry_after_ms;
        let response = turned.into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        let header = response.headers()[RETRY_AFTER].to_str().unwrap();
        (ms, header.to_owned())
    }

    #[test]
    fn it_is_worth_another_try_when_both_the_pool_and_the_returns_say_so() {
        let ms = Duration::from_millis;
        let shed = |hint| Refusal::Shed(Some(ms(hint)));
        let cases = [
            (shed(40), Some(ms(3_200)), 3_200, "4"),
            (shed(1_700), Some(ms(300)), 1_700, "2"),
            (shed(0), None, 1, "1"),
            (Refusal::Shed(None), None, 1_000, "1"),
            (Refusal::TimedOut, Some(ms(2_000)), 2_000, "2"),
            (shed(3_600_000), None, 60_000, "60"),
        ];
        for (refusal, turn, expected, header) in cases {
            let found = seconds(&refusal, turn);
            assert_eq!(found, (Some(expected), header.to_owned()), "{refusal:?}");
        }
    }
}
