//! Values of a job description that people write as text: times, rates, sizes. Each is read from a
//! text or a number, and checked while it is read, so that an error in a file has a line and a
//! column.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use filmgate_core::frame::Rational;

/// Reads a value from a text, a number or a boolean, as [`FromStr`] reads its text.
struct Scalar<T>(PhantomData<T>, &'static str);

impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for Scalar<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.1)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(|e| E::custom(format!("invalid value '{text}': {e}")))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }
}

/// Makes a type that is written as text readable from texts and numbers, with a JSON schema.
/// `expected` is what an error says of other kinds of values.
#[macro_export]
macro_rules! scalar {
    ($type:ty, $name:literal, $expected:literal, $schema:tt) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                $crate::spec::values::scalar(from, $expected)
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
    };
}

/// What [`scalar!`](crate::scalar) reads a value with.
#[doc(hidden)]
pub fn scalar<'de, D: Deserializer<'de>, T: FromStr<Err: fmt::Display>>(
    from: D,
    expected: &'static str,
) -> Result<T, D::Error> {
    from.deserialize_any(Scalar(PhantomData, expected))
}

/// A time in nanoseconds. As text: `12.5`, `1:30`, `1:02:03.5`, `500ms`, `2s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub i64);

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Time, String> {
        let wrong = || format!("{text:?} is not a time; expected 12.5 or 1:02:03.5");
        let (number, unit) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
            (Some(number), _) => (number, 1e6),
            (None, Some(number)) => (number, 1e9),
            (None, None) => (text, 1e9),
        };
        let parts: Vec<&str> = number.split(':').collect();
        let is_plain =
            |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let has_unit = number.len() < text.len();
        if parts.len() > 3 || !parts.iter().all(is_plain) || (parts.len() > 1 && has_unit) {
            return Err(wrong());
        }
        let mut seconds = 0.0;
        for (index, part) in parts.iter().enumerate() {
            let is_last = index + 1 == parts.len();
            let value: f64 = part.parse().map_err(|_| wrong())?;
            if (!is_last && value.fract() != 0.0) || (index > 0 && value >= 60.0) {
                return Err(wrong());
            }
            seconds = seconds * 60.0 + value;
        }
        let time = (seconds * unit).round();
        // A hundred years.
        if time < 3.2e18 { Ok(Time(time as i64)) } else { Err(wrong()) }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0 as f64 / 1e9)
    }
}

scalar!(Time, "Time", "a time such as 12.5 or \"1:02:03.5\"", {"type": ["number", "string"]});

/// A time above 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length(pub Duration);

impl Length {
    /// In nanoseconds.
    pub fn nanoseconds(self) -> i64 {
        filmgate_core::time::nanoseconds(self.0)
    }
}

impl FromStr for Length {
    type Err = String;

    fn from_str(text: &str) -> Result<Length, String> {
        match text.parse::<Time>()? {
            Time(0) => Err("expected more than 0".to_owned()),
            Time(time) => Ok(Length(Duration::from_nanos(time.unsigned_abs()))),
        }
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.as_secs_f64())
    }
}

scalar!(Length, "Length", "a time such as 12.5 or \"1:02:03.5\"", {"type": ["number", "string"]});

/// A time of the input, or a part of its duration. As text: `12.5`, `1:02:03.5`, `50%`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum At {
    Time(Time),
    /// 0 to 100
    Percent(f64),
}

impl FromStr for At {
    type Err = String;

    fn from_str(text: &str) -> Result<At, String> {
        let Some(number) = text.strip_suffix('%') else { return text.parse().map(At::Time) };
        match number.trim_end().parse::<f64>() {
            Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(At::Percent(percent)),
            _ => Err("expected 0% to 100%".to_owned()),
        }
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            At::Time(time) => time.fmt(f),
            At::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

scalar!(At, "At", "a time such as 12.5 or \"1:02:03.5\", or \"50%\"", {"type": ["number", "string"]});

/// One frame of so many, or one in each stretch of time. As text: `10` frames, `10s`, `0:10`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    /// at least 1
    Frames(u64),
    Time(Length),
}

impl FromStr for Every {
    type Err = String;

