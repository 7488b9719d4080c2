//! Reads an error of `etcd-client` for the one thing that matters: what may have become of the
//! request.
//!
//! Whatever is not known for certain to be harmless counts as [`Failure::NoReply`]. etcd names its
//! errors by text (`api/v3rpc/rpctypes/error.go`); the gRPC code alone is not enough.

use crate::error::Rejection;
use std::error::Error as _;
use tonic::Code;

/// How one attempt at one endpoint failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Not applied: the connection could not be made, or etcd turned the request away unread.
    NotSent(String),
    /// It may have been applied, or may still be.
    NoReply(String),
    /// etcd looked at it and said no: not applied.
    Rejected(Rejection),
}

/// Answers that etcd gives before it proposes a request to its log; another endpoint or moment may
/// do better.
const TURNED_AWAY: &[&str] = &[
    "etcdserver: no leader",
    "etcdserver: too many requests",
    "etcdserver: invalid auth token",
    "etcdserver: revision of auth store is old",
    "etcdserver: rpc not supported for learner",
];

impl Failure {
    /// Classifies the error of one call.
    pub(crate) fn of(error: &etcd_client::Error) -> Self {
        use etcd_client::Error as E;
        match error {
            E::GRpcStatus(status) => Self::of_status(status),
            E::InvalidArgs(_) | E::InvalidUri(_) | E::InvalidMetadataValue(_) | E::Utf8Error(_) => {
                Self::Rejected(Rejection::Invalid(error.to_string()))
            }
            E::TransportError(e) if is_connect_error(e) => Self::NotSent(e.to_string()),
            _ => Self::NoReply(error.to_string()),
        }
    }

    fn of_status(status: &tonic::Status) -> Self {
        let message = status.message();
        if is_connect_error(status) {
            return Self::NotSent(format!("{message} ({})", innermost(status)));
        }
        if TURNED_AWAY.contains(&message) {
            return Self::NotSent(message.to_owned());
        }
        match status.code() {
            Code::PermissionDenied | Code::Unauthenticated => {
                Rejection::Denied(message.into()).into()
            }
            Code::OutOfRange if message.ends_with("has been compacted") => {
                Rejection::Compacted.into()
            }
            Code::OutOfRange if message.contains("message length too large") => {
                Rejection::TooLarge(message.into()).into()
            }
            Code::NotFound if message.ends_with("lease not found") => {
                Rejection::LeaseNotFound.into()
            }
            Code::InvalidArgument
                if message.contains("authentication failed")
                    || message.contains("user name is empty") =>
            {
                Rejection::Denied(message.into()).into()
            }
            Code::InvalidArgument
                if message.contains("too large") || message.contains("too many") =>
            {
                Rejection::TooLarge(message.into()).into()
            }
            Code::InvalidArgument | Code::Unimplemented | Code::FailedPrecondition => {
                Rejection::Invalid(message.into()).into()
            }
            // Among these "database space exceeded": the first transaction over the quota is
            // applied and still answered so (etcd's quotaApplierV3), only later ones are refused.
            _ => Self::NoReply(format!("{}: {message}", status.code().description())),
        }
    }

    /// The same for a call that did nothing but open a connection for the real one.
    pub(crate) fn before_sending(self) -> Self {
        match self {
            Self::NoReply(reason) => Self::NotSent(reason),
            other => other,
        }
    }

    /// The reason as text, for the error that ends up with the caller.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::NotSent(reason) | Self::NoReply(reason) => reason.clone(),
            Self::Rejected(rejection) => rejection.to_string(),
        }
    }
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

/// Whether etcd's authentication is off although a user is configured.
pub(crate) fn is_auth_disabled(error: &etcd_client::Error) -> bool {
    matches!(error, etcd_client::Error::GRpcStatus(status)
        if status.message().ends_with("authentication is not enabled"))
}

/// Whether the connection could not be made, so that nothing was sent.
fn is_connect_error(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<tonic::ConnectError>() {
            return true;
        }
        next = error.source();
    }
    false
}

fn innermost(status: &tonic::Status) -> String {
    let mut reason = String::new();
    let mut next = status.source();
    while let Some(error) = next {
        reason = error.to_string();
        next = error.source();
    }
    reason
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: Code, message: &str) -> Failure {
        Failure::of(&etcd_client::Error::GRpcStatus(tonic::Status::new(code, message)))
    }

    #[test]
    fn a_connection_that_cannot_be_made_sends_nothing() {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let error: Box<dyn std::error::Error + Send + Sync> =
            Box::new(tonic::ConnectError(refused.into()));
        let failure = Failure::of(&tonic::Status::from_error(error).into());
        assert!(matches!(failure, Failure::NotSent(_)), "{failure:?}");
    }

    #[test]
    fn what_is_not_certain_may_have_been_applied() {
        for (code, message) in [
            (Code::Unavailable, "etcdserver: request timed out"),
            (Code::Unavailable, "etcdserver: leader changed"),
            (Code::Unavailable, "etcdserver: server stopped"),
            (Code::Unavailable, "transport error"),
            (Code::ResourceExhausted, "etcdserver: mvcc: database space exceeded"),
            (Code::Unknown, "h2 protocol error"),
            (Code::Cancelled, "operation was canceled"),
            (Code::Internal, "?"),
        ] {
            let failure = status(code, message);
            assert!(matches!(failure, Failure::NoReply(_)), "{message}: {failure:?}");
        }
    }

    #[test]
    fn etcd_turns_requests_away_before_it_applies_them() {
        for message in TURNED_AWAY {
            let failure = status(Code::Unavailable, message);
            assert!(matches!(failure, Failure::NotSent(_)), "{message}: {failure:?}");
        }
    }

    #[test]
    fn rejections_by_their_text() {
        let lease = status(Code::NotFound, "etcdserver: requested lease not found");
        assert_eq!(lease, Failure::Rejected(Rejection::LeaseNotFound));
        let compacted =
            status(Code::OutOfRange, "etcdserver: mvcc: required revision has been compacted");
        assert_eq!(compacted, Failure::Rejected(Rejection::Compacted));
        for message in
            ["etcdserver: too many operations in txn request", "etcdserver: request is too large"]
        {
            let failure = status(Code::InvalidArgument, message);
            assert!(matches!(failure, Failure::Rejected(Rejection::TooLarge(_))), "{failure:?}");
        }
        let password = "etcdserver: authentication failed, invalid user ID or password";
        let failure = status(Code::InvalidArgument, password);
        assert!(matches!(failure, Failure::Rejected(Rejection::Denied(_))), "{failure:?}");
    }
}
