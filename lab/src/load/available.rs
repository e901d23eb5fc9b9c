//! Whether a service is there, before anything is measured on it.

use crate::Failure;
use reqwest::{Client, Response, Url};
use std::error::Error as _;
use std::io;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// A client for load: it goes straight to the address, whatever proxies the environment names, and follows nothing.
///
/// # Errors
///
/// It cannot be made.
pub fn client() -> Result<Client, Failure> {
    let client = Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(usize::MAX)
        .build()?;
    Ok(client)
}

/// Waits until the address says that it is ready, and says how long that took.
///
/// # Errors
///
/// It did not within that time: what was found there at last.
pub async fn until_ready(
    client: &Client,
    url: &str,
    within: Duration,
) -> Result<Duration, Failure> {
    let address = Url::parse(url).map_err(|error| format!("{url:?} is no address: {error}"))?;
    if address.scheme() != "http" {
        return Err(format!(
            "{url}: the lab speaks plain http, and no {}",
            address.scheme()
        )
        .into());
    }
    let began = Instant::now();
    loop {
        let found = look(client, &address).await;
        let Err(found) = found else {
            return Ok(began.elapsed());
        };
        if began.elapsed() + PAUSE >= within {
            return Err(format!("{url}: not ready within {within:?}: {found}").into());
        }
        sleep(PAUSE).await;
    }
}

/// One look: what there is, if it is not a service that is ready.
async fn look(client: &Client, address: &Url) -> Result<(), String> {
    let asked = client.get(address.clone()).send();
    match timeout(PATIENCE, asked).await {
        Err(_) => Err(format!(
            "something listens there, and gave no answer for {PATIENCE:?}"
        )),
        Ok(Err(error)) => Err(trouble(&error)),
        Ok(Ok(answer)) if answer.status().is_success() => Ok(()),
        Ok(Ok(answer)) => Err(said(answer).await),
    }
}

fn trouble(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return match error.kind() {
                io::ErrorKind::ConnectionRefused => {
                    "connection refused: nothing listens there".to_owned()
                }
                _ => error.to_string(),
            };
        }
        cause = error.source();
    }
    error.to_string()
}

async fn said(answer: Response) -> String {
    let status = answer.status();
    let body = timeout(PATIENCE, answer.text()).await;
    let body = match body {
        Ok(Ok(body)) => body,
        Ok(Err(_)) | Err(_) => "(its body did not come)".to_owned(),
    };
    let shown: String = body.chars().take(SHOWN).collect();
    format!("it answers {status}: {}", shown.trim())
}

const PAUSE: Duration = Duration::from_millis(20);
/// For one answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// So much of a body.
const SHOWN: usize = 200;
