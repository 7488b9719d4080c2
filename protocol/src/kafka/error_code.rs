//! Kafka's error codes: one table with the number, the name, whether clients try again, and what it
//! means.

/// Declares [`ErrorCode`] from the table below; `retry` marks the errors that Kafka's clients take
/// as passing.
macro_rules! error_codes {
    ($($(#[$default:ident])? $code:literal $name:ident $($retry:ident)?: $message:literal;)*) => {
        /// An error code of the protocol, named as in Kafka.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub enum ErrorCode {
            $(
                #[doc = concat!($message, ".")]
                $(#[$default])?
                $name,
            )*
            /// A code that this version does not know.
            Unknown(i16),
        }

        impl From<i16> for ErrorCode {
            fn from(code: i16) -> Self {
                match code {
                    $($code => Self::$name,)*
                    other => Self::Unknown(other),
                }
            }
        }

        impl From<ErrorCode> for i16 {
            fn from(error: ErrorCode) -> Self {
                match error {
                    $(ErrorCode::$name => $code,)*
                    ErrorCode::Unknown(code) => code,
                }
            }
        }

        impl ErrorCode {
            /// All codes of the table, `None` included.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// What the error means, as a phrase without a full stop.
            pub fn message(self) -> &'static str {
                match self {
                    $(Self::$name => $message,)*
                    Self::Unknown(_) => "an error code that this version does not know",
                }
            }

            /// Whether Kafka's clients may try the same request again. Codes that are not known are
            /// final.
            pub fn is_retriable(self) -> bool {
                match self {
                    $(Self::$name => error_codes!(@retry $($retry)?),)*
                    Self::Unknown(_) => false,
                }
            }
        }
    };
    (@retry) => { false };
    (@retry retry) => { true };
}

impl std::fmt::Display for ErrorCode {
    /// The name and what it means, as in `NotController (41): this broker is not the controller`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?} ({}): {}", i16::from(*self), self.message())
    }
}

