//! Random operations on the store and on a model so simple that it is right: one whole map per
//! revision.

use std::{collections::BTreeMap, time::Duration};

use etcd_client::proto::{PbCompactionRequest, PbRangeRequest};
use proptest::prelude::*;

use super::requests::*;
use crate::embedded::{disk, machine::Machine, mvcc::Store};

type Key = String;
/// Value, create revision, mod revision, version.
type Entry = (String, i64, i64, i64);

#[derive(Debug, Clone)]
enum Op {
    /// Puts and deletes of distinct keys, in one transaction.
    Write(BTreeMap<Key, Option<String>>),
    /// Deletes the keys in the range.
    Delete(Key, Key),
    /// Compacts to so many revisions before the newest.
    Compact(i64),
}

fn key() -> impl Strategy<Value = Key> {
    prop::sample::select(vec!["a", "b", "ba", "bb", "c", "d"]).prop_map(str::to_owned)
}

fn op() -> impl Strategy<Value = Op> {
    let value = prop::option::weighted(0.7, "[a-c]{0,2}");
    prop_oneof![
        8 => prop::collection::btree_map(key(), value, 1..4).prop_map(Op::Write),
        2 => (key(), key()).prop_map(|(from, to)| Op::Delete(from, to)),
        1 => (0..6_i64).prop_map(Op::Compact),
    ]
}

/// The map at each revision; `states[0]` is revision 1.
struct Model {
    states: Vec<BTreeMap<Key, Entry>>,
    compacted: i64,
}

impl Model {
    fn revision(&self) -> i64 {
        self.states.len() as i64
    }

    fn write(&mut self, changes: impl IntoIterator<Item = (Key, Option<String>)>) {
        let revision = self.revision() + 1;
        let before = self.states.last().unwrap();
        let mut after = before.clone();
        let mut changed = false;
        for (key, value) in changes {
            changed |= value.is_some() || after.contains_key(&key);
            match value {
                None => drop(after.remove(&key)),
                Some(value) => {
                    let (create, version) =
                        before.get(&key).map_or((revision, 1), |entry| (entry.1, entry.3 + 1));
                    after.insert(key, (value, create, revision, version));
                }
            }
        }
        if changed {
            self.states.push(after);
        }
    }
}

fn apply(op: Op, machine: &mut Machine, model: &mut Model) {
    let now = Duration::ZERO;
    match op {
        Op::Write(changes) => {
            let ops = changes.iter().map(|(key, value)| match value {
                Some(value) => op_put(put(key, value)),
                None => op_delete(delete(key, "")),
            });
            machine.txn(txn(vec![], ops.collect(), vec![]), now).unwrap();
            model.write(changes);
        }
        Op::Delete(from, to) => {
            machine.delete(delete(&from, &to), now).unwrap();
            let keys = model.states.last().unwrap().keys();
            let gone: Vec<_> = keys.filter(|key| from <= **key && **key < to).cloned().collect();
            model.write(gone.into_iter().map(|key| (key, None)));
        }
        Op::Compact(back) => {
            let revision = model.revision() - back;
            let request = PbCompactionRequest { revision, physical: false };
            let allowed = revision > model.compacted;
            assert_eq!(machine.compact(&request).is_ok(), allowed);
            if allowed {
                model.compacted = revision;
            }
        }
    }
}

/// All readable revisions hold what the model holds.
fn check(machine: &Machine, model: &Model) {
    assert_eq!(machine.store().revision(), model.revision());
    for revision in model.compacted.max(1)..=model.revision() {
        let response = machine.range(PbRangeRequest { revision, ..range("\0", "\0") }).unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let found: BTreeMap<Key, Entry> = response
            .kvs
            .into_iter()
            .map(|kv| {
                (text(kv.key), (text(kv.value), kv.create_revision, kv.mod_revision, kv.version))
            })
            .collect();
        assert_eq!(found, model.states[revision as usize - 1], "revision {revision}");
    }
    let past = PbRangeRequest { revision: model.compacted - 1, ..range("\0", "\0") };
    assert!(model.compacted < 2 || machine.range(past).is_err());
}

/// Prev values of the history are the values one revision earlier.
fn check_history(machine: &Machine, model: &Model) {
    for commit in machine.store().history().since(model.compacted + 1) {
        let before = &model.states[commit.revision as usize - 2];
        let after = &model.states[commit.revision as usize - 1];
        for change in &commit.changes {
            let key = std::str::from_utf8(&change.key).unwrap();
            let previous = change.previous.as_ref().map(|version| &version.value[..]);
            assert_eq!(previous, before.get(key).map(|entry| entry.0.as_bytes()));
            assert_eq!(change.version.is_tombstone(), !after.contains_key(key));
        }
    }
}

proptest! {
    #[test]
    fn store_answers_as_the_model(ops in prop::collection::vec(op(), 1..60)) {
        let mut machine = Machine::new(Store::default(), &[], 1, Duration::ZERO);
        let mut model = Model { states: vec![BTreeMap::new()], compacted: -1 };
        for op in ops {
            apply(op, &mut machine, &mut model);
            check(&machine, &model);
        }
        check_history(&machine, &model);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn what_is_read_from_disk_is_what_was_written(
        ops in prop::collection::vec(op(), 1..40),
        batch in 1..5_usize,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let directory = disk::Directory::lock(dir.path().to_owned()).unwrap();
        let mut disk = directory.open((1, 2)).unwrap();
        let mut machine = disk.load(Duration::ZERO).unwrap();
        let mut model = Model { states: vec![BTreeMap::new()], compacted: -1 };
        for ops in ops.chunks(batch) {
            ops.iter().for_each(|op| apply(op.clone(), &mut machine, &mut model));
            disk.write(&machine.take_effects()).unwrap();
        }
        drop(disk);
        let machine = directory.open((3, 4)).unwrap().load(Duration::ZERO).unwrap();
        check(&machine, &model);
        check_history(&machine, &model);
    }
}
