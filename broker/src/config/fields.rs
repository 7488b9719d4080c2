//! The Rust types of honoured keys, parsed once from text that the key's check has accepted.

use std::time::Duration;

use super::values::ip_limits::IpLimits;

/// A type of fields of [`super::BrokerConfig`]. `None` if the text is not a value of the key's
/// type.
pub(super) trait Field: Sized {
    fn read(key: &str, text: &str) -> Option<Self>;
}

impl Field for bool {
    fn read(_: &str, text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Field for i32 {
    fn read(_: &str, text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// The nearest number: no number of brokers suffices for either.
impl Field for i16 {
    fn read(_: &str, text: &str) -> Option<Self> {
        let number: i64 = text.parse().ok()?;
        Some(number.clamp(Self::MIN.into(), Self::MAX.into()) as Self)
    }
}

/// A count or a number of bytes. A negative number, if the key's check accepts it, becomes 0.
impl Field for usize {
    fn read(key: &str, text: &str) -> Option<Self> {
        Some(Option::<Self>::read(key, text)?.unwrap_or(0))
    }
}

/// The same, for keys whose negative numbers mean that there is no limit.
impl Field for Option<usize> {
    fn read(_: &str, text: &str) -> Option<Self> {
        Some(usize::try_from(text.parse::<i64>().ok()?).ok())
    }
}

/// A time in the unit at the end of the key's name. A negative number becomes 0.
impl Field for Duration {
    fn read(key: &str, text: &str) -> Option<Self> {
        Some(Option::<Self>::read(key, text)?.unwrap_or_default())
    }
}

/// The same, for keys whose negative numbers mean never.
impl Field for Option<Duration> {
    fn read(key: &str, text: &str) -> Option<Self> {
        let number = u64::try_from(text.parse::<i64>().ok()?).ok();
        let unit = if key.ends_with(".minutes") { 60_000 } else { 1 };
        Some(number.map(|number| Duration::from_millis(number.saturating_mul(unit))))
    }
}

impl Field for IpLimits {
    fn read(_: &str, text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_numbers_are_none_or_zero() {
        assert_eq!(usize::read("max.connections", "-1"), Some(0));
        assert_eq!(Option::<usize>::read("queued.max.request.bytes", "-1"), Some(None));
        assert_eq!(Option::<Duration>::read("connections.max.idle.ms", "-1"), Some(None));
        assert_eq!(Duration::read("group.initial.rebalance.delay.ms", "-5"), Some(Duration::ZERO));
        assert_eq!(i16::read("default.replication.factor", "70000"), Some(i16::MAX));
        assert_eq!(usize::read("max.connections", "many"), None);
    }

    #[test]
    fn durations_have_the_unit_of_their_key() {
        let of = Duration::read;
        assert_eq!(of("offsets.retention.minutes", "2"), Some(Duration::from_secs(120)));
        assert_eq!(of("offsets.commit.timeout.ms", "2"), Some(Duration::from_millis(2)));
    }
}
