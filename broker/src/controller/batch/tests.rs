use barnabas_coordinator_client::{LeaseId, ModRevision};

use super::*;

const GUARD: Guard =
    Guard { term: CreateRevision(3), restored: Expect::ModRevision(ModRevision(9)) };

fn write(key: &str, expected: Expect, value: Option<&str>, brokers: &[(i32, i64)]) -> Write {
    let action =
        value.map_or(WriteAction::Delete, |value| WriteAction::Put(value.to_owned().into()));
    let brokers = brokers.iter().map(|(id, epoch)| (BrokerId(*id), BrokerEpoch(*epoch))).collect();
    Write { key: key.to_owned().into(), expected, action, brokers }
}

fn found(value: &str, created: i64, modified: i64) -> Option<KeyValue> {
    Some(KeyValue {
        key: Bytes::new(),
        value: value.to_owned().into(),
        create_revision: CreateRevision(created),
        mod_revision: ModRevision(modified),
        version: 1,
        lease: LeaseId::NONE,
    })
}

/// The restore count, written at this revision.
fn restored(revision: i64) -> Option<KeyValue> {
    found("restored", 9, revision)
}

fn at(revision: i64) -> Expect {
    Expect::ModRevision(ModRevision(revision))
}

fn one_batch(sets: Vec<Vec<Write>>) -> Batch {
    let pieces = sets.into_iter().enumerate().flat_map(|(n, set)| pieces(n, set.into_iter()));
    let mut batches = packed(pieces);
    assert_eq!(batches.len(), 1);
    batches.remove(0)
}

fn sample() -> Batch {
    one_batch(vec![
        vec![
            write("a", at(10), Some("new a"), &[(1, 5)]),
            write("b", Expect::Absent, Some("new b"), &[]),
        ],
        vec![write("c", at(11), None, &[])],
    ])
}

#[test]
fn small_sets_share_transactions_within_the_limits() {
    let set = |n: usize| {
        (0..6).map(move |i| write(&format!("{n}/{i}"), Expect::Absent, Some("v"), &[(1, 5)]))
    };
    let all = (0..100).flat_map(|n| pieces(n, set(n)));
    let batches = packed(all);
    // The guard and the registration leave room for 117 keys: 19 sets of six.
    let sizes: Vec<_> = batches.iter().map(|batch| batch.sets().count()).collect();
    assert_eq!(sizes, [19, 19, 19, 19, 19, 5]);
    let keys = Keys::new("/barnabas");
    for batch in batches {
        let txn = batch.txn(&keys, GUARD);
        assert!(txn.expects() <= Txn::MAX_OPS && txn.ops() <= Txn::MAX_OPS);
    }
}

#[test]
fn a_large_set_is_cut_in_order() {
    let writes = (0..300).map(|i| write(&i.to_string(), Expect::Absent, Some("v"), &[(1, 5)]));
    let pieces = pieces(7, writes);
    assert_eq!(pieces.iter().map(|piece| piece.writes.len()).collect::<Vec<_>>(), [117, 117, 66]);
    let keys = pieces.iter().flat_map(|piece| &piece.writes).map(|write| write.key.clone());
    assert!(keys.eq((0..300).map(|i| Bytes::from(i.to_string()))));
    assert!(pieces.iter().all(|piece| piece.set == 7));
}

#[test]
fn large_values_and_different_epochs_of_a_broker_do_not_share() {
    let large = "v".repeat(Txn::MAX_BYTES / 3);
    let writes = (0..3).map(|i| write(&i.to_string(), Expect::Absent, Some(&large), &[]));
    assert_eq!(pieces(0, writes).len(), 3);
    let one = pieces(0, [write("a", at(1), Some("v"), &[(1, 5)])].into_iter());
    let other = pieces(1, [write("b", at(1), Some("v"), &[(1, 6)])].into_iter());
    assert_eq!(packed(one.into_iter().chain(other)).len(), 2);
}

