//! AlterUserScramCredentials: sets and removes SCRAM credentials of users (KIP-554).

use bytes::Bytes;

use crate::kafka::{ErrorCode, Str};

api! {
    AlterUserScramCredentials: versions 0..=0, flexible 0..;

    /// The changes.
    request AlterUserScramCredentialsRequest {
        /// The credentials to remove.
        deletions: Vec<ScramCredentialDeletion>;
        /// The credentials to set.
        upsertions: Vec<ScramCredentialUpsertion>;
    }

    /// One result for each user.
    response AlterUserScramCredentialsResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// The results.
        results: Vec<AlterUserScramCredentialsResult>;
    }

    /// A credential to remove.
    struct ScramCredentialDeletion {
        /// The name of the user.
        name: Str;
        /// The mechanism: 1 is SCRAM-SHA-256, 2 is SCRAM-SHA-512.
        mechanism: i8;
    }

    /// A credential to set.
    struct ScramCredentialUpsertion {
        /// The name of the user.
        name: Str;
        /// The mechanism: 1 is SCRAM-SHA-256, 2 is SCRAM-SHA-512.
        mechanism: i8;
        /// How often the hash is iterated.
        iterations: i32;
        /// The salt, which the client chose.
        salt: Bytes;
        /// The salted password.
        salted_password: Bytes;
    }

    /// The result of one user.
    struct AlterUserScramCredentialsResult {
        /// The name of the user.
        user: Str;
        /// The error, or none.
        error_code: ErrorCode;
        /// The error in words.
        error_message: Option<Str> = Some(Str::default());
    }
}
