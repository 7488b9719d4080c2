//! How far a lease can be trusted: pure arithmetic on instants.
//!
//! ```text
//!  sent, acknowledged          + TTL/3             + TTL - 10 %
//!  ├── Connected ──────────────┼── Suspect ────────┼── Uncertain ───────────────► (etcd says "gone": Lost)
//!  ▲                                               │
//!  └────────────── a later acknowledgement ────────┴─ (while etcd has no quorum no lease expires: it may live)
//! ```
//! The count starts when the acknowledged keepalive was **sent**: etcd cannot have renewed the
//! lease earlier, so the lease lives at least that long, whatever the reply took. The last tenth is
//! left for clocks that tick differently and for the time that acting on it takes.

use std::time::Duration;
use tokio::time::Instant;

/// How far the holder of a lease may believe that it still holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionState {
    /// etcd acknowledged a keepalive within the last third of the time to live.
    Connected,
    /// It has not; the lease is alive all the same.
    Suspect,
    /// The local deadline has passed: the lease may be gone, and others may act on that.
    Uncertain,
    /// etcd says that the lease is gone. Final: a new session is needed.
    Lost,
}

/// What is known about one lease.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Liveness {
    ttl: Duration,
    acked: Instant,
    lost: bool,
}

impl Liveness {
    /// A lease of `ttl` whose grant was sent at `sent`.
    pub(crate) const fn granted(ttl: Duration, sent: Instant) -> Self {
        Self { ttl, acked: sent, lost: false }
    }

    /// etcd acknowledged the keepalive sent at `sent`; acknowledgements may come in any order.
    pub(crate) fn acknowledged(&mut self, sent: Instant) {
        self.acked = self.acked.max(sent);
    }

    /// etcd said that the lease is gone.
    pub(crate) fn gone(&mut self) {
        self.lost = true;
    }

    /// The moment from which the lease is not certain to be alive.
    pub(crate) fn deadline(&self) -> Instant {
        self.acked + self.ttl - self.ttl / 10
    }

    fn suspect_at(&self) -> Instant {
        self.acked + self.ttl / 3
    }

    /// The state at `now`.
    pub(crate) fn state(&self, now: Instant) -> SessionState {
        if self.lost {
            SessionState::Lost
        } else if now >= self.deadline() {
            SessionState::Uncertain
        } else if now >= self.suspect_at() {
            SessionState::Suspect
        } else {
            SessionState::Connected
        }
    }

    /// When the state changes next if nothing is heard.
    pub(crate) fn next_change(&self, now: Instant) -> Option<Instant> {
        match self.state(now) {
            SessionState::Connected => Some(self.suspect_at()),
            SessionState::Suspect => Some(self.deadline()),
            SessionState::Uncertain | SessionState::Lost => None,
        }
    }
}

/// How often to renew a lease of `ttl`: a sixth of it, and between one and two seconds.
pub(crate) fn renew_interval(ttl: Duration) -> Duration {
    (ttl / 6).clamp(Duration::from_millis(500), Duration::from_secs(2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use SessionState::{Connected, Lost, Suspect, Uncertain};

    const TTL: Duration = Duration::from_secs(9);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn granted() -> (Liveness, Instant) {
        let start = crate::clock::now();
        (Liveness::granted(TTL, start), start)
    }

    #[test]
    fn silence_leads_from_connected_to_uncertain() {
        let (lease, start) = granted();
        for (after, state) in [
            (0, Connected),
            (2_999, Connected),
            (3_000, Suspect),
            (8_099, Suspect),
            (8_100, Uncertain),
            (600_000, Uncertain),
        ] {
            assert_eq!(lease.state(start + ms(after)), state, "after {after} ms");
        }
    }

    #[test]
    fn the_next_change_is_known_beforehand() {
        let (lease, start) = granted();
        let suspect = lease.next_change(start).unwrap();
        assert_eq!(suspect, start + ms(3_000));
        let uncertain = lease.next_change(suspect).unwrap();
        assert_eq!(uncertain, start + ms(8_100));
        assert_eq!(lease.next_change(uncertain), None);
    }

    #[test]
    fn an_acknowledgement_counts_from_when_it_was_asked_for() {
        let (mut lease, start) = granted();
        lease.acknowledged(start + ms(5_000));
        assert_eq!(lease.deadline(), start + ms(13_100));
        // The reply to an older keepalive comes later and takes nothing back.
        lease.acknowledged(start + ms(4_000));
        assert_eq!(lease.deadline(), start + ms(13_100));
    }

    #[test]
    fn a_lease_may_turn_out_to_have_lived_on() {
        let (mut lease, start) = granted();
        let late = start + ms(60_000);
        assert_eq!(lease.state(late), Uncertain);
        lease.acknowledged(late);
        assert_eq!(lease.state(late + ms(1)), Connected);
    }

    #[test]
    fn lost_is_final() {
        let (mut lease, start) = granted();
        lease.gone();
        lease.acknowledged(start + ms(1));
        assert_eq!(lease.state(start + ms(2)), Lost);
        assert_eq!(lease.next_change(start + ms(2)), None);
    }

    #[test]
    fn renewals_are_frequent_enough_to_miss_some() {
        assert_eq!(renew_interval(TTL), ms(1_500));
        assert_eq!(renew_interval(Duration::from_secs(60)), ms(2_000));
        assert_eq!(renew_interval(Duration::from_secs(2)), ms(500));
    }
}
