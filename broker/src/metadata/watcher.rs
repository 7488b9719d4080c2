//! The task that keeps the image up to date from etcd.
//!
//! Two watches: one over everything from the registrations to the configs, whose revisions are the
//! image's (a topic and its config, written in one transaction, appear together), and a small one
//! for the controller key. Committed offsets lie between the two, so that their traffic does not
//! reach every broker.

use barnabas_coordinator_client::{Change, Client, KeyValue, Listing, PrefixWatch, WatchEvent};
use barnabas_protocol::state::{Keys, StateKey};
use futures_util::FutureExt;
use tokio::task::JoinHandle;

use super::delta::{self, Entry};
use super::handle::{ImageHandle, ImagePublisher};
use super::image::Image;
use crate::failure::Failing;
use barnabas_coordinator_client::Revision;

/// How many events that are there already go into one image.
const EVENTS_PER_IMAGE: usize = 64;

/// Keeps an image up to date until it is dropped.
#[derive(Debug)]
pub struct Watcher {
    image: ImageHandle,
    task: JoinHandle<()>,
}

impl Watcher {
    /// Starts to watch the cluster below the prefix of `keys`. The image has revision 0 until etcd
    /// has answered.
    #[must_use]
    pub fn start(client: &Client, keys: &Keys, failing: &Failing) -> Self {
        let (publisher, image) = ImagePublisher::new(Image::default());
        // The keys of the image are neighbours: everything below brokers, cluster and config; the
        // next ones are those of the groups.
        let cluster = client.watch_range(keys.deleted_topics(), keys.groups());
        let controller = client.watch_prefix(keys.controller());
        let run = run(keys.clone(), cluster, controller, publisher);
        let run = failing.clone().needs("the watch of the cluster", run);
        Self { image, task: tokio::spawn(run) }
    }

    /// The image.
    #[must_use]
    pub fn image(&self) -> ImageHandle {
        self.image.clone()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(
    keys: Keys,
    mut cluster: PrefixWatch,
    mut controller: PrefixWatch,
    publisher: ImagePublisher,
) {
    let mut image = Image::default();
    loop {
        tokio::select! {
            event = cluster.next() => {
                take_cluster(&keys, &mut image, event);
                for _ in 1..EVENTS_PER_IMAGE {
                    let Some(event) = cluster.next().now_or_never() else { break };
                    take_cluster(&keys, &mut image, event);
                }
            }
            event = controller.next() => take_controller(&keys, &mut image, event),
        }
        publisher.publish(image.clone());
    }
}

fn take_cluster(keys: &Keys, image: &mut Image, event: WatchEvent) {
    match event {
        WatchEvent::Snapshot(listing) => *image = rebuilt(keys, image, &listing),
        WatchEvent::Changes { revision, changes } => {
            apply(keys, image, &changes);
            image.revision = revision;
        }
    }
}

/// The controller key has a watch of its own: what it says does not move the image's revision.
fn take_controller(keys: &Keys, image: &mut Image, event: WatchEvent) {
    match event {
        WatchEvent::Snapshot(listing) => {
            delta::delete(image, StateKey::Controller);
            listing.entries.iter().for_each(|entry| ignore_unreadable(put(keys, image, entry)));
        }
        WatchEvent::Changes { changes, .. } => apply(keys, image, &changes),
    }
}

/// The image of a listing. A value that cannot be read leaves in place what the image before says
/// of its key.
fn rebuilt(keys: &Keys, old: &Image, listing: &Listing) -> Image {
    let mut new = Image {
        revision: listing.revision,
        controller: old.controller,
        controller_revision: old.controller_revision,
        ..Image::default()
    };
    let entries = listing.entries.iter();
    let unreadable: Vec<_> = entries.filter_map(|entry| put(keys, &mut new, entry).err()).collect();
    for Unreadable(key) in unreadable {
        delta::keep(old, &mut new, key);
    }
    delta::succeed(old, &mut new);
    new
}

fn apply(keys: &Keys, image: &mut Image, changes: &[Change]) {
    for change in changes {
        match change {
            Change::Put(entry) => ignore_unreadable(put(keys, image, entry)),
            Change::Delete { key, .. } => {
                if let Some(key) = keys.parse(key) {
                    delta::delete(image, key);
                }
            }
        }
    }
}

/// The value of this key cannot be read.
struct Unreadable(StateKey);

/// Changes leave what the image says of a key that they do not name.
fn ignore_unreadable(_: Result<(), Unreadable>) {}

fn put(keys: &Keys, image: &mut Image, kv: &KeyValue) -> Result<(), Unreadable> {
    let Some(key) = keys.parse(&kv.key) else { return Ok(()) };
    let entry = Entry {
        value: &kv.value,
        created: Revision(kv.create_revision.0),
        modified: Revision(kv.mod_revision.0),
    };
    delta::put(image, key.clone(), entry).map_err(|error| {
        let name = String::from_utf8_lossy(&kv.key);
        tracing::error!(key = %name, %error, "cannot read a value in etcd; the last one that could be read stays in use");
        Unreadable(key)
    })
}

#[cfg(test)]
mod tests {
    use barnabas_coordinator_client::{CreateRevision, LeaseId, ModRevision};

    use super::*;

    fn kv(key: &str, value: &str, revision: i64) -> KeyValue {
        KeyValue {
            key: key.to_owned().into(),
            value: value.to_owned().into(),
            create_revision: CreateRevision(revision),
            mod_revision: ModRevision(revision),
            version: 1,
            lease: LeaseId::NONE,
        }
    }

    const TOPIC: &str = r#"{"version":1,"topic_id":"AAAAAAAAAAAAAAAAAAAAAQ","partitions":1}"#;
    const STATE: &str = r#"{"version":1,"topic_id":"AAAAAAAAAAAAAAAAAAAAAQ","replicas":[1],"adding":[],"removing":[],"min_isr":1,"leader":1,"leader_epoch":7,"isr":[{"id":1,"broker_epoch":"5"}],"elr":[],"failed":[],"recovery_state":"RECOVERED","restored":"0","controller_epoch":3,"writer":{"broker_id":1,"broker_epoch":"5","sequence":"9"}}"#;

    #[test]
    fn a_listing_with_an_unreadable_value_keeps_the_last_good_one() {
        let keys = Keys::new("/b");
        let listing = |revision, topic, state| Listing {
            revision: Revision(revision),
            entries: vec![
                kv("/b/brokers/topics/t", topic, revision),
                kv("/b/brokers/topics/t/partitions/0/state", state, revision),
            ],
        };
        let good = rebuilt(&keys, &Image::default(), &listing(5, TOPIC, STATE));
        let led = |image: &Image| image.partition("t", 0.into()).and_then(|state| state.leader);
        assert_eq!(led(&good), Some(1.into()));
        for (topic, state) in [("{", STATE), (TOPIC, "oops"), ("", "")] {
            let after = rebuilt(&keys, &good, &listing(9, topic, state));
            assert_eq!((after.revision, led(&after)), (Revision(9), Some(1.into())));
        }
        // A key that is gone is gone.
        let gone = Listing { revision: Revision(9), entries: Vec::new() };
        assert!(rebuilt(&keys, &good, &gone).topics.is_empty());
    }
}
