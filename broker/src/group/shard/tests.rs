//! A shard without its task: requests and times are given by hand, and nothing is written.

use super::*;
use crate::group::request::{Action, Answer, GroupRequest};
use crate::group::tests::{caller, config, join, keys};
use crate::metadata::ImagePublisher;

const DAY_MS: u64 = 24 * 3600 * 1000;

fn shard() -> GroupShard {
    let (_, image) = ImagePublisher::new(Image::default());
    let config = Arc::new(ArcSwap::from_pointee(config("")));
    GroupShard::new(ShardParts { keys: keys(), image, config, budget: WriteBudget::new(1 << 20) })
}

fn at(ms: u64) -> Now {
    Now { ms, wall_ms: 0 }
}

fn send<T>(
    shard: &mut GroupShard,
    ms: u64,
    standing: Standing,
    action: impl FnOnce(oneshot::Sender<T>) -> Action,
) -> oneshot::Receiver<T> {
    let (sender, receiver) = oneshot::channel();
    let request = GroupRequest { group: "g".into(), action: action(sender) };
    shard.handle(at(ms), standing, Request::Group(request));
    receiver
}

#[test]
fn the_retention_is_checked_in_its_interval() {
    let mut shard = shard();
    assert_eq!(shard.wake_at_ms(), 0, "the first tick schedules it");
    shard.tick(at(5));
    assert_eq!(shard.wake_at_ms(), 5 + 600_000);
    shard.tick(at(60 * DAY_MS));
    assert_eq!(shard.wake_at_ms(), 60 * DAY_MS + 600_000);
}

#[test]
fn silent_members_are_removed() {
    let mut shard = shard();
    let serving = Standing::Serving;
    let joining = ["one", "two"].map(|member| {
        send(&mut shard, 0, serving, |answer| Action::Join(Box::new(join(member)), answer))
    });
    // The delay of the first rebalance is over, and the one that the second member added.
    shard.tick(at(200));
    shard.tick(at(400));
    for mut joined in joining {
        assert_eq!(joined.try_recv().expect("answered").expect("joined").generation, 1);
    }
    let beat = |answer: Answer<()>| Action::Heartbeat(caller("one", 1), answer);
    let mut beaten = send(&mut shard, 9_000, serving, beat);
    assert_eq!(beaten.try_recv().expect("answered"), Ok(()));
    shard.tick(at(12_000));
    let mut described = send(&mut shard, 12_000, serving, Action::Describe);
    let members = described.try_recv().expect("answered").expect("described").members;
    assert_eq!(members.iter().map(|m| &*m.member_id).collect::<Vec<_>>(), ["one"]);
}

/// While etcd is away a group keeps the generation it has.
#[test]
fn joins_are_refused_and_heartbeats_answered_while_nothing_can_be_written() {
    let mut shard = shard();
    let joining = |answer| Action::Join(Box::new(join("one")), answer);
    let mut joined = send(&mut shard, 0, Standing::Serving, joining);
    shard.tick(at(200));
    assert_eq!(joined.try_recv().expect("answered").expect("joined").generation, 1);
    let joining = |answer| Action::Join(Box::new(join("two")), answer);
    let mut refused = send(&mut shard, 300, Standing::ReadOnly, joining);
    let refused = refused.try_recv().expect("answered").expect_err("refused");
    assert_eq!(refused.error, GroupError::NotAvailable);
    let beat = |answer: Answer<()>| Action::Heartbeat(caller("one", 1), answer);
    let mut beaten = send(&mut shard, 300, Standing::ReadOnly, beat);
    assert_eq!(beaten.try_recv().expect("answered"), Ok(()));
}
