//! What only a real etcd has: users, certificates, a process that can hang.

use super::{
    PATIENCE, changes, config, put, reached,
    server::{EtcdProcess, Server, wait_for},
    snapshot, soon, value,
};
use barnabas_coordinator_client::{
    Client, ClientConfig, Credentials, Error, Rejection, Session, SessionConfig,
    SessionState::{Connected, Lost, Uncertain},
    TlsConfig,
};
use std::{
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

fn with_user(endpoint: &str, user: &str, password: &str) -> Client {
    let credentials = Credentials { user: user.into(), password: password.into() };
    let config =
        ClientConfig { user_password: Some(credentials), ..config(&[endpoint.to_owned()]) };
    Client::connect(config).expect("a valid configuration")
}

pub(crate) async fn users_and_passwords(mut server: Server) {
    // A user is configured already while etcd's authentication is off.
    let client = with_user(server.endpoint(), "root", "secret");
    put(&client, "/k", "x").await;
    let mut raw = server.raw().await;
    raw.user_add("root", "secret", None).await.expect("a user");
    raw.user_grant_role("root", "root").await.expect("a role");
    raw.auth_enable().await.expect("authentication");

    let anonymous = server.client().get("/k").await.expect_err("no user");
    assert!(matches!(anonymous, Error::Rejected(Rejection::Denied(_))), "{anonymous:?}");
    let wrong = with_user(server.endpoint(), "root", "wrong").get("/k").await.expect_err("wrong");
    assert!(matches!(wrong, Error::Rejected(Rejection::Denied(_))), "{wrong:?}");

    let client = with_user(server.endpoint(), "root", "secret");
    assert_eq!(value(&client, "/k").await.as_deref(), Some("x"));
    let session = Session::open(&client, SessionConfig::default()).await.expect("a session");
    let mut states = session.state();
    let mut watch = client.watch_prefix("/k");
    assert_eq!(snapshot(soon("a snapshot", watch.next()).await), ["/k"]);

    // etcd forgets its tokens: everything must authenticate again by itself.
    server.stop().await;
    server.start_with(&with_user(server.endpoint(), "root", "secret")).await;
    let revision = put(&client, "/k", "y").await;
    assert_eq!(changes(soon("a change", watch.next()).await), [("/k".to_owned(), revision.0)]);
    reached(&mut states, &[Connected]).await;
    session.revoke().await.expect("a reply");
}

/// Makes a certificate authority, and certificates of etcd and of a client that it signed.
fn certificates(directory: &Path) {
    let openssl = |arguments: &str| {
        let done = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(directory)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(done.expect("openssl must be installed").success(), "openssl {arguments}");
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    let extensions = "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n";
    std::fs::write(directory.join("extensions"), extensions).expect("a file");
    for name in ["ca", "other-ca"] {
        openssl(&format!(
            "req -x509 {key} -subj /CN={name} -days 2 -keyout {name}.key -out {name}.pem"
        ));
    }
    for name in ["server", "client"] {
        openssl(&format!("req {key} -subj /CN={name} -keyout {name}.key -out {name}.csr"));
        openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
             -extfile extensions -out {name}.pem"
        ));
    }
}

pub(crate) async fn tls_with_client_certificates() {
    if Command::new("openssl").arg("version").stdout(Stdio::null()).status().is_err() {
        eprintln!("skipped: there is no openssl to make certificates with");
        return;
    }
    let directory = TempDir::new().expect("a temporary directory");
    certificates(directory.path());
    let file = |name: &str| directory.path().join(name);
    let mut arguments = vec!["--client-cert-auth".to_owned()];
    for (flag, name) in [
        ("--cert-file", "server.pem"),
        ("--key-file", "server.key"),
        ("--trusted-ca-file", "ca.pem"),
    ] {
        arguments.extend([flag.to_owned(), file(name).to_string_lossy().into_owned()]);
    }
    let Some(mut etcd) = EtcdProcess::new(arguments, "https") else { return };
    let connect = |ca: &str, identity: bool| {
        let (certificate, key) = (file("client.pem"), file("client.key"));
        let identity = identity.then_some((certificate.as_path(), key.as_path()));
        let tls = TlsConfig::from_files(&file(ca), identity).expect("readable files");
        let config = ClientConfig {
            tls: Some(tls),
            request_timeout: Duration::from_secs(3),
            ..config(std::slice::from_ref(&etcd.endpoint))
        };
        Client::connect(config).expect("a valid configuration")
    };
    let trusted = connect("ca.pem", true);
    let (nameless, misled) = (connect("ca.pem", false), connect("other-ca.pem", true));
    etcd.start();
    wait_for(&trusted).await;
    put(&trusted, "/k", "x").await;
    let mut watch = trusted.watch_prefix("/k");
    assert_eq!(snapshot(soon("a snapshot", watch.next()).await), ["/k"]);
    for (client, why) in [(nameless, "no certificate"), (misled, "another authority")] {
        let error = client.get("/k").await.expect_err(why);
        assert!(matches!(error, Error::Unavailable(_)), "{why}: {error:?}");
    }
}

pub(crate) async fn a_paused_etcd(server: Server) {
    let client = server.client();
    let session = Session::open(&client, SessionConfig { ttl: Duration::from_secs(3) });
    let session = session.await.expect("a session");
    let mut states = session.state();
    let mut watch = client.watch_prefix("/w/");
    assert_eq!(snapshot(soon("a snapshot", watch.next()).await), [""; 0]);
    server.process().pause();
    let failed = tokio::time::timeout(PATIENCE, client.get("/w/a")).await.expect("a deadline");
    assert!(failed.expect_err("nobody answers").is_retriable());
    reached(&mut states, &[Uncertain]).await;
    server.process().resume();
    // Whether the lease survived is etcd's to decide; the session must find out.
    let state = reached(&mut states, &[Connected, Lost]).await;
    let left = client.lease_time_left(session.lease()).await.expect("a reply");
    assert_eq!(left.is_some(), state == Connected);
    let revision = put(&client, "/w/a", "x").await;
    assert_eq!(changes(soon("a change", watch.next()).await), [("/w/a".to_owned(), revision.0)]);
}
