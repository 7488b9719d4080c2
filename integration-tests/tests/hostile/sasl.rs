//! SASL where nobody authenticates.

use barnabas_protocol::kafka::ErrorCode::IllegalSaslState;
use barnabas_protocol::kafka::messages::{SaslAuthenticateRequest, SaslHandshakeRequest};

use crate::raw::api_versions;
use crate::target::Target;

/// A client with SASL on a listener without it learns what is wrong; before, after and between
/// other requests.
#[test]
fn sasl_on_a_plain_listener_is_refused() {
    let mut target = Target::start(&[]);
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "OAUTHBEARER", "", "\0", &"x".repeat(30_000)] {
        let mut client = target.connect();
        let request = SaslHandshakeRequest { mechanism: mechanism.into() };
        for version in [0, 1] {
            let answer = client.ask(version, &request);
            assert_eq!(answer.error_code, IllegalSaslState, "{mechanism:?}");
            assert_eq!(answer.mechanisms.len(), 0);
        }
        assert!(!client.ask(3, &api_versions()).api_keys.is_empty());
    }
    for bytes in [&b"\0alice\0secret"[..], b"", b"\0\0\0", &[0xff; 1 << 20]] {
        let mut client = target.connect();
        let request = SaslAuthenticateRequest { auth_bytes: bytes.to_vec().into() };
        for version in [0, 1, 2] {
            let answer = client.ask(version, &request);
            assert_eq!(answer.error_code, IllegalSaslState, "{} bytes", bytes.len());
            assert!(answer.auth_bytes.is_empty() && answer.session_lifetime_ms == 0);
        }
        assert!(!client.ask(3, &api_versions()).api_keys.is_empty());
    }
    target.is_well();
}
