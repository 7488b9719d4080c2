//! Failures that end the broker: the first one shuts the process down in order and gives its
//! reason, rather than letting it serve in a state that may be wrong.

use std::error::Error;
use std::fmt;

use tokio::sync::mpsc;

/// Why the broker ends; the message says what to do.
pub type Failure = Box<dyn Error + Send + Sync>;

/// Where failures are reported. Nobody receives those of the default one.
#[derive(Clone)]
pub struct Failing(mpsc::Sender<Failure>);

/// Receives the first failure.
pub type Failures = mpsc::Receiver<Failure>;

/// A task that should run as long as the broker has panicked. The panic message is in the log.
#[derive(Debug, thiserror::Error)]
#[error("{0} panicked: see the panic in the log, restart this broker, and please report it")]
struct Died(&'static str);

impl Failing {
    /// A reporter and its listener.
    #[must_use]
    pub fn channel() -> (Self, Failures) {
        let (sender, failures) = mpsc::channel(1);
        (Self(sender), failures)
    }

    /// Ends the broker with this reason, unless it is ending for another one already.
    pub fn report(&self, failure: impl Error + Send + Sync + 'static) {
        drop(self.0.try_send(Box::new(failure)));
    }

    /// Runs a task that the broker needs: if it panics, the broker ends.
    pub async fn needs<T>(self, name: &'static str, task: impl Future<Output = T>) -> T {
        let _guard = Guard { name, failing: self };
        task.await
    }
}

impl Default for Failing {
    fn default() -> Self {
        Self::channel().0
    }
}

impl fmt::Debug for Failing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Failing")
    }
}

/// Dropped by a panic with the future that holds it.
struct Guard {
    name: &'static str,
    failing: Failing,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.failing.report(Died(self.name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_a_panic_of_a_needed_task_is_a_failure() {
        let (failing, mut failures) = Failing::channel();
        let quiet = tokio::spawn(failing.clone().needs("the quiet one", async { 7 }));
        assert_eq!(quiet.await.expect("ends"), 7);
        let endless =
            tokio::spawn(failing.clone().needs("the endless one", std::future::pending::<()>()));
        endless.abort();
        assert!(endless.await.is_err_and(|error| error.is_cancelled()));
        assert!(failures.try_recv().is_err());

        let dying =
            tokio::spawn(failing.clone().needs("the dying one", async { panic!("a test") }));
        assert!(dying.await.is_err_and(|error| error.is_panic()));
        let failure = failures.recv().await.expect("a failure").to_string();
        assert!(failure.starts_with("the dying one panicked"), "{failure}");
    }

    #[tokio::test]
    async fn the_first_failure_counts() {
        let (failing, mut failures) = Failing::channel();
        failing.report(Died("one"));
        failing.report(Died("another"));
        drop(failing);
        assert!(failures.recv().await.is_some_and(|first| first.to_string().starts_with("one")));
        assert!(failures.recv().await.is_none());
    }
}
