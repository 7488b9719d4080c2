//! Parses and checks single values, with Kafka's error messages.

pub(super) mod invalid;
pub(super) mod ip_limits;
pub(super) mod list;
pub(super) mod size;

use self::invalid::InvalidValue;
use self::ip_limits::IpLimits;
use self::list::{distinct, items};
use super::keys::def::{Check, ConfigDef, Kind, Support};

impl ConfigDef {
    /// Checks a value and returns its canonical form (trimmed, booleans in lower case, no
    /// duplicates in lists), which is stored and described.
    ///
    /// # Errors
    /// When the value has the wrong type, is out of range, or is one that we refuse.
    pub fn validate(&self, value: &str) -> Result<String, InvalidValue> {
        let canonical = self.canonical(value)?;
        self.check(&canonical)?;
        self.check_support(&canonical)?;
        Ok(canonical)
    }

    fn canonical(&self, value: &str) -> Result<String, InvalidValue> {
        let trimmed = value.trim();
        let number = |valid: bool| {
            if valid {
                return Ok(trimmed.strip_prefix('+').unwrap_or(trimmed).to_owned());
            }
            Err(self.invalid(value, format!("Not a number of type {}", self.kind.name())))
        };
        match self.kind {
            Kind::Boolean => match trimmed.to_ascii_lowercase().as_str() {
                word @ ("true" | "false") => Ok(word.to_owned()),
                _ => Err(self.invalid(value, "Expected value to be either true or false".into())),
            },
            Kind::Int => number(trimmed.parse::<i32>().is_ok()),
            Kind::Short => number(trimmed.parse::<i16>().is_ok()),
            Kind::Long => number(trimmed.parse::<i64>().is_ok()),
            Kind::Double => number(trimmed.parse::<f64>().is_ok_and(f64::is_finite)),
            Kind::List => Ok(distinct(trimmed).join(",")),
            Kind::String | Kind::Class => Ok(trimmed.to_owned()),
            Kind::Password => Ok(value.to_owned()),
        }
    }

    fn check(&self, value: &str) -> Result<(), InvalidValue> {
        let problem = match self.check {
            Check::Any => None,
            Check::AtLeast(min) => range_problem(value, min, i64::MAX),
            Check::Between(min, max) => range_problem(value, min, max),
            Check::BetweenOrMinusOne(min, max) => {
                if value == "-1" {
                    None
                } else {
                    range_problem(value, min, max)
                }
            }
            Check::Fraction(min, max) => fraction_problem(value, min, max),
            Check::OneOf(words) => self.word_problem(value, words, str::eq),
            Check::OneOfAnyCase(words) => {
                self.word_problem(value, words, str::eq_ignore_ascii_case)
            }
            Check::NotEmpty if value.is_empty() && self.kind == Kind::List => {
                Some("List must contain at least one item".into())
            }
            Check::NotEmpty if value.is_empty() => Some("String must be non-empty".into()),
            Check::NotEmpty => None,
            Check::ThrottledReplicas => throttled_problem(self.name, value),
            Check::IpLimits => value.parse::<IpLimits>().err(),
        };
        // Kafka's message shows the parsed value: a list in brackets, a decimal number with its
        // point.
        let shown = match (self.check, self.kind) {
            (Check::ThrottledReplicas, _) => format!("[{}]", value.replace(',', ", ")),
            (_, Kind::Double) => {
                value.parse().map_or_else(|_| value.into(), |n: f64| format!("{n:?}"))
            }
            _ => value.to_owned(),
        };
        problem.map_or(Ok(()), |problem| Err(self.invalid(&shown, problem)))
    }

    fn word_problem(
        &self,
        value: &str,
        words: &[&str],
        same: fn(&str, &str) -> bool,
    ) -> Option<String> {
        let known = |item: &str| words.iter().any(|word| same(word, item));
        let valid = match self.kind {
            Kind::List => items(value).all(known),
            _ => known(value),
        };
        (!valid).then(|| format!("String must be one of: {}", words.join(", ")))
    }

    fn check_support(&self, value: &str) -> Result<(), InvalidValue> {
        let Support::Only(allowed, reason) = self.support else { return Ok(()) };
        let supported = Some(value) == self.default
            || match self.kind {
                Kind::List => items(value).all(|item| allowed.contains(&item)),
                _ => allowed.contains(&value) || value.is_empty(),
            };
        if supported {
            return Ok(());
        }
        Err(InvalidValue::Unsupported { name: self.name, value: self.shown(value), reason })
    }

    fn invalid(&self, value: &str, problem: String) -> InvalidValue {
        InvalidValue::Invalid { name: self.name, value: self.shown(value), problem }
    }

    fn shown(&self, value: &str) -> String {
        if self.sensitive() { "[hidden]".into() } else { value.to_owned() }
    }
}

fn range_problem(value: &str, min: i64, max: i64) -> Option<String> {
    let number: i64 = value.parse().ok()?;
    if number < min {
        return Some(format!("Value must be at least {min}"));
    }
    (number > max).then(|| format!("Value must be no more than {max}"))
}

fn fraction_problem(value: &str, min: f64, max: f64) -> Option<String> {
    let number: f64 = value.parse().ok()?;
    if number < min {
        return Some(format!("Value must be at least {min}"));
    }
    (number > max).then(|| format!("Value must be no more than {max}"))
}

fn throttled_problem(name: &str, value: &str) -> Option<String> {
    let replica = |item: &str| {
        item.split_once(':')
            .is_some_and(|(partition, broker)| is_number(partition) && is_number(broker))
    };
    (value != "*" && !items(value).all(replica)).then(|| {
        format!(
            "{name} must be the literal '*' or a list of replicas in the following format: \
             [partitionId]:[brokerId],[partitionId]:[brokerId],..."
        )
    })
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