    fn from_str(text: &str) -> Result<Every, String> {
        let wrong = || "expected a number of frames from 1 up, or a time such as 10s".to_owned();
        match text.parse::<u64>() {
            Ok(0) => Err(wrong()),
            Ok(frames) => Ok(Every::Frames(frames)),
            // A number with a point could be either.
            Err(_) if text.parse::<f64>().is_ok() => Err(wrong()),
            Err(_) => text.parse().map(Every::Time).map_err(|_| wrong()),
        }
    }
}

impl fmt::Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Every::Frames(frames) => frames.fmt(f),
            Every::Time(time) => write!(f, "{time}s"),
        }
    }
}

scalar!(Every, "Every", "a number of frames, or a time such as \"10s\"", {"type": ["integer", "string"], "minimum": 1});

/// Columns and rows of a contact sheet, as `4x3`; each from 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid(pub u32, pub u32);

impl FromStr for Grid {
    type Err = String;

    fn from_str(text: &str) -> Result<Grid, String> {
        let side = |text: &str| text.parse().ok().filter(|n| (1..=100).contains(n));
        let sides = text.split_once(['x', 'X']).map(|(c, r)| (side(c), side(r)));
        match sides {
            Some((Some(columns), Some(rows))) => Ok(Grid(columns, rows)),
            _ => Err("expected COLUMNSxROWS such as 4x3, each from 1 to 100".to_owned()),
        }
    }
}

impl fmt::Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.0, self.1)
    }
}

scalar!(Grid, "Grid", "columns and rows such as \"4x3\"", {"type": "string", "pattern": "^[0-9]+[xX][0-9]+$"});

/// A quality on the encoder's own scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crf(pub f64);

impl FromStr for Crf {
    type Err = String;

    fn from_str(text: &str) -> Result<Crf, String> {
        match text.parse::<f64>() {
            Ok(value) if (0.0..=255.0).contains(&value) => Ok(Crf(value)),
            _ => Err("expected a number from 0 (best) to 255".to_owned()),
        }
    }
}

impl fmt::Display for Crf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

scalar!(Crf, "Crf", "a number", {"type": "number", "minimum": 0, "maximum": 255});

/// Bits a second, or bits. As text: `800k`, `2.5M`, `128000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BitRate(pub i64);

impl FromStr for BitRate {
    type Err = String;

    fn from_str(text: &str) -> Result<BitRate, String> {
        let (number, unit) = match text.char_indices().last() {
            Some((at, 'k' | 'K')) => (&text[..at], 1e3),
            Some((at, 'm' | 'M')) => (&text[..at], 1e6),
            Some((at, 'g' | 'G')) => (&text[..at], 1e9),
            _ => (text, 1.0),
        };
        match number.parse::<f64>().map(|n| n * unit) {
            Ok(rate) if (1.0..=1e12).contains(&rate) => Ok(BitRate(rate.round() as i64)),
            _ => Err(format!("{text:?} is not a bit rate; expected 800k or 2.5M")),
        }
    }
}

impl fmt::Display for BitRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

scalar!(BitRate, "BitRate", "a bit rate such as \"800k\"", {"type": ["number", "string"]});

/// Frames a second, exactly. As text: `25`, `29.97`, `30000/1001`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameRate(pub Rational);

impl FromStr for FrameRate {
    type Err = String;

    fn from_str(text: &str) -> Result<FrameRate, String> {
        let wrong =
            || format!("{text:?} is not a frame rate; expected 25, 29.97, or 30000/1001, above 0");
        let parts = match text.split_once('/') {
            Some((num, den)) => (num.parse::<i32>().ok(), den.parse::<i32>().ok()),
            // More digits mean thousandths, except for the NTSC rates, fractions of 1001.
            None => match text.parse::<f64>() {
                Ok(rate) if (0.001..=10_000.0).contains(&rate) => match usual(rate) {
                    Some(rate) => return Ok(FrameRate(rate)),
                    None => (Some((rate * 1000.0).round() as i32), Some(1000)),
                },
                _ => return Err(wrong()),
            },
        };
        match parts {
            (Some(num @ 1..), Some(den @ 1..)) if f64::from(num) / f64::from(den) <= 10_000.0 => {
                Ok(FrameRate(Rational { num, den }))
            }
            _ => Err(wrong()),
        }
    }
}

