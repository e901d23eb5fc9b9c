//! TLS that verifies the server, against a real one; by each library that is built in.

use crate::ground::SECRET;
use crate::returns::whatever_is_left_behind_in;
use crate::ways::of;
use millpond::managed::Manager as _;
use millpond::postgres::tokio_postgres::config::{ChannelBinding, SslMode as PgMode};
use millpond::postgres::tokio_postgres::{Config as PgConfig, NoTls};
use millpond::postgres::{
    Client, Config, ConfigError, Error, Manager, Pool, Runtime, SslMode, Tls, TlsOptions,
};
use millpond_testdb::Server;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, SignatureAlgorithm,
};
use std::fs;
use std::path::{Path, PathBuf};

/// An authority, whose own certificate lies in a file.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    dir: Directory,
}

/// A directory that is removed with its value.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("millpond-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _gone_already = fs::remove_dir_all(&self.0);
    }
}

impl Authority {
    /// `name` is this test's own.
    fn new(name: &str, signs_by: &'static SignatureAlgorithm) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate_for(signs_by).unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
            dir: Directory::new(name),
        }
    }

    fn usual(name: &str) -> Self {
        Self::new(name, &PKCS_ECDSA_P256_SHA256)
    }

    fn file(&self) -> PathBuf {
        self.dir.file("ca.pem", &self.pem)
    }

    /// A certificate with its key, both in PEM.
    fn certify(&self, name: &str, host: &str, is_server: bool) -> (String, String) {
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![match is_server {
            true => ExtendedKeyUsagePurpose::ServerAuth,
            false => ExtendedKeyUsagePurpose::ClientAuth,
        }];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    /// A server with TLS and a certificate for this host, that demands a password.
    fn server(&self, host: &str) -> millpond_testdb::Builder {
        let (certificate, key) = self.certify("server", host, true);
        Server::builder()
            .password_auth(SECRET)
            .file("server.crt", &certificate)
            .file("server.key", &key)
            .setting("ssl", "on")
    }

    fn trusted(&self) -> TlsOptions {
        Tls::options().ca(self.file())
    }
}

/// A connector by each library.
fn each(options: &TlsOptions) -> Vec<Tls> {
    let each = [
        #[cfg(feature = "postgres-rustls")]
        options.clone().build(),
        #[cfg(feature = "postgres-native-tls")]
        options.clone().native().build(),
    ];
    each.map(Result::unwrap).into()
}

fn config(server: &Server, host: &str) -> PgConfig {
    let mut config = PgConfig::new();
    config.host(host).port(server.port().unwrap());
    config.user("postgres").password(SECRET).dbname("postgres");
    config
}

fn url(server: &Server, host: &str, parameters: &str) -> Config {
    let port = server.port().unwrap();
    Config {
        url: Some(format!(
            "postgres://postgres:{SECRET}@{host}:{port}/postgres?{parameters}"
        )),
        ..Config::new()
    }
}

async fn refused(manager: Manager) -> Error {
    match manager.create().await {
        Err(error) => error,
        Ok(_) => panic!("connected"),
    }
}

