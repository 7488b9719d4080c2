//! A shard's sense of time, without the task around it: its clock starts earlier instead of waiting.

use barnabas_coordinator_client::{ClientConfig, ModRevision};

use super::*;
use crate::group::request::{Action, Answer, GroupRequest};
use crate::group::tests::{caller, config, join, keys};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A shard of this broker; nothing is written, as nobody runs it.
fn shard() -> Shard {
    let client = Client::connect(ClientConfig::new(["http://127.0.0.1:1"])).expect("valid");
    let config = Arc::new(ArcSwap::from_pointee(config()));
    let (lost, _) = mpsc::unbounded_channel();
    let shared = Shared { client, keys: keys(), broker: BrokerId(1), config, lost };
    let mut shard = Shard::new(0, Arc::new(shared));
    shard.ownership = Ownership::Serving(Claim { epoch: BrokerEpoch(1), revision: ModRevision(1) });
    shard.schedule_retention();
    shard
}

fn request<T>(
    action: impl FnOnce(oneshot::Sender<T>) -> Action,
) -> (Message, oneshot::Receiver<T>) {
    let (sender, receiver) = oneshot::channel();
    (Message::Group(GroupRequest { group: "g".into(), action: action(sender) }), receiver)
}

#[tokio::test]
async fn a_shard_sleeps_after_two_months_as_on_its_first_day() {
    let mut shard = shard();
    assert!(shard.wake_at() > env::now());
    shard.start -= 60 * DAY;
    assert!(shard.wake_at() <= env::now(), "the check of the retention is due");
    shard.schedule_retention();
    assert!(shard.wake_at() > env::now(), "it is done");
    shard.next_retention_check = u64::MAX;
    assert!(shard.wake_at() > env::now(), "nothing is ever due");
}

#[tokio::test]
async fn heartbeats_that_wait_are_heard_before_time_is_up() {
    let mut shard = shard();
    let (sender, mut mailbox) = mpsc::channel(8);
    let joining = ["one", "two"].map(|member| {
        let (message, joined) = request(|answer| Action::Join(Box::new(join(member)), answer));
        shard.on_message(message);
        joined
    });
    // The delay of the first rebalance is over, and the one that the second member added.
    for _ in 0..2 {
        shard.start -= Duration::from_secs(1);
        shard.on_time(&mut mailbox);
    }
    for mut joined in joining {
        assert_eq!(joined.try_recv().expect("answered").expect("joined").generation, 1);
    }
    // The process stands still for longer than a session lasts.
    shard.start -= Duration::from_secs(11);
    let beating = ["one", "two"].map(|member| {
        let beat = |answer: Answer<()>| Action::Heartbeat(caller(member, 1), answer);
        let (message, beaten) = request(beat);
        sender.try_send(message).expect("room");
        beaten
    });
    shard.on_time(&mut mailbox);
    for mut beaten in beating {
        assert_eq!(beaten.try_recv().expect("answered"), Ok(()));
    }
    shard.start -= Duration::from_secs(11);
    shard.on_time(&mut mailbox);
    let (message, mut described) = request(Action::Describe);
    shard.on_message(message);
    let members = described.try_recv().expect("answered").expect("described").members.len();
    assert_eq!(members, 0, "who is silent for so long is gone");
}
