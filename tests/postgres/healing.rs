//! Statements that no longer fit the database, and are right again.

use crate::ground::{backend_pid, database, pool};
use crate::statements::on_the_server;
use millpond::postgres::tokio_postgres::types::{
    FromSql, IsNull, Kind, ToSql, Type, WrongType, private::BytesMut,
};
use millpond::postgres::{Client, GenericClient, tokio_postgres};
use std::error::Error;

fn code(error: &tokio_postgres::Error) -> Option<&str> {
    error.code().map(|code| code.code())
}

async fn client_of(db: &millpond_testdb::Database) -> (millpond::postgres::Pool, Client) {
    let pool = pool(db.config(), 1);
    let client = pool.get().await.unwrap();
    (pool, client)
}

/// As code that was written for deadpool-postgres does: there, it fails until the connection dies.
#[tokio::test]
async fn a_statement_that_is_run_by_hand_is_right_the_next_time() {
    let db = database();
    db.query("CREATE TABLE t (a int)").unwrap();
    let (pool, client) = client_of(&db).await;
    let select = "SELECT * FROM t";
    client.prepare_cached(select).await.unwrap();
    drop(client);
    db.query("ALTER TABLE t ADD COLUMN b int").unwrap();
    let client = pool.get().await.unwrap();
    let statement = client.prepare_cached(select).await.unwrap();
    let error = client.query(&statement, &[]).await.unwrap_err();
    assert_eq!(code(&error), Some("0A000"));
    drop(client);
    let client = pool.get().await.unwrap();
    let statement = client.prepare_cached(select).await.unwrap();
    assert_eq!(client.execute(&statement, &[]).await.unwrap(), 0);
    assert_eq!(statement.columns().len(), 2);
}

#[tokio::test]
async fn what_is_run_by_hand_in_a_transaction_is_right_in_the_next() {
    let db = database();
    db.query("CREATE TABLE t (a int)").unwrap();
    let (_pool, mut client) = client_of(&db).await;
    let select = "SELECT * FROM t";
    client.prepare_cached(select).await.unwrap();
    for change in ["ALTER TABLE t ADD COLUMN b int", "SELECT 1"] {
        db.query(change).unwrap();
        let transaction = client.transaction().await.unwrap();
        let statement = transaction.prepare_cached(select).await.unwrap();
        let ran = GenericClient::query(&transaction, &statement, &[]).await;
        assert_eq!(ran.is_ok(), change == "SELECT 1", "{ran:?}");
    }
}

#[tokio::test]
async fn a_column_more_is_a_column_more() {
    let db = database();
    db.query("CREATE TABLE t (a int); INSERT INTO t VALUES (1)")
        .unwrap();
    let (_pool, client) = client_of(&db).await;
    let select = "SELECT * FROM t";
    for columns in 1..5_usize {
        let rows = client.query_cached(select, &[]).await.unwrap();
        assert_eq!(rows[0].len(), columns);
        let row = client.query_one_cached(select, &[]).await.unwrap();
        assert_eq!(row.len(), columns);
        let row = client.query_opt_cached(select, &[]).await.unwrap();
        assert_eq!(row.unwrap().len(), columns);
        assert_eq!(client.execute_cached(select, &[]).await.unwrap(), 1);
        let rows = client.query_typed_cached(select, &[]).await.unwrap();
        assert_eq!(rows[0].len(), columns);
        assert_eq!(on_the_server(&client).await, 1);
        let alter = format!("ALTER TABLE t ADD COLUMN b{columns} int");
        db.query(&alter).unwrap();
    }
}

#[tokio::test]
async fn each_of_the_queries_heals() {
    let db = database();
    db.query("CREATE TABLE t (a int); INSERT INTO t VALUES (1)")
        .unwrap();
    let (_pool, client) = client_of(&db).await;
    let select = "SELECT * FROM t WHERE a = $1";
    let typed: [(&(dyn ToSql + Sync), Type); 1] = [(&1_i32, Type::INT4)];
    client.query_cached(select, &[&1_i32]).await.unwrap();
    client.query_typed_cached(select, &typed).await.unwrap();
    for n in 0..8 {
        db.query(&format!("ALTER TABLE t ADD COLUMN b{n} int"))
            .unwrap();
        let columns = match n {
            0 => client.query_cached(select, &[&1_i32]).await.unwrap()[0].len(),
            1 => client
                .query_one_cached(select, &[&1_i32])
                .await
                .unwrap()
                .len(),
            2 => client
                .query_opt_cached(select, &[&1_i32])
                .await
                .unwrap()
                .unwrap()
                .len(),
            4 => client.query_typed_cached(select, &typed).await.unwrap()[0].len(),
            5 => client
                .query_typed_one_cached(select, &typed)
                .await
                .unwrap()
                .len(),
            6 => client
                .query_typed_opt_cached(select, &typed)
                .await
                .unwrap()
                .unwrap()
                .len(),
            _ => {
                let rows = match n {
                    3 => client.execute_cached(select, &[&1_i32]).await,
                    _ => client.execute_typed_cached(select, &typed).await,
                };
                assert_eq!(rows.unwrap(), 1);
                n + 2
            }
        };
        assert_eq!(columns, n + 2);
    }
}

