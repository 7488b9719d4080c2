//! What the state machine answers, request by request.

use std::time::Duration;

use etcd_client::proto::{
    PbCompactionRequest, PbCompare, PbLeaseGrantRequest, PbLeaseTimeToLiveRequest, PbPutRequest,
    PbRangeRequest, PbTargetUnion, PbTxnOpResponse, PbTxnRequest,
};

use super::requests::*;
use crate::embedded::{error::OpError, history::Retention, machine::Machine, mvcc::Store};

const NOW: Duration = Duration::ZERO;

fn machine() -> Machine {
    Machine::new(Store::default(), &[], 1, NOW)
}

fn with(puts: &[(&str, &str)]) -> Machine {
    let mut machine = machine();
    for (key, value) in puts {
        machine.put(put(key, value), NOW).unwrap();
    }
    machine
}

fn compact(machine: &mut Machine, revision: i64) -> Result<(), OpError> {
    machine.compact(&PbCompactionRequest { revision, physical: false }).map(|_| ())
}

fn keys(machine: &Machine, request: PbRangeRequest) -> Vec<String> {
    let response = machine.range(request).unwrap();
    response.kvs.into_iter().map(|kv| String::from_utf8(kv.key).unwrap()).collect()
}

fn holds(machine: &mut Machine, compare: PbCompare) -> bool {
    machine.txn(txn(vec![compare], vec![], vec![]), NOW).unwrap().succeeded
}

#[test]
fn revisions_count_as_in_etcd() {
    let mut machine = machine();
    assert_eq!(machine.store().revision(), 1);
    machine.put(put("a", "1"), NOW).unwrap();
    machine.put(put("a", "2"), NOW).unwrap();
    let kv = machine.range(get("a")).unwrap().kvs.remove(0);
    assert_eq!((kv.create_revision, kv.mod_revision, kv.version), (2, 3, 2));
    let deleted = machine.delete(delete("a", ""), NOW).unwrap();
    assert_eq!((deleted.deleted, deleted.header.unwrap().revision), (1, 4));
    assert_eq!(machine.delete(delete("a", ""), NOW).unwrap().header.unwrap().revision, 4);
    machine.put(put("a", "3"), NOW).unwrap();
    let kv = machine.range(get("a")).unwrap().kvs.remove(0);
    assert_eq!((kv.create_revision, kv.mod_revision, kv.version), (5, 5, 1));
}

#[test]
fn a_txn_is_one_revision_and_none_without_changes() {
    let mut machine = with(&[("a", "1")]);
    let both = vec![op_put(put("x", "1")), op_put(put("y", "1")), op_delete(delete("a", ""))];
    let response = machine.txn(txn(vec![], both, vec![]), NOW).unwrap();
    assert_eq!(response.header.unwrap().revision, 3);
    let reads = vec![op_range(get("x")), op_delete(delete("none", ""))];
    let response = machine.txn(txn(vec![], reads, vec![]), NOW).unwrap();
    assert_eq!(response.header.unwrap().revision, 3);
    assert_eq!(machine.take_effects().commits.len(), 2);
}

#[test]
fn reads_in_a_txn_see_its_writes() {
    let mut machine = with(&[("a", "1")]);
    let ops = vec![op_range(get("b")), op_put(put("b", "2")), op_range(get("b"))];
    let response = machine.txn(txn(vec![], ops, vec![]), NOW).unwrap();
    let found = |index: usize| match &response.responses[index].response {
        Some(PbTxnOpResponse::ResponseRange(range)) => {
            (range.count, range.header.unwrap().revision)
        }
        other => panic!("{other:?}"),
    };
    assert_eq!((found(0), found(2)), ((0, 2), (1, 3)));
}

