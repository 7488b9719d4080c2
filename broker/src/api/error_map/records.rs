//! Errors of producing, fetching and looking up records.

use barnabas_protocol::kafka::error_code::ErrorCode;

use crate::log::ReadError;
use crate::partition::ProduceError;
use crate::partition::read::FetchError;
use crate::partition::state::producers::SequenceError;
use crate::partition::state::{AppendError, LeadershipError};
use crate::partition::timestamps::LookupError;
use crate::partition::validate::InvalidRecords;
use crate::partition::waiters::acks::AckError;

pub(crate) fn produce(error: &ProduceError) -> ErrorCode {
    match error {
        ProduceError::Invalid(invalid) => invalid_records(invalid),
        ProduceError::Refused(refused) => append(refused),
    }
}

fn invalid_records(error: &InvalidRecords) -> ErrorCode {
    match error {
        InvalidRecords::Batch(batch) => batch.error_code(),
        InvalidRecords::TooLarge { .. } => ErrorCode::MessageTooLarge,
        // As InitProducerId answers a transactional producer.
        InvalidRecords::NoTransaction => ErrorCode::TransactionalIdAuthorizationFailed,
    }
}

const fn append(error: &AppendError) -> ErrorCode {
    match error {
        AppendError::NotLeader => ErrorCode::NotLeaderOrFollower,
        AppendError::NotEnoughReplicas { .. } => ErrorCode::NotEnoughReplicas,
        AppendError::Storage => ErrorCode::KafkaStorageError,
        AppendError::Sequence(SequenceError::StaleEpoch { .. }) => ErrorCode::InvalidProducerEpoch,
        AppendError::Sequence(SequenceError::OutOfOrder { .. }) => {
            ErrorCode::OutOfOrderSequenceNumber
        }
    }
}

pub(crate) const fn ack(error: AckError) -> ErrorCode {
    match error {
        AckError::Storage => ErrorCode::KafkaStorageError,
        AckError::NotLeader => ErrorCode::NotLeaderOrFollower,
        AckError::Deleted => ErrorCode::UnknownTopicOrPartition,
    }
}

pub(crate) const fn leadership(error: LeadershipError) -> ErrorCode {
    match error {
        LeadershipError::NotLeader => ErrorCode::NotLeaderOrFollower,
        LeadershipError::FencedEpoch => ErrorCode::FencedLeaderEpoch,
        LeadershipError::UnknownEpoch => ErrorCode::UnknownLeaderEpoch,
    }
}

pub(crate) const fn fetch(error: &FetchError) -> ErrorCode {
    match error {
        FetchError::Leadership(leader) => leadership(*leader),
        FetchError::OutOfRange { .. } => ErrorCode::OffsetOutOfRange,
        FetchError::Read(read_error) => read(read_error),
    }
}

pub(crate) fn lookup(error: &LookupError) -> ErrorCode {
    match error {
        LookupError::Read(read_error) => read(read_error),
        LookupError::Batch(batch) => batch.error_code(),
    }
}

const fn read(error: &ReadError) -> ErrorCode {
    match error {
        // Trying again gives the same: the consumer has to be told.
        ReadError::Corrupt { .. } => ErrorCode::CorruptMessage,
        // Retention was faster than the read.
        ReadError::OffsetOutOfRange { .. } => ErrorCode::OffsetOutOfRange,
        ReadError::NoSuchLog | ReadError::Database(_) => ErrorCode::KafkaStorageError,
    }
}

#[cfg(test)]
mod tests {
    use barnabas_protocol::state::ids::Offset;

    use super::*;

    /// No storage error: clients would try again, or give the broker up, where they have to go on
    /// elsewhere.
    #[test]
    fn what_retention_took_meanwhile_is_out_of_range() {
        let error = || ReadError::OffsetOutOfRange { start: Offset(5), end: Offset(9) };
        assert_eq!(fetch(&FetchError::Read(error())), ErrorCode::OffsetOutOfRange);
        assert_eq!(lookup(&LookupError::Read(error())), ErrorCode::OffsetOutOfRange);
    }
}
