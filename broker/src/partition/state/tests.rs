//! Decisions and the commands that come out of them, as a whole.

use barnabas_protocol::state::ids::{BrokerEpoch, BrokerId, ProducerId};
use proptest::prelude::*;

use super::follower::Follower;
use super::*;
use crate::metadata::IsrMember;

fn empty() -> ReplicaState {
    let zero = Offset(0);
    let bounds = Bounds { log_start: zero, high_watermark: zero, log_end: zero };
    ReplicaState::new(bounds, EpochHistory::default(), Producers::default())
}

fn leadership(epoch: i32) -> Assignment {
    let isr = vec![IsrMember { id: BrokerId(1), epoch: BrokerEpoch(10) }];
    Assignment::Leader(Leadership { epoch: LeaderEpoch(epoch), isr, min_isr: 1, replicas: 3 })
}

fn follower(epoch: i32) -> Assignment {
    Assignment::Follower(Follower { leader: BrokerId(2), epoch: LeaderEpoch(epoch) })
}

fn assign(state: &mut ReplicaState, assignment: Assignment) -> Commands {
    state.assign(assignment, AckError::NotLeader)
}

fn leader(epoch: i32) -> ReplicaState {
    let mut state = empty();
    let _ = assign(&mut state, leadership(epoch));
    state
}

fn records(count: i32) -> BatchHeader {
    BatchHeader {
        last_offset_delta: count - 1,
        records_count: count,
        producer_id: ProducerId(-1),
        ..blank_header()
    }
}

fn sequenced(base_sequence: i32, count: i32) -> BatchHeader {
    BatchHeader { producer_id: ProducerId(9), base_sequence, ..records(count) }
}

fn append(state: &mut ReplicaState, header: &BatchHeader) -> Decision {
    state.append(header, false).expect("leads")
}

fn base_of(decision: &Decision) -> i64 {
    match decision {
        Decision::Append { base, .. } => base.0,
        Decision::Duplicate(batch) => batch.base_offset.0,
    }
}

fn entry(epoch: i32, start: i64) -> EpochEntry {
    EpochEntry { epoch: LeaderEpoch(epoch), start: Offset(start) }
}

fn written(end: i64) -> Commands {
    let (written, committed) = (Some(Offset(end)), Some(Offset(end)));
    Commands { written, committed, failed: None, wake_fetches: true }
}

fn failed(from: i64, error: AckError) -> Commands {
    Commands { failed: Some(Failed { from: Offset(from), error }), ..Commands::default() }
}

/// What the end of a leadership tells those who wait.
fn ended() -> Commands {
    Commands { wake_fetches: true, ..failed(i64::MIN, AckError::NotLeader) }
}

#[test]
fn batches_follow_one_another_before_they_are_written() {
    let mut state = leader(3);
    let first = append(&mut state, &records(5));
    let second = append(&mut state, &records(2));
    assert_eq!((base_of(&first), base_of(&second)), (0, 5));
    assert_eq!(state.bounds().log_end, Offset(0));
    assert!(matches!(first, Decision::Append { epoch_start: Some(e), .. } if e == entry(3, 0)));
    assert!(matches!(second, Decision::Append { epoch_start: None, .. }));
    assert_eq!(state.written(Offset(5)), written(5));
    assert_eq!(state.written(Offset(7)), written(7));
}

#[test]
fn a_failed_write_gives_its_offsets_back() {
    let mut state = leader(1);
    append(&mut state, &records(5));
    let _ = state.written(Offset(5));
    append(&mut state, &sequenced(0, 4));
    assert_eq!(state.write_failed(), failed(5, AckError::Storage));
    let again = append(&mut state, &sequenced(0, 4));
    assert!(matches!(again, Decision::Append { base: Offset(5), .. }), "{again:?}");
}

/// A is written, but reported after B and C were sent; B fails, and C with it.
#[test]
fn a_failed_write_takes_back_what_follows_it_and_nothing_else() {
    let mut state = leader(1);
    let [a, b, c] = [sequenced(0, 5), sequenced(5, 3), sequenced(8, 1)];
    for batch in [&a, &b, &c] {
        append(&mut state, batch);
    }
    let _ = state.written(Offset(5));
    let _ = state.write_failed();
    assert_eq!(state.append(&b, false), Err(AppendError::Storage), "the fate of C is not known");
    let _ = state.write_failed();
    assert!(matches!(state.append(&a, false), Ok(Decision::Duplicate(_))));
    assert_eq!(base_of(&append(&mut state, &b)), 5);
}

