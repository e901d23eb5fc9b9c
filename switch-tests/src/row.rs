//! A row that others must wait for.

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, Config, Error, NoTls};

/// A locked row: who wants to change it waits until it is let go.
#[derive(Debug)]
pub struct HeldRow {
    client: Client,
    runtime: Runtime,
}

impl HeldRow {
    /// Locks an account, on a connection of its own.
    ///
    /// # Panics
    ///
    /// If that is not possible.
    pub fn of_account(database: &Config, name: &str) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let lock = format!("BEGIN; SELECT FROM accounts WHERE name = '{name}' FOR UPDATE");
        let client = runtime.block_on(async {
            let (client, connection) = database.connect(NoTls).await?;
            tokio::spawn(connection);
            client.batch_execute(&lock).await?;
            Ok::<_, Error>(client)
        });
        let client = client.unwrap_or_else(|error| panic!("{lock}: {error:?}"));
        Self { client, runtime }
    }

    /// Lets it go.
    ///
    /// # Panics
    ///
    /// If the server has gone.
    pub fn let_go(self) {
        let done = self.runtime.block_on(self.client.batch_execute("COMMIT"));
        done.expect("the row can be let go");
    }
}
