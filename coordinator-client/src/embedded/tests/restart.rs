//! What was answered is there after a restart, a kill, and a full disk.

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use etcd_client::{Client, GetOptions, LeaseGrantOptions, LeaseTimeToLiveOptions, PutOptions};

use super::{child::ChildServer, support};
use crate::embedded::{EmbeddedError, Retention, Server};

#[tokio::test]
async fn keys_revisions_leases_and_compaction_survive() {
    let dir = tempfile::tempdir().unwrap();
    let server = support::start(dir.path()).await;
    let mut client = support::client(&server).await;
    let lease = LeaseGrantOptions::new().with_id(77);
    client.lease_grant(30, Some(lease)).await.unwrap();
    for value in ["1", "2", "3"] {
        client.put("a", value, None).await.unwrap();
    }
    client.put("leased", "x", Some(PutOptions::new().with_lease(77))).await.unwrap();
    client.put("gone", "x", None).await.unwrap();
    client.delete("gone", None).await.unwrap();
    client.compact(3, None).await.unwrap();
    let before = client.get("", Some(GetOptions::new().with_all_keys())).await.unwrap();
    drop(client);
    server.shutdown().await;

    let server = support::start(dir.path()).await;
    let mut client = support::client(&server).await;
    let after = client.get("", Some(GetOptions::new().with_all_keys())).await.unwrap();
    assert_eq!(after.kvs().len(), 2);
    assert_eq!(format!("{:?}", after.kvs()), format!("{:?}", before.kvs()));
    let (old, new) = (before.header().unwrap(), after.header().unwrap());
    assert_eq!((old.cluster_id(), old.member_id()), (new.cluster_id(), new.member_id()));
    assert_eq!(new.revision(), 7);
    assert_eq!(new.raft_term(), old.raft_term() + 1);
    let at = |revision| Some(GetOptions::new().with_revision(revision));
    assert_eq!(client.get("a", at(3)).await.unwrap().kvs()[0].value(), b"2");
    let compacted = client.get("a", at(2)).await.unwrap_err();
    assert!(compacted.to_string().contains("required revision has been compacted"));
    let with_keys = LeaseTimeToLiveOptions::new().with_keys();
    let lease = client.lease_time_to_live(77, Some(with_keys)).await.unwrap();
    assert_eq!((lease.granted_ttl(), lease.ttl() >= 28), (30, true));
    assert_eq!(lease.keys(), [b"leased"]);
    let fresh = client.lease_grant(30, None).await.unwrap().id();
    client.lease_revoke(77).await.unwrap();
    assert_eq!(client.get("leased", None).await.unwrap().count(), 0);
    server.shutdown().await;

    let server = support::start(dir.path()).await;
    let mut client = support::client(&server).await;
    assert_ne!(client.lease_grant(30, None).await.unwrap().id(), fresh);
    let leases = client.leases().await.unwrap();
    assert_eq!(leases.leases().len(), 2);
    server.shutdown().await;
}

#[tokio::test]
async fn what_was_answered_survives_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let server = ChildServer::start(dir.path(), |exe| Command::new(exe));
    let answered = Arc::new(AtomicI64::new(0));
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let answered = Arc::clone(&answered);
            let connecting = server.endpoint.clone();
            tokio::spawn(async move {
                let mut client = Client::connect([connecting], None).await.unwrap();
                let mut count = 0;
                while client.put(format!("{writer}/{count}"), "v", None).await.is_ok() {
                    answered.fetch_add(1, Ordering::Relaxed);
                    count += 1;
                }
                (writer, count)
            })
        })
        .collect();
    while answered.load(Ordering::Relaxed) < 200 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(server);
    let server = support::start(dir.path()).await;
    let mut client = support::client(&server).await;
    for writer in writers {
        let (writer, count) = writer.await.unwrap();
        let counting = GetOptions::new().with_prefix().with_count_only();
        let found = client.get(format!("{writer}/"), Some(counting)).await.unwrap().count();
        assert!(found == count || found == count + 1, "{found} of {count} puts");
    }
    server.shutdown().await;
}

#[tokio::test]
async fn a_directory_serves_one_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let server = support::start(dir.path()).await;
    let second = Server::start(support::config(dir.path())).await;
    match second {
        Err(error @ EmbeddedError::Locked { .. }) => {
            assert!(error.to_string().contains("in use by another process"));
        }
        other => panic!("{other:?}"),
    }
    server.shutdown().await;
    support::start(dir.path()).await.shutdown().await;
}

#[test]
fn a_server_that_goes_with_its_runtime_lets_go_of_the_directory() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    let server = first.block_on(support::start(dir.path()));
    drop(first);
    drop(server);
    let reopened = runtime().block_on(async {
        for _ in 0..100 {
            if Server::start(support::config(dir.path())).await.is_ok() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        false
    });
    assert!(reopened);
}

#[tokio::test]
async fn only_loopback_is_listened_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = support::config(dir.path());
    config.listen.set_ip([0, 0, 0, 0].into());
    assert!(matches!(Server::start(config).await, Err(EmbeddedError::NotLoopback(_))));
}

#[tokio::test]
async fn the_directory_does_not_grow_with_the_history() {
    let dir = tempfile::tempdir().unwrap();
    let retention = Retention { revisions: 200, ..Retention::default() };
    let server = Server::start_with(support::config(dir.path()), retention).await.unwrap();
    let mut client = support::client(&server).await;
    for n in 0..2_000 {
        client.put("hot", n.to_string(), None).await.unwrap();
    }
    let old = client.get("hot", Some(GetOptions::new().with_revision(1_000))).await;
    assert!(old.unwrap_err().to_string().contains("has been compacted"));
    drop(client);
    server.shutdown().await;
    let directory = crate::embedded::disk::Directory::lock(dir.path().to_owned()).unwrap();
    let disk = directory.open((0, 0)).unwrap();
    let machine = disk.load(Duration::ZERO).unwrap();
    assert_eq!(machine.store().revision(), 2_001);
    assert!(machine.store().history().since(0).count() <= 226);
}

#[tokio::test]
async fn a_disk_that_was_full_is_used_again() {
    let dir = tempfile::tempdir().unwrap();
    // No file may grow beyond 256 KiB: every write beyond fails, as on a full disk.
    let limited = |exe: &std::path::Path| {
        let mut shell = Command::new("sh");
        shell.args(["-c", "trap '' XFSZ; ulimit -S -f 512; exec \"$0\" \"$@\""]).arg(exe);
        shell
    };
    let server = ChildServer::start(dir.path(), limited);
    let mut client = server.client().await;
    let mut written = 0;
    let refused = loop {
        match client.put(format!("k{written:04}"), vec![0; 4096], None).await {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 1_000, "the limit does not work");
    };
    assert!(written > 10);
    assert!(refused.to_string().contains("cannot write its directory"), "{refused}");
    let limit = ["--fsize=unlimited", "--pid", &server.id().to_string()].map(str::to_owned);
    assert!(Command::new("prlimit").args(limit).status().unwrap().success());
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let all = GetOptions::new().with_prefix().with_count_only();
    let found = client.get("k", Some(all)).await.unwrap().count();
    assert!(found == written || found == written + 1, "{found} of {written}");
    client.put("k", "after", None).await.unwrap();
}
