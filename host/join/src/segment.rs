//! What is known of a segment before anything is joined: compact, so that ten thousand of them do
//! not fill the memory, and no file stays open.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::compare;
use super::display::{self, Display};
use filmgate_av::{
    Chapter, Input, MediaError, MediaErrorKind, OpenOptions, PacketIndex, Shape, StreamKind,
};
use filmgate_core::cancel::Cancel;
use filmgate_core::frame::Rational;

/// Which file it was when it was looked at: whatever is read or removed later has to be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    pub device: u64,
    pub inode: u64,
    /// bytes
    pub size: u64,
    /// seconds and nanoseconds
    pub modified: (i64, i64),
}

impl Identity {
    pub fn of(metadata: &Metadata) -> Identity {
        Identity {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }

    /// Microseconds since 1970-01-01 UTC.
    pub fn modified_micros(&self) -> i64 {
        self.modified.0.saturating_mul(1_000_000).saturating_add(self.modified.1 / 1000)
    }
}

/// A file that was found, by the name that the user gave.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub path: PathBuf,
    /// below the folder that the user named; the file's name where the user named the file
    pub name: PathBuf,
}

/// What of a stream differs from segment to segment in any case.
#[derive(Clone, Copy, Debug)]
pub struct Own {
    pub time_base: Rational,
    pub index: Option<PacketIndex>,
}

/// One segment.
#[derive(Clone, Debug)]
pub struct Segment {
    pub path: PathBuf,
    pub name: PathBuf,
    pub identity: Identity,
    /// libav's names of its container
    pub format: Arc<str>,
    /// nanoseconds
    pub duration: Option<i64>,
    /// nanoseconds: the first timestamp
    pub start: i64,
    /// from its first timestamp on
    pub chapters: Box<[Chapter]>,
    /// microseconds since 1970-01-01 UTC, as the file says
    pub created: Option<i64>,
    pub tags: Vec<(String, String)>,
    /// shared by all segments that are alike in it
    pub shapes: Arc<[Shape]>,
    /// of each stream
    pub own: Box<[Own]>,
    /// its shapes are what the header says, and no more
    pub quick: bool,
    /// where the presentation timestamps of its video come from
    pub display: Display,
}

/// A file that is not a segment.
#[derive(Debug)]
pub struct Bad {
    pub candidate: Candidate,
    pub error: MediaError,
}

/// Looks at all candidates, in their order.
///
/// # Errors
/// Cancelled. What is wrong with a file is the file's own result.
pub fn gather(
    candidates: &[Candidate],
    cancel: &Cancel,
) -> Result<Vec<Result<Segment, Bad>>, MediaError> {
    let shared = SharedShapes::default();
    let next = AtomicUsize::new(0);
    let found: Mutex<Vec<(usize, Result<Segment, Bad>)>> = Mutex::default();
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(candidate) = candidates.get(number) else { return };
            if cancel.is_cancelled() {
                return;
            }
            let result = look(candidate, &shared, cancel)
                .map_err(|error| Bad { candidate: candidate.clone(), error });
            found.lock().unwrap_or_else(PoisonError::into_inner).push((number, result));
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(candidates.len());
    thread::scope(|scope| {
        for _ in 1..threads {
            // One thread is enough where no more can be had.
            let _ = thread::Builder::new().name("look".to_owned()).spawn_scoped(scope, work);
        }
        work();
    });
    if cancel.is_cancelled() {
        let message = "interrupted while the inputs were looked at".to_owned();
        return Err(MediaError { kind: MediaErrorKind::Cancelled, message });
    }
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_unstable_by_key(|(number, _)| *number);
    Ok(found.into_iter().map(|(_, result)| result).collect())
}

/// How segments are opened: nothing that a header says is looked for twice.
pub fn quick(cancel: &Cancel) -> OpenOptions {
    OpenOptions { quick: true, ..OpenOptions::files(cancel) }
}

fn look(
    candidate: &Candidate,
    shared: &SharedShapes,
    cancel: &Cancel,
) -> Result<Segment, MediaError> {
    let path = &candidate.path;
    let mut input = Input::open(path, &quick(cancel))?;
    let read = |e: std::io::Error| MediaError {
        kind: MediaErrorKind::Read,
        message: format!("open {}: {e}", path.display()),
    };
    let metadata = input.file_metadata().map_err(read)?;
    let identity = match metadata {
        Some(metadata) => Identity::of(&metadata),
        None => Identity::of(&std::fs::metadata(path).map_err(read)?),
    };
    let count = input.facts().streams.len();
    let shapes = (0..count).map(|i| input.shape(i)).collect::<Result<Vec<_>, _>>()?;
    check_index(path, &shapes, identity.size)?;
    let own = shapes.iter().map(|s| Own { time_base: s.facts.time_base, index: s.index });
    let own = own.collect();
    // Headers that say all have the display times in their index.
    let display = if input.is_quick() { Display::Told } else { display::of(&mut input, &shapes) };
    let facts = input.facts();
    let longest = facts.streams.iter().filter_map(|s| s.duration).max();
    let created = facts.metadata.iter().find(|(key, _)| key == "creation_time");
    Ok(Segment {
        path: path.clone(),
        name: candidate.name.clone(),
        identity,
        format: facts.format.as_str().into(),
        duration: facts.duration.or(longest),
        start: facts.start,
        chapters: facts.chapters.iter().map(|c| from_start(c, facts.start)).collect(),
        created: created.and_then(|(_, text)| micros(text)),
        tags: facts.metadata.iter().filter(|(key, _)| is_own(key)).cloned().collect(),
        shapes: shared.put(shapes, input.is_quick()),
        own,
        quick: input.is_quick(),
        display,
    })
}