#[test]
fn every_compare_target_and_result() {
    use PbTargetUnion::{CreateRevision, Lease, ModRevision, Value, Version};
    let mut machine = with(&[("a", "1"), ("a", "2"), ("b", "1")]);
    for (union, missing) in [
        (Version(2), Version(0)),
        (CreateRevision(2), CreateRevision(0)),
        (ModRevision(3), ModRevision(0)),
        (Lease(0), Lease(0)),
    ] {
        assert!(holds(&mut machine, compare("a", 0, union.clone())), "{union:?}");
        assert!(!holds(&mut machine, compare("a", 3, union.clone())), "{union:?}");
        assert!(!holds(&mut machine, compare("a", 1, union.clone())), "{union:?}");
        assert!(!holds(&mut machine, compare("a", 2, union)));
        assert!(holds(&mut machine, compare("missing", 0, missing)));
    }
    assert!(holds(&mut machine, compare("a", 1, ModRevision(2))));
    assert!(holds(&mut machine, compare("a", 2, ModRevision(4))));
    assert!(holds(&mut machine, compare("a", 0, Value(b"2".to_vec()))));
    assert!(holds(&mut machine, compare("a", 1, Value(b"1".to_vec()))));
    assert!(!holds(&mut machine, compare("missing", 0, Value(vec![]))), "no value is not empty");
    assert!(!holds(&mut machine, compare("missing", 3, Value(b"1".to_vec()))));
}

#[test]
fn a_compare_over_a_range_must_hold_for_every_key() {
    let mut machine = with(&[("a", "1"), ("a", "2"), ("b", "1")]);
    let over =
        |result, union| PbCompare { range_end: b"c".to_vec(), ..compare("a", result, union) };
    assert!(holds(&mut machine, over(1, PbTargetUnion::Version(0))));
    assert!(!holds(&mut machine, over(0, PbTargetUnion::Version(2))));
    let none = PbCompare {
        key: b"x".to_vec(),
        range_end: b"z".to_vec(),
        ..over(0, PbTargetUnion::Version(0))
    };
    assert!(holds(&mut machine, none));
}

#[test]
fn nested_compares_see_the_store_before_the_txn() {
    let mut machine = machine();
    let absent = || vec![compare("a", 0, PbTargetUnion::Version(0))];
    let nested = txn(absent(), vec![op_put(put("b", "absent"))], vec![op_put(put("b", "there"))]);
    let outer = txn(absent(), vec![op_put(put("a", "1")), op_txn(nested)], vec![]);
    machine.txn(outer, NOW).unwrap();
    assert_eq!(machine.range(get("b")).unwrap().kvs[0].value, b"absent");
}

fn refused(request: PbTxnRequest) -> OpError {
    machine().txn(request, NOW).unwrap_err()
}

#[test]
fn a_key_is_written_once_per_txn() {
    let then = |ops| txn(vec![], ops, vec![]);
    let (a, b) = (|| op_put(put("a", "1")), || op_put(put("b", "1")));
    assert_eq!(refused(then(vec![a(), a()])), OpError::DuplicateKey);
    assert_eq!(refused(txn(vec![], vec![], vec![a(), a()])), OpError::DuplicateKey);
    assert_eq!(refused(then(vec![a(), op_delete(delete("a", ""))])), OpError::DuplicateKey);
    assert_eq!(refused(then(vec![op_delete(delete("a", "c")), b()])), OpError::DuplicateKey);
    assert_eq!(refused(then(vec![a(), op_txn(then(vec![a()]))])), OpError::DuplicateKey);
    let deletes_a = then(vec![op_delete(delete("a", ""))]);
    assert_eq!(refused(then(vec![op_txn(deletes_a), a()])), OpError::DuplicateKey);
    assert_eq!(
        refused(then(vec![op_txn(then(vec![a()])), op_txn(then(vec![a()]))])),
        OpError::DuplicateKey
    );
    let either = op_txn(txn(vec![], vec![a()], vec![a()]));
    assert!(machine().txn(then(vec![either, b()]), NOW).is_ok());
    let twice_deleted = vec![op_delete(delete("a", "")), op_delete(delete("a", "b"))];
    assert!(machine().txn(then(twice_deleted), NOW).is_ok());
}

#[test]
fn a_txn_has_at_most_128_operations() {
    let puts =
        |count: usize| (0..count).map(|n| op_put(put(&n.to_string(), ""))).collect::<Vec<_>>();
    assert!(machine().txn(txn(vec![], puts(128), vec![]), NOW).is_ok());
    assert_eq!(refused(txn(vec![], puts(129), vec![])), OpError::TooManyOps);
    assert_eq!(refused(txn(vec![], vec![], puts(129))), OpError::TooManyOps);
    let nested = |count| txn(vec![], vec![op_txn(txn(vec![], puts(count), vec![]))], vec![]);
    assert!(machine().txn(nested(127), NOW).is_ok());
    assert_eq!(refused(nested(128)), OpError::TooManyOps);
}

