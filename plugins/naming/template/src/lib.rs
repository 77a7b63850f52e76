//! Names by a pattern: `{date}/{stem}-{index:04}.{ext}`.

mod clock;
mod pattern;
mod tidy;

use clock::Clock;
use filmgate_plugin::{
    Description, Error, Item, Naming, Parameter, Parameters, Request, export_naming,
};
use pattern::{Field, Pattern, Piece};

/// What stands for a fact that nobody knows.
const UNKNOWN: &str = "unknown";
/// What stands for the name of a source that is no file.
const LIVE: &str = "live";

struct Template {
    pattern: Pattern,
    /// Times as the host's clock on the wall shows them, or else in UTC.
    local: bool,
}

impl Naming for Template {
    fn describe() -> Description {
        Description::new(
            "template",
            env!("CARGO_PKG_VERSION"),
            "fills a pattern with what is known of the source",
        )
        .license(env!("CARGO_PKG_LICENSE"))
        .homepage(env!("CARGO_PKG_REPOSITORY"))
        .parameter(
            Parameter::text(
                "pattern",
                "the name: {stem} {name} {dir} {ext} {index:06} {number} {count} {date} {time} …",
            )
            .length(1..=1024)
            .default("{stem}.{ext}"),
        )
        .parameter(
            Parameter::choice(
                "zone",
                "the clock that dates and times are read from",
                ["local", "utc"],
            )
            .default("local"),
        )
    }

    fn configure(parameters: &Parameters) -> Result<Self, Error> {
        let pattern = Pattern::parse(parameters.text("pattern")?)
            .map_err(|why| Error::parameter("pattern", why))?;
        Ok(Template { pattern, local: parameters.choice("zone")? == "local" })
    }

    fn name(&mut self, what: &Request) -> Result<String, Error> {
        let mut filled = String::new();
        for piece in self.pattern.pieces() {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Field { field: Field::Dir, .. } => filled.push_str(folder(what)),
                Piece::Field { field, width } => {
                    // What a value holds never makes a folder.
                    let value = self.value(*field, *width, what);
                    filled.extend(value.chars().map(|c| if c == '/' { '_' } else { c }));
                }
            }
        }
        let attempt = if self.pattern.has(Field::Attempt) { 0 } else { what.attempt };
        Ok(tidy::name(&filled, &what.extension, attempt, what.folders))
    }
}

export_naming!(Template);

impl Template {
    fn value(&self, field: Field, width: usize, what: &Request) -> String {
        let number = |number: u64| format!("{number:0width$}");
        let source = what.sources.first();
        let fact = |name: &str| {
            let known = source.and_then(|item| item.integer(name));
            known.and_then(|n| u64::try_from(n).ok()).map_or(UNKNOWN.to_owned(), number)
        };
        let clock = |show: fn(Clock) -> String| self.clock(what).map_or(UNKNOWN.to_owned(), show);
        match field {
            Field::Stem => {
                source.map_or(LIVE, |item| split_extension(file_name(item)).0).to_owned()
            }
            Field::Name => source.map_or(LIVE, file_name).to_owned(),
            Field::Dir => folder(what).to_owned(),
            Field::Ext => what.extension.clone(),
            Field::Index => number(what.index),
            Field::Number => number(what.index + 1),
            Field::Count => number(what.sources.len() as u64),
            Field::Attempt => number(what.attempt.into()),
            Field::Width => fact("width"),
            Field::Height => fact("height"),
            Field::Task => nth_folder(what, 0),
            Field::Device => nth_folder(what, 1),
            Field::Codec => {
                source.and_then(|item| item.text("codec")).unwrap_or(UNKNOWN).to_owned()
            }
            Field::Date => clock(|clock| clock.date()),
            Field::Time => clock(|clock| clock.time()),
            Field::Year => clock(|clock| clock.year()),
            Field::Month => clock(|clock| clock.month()),
            Field::Day => clock(|clock| clock.day()),
            Field::Position => what.position.map_or(UNKNOWN.to_owned(), clock::position),
        }
    }

    /// When it was taken, or else when the first source was created, as the media says, or else
    /// when that was last changed.
    fn clock(&self, what: &Request) -> Option<Clock> {
        let source = what.sources.first();
        let created = || source.and_then(|item| item.integer("created"));
        let modified = || source.map(|item| item.modified);
        let micros = what.taken.or_else(created).or_else(modified)?;
        let offset = if self.local { what.integer("utc-offset").unwrap_or(0) } else { 0 };
        Some(Clock::new(micros, offset))
    }
}

fn file_name(item: &Item) -> &str {
    item.path.rsplit('/').next().unwrap_or(&item.path)
}

/// The folder of the first source below the one that the user named.
fn folder(what: &Request) -> &str {
    let source = what.sources.first();
    source.and_then(|item| item.path.rsplit_once('/')).map_or("", |(folder, _)| folder)
}

