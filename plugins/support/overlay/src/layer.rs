//! A picture prepared for the frames of one stream.
//!
//! A sample of a chroma plane stands for several pixels of the picture: it takes the mean of their
//! opacities and, weighted by these, of their colours. Pixels beyond the frame's edge do not count.

use filmgate_plugin::{Frame, Layout, PixelFormat};

use crate::patch::{Patch, Weighted};
use crate::{Colors, Picture};

/// What is laid over each frame, in the format of the stream, plane by plane.
#[derive(Clone, Debug)]
pub struct Layer {
    /// at most one a plane; planes that nothing is laid over have none
    patches: Vec<(u32, Patch)>,
}

/// A rectangle: left, top, right, bottom; the last two just outside.
type Area = (i64, i64, i64, i64);

impl Layer {
    /// `picture` with its upper left pixel at `place`, on frames of that layout. What lies outside
    /// of the frame, or cannot be seen at all, is cut away.
    pub fn new(picture: &Picture, place: (i64, i64), layout: &Layout, colors: &Colors) -> Layer {
        let Some(area) = visible(picture, place, layout) else {
            return Layer { patches: Vec::new() };
        };
        let patch = |index| (index, plane(picture, place, area, layout, colors, index));
        Layer { patches: (0..layout.format.plane_count()).map(patch).collect() }
    }

    /// Whether there is nothing to be seen of it.
    pub fn is_empty(&self) -> bool {
        self.patches.is_empty()
    }

    /// Lays it over the frame.
    pub fn paint(&self, frame: &mut Frame) {
        for (index, patch) in &self.patches {
            let (first, count) = (patch.first_row(), patch.rows());
            frame.edit_rows(*index, first, count, |samples| patch.paint(samples));
        }
    }

    /// Lays it over one plane of a frame of another size than it was made for, with its upper left
    /// pixel moved by `place`, a multiple of 2 each way. All of it must be inside. `samples` are the
    /// plane's rows from `first` on.
    pub fn paint_plane(
        &self,
        (samples, first): (&mut [u8], usize),
        plane: u32,
        frame: &Layout,
        place: (usize, usize),
    ) {
        let Some((_, patch)) = self.patches.iter().find(|(index, _)| *index == plane) else {
            return;
        };
        let (across, down) = if plane == 0 { (0, 0) } else { frame.format.chroma_shift() };
        let plane = frame.plane(plane);
        let column = (place.0 >> across) * plane.pixel_bytes();
        let row = patch.first_row() + (place.1 >> down) - first;
        patch.paint_at(samples, plane.row_bytes(), column, row);
    }
}

/// The part of the frame in which there is anything to be seen of the picture.
fn visible(picture: &Picture, place: (i64, i64), layout: &Layout) -> Option<Area> {
    let mut area: Option<Area> = None;
    for (row, y) in picture.rows().zip(place.1..) {
        let seen = |(pixel, x): (&[u8; 4], i64)| (pixel[3] > 0).then_some(x);
        let mut columns = row.iter().zip(place.0..).filter_map(seen);
        let Some(left) = columns.next() else { continue };
        let right = columns.last().unwrap_or(left) + 1;
        let (l, t, r, _) = area.unwrap_or((left, y, right, y));
        area = Some((l.min(left), t, r.max(right), y + 1));
    }
    let (left, top, right, bottom) = area?;
    let (left, top) = (left.max(0), top.max(0));
    let (right, bottom) = (right.min(layout.width.into()), bottom.min(layout.height.into()));
    (left < right && top < bottom).then_some((left, top, right, bottom))
}

/// The picture on one plane.
fn plane(
    picture: &Picture,
    place: (i64, i64),
    area: Area,
    layout: &Layout,
    colors: &Colors,
    index: u32,
) -> Patch {
    let (across, down) = if index == 0 { (0, 0) } else { layout.format.chroma_shift() };
    let (left, top) = (area.0 >> across, area.1 >> down);
    let (right, bottom) = (((area.2 - 1) >> across) + 1, ((area.3 - 1) >> down) + 1);
    let room = ((right - left) * (bottom - top)) as usize;
    let mut patch = Patch::new(layout, index, (left as usize, top as usize), room);
    for y in top..bottom {
        for x in left..right {
            let inside = |x: i64, side: u32| x < side.into();
            let columns = ((x << across)..(x + 1) << across).filter(|x| inside(*x, layout.width));
            let rows = ((y << down)..(y + 1) << down).filter(|y| inside(*y, layout.height));
            let pixels = rows.flat_map(|y| columns.clone().map(move |x| (x, y)));
            let pixels = pixels.map(|(x, y)| picture.at(x - place.0, y - place.1));
            if layout.format.channels() > 1 {
                pixels.for_each(|pixel| pixel_of_channels(&mut patch, pixel, layout, colors));
            } else {
                patch.push(mean(pixels, colors, index as usize));
            }
        }
        patch.end_row();
    }
    patch
}

