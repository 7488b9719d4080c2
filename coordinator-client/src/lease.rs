//! Single operations on leases. [`Session`](crate::Session) keeps one alive.

use crate::{
    client::Client,
    endpoint::Lane,
    error::{Error, Rejection},
    failure::Failure,
    kv::LeaseId,
};
use std::time::Duration;

/// What etcd says about a lease that was asked to live on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Renewal {
    /// It lives for its whole time again, from when etcd handled the request.
    Lives,
    /// There is no such lease.
    Gone,
}

impl Client {
    /// Grants a lease: its id and the time to live that etcd chose (never shorter than asked for).
    /// A grant whose reply was lost is repeated, and the first one expires unused.
    ///
    /// # Errors
    /// [`Error::Unavailable`] after `request_timeout` without an answer.
    pub(crate) async fn grant(&self, ttl: Duration) -> Result<(LeaseId, Duration), Error> {
        // etcd counts whole seconds.
        let seconds = i64::try_from(ttl.as_millis().div_ceil(1000)).unwrap_or(i64::MAX).max(1);
        let reply = self
            .idempotent(Lane::Leases, |etcd| async move {
                etcd.lease_client().grant(seconds, None).await
            })
            .await?;
        Ok((LeaseId(reply.id()), seconds_of(reply.ttl())))
    }

    /// Ends a lease at once and deletes its keys; nothing happens where it is gone already.
    ///
    /// # Errors
    /// [`Error::Unavailable`] after `request_timeout` without an answer.
    pub async fn revoke(&self, lease: LeaseId) -> Result<(), Error> {
        let revoked =
            self.idempotent(Lane::Leases, |etcd| async move {
                etcd.lease_client().revoke(lease.0).await
            })
            .await;
        match revoked {
            Ok(_) | Err(Error::Rejected(Rejection::LeaseNotFound)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The time that a lease has left, or nothing where it is gone.
    ///
    /// # Errors
    /// [`Error::Unavailable`] after `request_timeout` without an answer.
    pub async fn lease_time_left(&self, lease: LeaseId) -> Result<Option<Duration>, Error> {
        let reply = self
            .idempotent(Lane::Leases, |etcd| async move {
                etcd.lease_client().time_to_live(lease.0, None).await
            })
            .await;
        match reply {
            Ok(reply) if reply.ttl() < 0 => Ok(None),
            Ok(reply) => Ok(Some(seconds_of(reply.ttl()))),
            Err(Error::Rejected(Rejection::LeaseNotFound)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// One keepalive through one endpoint. A stream for each, so that a broken one costs one
    /// attempt.
    pub(crate) async fn renew_once(
        &self,
        lease: LeaseId,
        endpoint: usize,
        limit: Duration,
    ) -> Result<Renewal, Failure> {
        let renewed =
            self.attempt(Lane::Leases, endpoint, limit, self.deadline(), |etcd| async move {
                match etcd.lease_client().keep_alive(lease.0).await {
                    // etcd-client has read the first reply by now and keeps only whether it was a
                    // good one.
                    Ok(_) => Ok(true),
                    Err(etcd_client::Error::LeaseKeepAliveError(reason))
                        if reason == "lease not found" =>
                    {
                        Ok(false)
                    }
                    Err(error) => Err(error),
                }
            });
        match renewed.await? {
            true => Ok(Renewal::Lives),
            false => Ok(Renewal::Gone),
        }
    }

    /// Asks one endpoint whether a lease is gone.
    pub(crate) async fn is_gone(
        &self,
        lease: LeaseId,
        endpoint: usize,
        limit: Duration,
    ) -> Result<bool, Failure> {
        let asked =
            self.attempt(Lane::Leases, endpoint, limit, self.deadline(), |etcd| async move {
                etcd.lease_client().time_to_live(lease.0, None).await
            });
        match asked.await {
            Ok(reply) => Ok(reply.ttl() < 0),
            Err(Failure::Rejected(Rejection::LeaseNotFound)) => Ok(true),
            Err(failure) => Err(failure),
        }
    }
}

fn seconds_of(ttl: i64) -> Duration {
    Duration::from_secs(u64::try_from(ttl).unwrap_or(0))
}
