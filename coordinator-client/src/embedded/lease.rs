//! Leases: which exist, until when, and which keys hang on them. Time is an argument, counted
//! from the server's start.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use bytes::Bytes;

use super::error::OpError;

/// The shortest lease, in seconds; shorter ones are lengthened to it (etcd with its default
/// election timeout of one second).
pub(crate) const MIN_TTL_SECS: i64 = 2;
/// The longest lease, in seconds; etcd's.
const MAX_TTL_SECS: i64 = 9_000_000_000;

/// What a lease is right now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LeaseView<'a> {
    /// The seconds it was granted for.
    pub(crate) ttl: i64,
    /// What is left of them.
    pub(crate) remaining: Duration,
    /// The keys that hang on it.
    pub(crate) keys: &'a BTreeSet<Bytes>,
}

#[derive(Debug)]
struct Lease {
    ttl: i64,
    expires: Duration,
    keys: BTreeSet<Bytes>,
}

/// All leases.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    leases: HashMap<i64, Lease>,
    deadlines: BTreeSet<(Duration, i64)>,
}

impl Leases {
    /// Grants lease `id` for `ttl` seconds; returns the seconds really granted.
    ///
    /// # Errors
    /// [`OpError::LeaseExists`], [`OpError::LeaseTtlTooLarge`].
    pub(crate) fn grant(&mut self, id: i64, ttl: i64, now: Duration) -> Result<i64, OpError> {
        if ttl > MAX_TTL_SECS {
            return Err(OpError::LeaseTtlTooLarge);
        }
        if self.exists(id) {
            return Err(OpError::LeaseExists);
        }
        let ttl = ttl.max(MIN_TTL_SECS);
        let expires = now + ttl_duration(ttl);
        self.leases.insert(id, Lease { ttl, expires, keys: BTreeSet::new() });
        self.deadlines.insert((expires, id));
        Ok(ttl)
    }

    /// Whether lease `id` exists.
    pub(crate) fn exists(&self, id: i64) -> bool {
        self.leases.contains_key(&id)
    }

    /// Starts the full time of lease `id` anew; returns its seconds, `None` if it does not exist.
    pub(crate) fn renew(&mut self, id: i64, now: Duration) -> Option<i64> {
        let lease = self.leases.get_mut(&id)?;
        self.deadlines.remove(&(lease.expires, id));
        lease.expires = now + ttl_duration(lease.ttl);
        self.deadlines.insert((lease.expires, id));
        Some(lease.ttl)
    }

    /// What lease `id` is now.
    pub(crate) fn view(&self, id: i64, now: Duration) -> Option<LeaseView<'_>> {
        let lease = self.leases.get(&id)?;
        let remaining = lease.expires.saturating_sub(now);
        Some(LeaseView { ttl: lease.ttl, remaining, keys: &lease.keys })
    }

    /// All leases, the next to expire first.
    pub(crate) fn ids(&self) -> impl Iterator<Item = i64> {
        self.deadlines.iter().map(|(_, id)| *id)
    }

    /// Removes lease `id`; returns the keys that hung on it.
    ///
    /// # Errors
    /// [`OpError::LeaseNotFound`].
    pub(crate) fn remove(&mut self, id: i64) -> Result<BTreeSet<Bytes>, OpError> {
        let lease = self.leases.remove(&id).ok_or(OpError::LeaseNotFound)?;
        self.deadlines.remove(&(lease.expires, id));
        Ok(lease.keys)
    }

    /// Moves `key` from one lease to another; 0 is none.
    pub(crate) fn reattach(&mut self, key: &Bytes, from: i64, to: i64) {
        if from == to {
            return;
        }
        if let Some(lease) = self.leases.get_mut(&from) {
            lease.keys.remove(key);
        }
        if let Some(lease) = self.leases.get_mut(&to) {
            lease.keys.insert(key.clone());
        }
    }

    /// When the next lease runs out.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// The leases that have run out.
    pub(crate) fn expired(&self, now: Duration) -> Vec<i64> {
        self.deadlines.iter().take_while(|(at, _)| *at <= now).map(|(_, id)| *id).collect()
    }

    /// Gives every lease `by` more time. For when the server itself stood still: its clients could
    /// not have renewed.
    pub(crate) fn delay(&mut self, by: Duration) {
        self.leases.values_mut().for_each(|lease| lease.expires += by);
        let deadlines = std::mem::take(&mut self.deadlines);
        self.deadlines = deadlines.into_iter().map(|(at, id)| (at + by, id)).collect();
    }
}

fn ttl_duration(ttl_secs: i64) -> Duration {
    Duration::from_secs(ttl_secs.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn expires_when_not_renewed() {
        let mut leases = Leases::default();
        assert_eq!(leases.grant(7, 10, secs(0)), Ok(10));
        assert_eq!(leases.grant(8, 0, secs(0)), Ok(MIN_TTL_SECS));
        assert_eq!(leases.grant(7, 10, secs(0)), Err(OpError::LeaseExists));
        assert_eq!(leases.grant(9, 9_000_000_001, secs(0)), Err(OpError::LeaseTtlTooLarge));
        assert_eq!(leases.next_deadline(), Some(secs(2)));
        assert_eq!(leases.expired(secs(2)), vec![8]);
        assert!(leases.remove(8).unwrap().is_empty());
        assert_eq!(leases.renew(7, secs(9)), Some(10));
        assert_eq!(leases.renew(8, secs(9)), None);
        assert!(leases.expired(secs(18)).is_empty());
        assert_eq!(leases.expired(secs(19)), vec![7]);
    }

    #[test]
    fn keys_move_between_leases() {
        let mut leases = Leases::default();
        let key = Bytes::from_static(b"k");
        leases.grant(1, 10, secs(0)).unwrap();
        leases.grant(2, 5, secs(0)).unwrap();
        leases.reattach(&key, 0, 1);
        leases.reattach(&key, 1, 2);
        assert!(leases.view(1, secs(1)).unwrap().keys.is_empty());
        let view = leases.view(2, secs(1)).unwrap();
        assert_eq!((view.ttl, view.remaining, view.keys.len()), (5, secs(4), 1));
        assert_eq!(leases.ids().collect::<Vec<_>>(), vec![2, 1]);
        leases.reattach(&key, 2, 0);
        assert!(leases.remove(2).unwrap().is_empty());
        assert_eq!(leases.remove(2), Err(OpError::LeaseNotFound));
    }

    #[test]
    fn a_server_that_stood_still_gives_the_time_back() {
        let mut leases = Leases::default();
        leases.grant(1, 10, secs(0)).unwrap();
        leases.delay(secs(60));
        assert!(leases.expired(secs(69)).is_empty());
        assert_eq!(leases.expired(secs(70)), vec![1]);
        leases.remove(1).unwrap();
        assert_eq!(leases.next_deadline(), None);
    }
}
