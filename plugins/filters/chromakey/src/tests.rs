use super::*;

const GREEN: Color = Color { red: 0, green: 255, blue: 0, alpha: 255 };
const BLUE: Color = Color { red: 0, green: 0, blue: 255, alpha: 255 };

fn cut(format: PixelFormat, frame: Frame, background: Option<Color>) -> Frame {
    let info = frame.info();
    let stream = StreamInfo::new(info.width, info.height, format);
    let given = [("color", GREEN.into()), ("similarity", 0.1.into()), ("blend", 0.0.into())];
    let background = background.map(|color| ("background", color.into()));
    let parameters = Parameters::new(given.into_iter().chain(background));
    let mut filter = Chromakey::configure(&stream, &parameters).expect("parameters in range");
    filter.process(frame).expect("it always works").remove(0)
}

/// Red on the left, the key on the right; 80 x 3 pixels.
fn halves(format: PixelFormat) -> Frame {
    let mut frame = Frame::new(&StreamInfo::new(80, 3, format).frame(3, 40));
    let channels = format.channels();
    frame.edit_plane(0, |samples| {
        for (i, pixel) in samples.chunks_exact_mut(channels).enumerate() {
            let color = if i % 80 < 40 { [200, 0, 0, 250] } else { [0, 255, 0, 250] };
            pixel.copy_from_slice(&color[..channels]);
        }
    });
    frame
}

#[test]
fn the_key_becomes_transparent() {
    let frame = cut(PixelFormat::Rgba, halves(PixelFormat::Rgba), None);
    for (i, pixel) in frame.plane(0).chunks_exact(4).enumerate() {
        let x = i % 80;
        assert_eq!(pixel[0], if x < 40 { 200 } else { 0 });
        // At the border, where neighbours are different, what is partly another colour stays.
        if x != 40 {
            assert_eq!(pixel[3], if x < 40 { 250 } else { 0 }, "{x}");
        }
    }
}

#[test]
fn a_background_takes_its_place() {
    for format in [PixelFormat::Rgba, PixelFormat::Rgb24] {
        let frame = cut(format, halves(format), Some(BLUE));
        let samples = frame.plane(0);
        let pixels: Vec<&[u8]> = samples.chunks_exact(format.channels()).collect();
        let blue = [0, 0, 255, 255];
        assert_eq!(pixels[60], &blue[..format.channels()]);
        assert_eq!(pixels[20][..3], [200, 0, 0]);
    }
}

#[test]
fn yuv_is_filled() {
    for format in [PixelFormat::Yuv420p, PixelFormat::Yuv422p, PixelFormat::Yuv444p] {
        let stream = StreamInfo::new(9, 5, format);
        let mut frame = Frame::new(&stream.frame(0, 0));
        // A green that is darker than the key, so its chroma is a little off.
        for (index, sample) in [(0, 100), (1, 60), (2, 40)] {
            frame.edit_plane(index, |samples| samples.fill(sample));
        }
        let frame = cut(format, frame, Some(BLUE));
        let planes = [0, 1, 2].map(|index| frame.plane(index));
        for (plane, sample) in planes.iter().zip([41, 240, 110]) {
            assert!(plane.iter().all(|v| *v == sample), "{format}: {plane:?}");
        }
    }
}

#[test]
fn other_colours_stay() {
    for format in [PixelFormat::Yuv420p, PixelFormat::Yuv444p10] {
        let stream = StreamInfo::new(9, 5, format);
        let frame = Frame::new(&stream.frame(0, 0));
        let after = cut(format, frame.clone(), Some(BLUE));
        for index in 0..3 {
            assert_eq!(after.plane(index), frame.plane(index));
        }
    }
}