#[test]
fn a_conflict_names_who_is_to_blame() {
    let guard = found("controller", 3, 3);
    let broker = found("broker", 5, 5);
    let ours = || [found("a", 1, 10), None, found("c", 1, 11)];
    let current =
        |guard: &Option<KeyValue>, broker: &Option<KeyValue>, keys: &[Option<KeyValue>; 3]| {
            let first = [guard.clone(), restored(9), broker.clone()];
            first.into_iter().chain(keys.clone()).collect::<Vec<_>>()
        };
    let sets = |blame: Blame| match blame {
        Blame::Term => None,
        Blame::Pieces { blamed, innocent } => Some((
            blamed.into_iter().map(|(piece, newest)| (piece.set, newest.0)).collect::<Vec<_>>(),
            innocent.into_iter().map(|piece| piece.set).collect::<Vec<_>>(),
        )),
    };
    let blame = |current: &[Option<KeyValue>]| sets(sample().blame(GUARD, current));
    assert_eq!(blame(&current(&None, &broker, &ours())), None);
    assert_eq!(blame(&current(&found("other", 4, 4), &broker, &ours())), None);
    // The broker of set 0 registered anew, or is gone.
    assert_eq!(
        blame(&current(&guard, &found("broker", 6, 6), &ours())),
        Some((vec![(0, 10)], vec![1]))
    );
    assert_eq!(blame(&current(&guard, &None, &ours())), Some((vec![(0, 10)], vec![1])));
    // Keys were written, created, or deleted by others.
    let [a, b, c] = ours();
    let changed = current(&guard, &broker, &[found("a", 1, 15), b.clone(), c.clone()]);
    assert_eq!(blame(&changed), Some((vec![(0, 15)], vec![1])));
    let created = current(&guard, &broker, &[a.clone(), found("b", 16, 16), c]);
    assert_eq!(blame(&created), Some((vec![(0, 16)], vec![1])));
    let deleted = current(&guard, &broker, &[a, b, None]);
    assert_eq!(blame(&deleted), Some((vec![(1, 0)], vec![0])));
    // A restore was counted: everything has to be planned anew.
    let mut counted = current(&guard, &broker, &ours());
    counted[1] = restored(30);
    assert_eq!(blame(&counted), Some((vec![(0, 30), (1, 30)], vec![])));
}

#[test]
fn an_earlier_attempt_is_recognised_by_a_value_that_it_left() {
    let (guard, broker) = (found("controller", 3, 3), found("broker", 5, 5));
    let recognised = |a, b, c| {
        sample().recognised(GUARD, &[guard.clone(), restored(9), broker.clone(), a, b, c])
    };
    let (old_a, old_c) = (found("a", 1, 10), found("c", 1, 11));
    assert_eq!(recognised(old_a.clone(), None, old_c.clone()), None);
    let (new_a, new_b) = (found("new a", 1, 20), found("new b", 20, 20));
    assert_eq!(recognised(new_a, new_b.clone(), None), Some(Revision(20)));
    // `a` has had its new value all along.
    assert_eq!(recognised(found("new a", 1, 10), None, old_c.clone()), None);
    // The leader has changed `a` since.
    assert_eq!(recognised(found("newer", 1, 21), new_b, None), Some(Revision(20)));
    // Somebody else deleted `c`: that says nothing about what this batch writes.
    assert_eq!(recognised(old_a, None, None), None);
    assert_eq!(recognised(found("other", 1, 12), found("other", 13, 13), old_c), None);
}

#[test]
fn deletions_are_recognised_while_in_office() {
    let batch = one_batch(vec![vec![write("a", at(10), None, &[]), write("b", at(11), None, &[])]]);
    let (guard, present) = (found("controller", 3, 3), found("a", 1, 10));
    assert_eq!(
        batch.recognised(GUARD, &[guard.clone(), restored(9), None, None]),
        Some(Revision(0))
    );
    assert_eq!(batch.recognised(GUARD, &[guard, restored(9), present.clone(), present]), None);
    assert_eq!(batch.recognised(GUARD, &[found("other", 9, 9), restored(9), None, None]), None);
    assert_eq!(batch.recognised(GUARD, &[None, restored(9), None, None]), None);
}

#[test]
fn a_value_that_no_transaction_takes_is_known_before() {
    let large = |bytes: usize| write("topic", at(1), Some(&"x".repeat(bytes)), &[(1, 5)]);
    assert!(large(Txn::MAX_BYTES - 20_000).fits());
    assert!(!large(Txn::MAX_BYTES - 10_000).fits());
}
