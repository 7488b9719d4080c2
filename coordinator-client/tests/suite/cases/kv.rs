//! Reads.

use crate::suite::{commit, config, put, server::Server, value};
use barnabas_coordinator_client::{Client, ClientConfig, LeaseId, Txn};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// A client whose listings take many pages.
fn with_page_size(server: &Server, page_size: usize) -> Client {
    let config = ClientConfig { page_size, ..config(&[server.endpoint().to_owned()]) };
    Client::connect(config).expect("a valid configuration")
}

pub(crate) async fn keys_are_read_as_written(server: Server) {
    let client = server.client();
    assert_eq!(client.get("/a").await, Ok(None));
    let first = put(&client, "/a", "one").await;
    let second = put(&client, "/a", "two").await;
    assert!(second > first);
    let kv = client.get("/a").await.expect("a reply").expect("a key");
    assert_eq!((&kv.key[..], &kv.value[..]), (&b"/a"[..], &b"two"[..]));
    assert_eq!(kv.create_revision.0, first.0);
    assert_eq!(kv.mod_revision.0, second.0);
    assert_eq!((kv.version, kv.lease), (2, LeaseId::NONE));
    let deleted = commit(&client, Txn::new().delete("/a")).await;
    assert!(deleted > second);
    assert_eq!(client.get("/a").await, Ok(None));
    let again = put(&client, "/a", "three").await;
    let kv = client.get("/a").await.expect("a reply").expect("a key");
    assert_eq!((kv.create_revision.0, kv.version), (again.0, 1));
}

pub(crate) async fn a_prefix_ends_where_it_ends(server: Server) {
    let client = server.client();
    for key in ["/a", "/a/", "/a/1", "/a/\u{7f}", "/a0", "/b/1"] {
        put(&client, key, "x").await;
    }
    let keys = |listing: barnabas_coordinator_client::Listing| -> Vec<String> {
        let text = |key: &[u8]| String::from_utf8_lossy(key).into_owned();
        listing.entries.iter().map(|kv| text(&kv.key)).collect()
    };
    let listing = client.list("/a/").await.expect("a reply");
    assert_eq!(keys(listing), ["/a/", "/a/1", "/a/\u{7f}"]);
    assert_eq!(keys(client.list("/c/").await.expect("a reply")), [""; 0]);
    assert_eq!(client.list("").await.expect("a reply").entries.len(), 6);
}

/// A writer keeps all keys equal; a listing of many pages must never see two values.
pub(crate) async fn a_listing_shows_one_revision(server: Server) {
    let client = with_page_size(&server, 7);
    let stop = Arc::new(AtomicBool::new(false));
    let write = |client: Client, round: u32| async move {
        let keys = (0..50).map(|i| format!("/same/{i:02}"));
        commit(&client, keys.fold(Txn::new(), |txn, key| txn.put(key, round.to_string()))).await
    };
    write(client.clone(), 0).await;
    let writer = tokio::spawn({
        let (client, stop) = (server.client(), Arc::clone(&stop));
        async move {
            let mut round = 1;
            while !stop.load(Ordering::Relaxed) {
                write(client.clone(), round).await;
                round += 1;
            }
            round
        }
    });
    let mut revisions = Vec::new();
    for _ in 0..30 {
        let listing = client.list("/same/").await.expect("a reply");
        assert_eq!(listing.entries.len(), 50);
        let first = &listing.entries[0];
        assert!(listing.entries.iter().all(|kv| kv.value == first.value), "{listing:?}");
        assert!(listing.entries.is_sorted_by(|a, b| a.key < b.key));
        revisions.push(listing.revision);
    }
    stop.store(true, Ordering::Relaxed);
    assert!(writer.await.expect("the writer") > 1);
    assert!(revisions.is_sorted());
}

/// More than one reply may hold, although the number of keys is small.
pub(crate) async fn large_values_are_listed(server: Server) {
    let client = server.client();
    let large = vec![b'x'; 1_000_000];
    for i in 0..20 {
        commit(&client, Txn::new().put(format!("/large/{i:02}"), large.clone())).await;
    }
    put(&client, "/large/99", "last").await;
    let listing = client.list("/large/").await.expect("a reply");
    assert_eq!(listing.entries.len(), 21);
    assert!(listing.entries[..20].iter().all(|kv| kv.value == large));
    assert_eq!(value(&client, "/large/99").await.as_deref(), Some("last"));
}