fn usual(rate: f64) -> Option<Rational> {
    if rate.fract() == 0.0 {
        return Some(Rational { num: rate as i32, den: 1 });
    }
    let ntsc = [24_000, 30_000, 48_000, 60_000, 120_000].map(|num| Rational { num, den: 1001 });
    ntsc.into_iter().find(|r| (f64::from(r.num) / f64::from(r.den) - rate).abs() < 0.005)
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

scalar!(FrameRate, "FrameRate", "a frame rate such as 25 or \"30000/1001\"", {"type": ["number", "string"]});

/// Width and height, as `1280x720`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u32, pub u32);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Size, String> {
        let wrong = || format!("{text:?} is not a size; expected 1280x720");
        let (width, height) = text.split_once(['x', 'X']).ok_or_else(wrong)?;
        let side = |text: &str| text.parse::<u32>().map_err(|_| wrong());
        let (width, height) = (side(width)?, side(height)?);
        filmgate_core::frame::check_size(width, height).map(|()| Size(width, height))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.0, self.1)
    }
}

scalar!(Size, "Size", "a size such as \"1280x720\"", {"type": "string", "pattern": "^[0-9]+[xX][0-9]+$"});

/// A whole number within bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Within<const MIN: u64, const MAX: u64>(pub u64);

impl<const MIN: u64, const MAX: u64> FromStr for Within<MIN, MAX> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<u64>() {
            Ok(n) if (MIN..=MAX).contains(&n) => Ok(Within(n)),
            _ if MAX == u64::MAX => Err(format!("expected a whole number from {MIN} up")),
            _ => Err(format!("expected a whole number from {MIN} to {MAX}")),
        }
    }
}

impl<const MIN: u64, const MAX: u64> Serialize for Within<MIN, MAX> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(self.0)
    }
}

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Within<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        scalar(from, "a whole number")
    }
}

impl<const MIN: u64, const MAX: u64> JsonSchema for Within<MIN, MAX> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("From{MIN}To{MAX}").into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        match MAX {
            u64::MAX => json_schema!({"type": "integer", "minimum": MIN}),
            _ => json_schema!({"type": "integer", "minimum": MIN, "maximum": MAX}),
        }
    }
}

/// A finite number above 0, frames a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PerSecond(pub f64);

impl FromStr for PerSecond {
    type Err = String;

    fn from_str(text: &str) -> Result<PerSecond, String> {
        match text.parse::<f64>() {
            Ok(rate) if rate.is_finite() && rate > 0.0 && rate <= 1e6 => Ok(PerSecond(rate)),
            _ => Err("expected a number above 0".to_owned()),
        }
    }
}

impl fmt::Display for PerSecond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

scalar!(PerSecond, "PerSecond", "a number", {"type": "number", "exclusiveMinimum": 0});

/// A number from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold(pub f64);

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Threshold, String> {
        match text.parse::<f64>() {
            Ok(value) if (0.0..=1.0).contains(&value) => Ok(Threshold(value)),
            _ => Err("expected a number from 0 to 1".to_owned()),
        }
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

scalar!(Threshold, "Threshold", "a number", {"type": "number", "minimum": 0, "maximum": 1});

/// Options by name: a table, or a list of `key=value`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs(pub Vec<(String, String)>);

/// One option, as `key=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair(pub String, pub String);

impl FromStr for Pair {
    type Err = String;

    fn from_str(text: &str) -> Result<Pair, String> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok(Pair(key.to_owned(), value.to_owned())),
            _ => Err(format!("{text:?} is not KEY=VALUE")),
        }
    }
}

impl From<Vec<Pair>> for Pairs {
    fn from(pairs: Vec<Pair>) -> Pairs {
        Pairs(pairs.into_iter().map(|Pair(key, value)| (key, value)).collect())
    }
}

impl Serialize for Pairs {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Pairs, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of options, or a list of \"key=value\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Pairs, E> {
                text.parse().map(|pair| vec![pair].into()).map_err(E::custom)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(text) = seq.next_element::<String>()? {
                    pairs.push(text.parse().map_err(de::Error::custom)?);
                }
                Ok(pairs.into())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some((key, Plain(value))) = map.next_entry::<String, Plain>()? {
                    pairs.push((key, value));
                }
                Ok(Pairs(pairs))
            }
        }
        from.deserialize_any(All)
    }
}

