//! Debian's `etcdctl` works on the embedded coordinator.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use super::support;
use crate::embedded::Server;

/// What `etcdctl` printed; `None` where there is none.
async fn etcdctl(server: &Server, arguments: &[&str], stdin: &str) -> Option<String> {
    let mut command = Command::new("etcdctl");
    command
        .env("ETCDCTL_API", "3")
        .env("ETCDCTL_ENDPOINTS", server.local_addr().to_string())
        .args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let stdin = stdin.to_owned();
    let running = move || {
        let mut process = command.spawn().ok()?;
        process.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
        Some(process.wait_with_output().unwrap())
    };
    let output = tokio::task::spawn_blocking(running).await.unwrap()?;
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (out, error) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "etcdctl {arguments:?}: {out}{error}");
    // `endpoint health` reports on stderr.
    Some(out + &error)
}

#[tokio::test]
async fn etcdctl_works() {
    let dir = tempfile::tempdir().unwrap();
    let server = support::start(dir.path()).await;
    if etcdctl(&server, &["version"], "").await.is_none() {
        eprintln!("skipped: there is no etcdctl");
        return;
    }
    let run =
        async |arguments: &[&str], stdin: &str| etcdctl(&server, arguments, stdin).await.unwrap();
    assert_eq!(run(&["put", "/a/1", "one"], "").await, "OK\n");
    assert_eq!(run(&["put", "--prev-kv", "/a/1", "eins"], "").await, "OK\n/a/1\none\n");
    assert_eq!(run(&["get", "/a/1"], "").await, "/a/1\neins\n");
    let json = run(&["get", "--prefix", "/a", "-w", "json"], "").await;
    assert!(json.contains(r#""create_revision":2,"mod_revision":3,"version":2"#), "{json}");
    let txn = "mod(\"/a/1\") = \"3\"\n\nput /a/2 two\n\nget /a/1\n\n";
    assert_eq!(run(&["txn"], txn).await, "SUCCESS\n\nOK\n");
    let granted = run(&["lease", "grant", "100"], "").await;
    let lease = granted.split_whitespace().nth(1).unwrap().to_owned();
    run(&["put", "/a/3", "leased", "--lease", &lease], "").await;
    assert!(run(&["lease", "timetolive", &lease, "--keys"], "").await.contains("/a/3"));
    assert!(run(&["lease", "list"], "").await.contains(&lease));
    assert!(run(&["lease", "keep-alive", "--once", &lease], "").await.contains("TTL(100)"));
    assert!(run(&["lease", "revoke", &lease], "").await.contains("revoked"));
    assert_eq!(run(&["get", "--prefix", "/a", "--keys-only"], "").await, "/a/1\n\n/a/2\n\n");
    assert_eq!(run(&["del", "/a/2"], "").await, "1\n");
    assert!(run(&["endpoint", "status", "-w", "table"], "").await.contains("3.5.0"));
    assert!(run(&["endpoint", "health"], "").await.contains("is healthy"));
    assert!(run(&["member", "list"], "").await.contains("embedded"));
    assert!(run(&["compaction", "4"], "").await.contains("compacted revision 4"));
    assert_eq!(run(&["get", "/a/1", "--rev", "4"], "").await, "/a/1\neins\n");
    watch(&server).await;
    server.shutdown().await;
}

/// `watch` runs until it is killed.
async fn watch(server: &Server) {
    let mut process = Command::new("etcdctl")
        .env("ETCDCTL_API", "3")
        .args(["--endpoints", &server.endpoint(), "watch", "--rev", "5", "--prefix", "/a"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = process.stdout.take().unwrap();
    let reading = tokio::task::spawn_blocking(move || {
        let expected = "PUT\n/a/3\nleased\nDELETE\n/a/3\n\nDELETE\n/a/2\n\n";
        let mut read = vec![0; expected.len()];
        std::io::Read::read_exact(&mut out, &mut read).unwrap();
        assert_eq!(String::from_utf8(read).unwrap(), expected);
    });
    reading.await.unwrap();
    process.kill().unwrap();
    process.wait().unwrap();
}