#[tokio::test]
async fn what_was_deallocated_behind_our_back_is_prepared_anew() {
    let db = database();
    let (_pool, client) = client_of(&db).await;
    for forget in ["DEALLOCATE ALL", "DISCARD ALL"] {
        client.query_one_cached("SELECT 1", &[]).await.unwrap();
        client.batch_execute(forget).await.unwrap();
        let row = client.query_one_cached("SELECT 1", &[]).await.unwrap();
        assert_eq!(row.get::<_, i32>(0), 1);
        assert_eq!(on_the_server(&client).await, 1);
    }
}

/// tokio-postgres prepares what looks up types once, and does not notice that it is gone.
#[tokio::test]
async fn a_connection_that_can_look_up_no_type_is_not_kept() {
    let db = database();
    db.query("CREATE TYPE one AS ENUM ('a'); CREATE TYPE two AS ENUM ('a')")
        .unwrap();
    let (pool, client) = client_of(&db).await;
    let pid = backend_pid(&client).await;
    client.prepare_cached("SELECT $1::one").await.unwrap();
    client.batch_execute("DEALLOCATE ALL").await.unwrap();
    let error = client.prepare_cached("SELECT $1::two").await.unwrap_err();
    assert_eq!(code(&error), Some("26000"));
    drop(client);
    let client = pool.get().await.unwrap();
    assert_ne!(backend_pid(&client).await, pid);
    client.prepare_cached("SELECT $1::two").await.unwrap();
}

#[tokio::test]
async fn a_name_that_is_taken_is_passed_over() {
    let db = database();
    let (_pool, client) = client_of(&db).await;
    let statement = client.prepare_cached("SELECT 1").await.unwrap();
    // As another process does behind the same PgBouncer. Other tests of this process take names too.
    let name = format!("{statement:?}");
    let (_, number) = name.split_once("\"s").unwrap();
    let next: u32 = number.split('"').next().unwrap().parse().unwrap();
    let takes = |n| format!("PREPARE s{n} AS SELECT 'taken';");
    let taken: String = (next + 1..next + 7).map(takes).collect();
    client.batch_execute(&taken).await.unwrap();
    let row = client.query_one_cached("SELECT 2", &[]).await.unwrap();
    assert_eq!(row.get::<_, i32>(0), 2);
}

#[tokio::test]
async fn a_parameter_of_another_type_is_that_type() {
    let db = database();
    db.query("CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, 'x')")
        .unwrap();
    let (_pool, client) = client_of(&db).await;
    let select = "SELECT b FROM t WHERE a = $1";
    client.query_one_cached(select, &[&1_i32]).await.unwrap();
    db.query("ALTER TABLE t ALTER COLUMN a TYPE text").unwrap();
    // Who still gives a number is told what the matter is; who gives a text is right at once.
    let error = client
        .query_one_cached(select, &[&1_i32])
        .await
        .unwrap_err();
    assert!(error.source().unwrap().is::<WrongType>(), "{error:?}");
    client.query_one_cached(select, &[&"1"]).await.unwrap();
    db.query("ALTER TABLE t ALTER COLUMN a TYPE bigint USING a::bigint")
        .unwrap();
    client.query_one_cached(select, &[&1_i64]).await.unwrap();
}

/// An enum as a program knows it, which is refused where the database knows another one.
#[derive(Debug, PartialEq)]
struct Mood<const VARIANTS: usize>(String);

impl<const VARIANTS: usize> Mood<VARIANTS> {
    fn accepts(ty: &Type) -> bool {
        matches!(ty.kind(), Kind::Enum(known) if known.len() == VARIANTS)
    }
}

impl<const VARIANTS: usize> ToSql for Mood<VARIANTS> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        Self::accepts(ty)
    }

    tokio_postgres::types::to_sql_checked!();
}

impl<'a, const VARIANTS: usize> FromSql<'a> for Mood<VARIANTS> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(std::str::from_utf8(raw)?.to_owned()))
    }

    fn accepts(ty: &Type) -> bool {
        Self::accepts(ty)
    }
}