impl JsonSchema for Pairs {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Options".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["object", "array", "string"],
            "additionalProperties": { "type": ["string", "number", "boolean"] },
            "items": { "type": "string" },
        })
    }
}

/// A text, a number, or a boolean, as its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plain(pub String);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Plain, D::Error> {
        struct One;
        impl Visitor<'_> for One {
            type Value = Plain;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a number, or a boolean")
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Plain, E> {
                Ok(Plain(value.to_string()))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Plain, E> {
                Ok(Plain(value.to_string()))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Plain, E> {
                Ok(Plain(value.to_string()))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Plain, E> {
                Ok(Plain(value.to_string()))
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Plain, E> {
                Ok(Plain(value.to_owned()))
            }
        }
        from.deserialize_any(One)
    }
}

impl JsonSchema for Plain {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Value".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean"] })
    }
}

/// The schema of a field that [`one_or_many`] reads.
pub struct OneOrMany;

impl JsonSchema for OneOrMany {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "OneOrMany".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "number", "array"],
            "items": { "type": ["string", "number"] },
        })
    }
}

/// One value, or a list of them.
pub fn one_or_many<'de, D, T>(from: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    struct Many<T>(PhantomData<T>);
    impl<'de, T: FromStr<Err: fmt::Display>> Visitor<'de> for Many<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a value, or a list of values")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<T>, E> {
            Scalar(PhantomData, "").visit_str(text).map(|one| vec![one])
        }

        fn visit_i64<E: de::Error>(self, number: i64) -> Result<Vec<T>, E> {
            self.visit_str(&number.to_string())
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<Vec<T>, E> {
            self.visit_str(&number.to_string())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
            let mut all = Vec::new();
            while let Some(Plain(text)) = seq.next_element()? {
                all.push(text.parse().map_err(de::Error::custom)?);
            }
            Ok(all)
        }
    }
    from.deserialize_any(Many(PhantomData))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        const S: i64 = 1_000_000_000;
        for (text, wanted) in [
            ("0", 0),
            ("12.5", 12 * S + S / 2),
            ("90", 90 * S),
            ("1:30", 90 * S),
            ("1:02:03.5", 3_723 * S + S / 2),
            ("0:00.04", 40_000_000),
            ("500ms", S / 2),
            ("2s", 2 * S),
        ] {
            assert_eq!(text.parse(), Ok(Time(wanted)), "{text}");
        }
        for text in [
            "",
            "-1",
            "1:",
            "1:60",
            "1.5:00",
            "1:2:3:4",
            "abc",
            "1e3",
            "nan",
            "1:30s",
            "9".repeat(30).as_str(),
        ] {
            assert!(text.parse::<Time>().is_err(), "{text}");
        }
    }

    #[test]
    fn bit_rates_have_units() {
        assert_eq!("800k".parse(), Ok(BitRate(800_000)));
        assert_eq!("2.5M".parse(), Ok(BitRate(2_500_000)));
        assert_eq!("128000".parse(), Ok(BitRate(128_000)));
        for text in ["", "k", "-1k", "2.5MB", "fast"] {
            assert!(text.parse::<BitRate>().is_err(), "{text}");
        }
    }

    #[test]
    fn rates_and_sizes_are_read_as_people_write_them() {
        let r = |num, den| Ok(FrameRate(Rational { num, den }));
        assert_eq!("25".parse(), r(25, 1));
        assert_eq!("29.97".parse(), r(30_000, 1001));
        assert_eq!("23.976".parse(), r(24_000, 1001));
        assert_eq!("12.5".parse(), r(12_500, 1000));
        assert_eq!("30000/1001".parse(), r(30_000, 1001));
        for text in ["0", "-1", "", "25/0", "0/1", "nan", "inf", "1e9", "fast"] {
            assert!(text.parse::<FrameRate>().is_err(), "{text}");
        }
        assert_eq!("1280x720".parse(), Ok(Size(1280, 720)));
        for text in ["", "1280", "0x720", "1280x", "x", "99999x99999", "-1x2", "1280x720x3"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }
}