/// The folder of the first source at a depth, from 0 below the one that the user named.
fn nth_folder(what: &Request, depth: usize) -> String {
    let mut left = depth;
    for name in folder(what).split('/') {
        match (name.is_empty(), left) {
            (true, _) => {}
            (false, 0) => return name.to_owned(),
            (false, _) => left -= 1,
        }
    }
    UNKNOWN.to_owned()
}

/// A name and its extension without the dot. A dot in front makes a hidden file, not an extension.
fn split_extension(name: &str) -> (&str, &str) {
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem, extension),
        _ => (name, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use filmgate_plugin::{Property, Value};

    fn property(name: &str, value: impl Into<Value>) -> Property {
        Property { name: name.into(), value: value.into() }
    }

    fn request(path: &str) -> Request {
        let item = Item {
            path: path.into(),
            size: 1,
            modified: 1_000_000,
            properties: vec![property("width", 1280), property("codec", "h264")],
        };
        Request {
            sources: vec![item],
            index: 6,
            attempt: 0,
            position: Some(3_723_045_000_000),
            // 2018-09-08 23:15:02 UTC
            taken: Some(1_536_448_502_000_000),
            extension: "jpg".into(),
            folders: true,
            more: vec![property("utc-offset", 120)],
        }
    }

    fn named(pattern: &str, what: &Request) -> String {
        named_in("local", pattern, what)
    }

    fn named_in(zone: &str, pattern: &str, what: &Request) -> String {
        let parameters = Parameters::new([("pattern", pattern.into()), ("zone", zone.into())]);
        let mut template = Template::configure(&parameters).expect("a good pattern");
        template.name(what).expect("it always works")
    }

    #[test]
    fn placeholders_are_filled_in() {
        let what = request("cam/front.door.mp4");
        assert_eq!(named("{stem}.{ext}", &what), "front.door.jpg");
        assert_eq!(named("{dir}/{name}.{ext}", &what), "cam/front.door.mp4.jpg");
        assert_eq!(named("{index:06}_{number}.{ext}", &what), "000006_7.jpg");
        assert_eq!(named("{count}-{width}x{height}-{codec}", &what), "1-1280xunknown-h264.jpg");
        assert_eq!(named("{position}.{ext}", &what), "01-02-03.045.jpg");
        assert_eq!(named("{{{index}}}.{ext}", &what), "{6}.jpg");
    }

    #[test]
    fn folders_name_the_task_and_the_device() {
        let what = request("task7/cam2/seg1.mp4");
        assert_eq!(named("{task}/{device}/{date}.{ext}", &what), "task7/cam2/2018-09-09.jpg");
        assert_eq!(named("{task}/{device}", &request("../seg1.mp4")), "unknown.jpg");
        assert_eq!(named("{task}-{device}", &request("seg1.mp4")), "unknown-unknown.jpg");
    }

    #[test]
    fn dates_follow_the_zone() {
        let what = request("a.mp4");
        assert_eq!(named("{date} {time}", &what), "2018-09-09 01-15-02.jpg");
        assert_eq!(named_in("utc", "{date} {time}", &what), "2018-09-08 23-15-02.jpg");
        assert_eq!(named("{year}/{month}/{day}.{ext}", &what), "2018/09/09.jpg");
    }

    #[test]
    fn older_dates_stand_in() {
        let mut what = request("a.mp4");
        what.taken = None;
        assert_eq!(named_in("utc", "{date}", &what), "1970-01-01.jpg");
        what.sources[0].properties.push(property("created", 86_400_000_000));
        assert_eq!(named_in("utc", "{date}", &what), "1970-01-02.jpg");
        what.sources.clear();
        assert_eq!(named("{date}-{stem}", &what), "unknown-live.jpg");
    }

    #[test]
    fn taken_names_are_counted_on() {
        let mut what = request("a.mp4");
        what.attempt = 2;
        assert_eq!(named("{stem}.{ext}", &what), "a-2.jpg");
        assert_eq!(named("{stem}_v{attempt:02}.{ext}", &what), "a_v02.jpg");
    }

    #[test]
    fn sources_cannot_make_folders_or_leave_them() {
        let mut what = request("../../etc/pass:wd");
        assert_eq!(named("{dir}/{stem}.{ext}", &what), "etc/pass_wd.jpg");
        what.sources[0].properties.push(property("codec", "x"));
        what.sources[0].properties[1] = property("codec", "../h264");
        assert_eq!(named("{codec}.{ext}", &what), ".._h264.jpg");
        what.folders = false;
        assert_eq!(named("{dir}/{stem}.{ext}", &what), "etc-pass_wd.jpg");
    }

    #[test]
    fn a_wrong_pattern_is_refused_by_name() {
        let parameters = Parameters::new([("pattern", "{stm}.{ext}".into())]);
        let error = Template::configure(&parameters).err().expect("no such placeholder");
        assert!(
            matches!(&error, Error::InvalidParameter(text) if text.contains("{stm}")),
            "{error}"
        );
        assert!(error.message().starts_with("pattern: "));
    }
}