#[tokio::test]
async fn an_enum_with_one_more_value_is_known_as_that() {
    let db = database();
    db.query("CREATE TYPE mood AS ENUM ('calm', 'merry')")
        .unwrap();
    let (_pool, client) = client_of(&db).await;
    let echo = "SELECT $1::mood";
    let before = Mood::<2>("calm".to_owned());
    client.query_one_cached(echo, &[&before]).await.unwrap();
    db.query("ALTER TYPE mood ADD VALUE 'curious'").unwrap();
    let after = Mood::<3>("curious".to_owned());
    let row = client.query_one_cached(echo, &[&after]).await.unwrap();
    assert_eq!(row.get::<_, Mood<3>>(0), after);
}

/// Whatever the statement says that its parameter is made of: the first value of an enum, or a record of nulls.
#[derive(Debug)]
struct AsTold;

impl ToSql for AsTold {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match ty.kind() {
            Kind::Enum(values) => out.extend_from_slice(values[0].as_bytes()),
            Kind::Composite(fields) => {
                out.extend_from_slice(&i32::try_from(fields.len())?.to_be_bytes());
                for field in fields {
                    out.extend_from_slice(&field.type_().oid().to_be_bytes());
                    out.extend_from_slice(&(-1_i32).to_be_bytes());
                }
            }
            other => return Err(format!("{other:?}").into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    tokio_postgres::types::to_sql_checked!();
}

#[tokio::test]
async fn a_type_that_was_changed_is_known_as_it_is() {
    let db = database();
    db.query("CREATE TYPE mood AS ENUM ('calm'); CREATE TYPE pair AS (one int, two int)")
        .unwrap();
    let (_pool, client) = client_of(&db).await;
    let mood = "SELECT $1::mood::text";
    let pair = "SELECT $1::pair::text";
    client.query_one_cached(mood, &[&AsTold]).await.unwrap();
    client.query_one_cached(pair, &[&AsTold]).await.unwrap();

    db.query("ALTER TYPE mood RENAME VALUE 'calm' TO 'quiet'")
        .unwrap();
    let row = client.query_one_cached(mood, &[&AsTold]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), "quiet");
    db.query("ALTER TYPE pair ADD ATTRIBUTE three int").unwrap();
    let row = client.query_one_cached(pair, &[&AsTold]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), "(,,)");
    db.query("ALTER TYPE pair ALTER ATTRIBUTE one TYPE bigint")
        .unwrap();
    client.query_one_cached(pair, &[&AsTold]).await.unwrap();
}

#[tokio::test]
async fn a_type_that_was_made_anew_is_found() {
    let db = database();
    let make =
        "CREATE TYPE mood AS ENUM ('calm'); CREATE TABLE t (m mood); INSERT INTO t VALUES ('calm')";
    db.query(make).unwrap();
    let (_pool, client) = client_of(&db).await;
    let calm = Mood::<1>("calm".to_owned());
    for _ in 0..2 {
        let row = client
            .query_one_cached("SELECT $1::mood", &[&calm])
            .await
            .unwrap();
        assert_eq!(row.get::<_, Mood<1>>(0), calm);
        client
            .query_one_cached("SELECT m FROM t", &[])
            .await
            .unwrap();
        client
            .query_one_cached("SELECT 'calm'::mood", &[])
            .await
            .unwrap();
        client
            .query_one_cached("SELECT 1 FROM t WHERE m = $1", &[&calm])
            .await
            .unwrap();
        db.query("DROP TABLE t; DROP TYPE mood").unwrap();
        db.query(make).unwrap();
    }
}

