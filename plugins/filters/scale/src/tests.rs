//! Whole frames.

use super::*;
use filmgate_plugin::Value;

fn scale(
    format: PixelFormat,
    size: (u32, u32),
    given: &[(&str, &str)],
    fill: &dyn Fn(usize) -> u8,
) -> Frame {
    let stream = StreamInfo::new(size.0, size.1, format);
    let mut frame = Frame::new(&stream.frame(3, 40));
    for index in 0..format.plane_count() {
        frame.edit_plane(index, |samples| {
            samples.iter_mut().enumerate().for_each(|(i, sample)| *sample = fill(i));
        });
    }
    let black = Value::Color(filmgate_plugin::Color { red: 0, green: 0, blue: 0, alpha: 255 });
    let mut values = vec![
        ("width", "-1".into()),
        ("height", "-1".into()),
        ("mode", "stretch".into()),
        ("filter", "lanczos".into()),
        ("chroma", "left".into()),
        ("color", black),
    ];
    for (name, value) in given {
        values.retain(|(known, _)| known != name);
        values.push((name, (*value).into()));
    }
    let mut filter = Scale::configure(&stream, &Parameters::new(values)).expect("sound parameters");
    let output = filter.output(stream);
    let frame = filter.process(frame).expect("it always works").remove(0);
    let info = frame.info();
    assert_eq!((info.width, info.height), (output.width, output.height));
    assert_eq!((info.index, info.timestamp), (3, 40));
    frame
}

#[test]
fn flat_stays_flat_in_every_format_and_size() {
    for format in PixelFormat::ALL {
        for size in [(1, 1), (2, 5), (33, 17), (64, 48)] {
            for out in [("1", "1"), ("7", "3"), ("200", "9"), ("64", "64")] {
                for filter in ["lanczos", "bilinear"] {
                    // 10 bits: 0x0101.
                    let value = if format.bits() == 10 { 1 } else { 200 };
                    let given = [("width", out.0), ("height", out.1), ("filter", filter)];
                    let frame = scale(format, size, &given, &|_| value);
                    for index in 0..format.plane_count() {
                        let plane = frame.plane(index);
                        // 16 bits are kept to 15.
                        let low = if format.bits() == 16 { value | 1 } else { value };
                        let sound = |(i, v): (usize, &u8)| *v == value || i % 2 == 0 && *v == low;
                        assert!(plane.iter().enumerate().all(sound), "{format} {size:?} {given:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_same_size_is_the_same_frame() {
    let frame =
        scale(PixelFormat::Yuv420p, (5, 3), &[("width", "5"), ("height", "3")], &|i| i as u8);
    assert_eq!(frame.plane(0), (0..15).collect::<Vec<u8>>());
}

#[test]
fn bars_have_their_color() {
    let given = [("width", "12"), ("height", "4"), ("mode", "pad")];
    let frame = scale(PixelFormat::Yuv420p, (4, 4), &given, &|_| 90);
    let row = [16, 16, 16, 16, 90, 90, 90, 90, 16, 16, 16, 16];
    assert_eq!(frame.plane(0), row.repeat(4));
    assert_eq!(frame.plane(1), [128, 128, 90, 90, 128, 128].repeat(2));
}

#[test]
fn what_cannot_be_seen_has_no_color() {
    // Opaque red beside green that nobody sees.
    let pixels = [200, 0, 0, 255, 0, 200, 0, 0];
    let given = [("width", "1"), ("height", "1"), ("filter", "bilinear")];
    let frame = scale(PixelFormat::Rgba, (2, 1), &given, &|i| pixels[i]);
    assert_eq!(frame.plane(0), [200, 0, 0, 128]);
}
