//! The queue without etcd: what it would send, and what it makes of the answers.

use barnabas_coordinator_client::{CreateRevision, LeaseId, Revision, TxnError};

use super::*;

fn fence() -> Fence {
    Fence {
        registration: (Bytes::from("broker"), CreateRevision(9)),
        shard: (Bytes::from("shard"), ModRevision(12)),
    }
}

fn id(ticket: u64) -> ChangeId {
    ChangeId { ticket, index: 0 }
}

/// A change whose effect is its value.
fn put(key: impl Into<String>, value: &'static str) -> Change<&'static str> {
    let (key, bytes) = (Bytes::from(key.into()), Bytes::from(value));
    Change { key, value: Some(bytes), condition: None, effect: value }
}

fn delete(key: &'static str) -> Change<&'static str> {
    Change { key: Bytes::from(key), value: None, condition: None, effect: "deleted" }
}

fn delete_if(key: &'static str, absent: &'static str) -> Change<&'static str> {
    let condition = Condition { key: Bytes::from(absent), expect: Expect::Absent };
    Change { condition: Some(condition), ..delete(key) }
}

fn found(key: &'static str, created: i64, modified: i64) -> Option<KeyValue> {
    Some(KeyValue {
        key: Bytes::from(key),
        value: Bytes::new(),
        create_revision: CreateRevision(created),
        mod_revision: ModRevision(modified),
        version: 1,
        lease: LeaseId::NONE,
    })
}

fn guarded() -> Txn {
    let registered = Expect::CreateRevision(CreateRevision(9));
    let claimed = Expect::ModRevision(ModRevision(12));
    Txn::new().expect("broker", registered).expect("shard", claimed)
}

fn at(revision: i64) -> Expect {
    Expect::ModRevision(ModRevision(revision))
}

fn committed(revision: i64) -> Result<TxnOutcome, WriteError> {
    Ok(TxnOutcome::Committed { revision: Revision(revision) })
}

/// The registration and the shard's key while the fence holds.
fn held() -> [Option<KeyValue>; 2] {
    [found("broker", 9, 9), found("shard", 3, 12)]
}

fn conflict<const N: usize>(
    fence: [Option<KeyValue>; 2],
    keys: [Option<KeyValue>; N],
) -> Result<TxnOutcome, WriteError> {
    let current = fence.into_iter().chain(keys).collect();
    Ok(TxnOutcome::Conflict { revision: Revision(50), current })
}

fn written(
    effects: &[&'static str],
    tickets: impl IntoIterator<Item = u64>,
) -> Progress<&'static str> {
    let outcomes = tickets.into_iter().map(|ticket| (id(ticket), Ok(()))).collect();
    Progress::Done { effects: effects.to_vec(), outcomes, error: None }
}

fn failed(error: WriteError, ticket: u64) -> Progress<&'static str> {
    let outcomes = vec![(id(ticket), Err(error.clone()))];
    Progress::Done { effects: Vec::new(), outcomes, error: Some(error) }
}

#[test]
fn a_change_replaces_the_waiting_one_of_its_key_and_both_get_the_outcome() {
    let mut queue = WriteQueue::default();
    queue.push(id(1), put("a", "1"));
    let first = guarded().expect("a", Expect::Absent).put("a", "1");
    assert_eq!(queue.next(fence), Some(first));
    queue.push(id(2), put("a", "2"));
    queue.push(id(3), put("b", "3"));
    queue.push(id(4), put("a", "4"));
    assert_eq!(queue.next(fence), None, "one is in flight");
    assert_eq!(queue.done(committed(20)), written(&["1"], [1]));
    let second =
        guarded().expect("a", at(20)).put("a", "4").expect("b", Expect::Absent).put("b", "3");
    assert_eq!(queue.next(fence), Some(second));
    assert_eq!(queue.done(committed(21)), written(&["4", "3"], [2, 4, 3]));
    queue.push(id(5), delete("a"));
    let third = guarded().expect("a", at(21)).delete("a");
    assert_eq!(queue.next(fence), Some(third));
}

#[test]
fn the_queue_holds_one_entry_for_each_key() {
    let mut queue = WriteQueue::default();
    for ticket in 0..100_000 {
        queue.push(id(ticket), put("a", "v"));
    }
    assert_eq!((queue.waiting.len(), queue.order.len()), (1, 1));
    assert_eq!(queue.next(fence).expect("a batch").ops(), 1);
}

#[test]
fn a_batch_has_as_many_keys_as_a_transaction_may() {
    let mut queue = WriteQueue::default();
    for ticket in 0..200 {
        queue.push(id(ticket), put(format!("{ticket:03}"), "v"));
    }
    let first = queue.next(fence).expect("a batch");
    assert_eq!((first.ops(), first.expects()), (118, 120));
    assert_eq!(queue.done(committed(1)), written(&["v"; 118], 0..118));
    assert_eq!(queue.next(fence).expect("a batch").ops(), 82);
}