#[tokio::test]
async fn in_a_transaction_the_error_is_returned_and_the_next_use_is_right() {
    let db = database();
    db.query("CREATE TABLE t (a int); INSERT INTO t VALUES (1)")
        .unwrap();
    let (_pool, mut client) = client_of(&db).await;
    let select = "SELECT * FROM t";
    client.query_one_cached(select, &[]).await.unwrap();
    db.query("ALTER TABLE t ADD COLUMN b int").unwrap();
    let transaction = client.transaction().await.unwrap();
    let error = transaction.query_one_cached(select, &[]).await.unwrap_err();
    assert_eq!(code(&error), Some("0A000"));
    transaction.rollback().await.unwrap();
    let transaction = client.transaction().await.unwrap();
    let row = transaction.query_one_cached(select, &[]).await.unwrap();
    assert_eq!(row.len(), 2);
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn behind_a_savepoint_the_next_use_is_right() {
    let db = database();
    db.query("CREATE TABLE t (a int); INSERT INTO t VALUES (1)")
        .unwrap();
    let (_pool, mut client) = client_of(&db).await;
    let select = "SELECT * FROM t";
    client.query_one_cached(select, &[]).await.unwrap();
    db.query("ALTER TABLE t ADD COLUMN b int").unwrap();
    let mut transaction = client.transaction().await.unwrap();
    let savepoint = transaction.transaction().await.unwrap();
    let error = GenericClient::query_one_cached(&savepoint, select, &[]).await;
    assert_eq!(code(&error.unwrap_err()), Some("0A000"));
    savepoint.rollback().await.unwrap();
    let row = transaction.query_one_cached(select, &[]).await.unwrap();
    assert_eq!(row.len(), 2);
    transaction.commit().await.unwrap();
}

/// A plain BEGIN is not seen here; the server tells.
#[tokio::test]
async fn in_a_plain_begin_nothing_is_run_again() {
    let db = database();
    db.query("CREATE TABLE t (a int); CREATE TABLE log (n int)")
        .unwrap();
    let (_pool, client) = client_of(&db).await;
    let insert = "INSERT INTO t VALUES (1) RETURNING *";
    client.query_one_cached(insert, &[]).await.unwrap();
    db.query("ALTER TABLE t ADD COLUMN b int").unwrap();
    client
        .batch_execute("BEGIN; INSERT INTO log VALUES (1)")
        .await
        .unwrap();
    let error = client.query_one_cached(insert, &[]).await.unwrap_err();
    assert_eq!(code(&error), Some("0A000"), "not 25P02, which only says so");
    client.batch_execute("COMMIT").await.unwrap();
    assert_eq!(
        db.query("SELECT count(*) FROM t").unwrap().as_deref(),
        Some("1")
    );
    assert_eq!(
        db.query("SELECT count(*) FROM log").unwrap().as_deref(),
        Some("0")
    );
    let row = client.query_one_cached(insert, &[]).await.unwrap();
    assert_eq!(row.len(), 2);
}

#[tokio::test]
async fn many_that_fail_at_once_prepare_anew_once() {
    let db = database();
    db.query("CREATE TABLE t (a int); INSERT INTO t VALUES (1)")
        .unwrap();
    let (_pool, client) = client_of(&db).await;
    let client = std::sync::Arc::new(client);
    let select = "SELECT * FROM t";
    client.query_one_cached(select, &[]).await.unwrap();
    db.query("ALTER TABLE t ADD COLUMN b int").unwrap();
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let client = std::sync::Arc::clone(&client);
            tokio::spawn(async move { client.query_one_cached(select, &[]).await.unwrap().len() })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), 2);
    }
    assert_eq!(on_the_server(&client).await, 1);
}

#[tokio::test]
async fn an_error_of_the_query_itself_is_returned_and_keeps_the_statement() {
    let db = database();
    db.query("CREATE TABLE t (a int PRIMARY KEY)").unwrap();
    let (_pool, client) = client_of(&db).await;
    let insert = "INSERT INTO t VALUES ($1)";
    client.execute_cached(insert, &[&1_i32]).await.unwrap();
    let kept = format!("{:?}", client.prepare_cached(insert).await.unwrap());
    let error = client.execute_cached(insert, &[&1_i32]).await.unwrap_err();
    assert_eq!(code(&error), Some("23505"));
    let error = client
        .query_one_cached("SELECT 1/$1::int", &[&0_i32])
        .await
        .unwrap_err();
    assert_eq!(code(&error), Some("22012"));
    let error = client
        .query_one_cached(insert, &[&2_i32])
        .await
        .unwrap_err();
    assert_eq!(code(&error), None, "no row came back");
    assert_eq!(
        format!("{:?}", client.prepare_cached(insert).await.unwrap()),
        kept
    );
    assert_eq!(client.statement_cache.size(), 2);
}

/// Not everything with that code is a stale plan.
#[tokio::test]
async fn what_postgresql_cannot_do_is_not_tried_again() {
    let db = database();
    db.query(
        "CREATE SEQUENCE tries;
         CREATE FUNCTION cannot() RETURNS int LANGUAGE plpgsql AS $$
         BEGIN PERFORM nextval('tries'); RAISE EXCEPTION 'no' USING ERRCODE = '0A000'; END $$",
    )
    .unwrap();
    let (_pool, client) = client_of(&db).await;
    let error = client
        .query_one_cached("SELECT cannot()", &[])
        .await
        .unwrap_err();
    assert_eq!(code(&error), Some("0A000"));
    assert_eq!(
        db.query("SELECT last_value FROM tries").unwrap().as_deref(),
        Some("1")
    );
    assert_eq!(client.statement_cache.size(), 1);
}