#[test]
fn a_batch_that_is_written_in_spite_of_a_failure_stays() {
    let mut state = leader(1);
    let [a, b] = [sequenced(0, 5), sequenced(5, 3)];
    append(&mut state, &a);
    append(&mut state, &b);
    let _ = state.write_failed();
    let _ = state.written(Offset(5));
    assert!(matches!(state.append(&a, false), Ok(Decision::Duplicate(_))));
    assert_eq!(base_of(&append(&mut state, &b)), 5);
}

#[test]
fn the_next_epoch_begins_behind_the_batches_on_their_way() {
    let mut state = leader(1);
    append(&mut state, &sequenced(0, 5));
    append(&mut state, &sequenced(5, 5));
    assert_eq!(assign(&mut state, leadership(2)), ended());
    assert_eq!(state.append(&records(1), false), Err(AppendError::NotLeader));
    assert_eq!(state.check_leadership(LeaderEpoch::UNKNOWN), Err(LeadershipError::NotLeader));
    let _ = state.written(Offset(5));
    assert_eq!(state.check_leadership(LeaderEpoch::UNKNOWN), Err(LeadershipError::NotLeader));
    // The second one is lost; the epoch begins where the log ends.
    let begins =
        Commands { committed: Some(Offset(5)), wake_fetches: true, ..failed(5, AckError::Storage) };
    assert_eq!(state.write_failed(), begins);
    assert_eq!(state.check_leadership(LeaderEpoch(2)), Ok(LeaderEpoch(2)));
    let again = append(&mut state, &sequenced(5, 5));
    assert!(
        matches!(again, Decision::Append { base: Offset(5), epoch_start: Some(e), .. } if e == entry(2, 5)),
        "{again:?}"
    );
}

#[test]
fn a_topic_that_leaves_and_returns_while_batches_are_on_their_way_serves_again() {
    let mut state = leader(1);
    append(&mut state, &sequenced(0, 5));
    assert_eq!(
        state.assign(Assignment::Offline, AckError::Deleted),
        Commands { wake_fetches: true, ..failed(i64::MIN, AckError::Deleted) }
    );
    assert_eq!(assign(&mut state, leadership(1)), Commands::default());
    let _ = state.written(Offset(5));
    assert!(matches!(state.append(&sequenced(0, 5), false), Ok(Decision::Duplicate(_))));
    assert_eq!(base_of(&append(&mut state, &sequenced(5, 1))), 5);
}

#[test]
fn an_epoch_that_was_never_stored_is_stored_with_the_first_batch_of_a_later_turn() {
    let mut state = leader(4);
    assert_eq!(assign(&mut state, Assignment::Offline), ended());
    let _ = assign(&mut state, leadership(4));
    let first = append(&mut state, &records(1));
    assert!(matches!(first, Decision::Append { epoch_start: Some(e), .. } if e == entry(4, 0)));
}

#[test]
fn roles_follow_one_another() {
    let mut state = empty();
    assert_eq!(assign(&mut state, Assignment::Offline), Commands::default());
    let wake = Commands { wake_fetches: true, ..Commands::default() };
    assert_eq!(assign(&mut state, follower(1)), wake);
    assert_eq!(assign(&mut state, follower(1)), Commands::default());
    assert_eq!(state.check_leadership(LeaderEpoch(1)), Err(LeadershipError::NotLeader));
    assert_eq!(state.check_leadership(LeaderEpoch(0)), Err(LeadershipError::FencedEpoch));
    assert_eq!(assign(&mut state, leadership(2)), wake);
    // Only the settings change within an epoch: nobody who waits is disturbed.
    append(&mut state, &records(1));
    assert_eq!(assign(&mut state, leadership(2)), Commands::default());
    assert_eq!(state.written(Offset(1)), written(1));
    assert_eq!(assign(&mut state, follower(3)), ended());
    assert_eq!(assign(&mut state, Assignment::Offline), wake);
}

#[test]
fn an_epoch_below_that_of_the_log_does_not_lead() {
    let mut state = leader(5);
    append(&mut state, &records(1));
    let _ = state.written(Offset(1));
    let _ = assign(&mut state, leadership(3));
    assert_eq!(state.append(&records(1), false), Err(AppendError::NotLeader));
    let _ = assign(&mut state, leadership(6));
    assert_eq!(base_of(&append(&mut state, &records(1))), 1);
}

