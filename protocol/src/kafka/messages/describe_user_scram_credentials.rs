//! DescribeUserScramCredentials: lists the SCRAM credentials of users, without their secrets
//! (KIP-554).

use crate::kafka::{ErrorCode, Str};

api! {
    DescribeUserScramCredentials: versions 0..=0, flexible 0..;

    /// The users that the client asks about.
    request DescribeUserScramCredentialsRequest {
        /// The users; null or none for all.
        users: Option<Vec<UserName>> = Some(Vec::new());
    }

    /// The credentials of the users.
    response DescribeUserScramCredentialsResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// The error of the whole request, or none.
        error_code: ErrorCode;
        /// The error in words.
        error_message: Option<Str> = Some(Str::default());
        /// One result for each user.
        results: Vec<DescribeUserScramCredentialsResult>;
    }

    /// A user.
    struct UserName {
        /// The name of the user.
        name: Str;
    }

    /// The credentials of one user.
    struct DescribeUserScramCredentialsResult {
        /// The name of the user.
        user: Str;
        /// The error, or none.
        error_code: ErrorCode;
        /// The error in words.
        error_message: Option<Str> = Some(Str::default());
        /// The credentials.
        credential_infos: Vec<CredentialInfo>;
    }

    /// A credential.
    struct CredentialInfo {
        /// The mechanism: 1 is SCRAM-SHA-256, 2 is SCRAM-SHA-512.
        mechanism: i8;
        /// How often the hash is iterated.
        iterations: i32;
    }
}
