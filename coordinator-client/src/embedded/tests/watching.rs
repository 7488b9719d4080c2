//! What watches are told, decided without a server.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use etcd_client::proto::{PbCompactionRequest, PbEvent};

use super::requests::*;
use crate::embedded::{
    key_range::KeyRange,
    machine::Machine,
    mvcc::Store,
    watch::{WatchSpec, Watches},
};

const NOW: Duration = Duration::ZERO;

fn spec(key: &str, end: &str, start_revision: i64) -> WatchSpec {
    WatchSpec {
        id: 0,
        range: KeyRange::new(key.into(), end.into()),
        start_revision,
        filters: Vec::new(),
        prev_kv: false,
        progress_notify: false,
    }
}

/// Revision 2: a=1, 3: b=1, 4: a=2 and c=1, 5: b deleted.
fn machine() -> Machine {
    let mut machine = Machine::new(Store::default(), &[], 1, NOW);
    machine.put(put("a", "1"), NOW).unwrap();
    machine.put(put("b", "1"), NOW).unwrap();
    let both = vec![op_put(put("a", "2")), op_put(put("c", "1"))];
    machine.txn(txn(vec![], both, vec![]), NOW).unwrap();
    machine.delete(delete("b", ""), NOW).unwrap();
    machine
}

/// Key, mod revision, deleted, previous value.
fn told(watches: &mut Watches, machine: &Machine) -> Vec<(String, i64, bool, Option<String>)> {
    let mut told = Vec::new();
    while let Some(response) = watches.poll(machine.store().history()) {
        assert!(!response.canceled);
        told.extend(response.events.into_iter().map(summary));
    }
    told
}

fn summary(event: PbEvent) -> (String, i64, bool, Option<String>) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let kv = event.kv.unwrap();
    (text(kv.key), kv.mod_revision, event.r#type == 1, event.prev_kv.map(|kv| text(kv.value)))
}

#[test]
fn replays_history_then_follows() {
    let mut machine = machine();
    let mut watches = Watches::default();
    let created = watches.create(spec("a", "c", 3), machine.store().history());
    assert!(created.created && !created.canceled);
    let expected = [("b", 3, false), ("a", 4, false), ("b", 5, true)];
    let events = told(&mut watches, &machine);
    let events: Vec<_> =
        events.iter().map(|(key, at, gone, _)| (key.as_str(), *at, *gone)).collect();
    assert_eq!(events, expected);
    machine.put(put("c", "2"), NOW).unwrap();
    assert!(told(&mut watches, &machine).is_empty(), "c is outside");
    machine.put(put("b", "2"), NOW).unwrap();
    assert_eq!(told(&mut watches, &machine).len(), 1);
}

#[test]
fn filters_and_previous_values() {
    let machine = machine();
    let mut watches = Watches::default();
    let no_put = WatchSpec { filters: vec![0], prev_kv: true, ..spec("a", "\0", 1) };
    watches.create(no_put, machine.store().history());
    let gone = ("b".to_owned(), 5, true, Some("1".to_owned()));
    assert_eq!(told(&mut watches, &machine), [gone]);
    let mut watches = Watches::default();
    let no_delete = WatchSpec { filters: vec![1], prev_kv: true, ..spec("a", "\0", 4) };
    watches.create(no_delete, machine.store().history());
    let again = ("a".to_owned(), 4, false, Some("1".to_owned()));
    assert_eq!(told(&mut watches, &machine), [again, ("c".to_owned(), 4, false, None)]);
}

#[test]
fn a_watch_overtaken_by_compaction_is_told_so() {
    let mut machine = machine();
    let mut watches = Watches::default();
    machine.compact(&PbCompactionRequest { revision: 5, physical: true }).unwrap();
    watches.create(spec("a", "\0", 4), machine.store().history());
    let canceled = watches.poll(machine.store().history()).unwrap();
    assert!(canceled.canceled && canceled.compact_revision == 5);
    assert!(watches.poll(machine.store().history()).is_none(), "told once");
    let from_compacted = WatchSpec { prev_kv: true, ..spec("a", "\0", 5) };
    watches.create(from_compacted, machine.store().history());
    assert_eq!(told(&mut watches, &machine), [("b".to_owned(), 5, true, None)]);
}

#[test]
fn ids_are_the_clients_or_free_ones() {
    let machine = machine();
    let history = machine.store().history();
    let mut watches = Watches::default();
    assert_eq!(watches.create(WatchSpec { id: 1, ..spec("a", "", 0) }, history).watch_id, 1);
    let again = watches.create(WatchSpec { id: 1, ..spec("a", "", 0) }, history);
    assert!(again.canceled && again.watch_id == -1 && !again.cancel_reason.is_empty());
    assert!(watches.create(spec("b", "a", 0), history).canceled, "an empty range");
    assert_eq!(watches.create(spec("a", "", 0), history).watch_id, 0);
    assert_eq!(watches.create(spec("a", "", 0), history).watch_id, 2);
    assert!(watches.cancel(2, history).unwrap().canceled);
    assert!(watches.cancel(2, history).is_none());
}

#[test]
fn large_histories_come_in_pieces_but_revisions_whole() {
    let mut machine = Machine::new(Store::default(), &[], 1, NOW);
    let large = "x".repeat(300_000);
    for _ in 0..10 {
        let both = vec![op_put(put("a", &large)), op_put(put("b", &large))];
        machine.txn(txn(vec![], both, vec![]), NOW).unwrap();
    }
    let mut watches = Watches::default();
    watches.create(spec("a", "\0", 2), machine.store().history());
    let mut next = 2;
    let mut responses = 0;
    while let Some(response) = watches.poll(machine.store().history()) {
        responses += 1;
        assert_eq!(response.events.len() % 2, 0);
        for pair in response.events.chunks(2) {
            assert!(pair.iter().all(|event| event.kv.as_ref().unwrap().mod_revision == next));
            next += 1;
        }
        assert_eq!(response.header.unwrap().revision, next - 1);
    }
    assert_eq!((next, responses), (12, 5));
}

#[test]
fn progress_goes_to_quiet_watches_that_asked() {
    let mut machine = machine();
    let mut watches = Watches::default();
    assert!(!watches.want_progress());
    let wanting = WatchSpec { progress_notify: true, ..spec("a", "", 0) };
    watches.create(wanting, machine.store().history());
    watches.create(spec("a", "", 0), machine.store().history());
    assert!(watches.want_progress());
    machine.put(put("a", "3"), NOW).unwrap();
    assert_eq!(told(&mut watches, &machine).len(), 2);
    assert!(watches.notify_progress(machine.store().history()).is_empty(), "it heard something");
    let told = watches.notify_progress(machine.store().history());
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].header.unwrap().revision, 6);
}

#[test]
fn the_index_and_the_history_share_keys() {
    let mut machine = machine();
    machine.put(put("a", "3"), NOW).unwrap();
    let at = |key: &Bytes| key.as_ptr();
    let commits: Vec<_> = machine.store().history().since(2).map(Arc::clone).collect();
    let of_a = commits.iter().flat_map(|commit| &commit.changes).filter(|it| it.key == "a");
    let mut addresses: Vec<_> = of_a.map(|change| at(&change.key)).collect();
    addresses.dedup();
    assert_eq!(addresses.len(), 1);
}
