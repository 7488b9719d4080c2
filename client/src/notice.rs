//! What an operator should hear while an operation is still being tried: once for each change of
//! state, not once for each attempt.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::{Address, ClientError};

/// How long failures stay unmentioned: a broker that restarts or a new leader takes less than this.
pub(crate) const QUIET: Duration = Duration::from_secs(1);

/// A change of state that is worth a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A broker has not answered for a second.
    Unreachable {
        /// The broker.
        address: Address,
        /// What the operating system says.
        reason: String,
    },
    /// The cluster has refused for a second, with an error that may pass.
    Refusing {
        /// The error.
        reason: String,
    },
    /// An operation succeeded after one of the above.
    Recovered,
    /// A topic did not exist, and the broker created it because of this request.
    TopicCreated {
        /// Its name.
        topic: String,
        /// How many partitions it has.
        partitions: usize,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { address, reason } => {
                write!(f, "cannot reach {address} ({reason}), trying again")
            }
            Self::Refusing { reason } => write!(f, "{reason}; trying again"),
            Self::Recovered => f.write_str("the cluster answers again"),
            Self::TopicCreated { topic, partitions } => {
                let plural = if *partitions == 1 { "" } else { "s" };
                write!(
                    f,
                    "topic {topic} did not exist: created it with {partitions} partition{plural}"
                )
            }
        }
    }
}

/// Who hears the notices.
type Listener = Arc<dyn Fn(Notice) + Send + Sync>;

/// Passes on notices, and remembers what was said.
#[derive(Clone)]
pub(crate) struct Notices {
    listener: Listener,
    outage: Arc<Mutex<Outage>>,
}

impl Notices {
    pub(crate) fn new(listener: impl Fn(Notice) + Send + Sync + 'static) -> Self {
        Self { listener: Arc::new(listener), outage: Arc::default() }
    }

    pub(crate) fn say(&self, notice: Notice) {
        (self.listener)(notice);
    }

    /// An attempt failed and will be repeated.
    pub(crate) fn failed(&self, now: Instant, error: &ClientError) {
        let notice = self.outage.lock().failed(now, error);
        notice.into_iter().for_each(|notice| self.say(notice));
    }

    /// A broker has not answered for as long as failures stay unmentioned.
    pub(crate) fn silent(&self, address: &Address) {
        let reason = "no answer".to_owned();
        let notice = Notice::Unreachable { address: address.clone(), reason };
        let news = self.outage.lock().tell(notice);
        news.into_iter().for_each(|notice| self.say(notice));
    }

    /// An operation succeeded.
    pub(crate) fn succeeded(&self) {
        let notice = self.outage.lock().succeeded();
        notice.into_iter().for_each(|notice| self.say(notice));
    }
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notices").field("outage", &self.outage).finish_non_exhaustive()
    }
}

/// Failures since the last success.
#[derive(Debug, Default)]
struct Outage {
    since: Option<Instant>,
    told: Option<Notice>,
}

impl Outage {
    fn failed(&mut self, now: Instant, error: &ClientError) -> Option<Notice> {
        let since = *self.since.get_or_insert(now);
        if now.saturating_duration_since(since) < QUIET {
            return None;
        }
        self.tell(error.notice())
    }

    /// The notice, unless it was the last one.
    fn tell(&mut self, notice: Notice) -> Option<Notice> {
        if self.told.as_ref() == Some(&notice) {
            return None;
        }
        self.told = Some(notice.clone());
        Some(notice)
    }

    fn succeeded(&mut self) -> Option<Notice> {
        self.since = None;
        self.told.take().map(|_| Notice::Recovered)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn one_line_for_each_change_of_state() {
        let address = Address::new("h", 1);
        let refused = ClientError::Connect {
            address: address.clone(),
            source: io::ErrorKind::ConnectionRefused.into(),
        };
        let reset = ClientError::Broken { address, source: io::ErrorKind::ConnectionReset.into() };
        let start = crate::clock::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut outage = Outage::default();
        assert_eq!(outage.failed(at(0), &refused), None);
        assert_eq!(outage.failed(at(999), &refused), None);
        let told = outage.failed(at(1000), &refused).expect("a second has passed");
        assert_eq!(told.to_string(), "cannot reach h:1 (connection refused), trying again");
        assert_eq!(outage.failed(at(2000), &refused), None);
        assert!(outage.failed(at(3000), &reset).is_some());
        assert_eq!(outage.failed(at(4000), &reset), None);
        assert_eq!(outage.succeeded(), Some(Notice::Recovered));
        assert_eq!(outage.succeeded(), None);
        // A short failure is not worth a word, nor that it is over.
        assert_eq!(outage.failed(at(9000), &refused), None);
        assert_eq!(outage.succeeded(), None);
    }
}