#[test]
fn only_a_leader_with_enough_replicas_appends() {
    assert_eq!(empty().append(&records(1), false), Err(AppendError::NotLeader));
    let of = |min_isr, replicas| {
        let mut state = empty();
        let isr = vec![IsrMember { id: BrokerId(1), epoch: BrokerEpoch(10) }];
        let leadership = Leadership { epoch: LeaderEpoch(1), isr, min_isr, replicas };
        let _ = assign(&mut state, Assignment::Leader(leadership));
        state
    };
    let refused = AppendError::NotEnoughReplicas { in_sync: 1, required: 2 };
    assert_eq!(of(2, 3).append(&records(1), true), Err(refused));
    assert!(of(2, 3).append(&records(1), false).is_ok());
    // It asks for no more replicas than there are.
    assert!(of(2, 1).append(&records(1), true).is_ok());
    // Below it nothing is committed.
    let mut state = of(2, 3);
    append(&mut state, &records(1));
    assert_eq!(state.written(Offset(1)), Commands { committed: None, ..written(1) });
}

#[test]
fn a_request_with_another_epoch_is_fenced() {
    let state = leader(5);
    assert_eq!(state.check_leadership(LeaderEpoch::UNKNOWN), Ok(LeaderEpoch(5)));
    assert_eq!(state.check_leadership(LeaderEpoch(4)), Err(LeadershipError::FencedEpoch));
    assert_eq!(state.check_leadership(LeaderEpoch(6)), Err(LeadershipError::UnknownEpoch));
    assert_eq!(empty().check_leadership(LeaderEpoch(6)), Err(LeadershipError::NotLeader));
}

#[test]
fn the_log_start_never_passes_the_high_watermark_or_goes_back() {
    let mut state = leader(1);
    append(&mut state, &records(5));
    let _ = state.written(Offset(5));
    assert_eq!(state.advance_log_start(Offset(3)), Offset(3));
    assert_eq!(state.advance_log_start(Offset(2)), Offset(3));
    assert_eq!(state.advance_log_start(Offset(9)), Offset(5));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Append(i32),
    /// The oldest batch on its way is written, or lost with all behind it.
    Arrive {
        lost: bool,
    },
    Lead,
    SameEpoch,
    Follow,
    Offline,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..5i32).prop_map(Step::Append),
        4 => prop::bool::weighted(0.2).prop_map(|lost| Step::Arrive { lost }),
        1 => Just(Step::Lead),
        1 => Just(Step::SameEpoch),
        1 => Just(Step::Follow),
        1 => Just(Step::Offline),
    ]
}

/// The log as the store keeps it: after a loss it takes only a batch that begins at its end.
#[derive(Default)]
struct Log {
    end: i64,
    queue: std::collections::VecDeque<(i64, i64, LeaderEpoch)>,
    /// First offset of each epoch that wrote.
    epochs: Vec<(LeaderEpoch, i64)>,
    broken: bool,
}

proptest! {
    /// Whatever happens in between, a batch that the state places is one that the log takes, and
    /// epochs grow with the offsets.
    #[test]
    fn a_placed_batch_fits_the_log(steps in prop::collection::vec(step(), 1..80)) {
        let (mut state, mut log, mut epoch) = (empty(), Log::default(), 1);
        for step in steps {
            match step {
                Step::Append(count) => {
                    if let Ok(Decision::Append { base, end, epoch, .. }) = state.append(&records(count), true) {
                        log.queue.push_back((base.0, end.0, epoch));
                    }
                }
                Step::Arrive { lost } => if let Some((base, end, epoch)) = log.queue.pop_front() {
                    log.broken |= lost;
                    let commands = if !log.broken || (base == log.end && !lost) {
                        prop_assert_eq!(base, log.end, "a gap");
                        let latest = log.epochs.last().map(|(epoch, _)| *epoch);
                        prop_assert!(latest.is_none_or(|latest| latest <= epoch));
                        if latest != Some(epoch) {
                            log.epochs.push((epoch, base));
                        }
                        log.end = end;
                        log.broken = false;
                        state.written(Offset(end))
                    } else {
                        state.write_failed()
                    };
                    if log.queue.is_empty() {
                        log.broken = false;
                    }
                    prop_assert!(commands.committed.is_none_or(|committed| committed.0 <= log.end));
                },
                Step::Lead => {
                    epoch += 1;
                    let _ = assign(&mut state, leadership(epoch));
                }
                Step::SameEpoch => {
                    let _ = assign(&mut state, leadership(epoch));
                }
                Step::Follow => {
                    let _ = assign(&mut state, follower(epoch));
                }
                Step::Offline => {
                    let _ = assign(&mut state, Assignment::Offline);
                }
            }
            let Bounds { log_start, high_watermark, log_end } = state.bounds();
            prop_assert!(log_start <= high_watermark && high_watermark <= log_end);
            prop_assert_eq!(log_end.0, log.end);
            for (epoch, start) in &log.epochs {
                prop_assert_eq!(state.epochs.epoch_at(Offset(*start)), Some(*epoch));
            }
        }
    }
}