/// How a session is encrypted, if it is.
async fn spoken(client: &Client) -> Option<String> {
    let how = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    client.query_one(how, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_server_that_is_the_right_one_is_spoken_to_in_tls() {
    let authority = Authority::usual("right");
    let server = authority.server("localhost").start().unwrap();
    for tls in each(&authority.trusted()) {
        // Nobody said that TLS is a must: the connector is there to verify.
        let manager = Manager::new(config(&server, "localhost"), tls);
        let pool = Pool::builder(manager).max_size(2).runtime(Runtime::Tokio1);
        let pool = pool.build().unwrap();
        let client = pool.get().await.unwrap();
        assert_eq!(spoken(&client).await.as_deref(), Some("TLSv1.3"));
        let long = client.query_one("SELECT repeat('x', 5000000)", &[]).await;
        assert_eq!(long.unwrap().get::<_, String>(0).len(), 5_000_000);
        drop(client);
        let again = pool.get().await.unwrap();
        again.batch_execute("SELECT 1").await.unwrap();
        assert_eq!(pool.stats().created, 1);
    }
}

/// Through TLS as well the wire is watched, and what still runs is cancelled over a session of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_left_behind_the_next_user_finds_none_of_it() {
    let authority = Authority::usual("left");
    let server = authority.server("localhost").start().unwrap();
    for tls in each(&authority.trusted()) {
        let db = server.database().unwrap();
        let pool = || {
            let mut config = config(&server, "localhost");
            config.dbname(db.name());
            config.ssl_mode(PgMode::Require);
            of(Manager::new(config, tls.clone())).build().unwrap()
        };
        whatever_is_left_behind_in(&db, "in TLS", true, pool).await;
    }
}

#[tokio::test]
async fn an_older_protocol_is_spoken_too_but_none_before_1_2() {
    let authority = Authority::usual("older");
    let speaking = |version| {
        let server = authority.server("localhost");
        let server = server.setting("ssl_min_protocol_version", "TLSv1");
        let server = server.setting("ssl_max_protocol_version", version);
        server.start().unwrap()
    };
    let (older, too_old) = (speaking("TLSv1.2"), speaking("TLSv1.1"));
    for tls in each(&authority.trusted()) {
        let manager = Manager::new(config(&older, "localhost"), tls.clone());
        let pool = Pool::builder(manager).max_size(1).build().unwrap();
        let spoken = spoken(&pool.get().await.unwrap()).await;
        assert_eq!(spoken.as_deref(), Some("TLSv1.2"));
        refused(Manager::new(config(&too_old, "localhost"), tls)).await;
    }
}

#[tokio::test]
async fn another_authority_or_another_host_is_refused() {
    let (authority, other) = (Authority::usual("ours"), Authority::usual("theirs"));
    let server = authority.server("db.example").start().unwrap();
    let here = || config(&server, "localhost");
    let untrusted = each(&other.trusted());
    let elsewhere = each(&authority.trusted());
    let any_host_untrusted = each(&other.trusted().verify_ca_only());
    for tls in untrusted
        .into_iter()
        .chain(elsewhere)
        .chain(any_host_untrusted)
    {
        let error = refused(Manager::new(here(), tls)).await;
        let told = error.to_string();
        assert!(told.contains("performing TLS handshake"), "{told}");
        assert!(told.contains("certificate"), "{told}");
        assert!(!error.is_transient(), "{told}");
        assert!(!format!("{error:?}").contains(SECRET));
    }
    for tls in each(&authority.trusted().verify_ca_only()) {
        Manager::new(here(), tls).create().await.unwrap();
    }
}

/// The server's log does not tell whether it was bound; that `require` goes well does.
#[tokio::test]
async fn a_login_is_bound_to_its_tls_session() {
    for (name, signs_by) in [
        ("bound-by-256", &PKCS_ECDSA_P256_SHA256),
        ("bound-by-384", &PKCS_ECDSA_P384_SHA384),
    ] {
        let authority = Authority::new(name, signs_by);
        let server = authority.server("localhost").start().unwrap();
        for tls in each(&authority.trusted()) {
            let mut config = config(&server, "localhost");
            config.channel_binding(ChannelBinding::Require);
            let client = Manager::new(config, tls).create().await.unwrap();
            client.simple_query("SELECT 1").await.unwrap();
        }
    }
}

#[tokio::test]
async fn without_tls_at_the_other_end_only_a_socket_is_used() {
    let authority = Authority::usual("plain");
    let server = Server::builder().password_auth(SECRET).start().unwrap();
    let mut by_socket = server.config("postgres");
    by_socket = {
        let mut config = PgConfig::new();
        config.host_path(server.socket_dir().unwrap());
        config.port(server.port().unwrap());
        config.user("postgres").dbname("postgres");
        drop(by_socket);
        config
    };
    for tls in each(&authority.trusted()) {
        let error = refused(Manager::new(config(&server, "localhost"), tls.clone())).await;
        let told = error.to_string();
        assert!(told.ends_with("server does not support TLS"), "{told}");
        // Whoever says so gets plain text.
        let mut plain = config(&server, "localhost");
        plain.ssl_mode(PgMode::Disable);
        Manager::new(plain, tls.clone()).create().await.unwrap();
        Manager::new(by_socket.clone(), tls).create().await.unwrap();
    }
    // And so does who gives no connector.
    let plain = Manager::new(config(&server, "localhost"), NoTls);
    plain.create().await.unwrap();
}

#[tokio::test]
async fn a_url_says_all_of_it() {
    let authority = Authority::usual("url");
    let server = authority.server("localhost").start().unwrap();
    let file = authority.file();
    let root = format!("sslrootcert={}", file.display());
    for (host, mode) in [
        ("localhost", "sslmode=verify-full&"),
        ("127.0.0.1", "sslmode=verify-ca&"),
        ("localhost", "sslmode=require&"),
        ("localhost", ""),
    ] {
        let config = url(&server, host, &format!("{mode}{root}"));
        let tls = config.tls().unwrap();
        let pool = config.create_pool(Some(Runtime::Tokio1), tls).unwrap();
        let spoken = spoken(&pool.get().await.unwrap()).await;
        assert_eq!(spoken.as_deref(), Some("TLSv1.3"), "{mode}");
    }
    let full = url(&server, "127.0.0.1", &format!("sslmode=verify-full&{root}"));
    let manager = full.create_manager(full.tls().unwrap()).unwrap();
    let told = refused(manager).await.to_string();
    assert!(told.contains("certificate"), "{told}");
}

#[test]
fn a_connector_that_does_less_is_refused() {
    let authority = Authority::usual("less");
    let root = authority.file();
    let with = |mode, root: Option<&Path>| Config {
        ssl_mode: Some(mode),
        ssl_root_cert: root.map(Path::to_owned),
        dbname: Some("d".to_owned()),
        host: Some("h".to_owned()),
        ..Config::new()
    };
    let full = with(SslMode::VerifyFull, Some(&root));
    let by_ca = with(SslMode::VerifyCa, Some(&root));
    let of_any = Tls::options().ca(&root).verify_ca_only().build().unwrap();
    let other = Authority::usual("less-other");
    let of_other = other.trusted().build().unwrap();
    let why = |config: &Config, tls: &Tls| match config.create_manager(tls.clone()) {
        Err(ConfigError::Tls(why)) => why.to_string(),
        Err(other) => panic!("another error: {other}"),
        Ok(_) => "accepted".to_owned(),
    };
    for (config, tls, is_accepted) in [
        (&full, &full.tls().unwrap(), true),
        (&full, &of_any, false),
        (&full, &of_other, false),
        (&by_ca, &of_any, true),
        (&by_ca, &full.tls().unwrap(), true),
        (&by_ca, &of_other, false),
    ] {
        let why = why(config, tls);
        assert_eq!(why == "accepted", is_accepted, "{why}");
        assert!(
            is_accepted || why.contains("is not what this connector was made for"),
            "{why}"
        );
    }
    let refused = full.create_manager(NoTls).unwrap_err().to_string();
    assert!(
        refused.starts_with("sslmode=verify-full needs the connector"),
        "{refused}"
    );
    assert!(refused.contains("NoTls"), "{refused}");
    let everybody = with(SslMode::VerifyCa, None).tls().unwrap_err();
    assert!(
        everybody.to_string().contains("needs sslrootcert"),
        "{everybody}"
    );
}

#[tokio::test]
async fn a_client_shows_its_certificate() {
    let authority = Authority::usual("client");
    let (certificate, key) = authority.certify("postgres", "client.example", false);
    let server = authority
        .server("localhost")
        .file("root.crt", &authority.pem)
        .setting("ssl_ca_file", "root.crt")
        .file(
            "pg_hba.conf",
            "local all all trust\nhostssl all all 127.0.0.1/32 cert\n",
        )
        .start()
        .unwrap();
    let certificate = authority.dir.file("client.crt", &certificate);
    let key = authority.dir.file("client.key", &key);
    let shown = authority.trusted().client_certificate(&certificate, &key);
    for tls in each(&shown) {
        let client = Manager::new(config(&server, "localhost"), tls)
            .create()
            .await
            .unwrap();
        client.simple_query("SELECT 1").await.unwrap();
    }
    for tls in each(&authority.trusted()) {
        let error = refused(Manager::new(config(&server, "localhost"), tls)).await;
        assert!(error.to_string().contains("certificate"), "{error}");
    }
    let parameters = format!(
        "sslmode=verify-full&sslrootcert={}&sslcert={}&sslkey={}",
        authority.file().display(),
        certificate.display(),
        key.display()
    );
    let by_url = url(&server, "localhost", &parameters);
    let manager = by_url.create_manager(by_url.tls().unwrap()).unwrap();
    manager.create().await.unwrap();
}

#[test]
fn a_file_that_is_not_what_it_should_be_is_named() {
    let authority = Authority::usual("files");
    let (certificate, key) = authority.certify("postgres", "client.example", false);
    let certificate = authority.dir.file("client.crt", &certificate);
    let key = authority.dir.file("client.key", &key);
    let empty = authority.dir.file("empty.pem", "");
    let nowhere = authority.dir.0.join("nowhere.pem");
    let ca = || Tls::options().ca(authority.file());
    for (options, named) in [
        (Tls::options().ca(&nowhere), "nowhere.pem"),
        (Tls::options().ca(&empty), "empty.pem"),
        (Tls::options().ca(&key), "client.key"),
        (ca().client_certificate(&nowhere, &key), "nowhere.pem"),
        (
            ca().client_certificate(&certificate, &nowhere),
            "nowhere.pem",
        ),
        (ca().client_certificate(&certificate, &empty), "empty.pem"),
    ] {
        #[cfg(feature = "postgres-rustls")]
        {
            let told = options.clone().build().unwrap_err().to_string();
            assert!(told.contains(named), "{told}");
        }
        #[cfg(feature = "postgres-native-tls")]
        {
            let told = options.native().build().unwrap_err().to_string();
            assert!(told.contains(named), "{told}");
        }
    }
    let text = fs::read_to_string(&key).unwrap();
    let secret = text.lines().nth(1).unwrap();
    let options = ca().client_certificate(&certificate, &key);
    for shown in each(&options).iter().map(|tls| format!("{tls:?}")) {
        assert!(
            shown.contains("client.key") && !shown.contains(secret),
            "{shown}"
        );
    }
    // Another one's key.
    let other = authority
        .dir
        .file("other.key", &authority.certify("x", "x", false).1);
    let mixed = ca().client_certificate(&certificate, &other);
    assert!(mixed.build().is_err());
}