error_codes! {
    -1 UnknownServerError: "the server met an error that it did not expect";
    #[default]
    0 None: "no error";
    1 OffsetOutOfRange: "the offset is outside the range that the partition keeps";
    2 CorruptMessage retry: "the record data is damaged: its checksum, size or structure is wrong";
    3 UnknownTopicOrPartition retry: "this server does not have the topic or partition";
    4 InvalidFetchSize: "the fetch size is not valid";
    5 LeaderNotAvailable retry: "the partition has no leader at the moment, as during an election";
    6 NotLeaderOrFollower retry: "this broker is not the leader, or not a replica, of the partition";
    7 RequestTimedOut retry: "the request took longer than its time limit";
    8 BrokerNotAvailable: "the broker is not available";
    9 ReplicaNotAvailable retry: "the replica is not available";
    10 MessageTooLarge: "the message is larger than the server accepts";
    11 StaleControllerEpoch: "the controller has moved to another broker";
    12 OffsetMetadataTooLarge: "the metadata of the committed offset is too long";
    13 NetworkException retry: "the connection was lost before the response came";
    14 CoordinatorLoadInProgress retry: "the coordinator is still loading its state";
    15 CoordinatorNotAvailable retry: "no coordinator is available";
    16 NotCoordinator retry: "this broker is not the coordinator";
    17 InvalidTopicException: "the topic name is not valid, or the operation is not allowed on this topic";
    18 RecordListTooLarge: "the record batch is larger than a segment of the log may be";
    19 NotEnoughReplicas retry: "fewer replicas are in sync than the topic demands";
    20 NotEnoughReplicasAfterAppend retry: "the records were written, but to fewer replicas than the topic demands";
    21 InvalidRequiredAcks: "the required acks must be -1, 0 or 1";
    22 IllegalGeneration: "the generation of the group member is not the current one";
    23 InconsistentGroupProtocol: "the group already uses another protocol, or offers none that the member supports";
    24 InvalidGroupId: "the group id is not valid";
    25 UnknownMemberId: "the group does not have this member";
    26 InvalidSessionTimeout: "the session timeout is outside the range that the broker allows";
    27 RebalanceInProgress: "the group is rebalancing: the member has to join again";
    28 InvalidCommitOffsetSize: "the offset commit is too large to be stored";
    29 TopicAuthorizationFailed: "access to the topic is denied";
    30 GroupAuthorizationFailed: "access to the group is denied";
    31 ClusterAuthorizationFailed: "access to the cluster is denied";
    32 InvalidTimestamp: "the timestamp of a record is outside the accepted range";
    33 UnsupportedSaslMechanism: "the broker does not offer the requested SASL mechanism";
    34 IllegalSaslState: "the request does not fit the state of the SASL handshake";
    35 UnsupportedVersion: "the version of the API is not supported";
    36 TopicAlreadyExists: "a topic with this name already exists";
    37 InvalidPartitions: "the number of partitions is not valid";
    38 InvalidReplicationFactor: "the replication factor is not positive or exceeds the number of brokers";
    39 InvalidReplicaAssignment: "the assignment of replicas to brokers is not valid";
    40 InvalidConfig: "the configuration is not valid";
    41 NotController retry: "this broker is not the controller";
    42 InvalidRequest: "the request contradicts the protocol; the broker's log has details";
    43 UnsupportedForMessageFormat: "the message format of the broker does not support the request";
    44 PolicyViolation: "the request breaks a policy of the cluster";
    45 OutOfOrderSequenceNumber: "the sequence number of the producer is not the next one";
    46 DuplicateSequenceNumber: "the sequence number of the producer was already used";
    47 InvalidProducerEpoch: "a newer producer took over the epoch of this one";
    48 InvalidTxnState: "the transaction is not in a state that allows the operation";
    49 InvalidProducerIdMapping: "the producer id does not belong to the transactional id";
    50 InvalidTransactionTimeout: "the transaction timeout is larger than the broker allows";
    51 ConcurrentTransactions retry: "another operation of the same transaction is still going on";
    52 TransactionCoordinatorFenced: "a newer transaction coordinator has taken over";
    53 TransactionalIdAuthorizationFailed: "access to the transactional id is denied";
    54 SecurityDisabled: "security features are switched off";
    55 OperationNotAttempted: "the operation was not tried, because another one in the request failed";
    56 KafkaStorageError retry: "the disk of the log failed";
    57 LogDirNotFound: "the broker does not have this log directory";
    58 SaslAuthenticationFailed: "SASL authentication failed";
    59 UnknownProducerId: "the broker has no state for this producer id";
    60 ReassignmentInProgress: "a reassignment of the partition is in progress";
    61 DelegationTokenAuthDisabled: "delegation tokens are switched off";
    62 DelegationTokenNotFound: "the delegation token does not exist";
    63 DelegationTokenOwnerMismatch: "the delegation token belongs to somebody else";
    64 DelegationTokenRequestNotAllowed: "delegation tokens cannot be asked for over this kind of connection";
    65 DelegationTokenAuthorizationFailed: "access to the delegation token is denied";
    66 DelegationTokenExpired: "the delegation token has expired";
    67 InvalidPrincipalType: "the type of the principal is not valid";
    68 NonEmptyGroup: "the group still has members";
    69 GroupIdNotFound: "the group does not exist";
    70 FetchSessionIdNotFound retry: "the broker does not have this fetch session";
    71 InvalidFetchSessionEpoch retry: "the epoch of the fetch session is not the expected one";
    72 ListenerNotFound retry: "the leader has no listener by this name";
    73 TopicDeletionDisabled: "deleting topics is switched off";
    74 FencedLeaderEpoch retry: "the leader epoch of the request is older than the broker's";
    75 UnknownLeaderEpoch retry: "the leader epoch of the request is newer than the broker's";
    76 UnsupportedCompressionType: "the client does not support the compression of the records";
    77 StaleBrokerEpoch: "the broker epoch is not the current one";
    78 OffsetNotAvailable retry: "the leader has not yet raised its high watermark since it was elected";
    79 MemberIdRequired: "the member has to join again with the member id that it was given";
    80 PreferredLeaderNotAvailable retry: "the preferred leader is not available";
    81 GroupMaxSizeReached: "the group has as many members as it may have";
    82 FencedInstanceId: "another member has taken over the instance id";
    83 EligibleLeadersNotAvailable retry: "no replica is available that could become the leader";
    84 ElectionNotNeeded retry: "the partition has the leader it should have";
    85 NoReassignmentInProgress: "no reassignment of the partition is in progress";
    86 GroupSubscribedToTopic: "the group is subscribed to the topic";
    87 InvalidRecord: "a record was refused by the broker";
    88 UnstableOffsetCommit retry: "offsets of an open transaction are pending";
    89 ThrottlingQuotaExceeded retry: "a quota is used up";
    90 ProducerFenced: "a newer producer has taken over the transactional id";
    91 ResourceNotFound: "the resource does not exist";
    92 DuplicateResource: "the resource already exists";
    93 UnacceptableCredential: "the credential does not meet the requirements";
    94 InconsistentVoterSet: "the voters of sender and receiver differ";
    95 InvalidUpdateVersion: "the version of the feature update is not valid";
    96 FeatureUpdateFailed: "the features could not be updated";
    97 PrincipalDeserializationFailure: "the forwarded principal cannot be read";
    98 SnapshotNotFound: "the snapshot does not exist";
    99 PositionOutOfRange: "the position is outside the snapshot";
    100 UnknownTopicId retry: "the server does not have a topic with this id";
    101 DuplicateBrokerRegistration: "another broker is registered under this id";
    102 BrokerIdNotRegistered: "the broker is not registered";
    103 InconsistentTopicId retry: "the topic id of the request is not the one in the log";
    104 InconsistentClusterId: "the cluster id is not the one of this cluster";
    105 TransactionalIdNotFound: "the transactional id does not exist";
    106 FetchSessionTopicIdError retry: "the topic id does not match the one of the fetch session";
    107 IneligibleReplica: "the replica may not become in sync";
    108 NewLeaderElected: "the change is written, but a new leader was elected meanwhile";
    109 OffsetMovedToTieredStorage: "the offset is kept in tiered storage";
    110 FencedMemberEpoch: "the epoch of the group member is not the current one";
    111 UnreleasedInstanceId: "another member still uses the instance id";
    112 UnsupportedAssignor: "the group does not support the assignor of the member";
    113 StaleMemberEpoch: "the epoch of the group member is outdated: it has to ask again";
    114 MismatchedEndpointType: "the request came to an endpoint of another type";
    115 UnsupportedEndpointType: "this type of endpoint is not supported";
    116 UnknownControllerId: "the controller id is not known";
    117 UnknownSubscriptionId: "the telemetry subscription is not the current one";
    118 TelemetryTooLarge: "the telemetry is larger than the broker accepts";
    119 InvalidRegistration: "the registration of the broker or controller is not valid";
    120 TransactionAbortable: "the transaction failed in a way that it can be aborted and begun again";
    121 InvalidRecordState: "the record is not in a state that allows the operation";
    122 ShareSessionNotFound retry: "the share session does not exist";
    123 InvalidShareSessionEpoch retry: "the epoch of the share session is not the expected one";
    124 FencedStateEpoch: "the epoch of the share group state is outdated";
    125 InvalidVoterKey: "the key of the voter is not valid";
    126 DuplicateVoter: "the voter is already one";
    127 VoterNotFound: "the voter does not exist";
    128 InvalidRegularExpression: "the regular expression is not valid";
    129 RebootstrapRequired: "the client has to look up its brokers from the start";
    130 StreamsInvalidTopology: "the topology of the streams application is not valid";
    131 StreamsInvalidTopologyEpoch: "the epoch of the streams topology is not valid";
    132 StreamsTopologyFenced: "the streams topology is outdated";
    133 ShareSessionLimitReached retry: "the broker has as many share sessions as it may have";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_map_to_names_and_back() {
        for code in i16::MIN..=i16::MAX {
            assert_eq!(i16::from(ErrorCode::from(code)), code);
        }
        assert_eq!(ErrorCode::ALL.len(), 135);
        assert_eq!(ErrorCode::from(41), ErrorCode::NotController);
        assert_eq!(ErrorCode::from(999), ErrorCode::Unknown(999));
    }

    #[test]
    fn agrees_with_the_names_of_another_implementation() {
        for &error in ErrorCode::ALL.iter().filter(|&&error| error != ErrorCode::None) {
            let other = kafka_protocol::error::ResponseError::try_from_code(error.into());
            assert_eq!(other.map(|other| format!("{other:?}")), Some(format!("{error:?}")));
        }
    }

    #[test]
    fn clients_try_again_as_kafkas_do() {
        assert!(ErrorCode::NotLeaderOrFollower.is_retriable());
        assert!(ErrorCode::CoordinatorLoadInProgress.is_retriable());
        assert!(!ErrorCode::None.is_retriable());
        assert!(!ErrorCode::MessageTooLarge.is_retriable());
        assert!(!ErrorCode::Unknown(999).is_retriable());
    }
}
