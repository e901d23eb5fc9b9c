//! All connections are terminated while they are idle: eight tasks try until each holds one that works.

use super::traffic::all_open;
use super::{CONNECTIONS, Clients};
use crate::contest::URL;
use crate::measure::Outcome;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_postgres::{NoTls, SimpleQueryMessage};

pub(super) async fn run<C: Clients>(pool: C) -> Result<Outcome, String> {
    let pool = Arc::new(pool);
    all_open(&*pool).await?;
    let terminated = terminate_all()
        .await
        .map_err(|error| format!("{error:?}"))?;
    let start = Instant::now();
    let at_once = Arc::new(Barrier::new(CONNECTIONS));
    let mut all = JoinSet::new();
    for _ in 0..CONNECTIONS {
        all.spawn(until_it_works(Arc::clone(&pool), Arc::clone(&at_once)));
    }
    let mut errors = 0;
    while let Some(ended) = all.join_next().await {
        errors += ended.map_err(|error| error.to_string())?;
    }
    let time = start.elapsed().as_secs_f64() * 1e3;
    let mut faults = Vec::new();
    if terminated != CONNECTIONS {
        faults.push(format!(
            "{terminated} connections were there to be terminated"
        ));
    }
    Ok(Outcome::of([time, errors as f64], faults))
}

/// How many errors it saw. It keeps its connection until all have one.
async fn until_it_works<C: Clients>(pool: Arc<C>, at_once: Arc<Barrier>) -> u64 {
    let mut errors = 0;
    loop {
        if let Ok(mut held) = pool.get().await {
            if C::query(&mut held, "SELECT 1".to_owned()).await == Ok(1) {
                at_once.wait().await;
                return errors;
            }
        }
        errors += 1;
        sleep(Duration::from_millis(1)).await;
    }
}

/// By a connection of its own. How many there were.
async fn terminate_all() -> Result<usize, tokio_postgres::Error> {
    let url = std::env::var(URL).expect("who asks for this work has a server");
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
    let driver = tokio::spawn(connection);
    let messages = client.simple_query(TERMINATE).await?;
    let is_row = |message: &&SimpleQueryMessage| matches!(message, SimpleQueryMessage::Row(_));
    let rows = messages.iter().filter(is_row).count();
    drop(client);
    // It ends because its client has.
    let _ = driver.await;
    Ok(rows)
}

const TERMINATE: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                         WHERE datname = current_database() AND pid <> pg_backend_pid()";
