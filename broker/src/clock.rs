//! How far the wall clock can be trusted. Pure: the clock readings are arguments.
//!
//! If someone sets the clock an hour ahead, everything with half an hour of retention would expire.
//! So a jump is not trusted at first: until it has lasted for an hour there are two times, the wall
//! clock's and the one that the monotonic clock gives since before the jump. Deletion uses the
//! earlier one; timestamps of records and their checks use the later one. Neither goes backwards
//! because of a jump. Small corrections, such as NTP's, are followed at once.

/// A difference up to this is a correction.
const CORRECTION_MS: i64 = 5 * 60_000;

/// A jump that has lasted this long is trusted.
const DOUBT_MS: i64 = 60 * 60_000;

/// What has been seen of the clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WallClock {
    /// The trusted time minus the monotonic clock.
    ahead_ms: i64,
    doubted: Option<Doubted>,
}

#[derive(Clone, Copy, Debug)]
struct Doubted {
    by_ms: i64,
    since_ms: i64,
}

/// The time, in milliseconds since the Unix epoch. Both are the same while the clock is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) earliest_ms: i64,
    pub(crate) latest_ms: i64,
    /// What is new about the clock.
    pub(crate) news: Option<News>,
}

/// Something to tell the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// The clock has jumped.
    Jumped { by_ms: i64 },
    /// The clock is back where it was expected.
    Returned,
    /// The jump is trusted from now on.
    Believed { by_ms: i64 },
}

impl WallClock {
    /// A clock without a known jump.
    pub(crate) const fn new(wall_ms: i64, monotonic_ms: i64) -> Self {
        Self { ahead_ms: wall_ms - monotonic_ms, doubted: None }
    }

    /// Takes in what the clocks show now.
    pub(crate) fn read(&mut self, wall_ms: i64, monotonic_ms: i64) -> Reading {
        let expected_ms = monotonic_ms + self.ahead_ms;
        let by_ms = wall_ms - expected_ms;
        let news = if by_ms.abs() <= CORRECTION_MS {
            self.ahead_ms += by_ms;
            self.doubted.take().map(|_| News::Returned)
        } else {
            self.doubt(by_ms, monotonic_ms)
        };
        let expected_ms = monotonic_ms + self.ahead_ms;
        Reading { earliest_ms: wall_ms.min(expected_ms), latest_ms: wall_ms.max(expected_ms), news }
    }

    fn doubt(&mut self, by_ms: i64, monotonic_ms: i64) -> Option<News> {
        let same = |doubted: &Doubted| (doubted.by_ms - by_ms).abs() <= CORRECTION_MS;
        match self.doubted.filter(same) {
            None => {
                self.doubted = Some(Doubted { by_ms, since_ms: monotonic_ms });
                Some(News::Jumped { by_ms })
            }
            Some(doubted) if monotonic_ms - doubted.since_ms >= DOUBT_MS => {
                self.ahead_ms += by_ms;
                self.doubted = None;
                Some(News::Believed { by_ms })
            }
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;
    /// Any time of day.
    const NOON: i64 = 1_700_000_000_000;

    /// Reads a clock that is `off_ms` wrong, `at_ms` after its start.
    fn read(clock: &mut WallClock, at_ms: i64, off_ms: i64) -> (i64, i64, Option<News>) {
        let reading = clock.read(NOON + at_ms + off_ms, 7 + at_ms);
        (reading.earliest_ms - NOON - at_ms, reading.latest_ms - NOON - at_ms, reading.news)
    }

    fn clock() -> WallClock {
        WallClock::new(NOON, 7)
    }

    #[test]
    fn a_good_clock_is_followed() {
        let mut clock = clock();
        for (at, off) in [(0, 0), (1, 0), (MINUTE, -200), (HOUR, 4 * MINUTE), (2 * HOUR, 0)] {
            assert_eq!(read(&mut clock, at, off), (off, off, None));
        }
    }

    #[test]
    fn a_jump_ahead_expires_nothing_and_is_told_once() {
        let mut clock = clock();
        let jumped = Some(News::Jumped { by_ms: HOUR });
        assert_eq!(read(&mut clock, MINUTE, HOUR), (0, HOUR, jumped));
        assert_eq!(read(&mut clock, 59 * MINUTE, HOUR), (0, HOUR, None));
        assert_eq!(read(&mut clock, HOUR, 0), (0, 0, Some(News::Returned)));
    }

    #[test]
    fn a_jump_back_does_not_make_time_run_backwards() {
        let mut clock = clock();
        let jumped = Some(News::Jumped { by_ms: -HOUR });
        assert_eq!(read(&mut clock, MINUTE, -HOUR), (-HOUR, 0, jumped));
        assert_eq!(read(&mut clock, 2 * MINUTE, -HOUR), (-HOUR, 0, None));
    }

    #[test]
    fn a_jump_that_lasts_is_believed() {
        for off in [HOUR, -HOUR, 1000 * HOUR] {
            let mut clock = clock();
            read(&mut clock, MINUTE, off);
            let believed = Some(News::Believed { by_ms: off });
            assert_eq!(read(&mut clock, 61 * MINUTE, off), (off, off, believed));
            assert_eq!(read(&mut clock, 62 * MINUTE, off), (off, off, None));
        }
    }

    #[test]
    fn a_clock_that_jumps_about_is_not_believed() {
        let mut clock = clock();
        for minute in 1..300 {
            let off = if minute % 2 == 0 { HOUR } else { -HOUR };
            let (earliest, latest, news) = read(&mut clock, minute * MINUTE, off);
            assert_eq!((earliest, latest), (off.min(0), off.max(0)));
            assert_eq!(news, Some(News::Jumped { by_ms: off }));
        }
    }
}
