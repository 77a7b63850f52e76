//! GoPro's names. Since HERO6: `GH` (H.264) or `GX` (HEVC), two digits of the chapter, four of the
//! video: `GX020123.MP4` is chapter 2 of video 0123. Before: `GOPR0123.MP4` is the first chapter,
//! `GP010123.MP4` the second (GoPro's "File Naming Convention").

/// The order of the derives is the order of paths: folder by folder (`100GOPRO`, `101GOPRO`), in each
/// by video and chapter, and other names behind them.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    folder: String,
    place: Place,
    name: String,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Chapter { video: u16, chapter: u8 },
    Other,
}

impl Key {
    pub(crate) fn new(path: &str) -> Key {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let place = chapter(name)
            .map_or(Place::Other, |(video, chapter)| Place::Chapter { video, chapter });
        Key { folder: folder.to_owned(), place, name: name.to_owned() }
    }

    pub(crate) fn reason(&self) -> String {
        match self.place {
            Place::Chapter { video, chapter } => format!("video {video:04}, chapter {chapter}"),
            Place::Other => "not a name of GoPro's".to_owned(),
        }
    }
}

/// The numbers of video and chapter, chapters from 1.
fn chapter(name: &str) -> Option<(u16, u8)> {
    let (stem, _) = name.rsplit_once('.')?;
    let stem = stem.to_ascii_uppercase();
    if stem.len() != 8 || !stem.is_ascii() {
        return None;
    }
    let (letters, numbers) = stem.split_at(4);
    let number =
        |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    let video = number(numbers)?;
    if letters == "GOPR" {
        return Some((video, 1));
    }
    let (letters, chapter) = letters.split_at(2);
    let chapter = u8::try_from(number(chapter)?).ok()?;
    match letters {
        "GH" | "GX" | "GL" | "GS" => Some((video, chapter)),
        "GP" => Some((video, chapter + 1)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read() {
        for (name, wanted) in [
            ("GX020123.MP4", Some((123, 2))),
            ("gh119999.mp4", Some((9999, 11))),
            ("GOPR0001.MP4", Some((1, 1))),
            ("GP010001.MP4", Some((1, 2))),
            ("GP990001.MP4", Some((1, 100))),
            ("GX+10123.MP4", None),
            ("GHAA0123.MP4", None),
            ("GX0123.MP4", None),
            ("GX010123", None),
            ("DSC00123.MP4", None),
            ("Gé10123.MP4", None),
        ] {
            assert_eq!(chapter(name), wanted, "{name}");
        }
    }

    #[test]
    fn folders_come_first_and_other_names_last() {
        let wanted = [
            "100GOPRO/GOPR0005.MP4",
            "100GOPRO/GP010005.MP4",
            "100GOPRO/GX010006.MP4",
            "100GOPRO/DJI_0001.MP4",
            "101GOPRO/GX010001.MP4",
        ];
        let mut keys: Vec<(Key, &str)> = wanted.iter().rev().map(|p| (Key::new(p), *p)).collect();
        keys.sort();
        assert_eq!(keys.iter().map(|k| k.1).collect::<Vec<_>>(), wanted);
    }
}
