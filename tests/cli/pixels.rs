//! The filters' pixels, through the library, against Pillow and numpy.

use std::path::Path;
use std::sync::LazyLock;

use filmgate::cancel::Cancel;
use filmgate::frame::{Color, Frame, PixelFormat, Plane, PlanePool, Rational, StreamInfo};
use filmgate::plugin::{CodeCache, Engine, Filter, Limits, Plugin, resolve};
use filmgate_tests::hostile::{Dice, built_in};
use filmgate_tests::outside::workshop;

use crate::reference::{Case, Cases};

const SIZES: [(u32, u32); 14] = [
    (1, 1),
    (2, 2),
    (3, 3),
    (4, 3),
    (1, 9),
    (16, 1),
    (3, 64),
    (17, 16),
    (64, 5),
    (129, 7),
    (131, 33),
    (320, 180),
    (257, 129),
    (1280, 720),
];

pub(crate) fn engine() -> &'static Engine {
    static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
        let cache = CodeCache::In(workshop().join("cache"));
        Engine::new(&cache, &PlanePool::new(), &Cancel::new()).expect("the engine can be set up")
    });
    &ENGINE
}

pub(crate) fn load(name: &str) -> Plugin {
    Plugin::load(engine(), Path::new(&built_in(name)), &Limits::default()).expect("it loads")
}

fn stream(format: PixelFormat, (width, height): (u32, u32)) -> StreamInfo {
    StreamInfo {
        format,
        width,
        height,
        frame_rate: Some(Rational { num: 25, den: 1 }),
        sample_aspect: Rational { num: 1, den: 1 },
        color: Color::default(),
    }
}

/// What a picture shows.
#[derive(Clone, Copy)]
enum Content {
    Noise,
    /// darkest and brightest samples alone: every clamp and every rounding at its end
    Extremes,
    /// flat, but for a border of the brightest
    Border,
    /// nearly the same in every picture
    Still,
}

const CONTENTS: [Content; 4] = [Content::Noise, Content::Extremes, Content::Border, Content::Still];

/// Rows further apart than they are long, as a decoder gives them, with rubbish between.
fn frame(info: &StreamInfo, index: u64, content: Content) -> Frame {
    let mut dice = Dice(index * 1000 + u64::from(info.width) * 7 + content as u64);
    let mut still = Dice(u64::from(info.height));
    let most = ((1u32 << info.format.bits()) - 1) as u16;
    let bytes = info.format.sample_bytes();
    let mut planes = Vec::new();
    for size in info.format.plane_sizes(info.width, info.height) {
        let stride = size.row_bytes + 32;
        let mut samples = vec![0xa5u8; stride * size.rows];
        for y in 0..size.rows {
            for x in 0..size.row_bytes / bytes {
                let edge = y == 0 || x == 0 || y + 1 == size.rows;
                let value = match content {
                    Content::Noise => dice.roll() as u16 & most,
                    Content::Extremes => [0, most][dice.below(2)],
                    Content::Border if edge => most,
                    Content::Border => most / 3,
                    Content::Still => {
                        let flicker = (dice.below(9) as u16) << (info.format.bits() - 8);
                        (still.roll() as u16 & most).saturating_add(flicker).min(most)
                    }
                };
                let at = y * stride + x * bytes;
                samples[at..at + bytes].copy_from_slice(&value.to_le_bytes()[..bytes]);
            }
        }
        planes.push(Plane::new(std::sync::Arc::new(samples), stride, size).expect("it fits"));
    }
    Frame {
        format: info.format,
        width: info.width,
        height: info.height,
        planes,
        index,
        timestamp: i64::try_from(index).expect("small") * 40_000_000,
        duration: Some(40_000_000),
        tags: None,
        baggage: None,
    }
}

fn packed(frames: &[Frame]) -> Vec<u8> {
    frames.iter().flat_map(|f| &f.planes).flat_map(Plane::to_packed).collect()
}

/// All that comes out for `frames`, the kept ones at the end included.
fn filtered(
    plugin: &Plugin,
    info: &StreamInfo,
    given: &[(&str, String)],
    frames: &[Frame],
) -> Vec<Frame> {
    let given: Vec<_> = given.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
    let parameters = resolve(&plugin.description, &given).expect("parameters are right");
    let mut filter = Filter::start(plugin, info, &parameters).expect("it starts");
    let mut out = Vec::new();
    for frame in frames {
        out.extend(filter.process(frame.clone()).expect("it works"));
    }
    if !plugin.filter.as_ref().expect("a filter").parallel {
        out.extend(filter.flush().expect("it ends"));
    }
    out
}

/// Large pictures take long in every format and content; one of each is enough.
fn skipped(size: (u32, u32), content: Content) -> bool {
    size.0 > 1000 && !matches!(content, Content::Noise)
}

#[test]
fn emboss_is_pillow_s_in_every_format_and_size_and_in_both_languages() {
    let (rust, c) = (load("emboss"), load("emboss-c"));
    let mut cases = Cases::new();
    for format in PixelFormat::ALL {
        for size in SIZES {
            for content in CONTENTS.into_iter().filter(|c| !skipped(size, *c)) {
                let info = stream(format, size);
                let source = [frame(&info, 0, content)];
                for planes in ["luma", "all"] {
                    let given = [("planes", planes.to_owned())];
                    let out = packed(&filtered(&rust, &info, &given, &source));
                    let same = packed(&filtered(&c, &info, &given, &source));
                    assert!(out == same, "emboss and emboss-c: {info:?}");
                    let case = Case {
                        checks: &["emboss"],
                        format: format.name(),
                        size,
                        planes,
                        ..Case::default()
                    };
                    cases.add(&case, &packed(&source), &out);
                }
            }
        }
    }
    cases.judge();
}

#[test]
fn grayscale_is_pillow_s_luma() {
    let plugin = load("grayscale");
    let mut cases = Cases::new();
    for format in PixelFormat::ALL {
        for size in SIZES.into_iter().filter(|s| s.0 < 1000) {
            for content in CONTENTS {
                let info = stream(format, size);
                let source = [frame(&info, 3, content)];
                let out = packed(&filtered(&plugin, &info, &[], &source));
                let name = format.name();
                let case = Case { checks: &["grayscale"], format: name, size, ..Case::default() };
                cases.add(&case, &packed(&source), &out);
            }
        }
    }
    cases.judge();
}

#[test]
fn denoise_is_what_its_page_says() {
    let plugin = load("denoise");
    let mut cases = Cases::new();
    for format in PixelFormat::ALL {
        for size in [(1, 1), (3, 2), (33, 17), (129, 7), (160, 90)] {
            for (frames, threshold, planes, pictures) in [
                (3, 8, "luma", 5),
                (5, 8, "all", 7),
                (5, 0, "all", 4),
                (3, 255, "all", 4),
                (5, 20, "luma", 1),
                (5, 3, "all", 2),
            ] {
                let info = stream(format, size);
                let source: Vec<Frame> =
                    (0..pictures).map(|i| frame(&info, i, Content::Still)).collect();
                let given = [
                    ("frames", frames.to_string()),
                    ("threshold", threshold.to_string()),
                    ("planes", planes.to_owned()),
                ];
                let out = filtered(&plugin, &info, &given, &source);
                let times = |f: &[Frame]| f.iter().map(|f| f.timestamp).collect::<Vec<_>>();
                assert_eq!(times(&out), times(&source));
                let case = Case {
                    checks: &["denoise"],
                    format: format.name(),
                    size,
                    planes,
                    frames,
                    threshold,
                };
                cases.add(&case, &packed(&source), &packed(&out));
            }
        }
    }
    cases.judge();
}