#[test]
fn contradictory_and_oversized_requests_are_refused() {
    let mut machine = with(&[("a", "1")]);
    assert_eq!(machine.range(get("")).unwrap_err(), OpError::EmptyKey);
    assert_eq!(machine.put(put("", ""), NOW).unwrap_err(), OpError::EmptyKey);
    assert_eq!(machine.delete(delete("", ""), NOW).unwrap_err(), OpError::EmptyKey);
    let ignore_value = PbPutRequest { ignore_value: true, ..put("a", "") };
    let ignore_lease = PbPutRequest { ignore_lease: true, ..put("a", "2") };
    let refused = |machine: &mut Machine, request| machine.put(request, NOW).unwrap_err();
    let both = PbPutRequest { value: b"x".to_vec(), ..ignore_value.clone() };
    assert_eq!(refused(&mut machine, both), OpError::ValueProvided);
    let both = PbPutRequest { lease: 1, ..ignore_lease.clone() };
    assert_eq!(refused(&mut machine, both), OpError::LeaseProvided);
    let missing = PbPutRequest { key: b"missing".to_vec(), ..ignore_value.clone() };
    assert_eq!(refused(&mut machine, missing), OpError::KeyNotFound);
    assert_eq!(refused(&mut machine, leased("a", 9)), OpError::LeaseNotFound);
    let large = PbPutRequest { value: vec![0; 3 << 19], ..put("a", "") };
    assert_eq!(refused(&mut machine, large), OpError::RequestTooLarge);
    assert_eq!(machine.store().revision(), 2, "nothing was changed");
    machine.put(ignore_value, NOW).unwrap();
    assert_eq!(machine.range(get("a")).unwrap().kvs[0].value, b"1");
    machine.put(ignore_lease, NOW).unwrap();
    assert_eq!(machine.range(get("a")).unwrap().kvs[0].value, b"2");
}

#[test]
fn a_txn_that_cannot_be_done_changes_nothing() {
    let mut machine = with(&[("a", "1")]);
    let future = PbRangeRequest { revision: 9, ..get("a") };
    let ops = vec![op_put(put("a", "2")), op_range(future)];
    let refused = machine.txn(txn(vec![], ops, vec![]), NOW).unwrap_err();
    assert_eq!(refused, OpError::FutureRevision);
    let ops = vec![op_put(put("a", "2")), op_put(leased("b", 9))];
    assert_eq!(machine.txn(txn(vec![], ops, vec![]), NOW).unwrap_err(), OpError::LeaseNotFound);
    assert_eq!(machine.range(get("a")).unwrap().kvs[0].value, b"1");
    assert_eq!(machine.store().revision(), 2);
}

#[test]
fn ranges_are_limited_sorted_and_filtered() {
    let machine = with(&[("c", "1"), ("a", "3"), ("b", "2"), ("a", "3")]);
    let all = || range("a", "\0");
    assert_eq!(keys(&machine, all()), ["a", "b", "c"]);
    let page = machine.range(PbRangeRequest { limit: 2, ..all() }).unwrap();
    assert_eq!((page.kvs.len(), page.more, page.count), (2, true, 3));
    let counted = machine.range(PbRangeRequest { count_only: true, ..all() }).unwrap();
    assert_eq!((counted.kvs.len(), counted.count), (0, 3));
    let keys_only = machine.range(PbRangeRequest { keys_only: true, ..all() }).unwrap();
    assert!(keys_only.kvs.iter().all(|kv| kv.value.is_empty() && kv.mod_revision > 0));
    let sorted = |sort_order, sort_target| {
        keys(&machine, PbRangeRequest { sort_order, sort_target, ..all() })
    };
    assert_eq!(sorted(2, 0), ["c", "b", "a"]);
    assert_eq!(sorted(1, 1), ["b", "c", "a"]);
    assert_eq!(sorted(1, 2), ["c", "a", "b"]);
    assert_eq!(sorted(2, 3), ["a", "b", "c"]);
    assert_eq!(sorted(0, 4), ["c", "b", "a"]);
    let newest = PbRangeRequest { limit: 1, sort_order: 2, sort_target: 2, ..all() };
    assert_eq!(keys(&machine, newest), ["b"]);
    assert_eq!(keys(&machine, PbRangeRequest { min_mod_revision: 4, ..all() }), ["a", "b"]);
    assert_eq!(keys(&machine, PbRangeRequest { max_create_revision: 2, ..all() }), ["c"]);
    assert!(keys(&machine, range("c", "a")).is_empty());
}