fn from_start(chapter: &Chapter, origin: i64) -> Chapter {
    let from = |time: i64| time.saturating_sub(origin).max(0);
    Chapter { start: from(chapter.start), end: from(chapter.end), title: chapter.title.clone() }
}

/// Whether a tag says something of what was recorded, and not of the container.
fn is_own(tag: &str) -> bool {
    !matches!(tag, "major_brand" | "minor_version" | "compatible_brands" | "encoder")
}

/// Finds out whether packets lie behind the end of the file, before anything is joined.
fn check_index(path: &Path, shapes: &[Shape], size: u64) -> Result<(), MediaError> {
    let ends = shapes.iter().filter(|s| !s.facts.attached_picture).filter_map(|s| s.index);
    let end = ends.map(|index| index.end).max().unwrap_or(0);
    if end <= size {
        return Ok(());
    }
    let path = path.display();
    let message = format!("{path} is cut off: it has {size} bytes, and its index goes to {end}");
    Err(MediaError { kind: MediaErrorKind::Truncated, message })
}

/// The shapes of a file whose header alone was read, with all that a look inside brings.
///
/// # Errors
/// As [`Input::open`].
pub fn look_closely(segment: &Segment, cancel: &Cancel) -> Result<Vec<Shape>, MediaError> {
    if !segment.quick {
        return Ok(segment.shapes.to_vec());
    }
    let input = Input::open(&segment.path, &OpenOptions::files(cancel))?;
    (0..segment.shapes.len()).map(|i| input.shape(i)).collect()
}

impl Segment {
    /// The streams of a kind, in their order; covers are not video.
    pub fn of_kind(&self, kind: StreamKind) -> impl Iterator<Item = usize> + '_ {
        let wanted = move |s: &&Shape| s.facts.kind == kind && !s.facts.attached_picture;
        self.shapes.iter().filter(wanted).map(|s| s.facts.index)
    }
}

/// Shapes that were seen: segments of one recorder are alike, and share them.
#[derive(Default)]
struct SharedShapes(Mutex<Vec<(bool, Arc<[Shape]>)>>);

impl SharedShapes {
    fn put(&self, mut shapes: Vec<Shape>, quick: bool) -> Arc<[Shape]> {
        for shape in &mut shapes {
            shape.index = None;
            shape.start = None;
            shape.facts.duration = None;
            shape.facts.frames = None;
            shape.facts.bit_rate = None;
        }
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let alike = |(q, known): &&(bool, Arc<[Shape]>)| {
            *q == quick
                && known.len() == shapes.len()
                && known.iter().zip(&shapes).all(|(a, b)| compare::is_same(a, b))
        };
        if let Some((_, known)) = shared.iter().find(alike) {
            return Arc::clone(known);
        }
        let shapes: Arc<[Shape]> = shapes.into();
        shared.push((quick, Arc::clone(&shapes)));
        shapes
    }
}

/// Microseconds since 1970 of `2018-09-08T10:15:02.000000Z`, as libav writes it.
fn micros(text: &str) -> Option<i64> {
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<i64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let fits = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..=60).contains(&second);
    if !fits {
        return None;
    }
    let fraction = number(20..26).unwrap_or(0);
    // Days since 1970 of a date of the civil calendar, with years that begin in March.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, month) = (year.div_euclid(400), (month + 9) % 12);
    let of_era = year - era * 400;
    let days =
        era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * month + 2) / 5 + day
            - 1
            - 719_468;
    Some(((days * 24 + hour) * 60 + minute) * 60_000_000 + second * 1_000_000 + fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_creation_are_read() {
        assert_eq!(micros("2018-09-08T10:15:02.000000Z"), Some(1_536_401_702_000_000));
        assert_eq!(micros("2000-02-29T00:00:00.5"), Some(951_782_400_000_000));
        assert_eq!(micros("1970-01-01T00:00:01.250000Z"), Some(1_250_000));
        for text in ["", "yesterday", "2018-13-08T10:15:02Z", "2018-09-08"] {
            assert_eq!(micros(text), None, "{text}");
        }
    }
}