#[test]
fn conditions_count_as_compares() {
    let mut queue = WriteQueue::default();
    for ticket in 0..200 {
        let condition = Condition {
            key: Bytes::from(format!("topic-{}", ticket % 100)),
            expect: Expect::Absent,
        };
        let change = Change { condition: Some(condition), ..put(format!("{ticket:03}"), "v") };
        queue.push(id(ticket), change);
    }
    let first = queue.next(fence).expect("a batch");
    assert_eq!((first.ops(), first.expects()), (59, 120));
}

#[test]
fn a_conflict_is_sent_again_with_the_revisions_found() {
    let mut queue = WriteQueue::default();
    queue.push(id(1), put("a", "1"));
    queue.next(fence);
    let again = queue.done(conflict(held(), [found("a", 3, 7)]));
    assert_eq!(again, Progress::Resend(guarded().expect("a", at(7)).put("a", "1")));
    for _ in 0..3 {
        let again = queue.done(conflict(held(), [None]));
        assert!(matches!(again, Progress::Resend(_)), "{again:?}");
    }
    let last = queue.done(conflict(held(), [None]));
    assert_eq!(last, failed(WriteError::Contended, 1));
}

#[test]
fn a_change_whose_condition_does_not_hold_is_left_out() {
    let mut queue = WriteQueue::default();
    queue.learn(Bytes::from("a"), ModRevision(5));
    queue.learn(Bytes::from("b"), ModRevision(6));
    queue.push(id(1), delete_if("a", "topic one"));
    queue.push(id(2), delete_if("b", "topic two"));
    let both = guarded().expect("a", at(5)).delete("a").expect("b", at(6)).delete("b");
    let both = both.expect("topic one", Expect::Absent).expect("topic two", Expect::Absent);
    assert_eq!(queue.next(fence), Some(both));
    let keys = [found("a", 5, 5), found("b", 6, 6), found("topic one", 4, 4), None];
    let rest = guarded().expect("b", at(6)).delete("b").expect("topic two", Expect::Absent);
    assert_eq!(queue.done(conflict(held(), keys)), Progress::Resend(rest));
    let outcomes = vec![(id(1), Err(WriteError::Refuted)), (id(2), Ok(()))];
    let done = Progress::Done { effects: vec!["deleted"], outcomes, error: None };
    assert_eq!(queue.done(committed(30)), done);
}

#[test]
fn a_batch_of_refuted_changes_is_over() {
    let mut queue = WriteQueue::default();
    queue.push(id(1), delete_if("a", "topic"));
    queue.next(fence);
    let done = queue.done(conflict(held(), [None, found("topic", 4, 4)]));
    let outcomes = vec![(id(1), Err(WriteError::Refuted))];
    assert_eq!(done, Progress::Done { effects: vec![], outcomes, error: None });
    assert_eq!(queue.next(fence), None);
}

#[test]
fn another_registration_or_another_claim_fences() {
    let mut queue = WriteQueue::default();
    let [broker, shard] = held();
    for fenced in [
        [None, shard.clone()],
        [found("broker", 30, 30), shard],
        [broker.clone(), None],
        [broker, found("shard", 3, 31)],
    ] {
        queue.push(id(1), put("a", "1"));
        queue.next(fence);
        let done = queue.done(conflict(fenced, [found("a", 3, 7)]));
        assert_eq!(done, failed(WriteError::Fenced, 1));
    }
}

#[test]
fn an_abandoned_batch_does_not_overwrite_the_next_coordinators_writes() {
    let mut queue = WriteQueue::default();
    queue.push(id(1), put("a", "1"));
    queue.next(fence);
    queue.abandon();
    let done = queue.done(conflict(held(), [found("a", 3, 7)]));
    assert_eq!(done, failed(WriteError::Fenced, 1));
    queue.push(id(2), put("a", "2"));
    queue.next(fence);
    queue.abandon();
    assert_eq!(queue.done(committed(20)), written(&[], [2]), "written, and without an effect");
    queue.push(id(3), put("a", "3"));
    let unknown = guarded().expect("a", Expect::Absent).put("a", "3");
    assert_eq!(queue.next(fence), Some(unknown));
}

#[test]
fn a_failure_ends_the_batch_but_not_the_queue() {
    let mut queue = WriteQueue::default();
    queue.push(id(1), put("a", "1"));
    queue.next(fence);
    queue.push(id(2), put("a", "2"));
    let error = WriteError::Txn(TxnError::Indeterminate("lost".into()));
    assert_eq!(queue.done(Err(error.clone())), failed(error, 1));
    assert!(queue.next(fence).is_some());
    queue.push(id(3), put("b", "3"));
    queue.push(id(4), put("b", "4"));
    let failed = queue.fail_waiting(&WriteError::Away);
    assert_eq!(failed, [3, 4].map(|ticket| (id(ticket), Err(WriteError::Away))));
    assert_eq!(queue.done(committed(20)), written(&["2"], [2]));
    assert_eq!(queue.next(fence), None);
}
