//! deadpool-lapin and deadpool-memcached as they were published, where nobody listens: the error is the
//! backend's, at once, and the pool is as empty as before.

use std::net::TcpListener;

/// A port on which nobody listens.
fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test]
async fn lapin_says_that_nobody_listens() {
    let config = deadpool_lapin::Config {
        url: Some(format!("amqp://127.0.0.1:{}/%2f", closed_port())),
        pool: None,
    };
    let properties = deadpool_lapin::lapin::ConnectionProperties::default;
    let pool = config
        .create_pool(properties, deadpool_lapin::Runtime::Tokio1)
        .unwrap();
    let refused = pool.get().await.map(drop).unwrap_err();
    assert!(
        matches!(refused, deadpool_lapin::PoolError::Backend(_)),
        "{refused:?}"
    );
    assert_eq!(pool.snapshot().size, 0);
}

#[tokio::test]
async fn memcached_says_that_nobody_listens() {
    let manager = deadpool_memcached::Manager::new(format!("tcp://127.0.0.1:{}", closed_port()));
    let pool = deadpool_memcached::Pool::builder(manager).build().unwrap();
    let refused = pool.get().await.map(drop).unwrap_err();
    assert!(
        matches!(refused, deadpool_memcached::PoolError::Backend(_)),
        "{refused:?}"
    );
    assert_eq!(pool.snapshot().size, 0);
}
