//! Contact sheets: frames of a video side by side in one image.

use image::imageops::{FilterType, replace, resize};
use image::{DynamicImage, RgbImage};

use super::pixels::{frame, plane_size, to_image};
use filmgate_core::frame::{Frame, PixelFormat, Plane, check_size};

/// A grid of cells, filled row by row. All cells have the aspect of the first frame; another frame
/// is fitted into its cell and centered on black.
pub struct Sheet {
    columns: u32,
    rows: u32,
    cell_width: u32,
    filled: u32,
    canvas: Option<RgbImage>,
}

impl Sheet {
    /// `cell_width`: pixels; the height follows from the first frame.
    pub fn new(columns: u32, rows: u32, cell_width: u32) -> Sheet {
        Sheet { columns, rows, cell_width, filled: 0, canvas: None }
    }

    /// Scales a frame into the next cell, with Lanczos' filter (a = 3) over all pixels that it
    /// covers, as Pillow's `LANCZOS` does in floating point.
    ///
    /// # Errors
    /// Where the frame is not rgb24, the sheet would be too large, or it is full.
    pub fn add(&mut self, picture: &Frame) -> Result<(), String> {
        if picture.format != PixelFormat::Rgb24 {
            return Err(format!("a contact sheet is made of rgb24, not of {}", picture.format));
        }
        let cell = self.cell(picture);
        let (across, down) = (cell.0 * self.columns, cell.1.saturating_mul(self.rows));
        check_size(across, down)
            .map_err(|e| format!("the sheet: {e}; take fewer or narrower cells"))?;
        if self.filled >= self.columns * self.rows {
            return Err("the sheet has no cell left".to_owned());
        }
        let canvas = self.canvas.get_or_insert_with(|| RgbImage::new(across, down));
        let (samples, _) = to_image(picture, None).map_err(|e| e.to_string())?;
        let image = RgbImage::from_raw(picture.width, picture.height, samples)
            .ok_or("the frame is smaller than it says")?;
        let (width, height) = fitted(cell, (picture.width, picture.height));
        let small = resize(&image, width, height, FilterType::Lanczos3);
        let (column, row) = (self.filled % self.columns, self.filled / self.columns);
        let x = column * cell.0 + (cell.0 - width) / 2;
        let y = row * cell.1 + (cell.1 - height) / 2;
        replace(canvas, &small, x.into(), y.into());
        self.filled += 1;
        Ok(())
    }

    /// Width and height of a cell.
    fn cell(&self, first: &Frame) -> (u32, u32) {
        let height = match &self.canvas {
            Some(canvas) => canvas.height() / self.rows,
            None => scaled(first.height, self.cell_width, first.width),
        };
        (self.cell_width, height)
    }

    /// The sheet, with black where no frame came. None if none came at all.
    pub fn frame(self) -> Option<Frame> {
        let canvas = self.canvas?;
        let size = canvas.dimensions();
        let samples = DynamicImage::ImageRgb8(canvas).into_rgb8().into_raw();
        let plane = Plane::packed(samples, plane_size(PixelFormat::Rgb24, size).ok()?).ok()?;
        Some(frame(PixelFormat::Rgb24, size, plane))
    }
}

/// The largest size of the same aspect that fits into a cell.
fn fitted(cell: (u32, u32), size: (u32, u32)) -> (u32, u32) {
    let height = scaled(size.1, cell.0, size.0);
    if height <= cell.1 {
        return (cell.0, height);
    }
    (scaled(size.0, cell.1, size.1).min(cell.0), cell.1)
}

/// `length · by / of`, rounded, at least 1.
fn scaled(length: u32, by: u32, of: u32) -> u32 {
    let of = u64::from(of.max(1));
    let scaled = (u64::from(length) * u64::from(by) + of / 2) / of;
    u32::try_from(scaled).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_keep_the_aspect_of_what_is_in_them() {
        assert_eq!(fitted((320, 180), (1280, 720)), (320, 180));
        assert_eq!(fitted((320, 180), (720, 1280)), (101, 180));
        assert_eq!(fitted((320, 180), (4000, 1)), (320, 1));
        assert_eq!(fitted((16, 9), (64, 36)), (16, 9));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let plane = |w: u32, h: u32| {
            let size = plane_size(PixelFormat::Rgb24, (w, h)).expect("a plane");
            Plane::packed(vec![200; (w * h * 3) as usize], size).expect("fits")
        };
        let picture = |w, h| frame(PixelFormat::Rgb24, (w, h), plane(w, h));
        assert!(Sheet::new(100, 1, 4096).add(&picture(4, 4)).is_err());
        let mut sheet = Sheet::new(2, 1, 16);
        sheet.add(&picture(32, 32)).expect("the first");
        sheet.add(&picture(16, 32)).expect("the second");
        assert!(sheet.add(&picture(32, 32)).is_err());
        let frame = sheet.frame().expect("a sheet");
        assert_eq!((frame.width, frame.height), (32, 16));
        let (samples, _) = to_image(&frame, None).expect("samples");
        // 8 of 16 pixels wide, centered on black.
        let red = |x: usize| samples[x * 3];
        assert_eq!(
            [red(0), red(15), red(16), red(19), red(20), red(27), red(28)],
            [200, 200, 0, 0, 200, 200, 0]
        );
    }
}