#[test]
fn compaction_hides_the_past_and_drops_its_entries() {
    let mut machine = with(&[("a", "1"), ("a", "2"), ("b", "1")]);
    machine.delete(delete("b", ""), NOW).unwrap();
    machine.put(put("c", "1"), NOW).unwrap();
    assert_eq!(compact(&mut machine, 7), Err(OpError::FutureRevision));
    compact(&mut machine, 4).unwrap();
    assert_eq!(compact(&mut machine, 4), Err(OpError::Compacted));
    let at = |revision| PbRangeRequest { revision, ..range("a", "\0") };
    assert_eq!(machine.range(at(3)).unwrap_err(), OpError::Compacted);
    assert_eq!(machine.range(at(7)).unwrap_err(), OpError::FutureRevision);
    assert_eq!(keys(&machine, at(4)), ["a", "b"]);
    assert_eq!(keys(&machine, at(5)), ["a"]);
    assert_eq!(machine.take_effects().dropped, [(2, 0)]);
    compact(&mut machine, 6).unwrap();
    let mut dropped = machine.take_effects().dropped;
    dropped.sort_unstable();
    assert_eq!(dropped, [(4, 0), (5, 0)], "the deleted key leaves nothing behind");
    assert_eq!(keys(&machine, range("a", "\0")), ["a", "c"]);
}

#[test]
fn history_is_bounded_by_itself() {
    let mut machine = machine();
    let retention = Retention { revisions: 100, ..Retention::default() };
    for n in 0..10_000 {
        machine.put(put("hot", &n.to_string()), NOW).unwrap();
        machine.retain(&retention, NOW);
        assert!(machine.store().history().since(0).count() <= 113);
    }
    let effects = machine.take_effects();
    assert!(effects.dropped.len() > 9_800, "only {} dropped", effects.dropped.len());
    assert_eq!(machine.store().revision(), 10_001);
}

#[test]
fn a_lease_that_ends_takes_all_its_keys_in_one_revision() {
    let mut machine = machine();
    let granted = machine.grant(&PbLeaseGrantRequest { id: 0, ttl: 5 }, NOW).unwrap();
    assert!(granted.id > 0 && granted.ttl == 5);
    for key in ["a", "b", "c"] {
        machine.put(leased(key, granted.id), NOW).unwrap();
    }
    machine.put(put("b", "kept: no lease any more"), NOW).unwrap();
    let keeps_lease = PbPutRequest { ignore_lease: true, ..put("c", "still leased") };
    machine.put(keeps_lease, NOW).unwrap();
    let request = PbLeaseTimeToLiveRequest { id: granted.id, keys: true };
    let view = machine.time_to_live(&request, Duration::from_millis(1500));
    assert_eq!((view.ttl, view.granted_ttl), (3, 5));
    assert_eq!(view.keys, [b"a", b"c"]);
    let revision = machine.store().revision();
    assert_eq!(machine.next_deadline(), Some(Duration::from_secs(5)));
    machine.expire_leases(Duration::from_millis(4999));
    assert_eq!(machine.store().revision(), revision);
    machine.expire_leases(Duration::from_secs(5));
    assert_eq!(machine.store().revision(), revision + 1);
    assert_eq!(keys(&machine, range("a", "\0")), ["b"]);
    assert_eq!(machine.time_to_live(&request, NOW).ttl, -1);
    assert_eq!(machine.keep_alive(granted.id, NOW).ttl, 0);
    assert_eq!(machine.revoke(granted.id, NOW).unwrap_err(), OpError::LeaseNotFound);
}