/// The samples of a pixel whose channels lie side by side.
fn pixel_of_channels(patch: &mut Patch, pixel: [u8; 4], layout: &Layout, colors: &Colors) {
    let [red, green, blue, alpha] = pixel;
    for sample in colors.samples([red, green, blue]) {
        patch.push(Weighted { alpha, color: u32::from(sample) * u32::from(alpha) });
    }
    if layout.format == PixelFormat::Rgba {
        patch.push(Weighted { alpha, color: 255 * u32::from(alpha) });
        patch.push_pixel(pixel);
    }
}

/// The mean of some pixels in one plane. Rounded to the nearest, halves up; the colour never
/// exceeds what the opacity allows.
fn mean(pixels: impl Iterator<Item = [u8; 4]>, colors: &Colors, plane: usize) -> Weighted {
    let (mut count, mut opacity, mut color) = (0, 0, 0);
    for [red, green, blue, alpha] in pixels {
        let sample = u32::from(colors.samples([red, green, blue])[plane]);
        count += 1;
        opacity += u32::from(alpha);
        color += sample * u32::from(alpha);
    }
    let mean = |sum: u32| (2 * sum + count) / (2 * count);
    let alpha = mean(opacity);
    Weighted { alpha: alpha as u8, color: mean(color).min(colors.most() * alpha) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use filmgate_plugin::StreamInfo;

    const RED: [u8; 4] = [255, 0, 0, 255];

    fn painted(format: PixelFormat, size: (u32, u32), picture: &Picture, at: (i64, i64)) -> Frame {
        let stream = StreamInfo::new(size.0, size.1, format);
        let layout = stream.layout().expect("a known format");
        let colors = Colors::of(&stream).expect("a known format");
        let mut frame = Frame::new(&stream.frame(0, 0));
        Layer::new(picture, at, &layout, &colors).paint(&mut frame);
        frame
    }

    #[test]
    fn chroma_takes_the_mean_of_its_pixels() {
        // Red over one, two and four of the four pixels of a chroma sample: Cr from 128 to 240.
        let frame = painted(PixelFormat::Yuv420p, (6, 4), &Picture::filled(3, 2, RED), (1, 1));
        let light = frame.plane(0);
        assert_eq!(light[..12], [16, 16, 16, 16, 16, 16, 16, 81, 81, 81, 16, 16]);
        assert_eq!(frame.plane(2), [156, 184, 128, 156, 184, 128]);
        assert_eq!(frame.plane(1), [118, 109, 128, 118, 109, 128]);
    }

    #[test]
    fn pixels_beyond_the_edge_do_not_count() {
        let frame = painted(PixelFormat::Yuv420p, (3, 3), &Picture::filled(9, 9, RED), (2, 2));
        assert_eq!(frame.plane(2), [128, 128, 128, 240]);
        let frame = painted(PixelFormat::Yuv420p, (3, 3), &Picture::filled(9, 9, RED), (-7, -7));
        assert_eq!(frame.plane(2), [240, 128, 128, 128]);
        assert_eq!(frame.plane(0), [81, 81, 16, 81, 81, 16, 16, 16, 16]);
    }

    #[test]
    fn what_cannot_be_seen_is_cut_away() {
        let layout = Layout { format: PixelFormat::Gray8, width: 8, height: 8 };
        let colors = Colors::of(&StreamInfo::new(8, 8, layout.format)).expect("a known format");
        let mut picture = Picture::filled(4, 4, [255, 255, 255, 0]);
        assert!(Layer::new(&picture, (0, 0), &layout, &colors).is_empty());
        picture.pixels_mut()[6] = [255; 4];
        let layer = Layer::new(&picture, (0, 0), &layout, &colors);
        let mut samples = [0; 64];
        layer.paint_plane((&mut samples, 0), 0, &layout, (4, 2));
        assert_eq!(samples.iter().position(|sample| *sample == 255), Some(3 * 8 + 6));
        assert_eq!(samples.iter().filter(|sample| **sample > 0).count(), 1);
        assert!(Layer::new(&picture, (-3, 0), &layout, &colors).is_empty());
        assert!(Layer::new(&picture, (0, 7), &layout, &colors).is_empty());
    }

    #[test]
    fn transparent_frames_become_less_so() {
        let stream = StreamInfo::new(2, 1, PixelFormat::Rgba);
        let mut frame = Frame::new(&stream.frame(0, 0));
        frame.set_plane(0, &[0, 0, 0, 0, 10, 20, 30, 255]);
        let picture = Picture::filled(2, 1, [200, 100, 50, 128]);
        let colors = Colors::of(&stream).expect("a known format");
        let layout = stream.layout().expect("a known format");
        Layer::new(&picture, (0, 0), &layout, &colors).paint(&mut frame);
        // Nothing under it: the picture itself. Something opaque: half of each.
        assert_eq!(frame.plane(0), [200, 100, 50, 128, 105, 60, 40, 255]);
    }
}
