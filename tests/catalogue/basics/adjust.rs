//! `adjust` against its definition in numpy, and against FFmpeg's `eq`.

use filmgate::frame::PixelFormat::{self, *};

use super::bench::{SIZES, answer, difference, picture, through_ffmpeg, through_python};

/// brightness, contrast, saturation, gamma
const SETTINGS: [[&str; 4]; 6] = [
    ["0.05", "1.2", "1.3", "1"],
    ["-0.25", "0.71", "0", "1"],
    ["0.5", "3", "3", "1"],
    ["0", "1", "0.4", "1.4"],
    ["0.1", "1.5", "1", "0.45"],
    ["0", "1", "1", "1"],
];

fn given([brightness, contrast, saturation, gamma]: [&str; 4]) -> [(&'static str, &str); 4] {
    [
        ("brightness", brightness),
        ("contrast", contrast),
        ("saturation", saturation),
        ("gamma", gamma),
    ]
}

/// The definition of the README.
const DEFINITION: &str = r"
most = 2 ** bits - 1
black, white = (0, most) if full else (16 << bits - 8, 235 << bits - 8)
span = white - black

def line(s, factor, offset):
    k = {8: 5, 10: 3, 16: 13}[bits]
    f = int(np.floor(8192 * factor + 0.5))
    o = int(np.floor(2 ** k * offset + 0.5))
    t = s * f if bits == 16 else (s * f + 2 ** (12 - k)) >> 13 - k
    return np.clip((t + o + 2 ** (k - 1)) >> k, 0, most)

def light(s):
    if gamma == 1:
        o = black + span * ((1 - contrast) / 2 + brightness) - black * contrast
        return line(s, contrast, o)
    v = contrast * ((s - black) / span - 0.5) + 0.5 + brightness
    v = np.maximum(v, 0) ** (1 / gamma)
    return np.clip(np.floor(black + span * v + 0.5), 0, most).astype('i8')

s = samples.astype('i8')
if channels > 1:
    p = s.reshape(-1, channels)
    luma = (p[:, :3] @ np.array([19595, 38470, 7471]) + 2 ** 15) >> 16
    change = (p[:, :3] - luma[:, None]) * int(np.floor(8192 * saturation + 0.5)) + 2 ** 12 >> 13
    p[:, :3] = np.clip(light(luma)[:, None] + change, 0, most)
    s = p.reshape(-1)
else:
    s[:width * height] = light(s[:width * height])
    middle = (most + 1) // 2
    s[width * height:] = line(s[width * height:], saturation, middle * (1 - saturation))
out = s.astype(samples.dtype)
";

#[test]
fn it_is_what_the_definition_says() {
    for format in PixelFormat::ALL {
        for (settings, range) in SETTINGS.into_iter().zip(["tv", "pc", ""].into_iter().cycle()) {
            let before = picture(format, SIZES[1]);
            let full = if range == "pc" || !format.is_yuv() { "True" } else { "False" };
            let channels = match format {
                Rgb24 | Rgb48 => 3,
                Rgba => 4,
                _ => 1,
            };
            let [brightness, contrast, saturation, gamma] = settings;
            let program = format!(
                "bits, full, channels = {}, {full}, {channels}\n\
                 brightness, contrast, saturation, gamma = \
                 {brightness}, {contrast}, {saturation}, {gamma}\n{DEFINITION}",
                format.bits()
            );
            let found = answer("adjust", &given(settings), range, &before);
            let expected = through_python(&before, &program);
            assert!(found.samples == expected, "{settings:?} {format} {range}");
        }
    }
}

/// FFmpeg takes everything for full range, cuts where `adjust` rounds, twice, and reckons
/// brightness in whole levels.
#[test]
fn at_full_range_it_is_nearly_ffmpeg_eq() {
    for format in [Yuv420p, Yuv422p, Yuv444p, Gray8] {
        for size in SIZES {
            for settings in SETTINGS {
                let before = picture(format, size);
                let [brightness, contrast, saturation, gamma] = settings;
                let filter = format!(
                    "eq=brightness={brightness}:contrast={contrast}:\
                     saturation={saturation}:gamma={gamma}"
                );
                let expected = through_ffmpeg(&before, &filter, size);
                let found = answer("adjust", &given(settings), "pc", &before);
                let most = difference(&found, &expected);
                assert!(most <= 2, "{filter} {format} {size:?}: differs by {most}");
            }
        }
    }
}
