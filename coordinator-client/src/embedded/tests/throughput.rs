//! Thousands of transactions in flight, as offset commits of a busy cluster are.

use etcd_client::{Client, Txn, TxnOp};
use tokio::time::Instant;

use super::support;
use crate::clock;

const CLIENTS: usize = 8;
const TXNS_PER_CLIENT: usize = 64;
const PUTS_PER_TXN: usize = 120;

fn commit(client: usize, txn: usize) -> Txn {
    let puts = (0..PUTS_PER_TXN).map(|partition| {
        let key = format!("/barnabas/consumers/group-{client}/offsets/topic-{txn}/{partition}");
        TxnOp::put(key, r#"{"version":1,"offset":"123456","leader_epoch":3}"#, None)
    });
    Txn::new().and_then(puts.collect::<Vec<_>>())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_transactions_in_flight_do_not_collapse() {
    let dir = tempfile::tempdir().unwrap();
    let server = support::start(dir.path()).await;
    let start: Instant = clock::now();
    let mut waiting = tokio::task::JoinSet::new();
    for client in 0..CLIENTS {
        let connected = Client::connect([server.endpoint()], None).await.unwrap();
        for txn in 0..TXNS_PER_CLIENT {
            let mut connected = connected.clone();
            waiting.spawn(async move { connected.txn(commit(client, txn)).await.unwrap() });
        }
    }
    let answers = waiting.join_all().await;
    let seconds = (clock::now() - start).as_secs_f64();
    let puts = (answers.len() * PUTS_PER_TXN) as f64;
    println!("{puts} puts in {seconds:.3} s: {:.0} puts/s", puts / seconds);
    let mut client = support::client(&server).await;
    let revision = client.get("x", None).await.unwrap().header().unwrap().revision();
    assert_eq!(revision, 1 + (CLIENTS * TXNS_PER_CLIENT) as i64);
    server.shutdown().await;
}
