//! Packed 8-bit RGB to planar YUV 4:2:0, two rows at a time, in vectors where the processor has
//! them.
//!
//! libswscale's way for this pair of formats is scalar code that takes longer than reading the
//! pictures from a pipe and half as long as encoding them. Here each luma sample is the exact value
//! rounded, and each chroma sample that of the mean of its four pixels (which ffmpeg does too; the
//! OpenCV way takes one pixel of four). Vectors and plain code give the same bits; see the tests
//! for how near that is to the exact values.

#[cfg(target_arch = "x86_64")]
mod avx2;

/// The order of the bytes of a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Rgb,
    Bgr,
}

/// A packed format: 3 bytes a pixel, or 4 with one that is not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packed {
    pub order: Order,
    /// 3 or 4
    pub bytes: usize,
}

/// Weights of the first, second and third byte of a pixel, times 2^15.
#[derive(Clone, Copy, Debug)]
struct Weights {
    y: [i16; 3],
    u: [i16; 3],
    v: [i16; 3],
    /// of luma's black and a half, for rounding, times 2^15
    offset: i32,
}

const BITS: u32 = 15;
/// A chroma sample is made of four pixels.
const CHROMA_BITS: u32 = BITS + 2;
const HALF: i32 = (128 << CHROMA_BITS) + (1 << (CHROMA_BITS - 1));

impl Weights {
    /// `kr` and `kb` as in ITU-R BT.601 and BT.709; there the ranges of samples, too.
    fn new((kr, kb): (f64, f64), full_range: bool, order: Order) -> Weights {
        let (luma, chroma, black) =
            if full_range { (1.0, 1.0, 0) } else { (219.0 / 255.0, 224.0 / 255.0, 16) };
        let scale = f64::from(1u32 << BITS);
        let fixed = |x: f64| (x * scale).round() as i16;
        // The middle one of each is what makes gray come out as exactly gray.
        let (yr, yb) = (fixed(kr * luma), fixed(kb * luma));
        let yg = fixed(luma) - yr - yb;
        let (ur, vb) =
            (fixed(-kr / (2.0 * (1.0 - kb)) * chroma), fixed(-kb / (2.0 * (1.0 - kr)) * chroma));
        let most = fixed(chroma / 2.0);
        let (y, u, v) = ([yr, yg, yb], [ur, -most - ur, most], [most, -most - vb, vb]);
        let in_order = |[r, g, b]: [i16; 3]| match order {
            Order::Rgb => [r, g, b],
            Order::Bgr => [b, g, r],
        };
        let offset = (black << BITS) + (1 << (BITS - 1));
        Weights { y: in_order(y), u: in_order(u), v: in_order(v), offset }
    }
}

/// Converts pictures of one width, two rows at a time.
pub struct Rows {
    packed: Packed,
    weights: Weights,
    width: usize,
    vectors: bool,
    #[cfg(target_arch = "x86_64")]
    masks: avx2::Masks,
}

/// Where two rows go: two of luma, one of each chroma.
pub struct Target<'a> {
    pub y: [&'a mut [u8]; 2],
    pub u: &'a mut [u8],
    pub v: &'a mut [u8],
}

impl Rows {
    /// `width` must be even. `weights`: the matrix's Kr and Kb.
    pub fn new(packed: Packed, matrix: (f64, f64), full_range: bool, width: usize) -> Rows {
        let weights = Weights::new(matrix, full_range, packed.order);
        #[cfg(target_arch = "x86_64")]
        let vectors = is_x86_feature_detected!("avx2");
        #[cfg(not(target_arch = "x86_64"))]
        let vectors = false;
        Rows {
            packed,
            weights,
            width,
            vectors,
            #[cfg(target_arch = "x86_64")]
            masks: avx2::Masks::new(packed.bytes),
        }
    }

    /// Bytes of a row.
    pub fn row_bytes(&self) -> usize {
        self.width * self.packed.bytes
    }

    /// Two rows that follow each other in `source`; those of the target are at least as long as
    /// the picture is wide.
    pub fn convert(&self, source: &[u8], target: &mut Target<'_>) {
        let (first, second) = source.split_at(self.row_bytes());
        let second = &second[..self.row_bytes()];
        let mut done = 0;
        #[cfg(target_arch = "x86_64")]
        if self.vectors {
            // SAFETY: the processor has AVX2: `vectors` says so.
            done = unsafe { avx2::convert([first, second], target, self) };
        }
        let _ = self.vectors;
        self.plain([first, second], target, done);
    }

    /// The rows from column `from` on.
    fn plain(&self, rows: [&[u8]; 2], target: &mut Target<'_>, from: usize) {
        let bytes = self.packed.bytes;
        let w = &self.weights;
        for x in (from..self.width).step_by(2) {
            let mut sum = [0i32; 3];
            for (row, luma) in rows.iter().zip(&mut target.y) {
                for column in [x, x + 1] {
                    let pixel = &row[column * bytes..column * bytes + 3];
                    let pixel = [pixel[0], pixel[1], pixel[2]].map(i32::from);
                    luma[column] = ((dot(pixel, w.y) + w.offset) >> BITS) as u8;
                    sum = [sum[0] + pixel[0], sum[1] + pixel[1], sum[2] + pixel[2]];
                }
            }
            let chroma = |w| ((dot(sum, w) + HALF) >> CHROMA_BITS).clamp(0, 255) as u8;
            (target.u[x / 2], target.v[x / 2]) = (chroma(w.u), chroma(w.v));
        }
    }
}

fn dot(pixel: [i32; 3], weights: [i16; 3]) -> i32 {
    let [a, b, c] = weights.map(i32::from);
    pixel[0] * a + pixel[1] * b + pixel[2] * c
}

/// Kr and Kb of the matrices that pictures of a computer become: BT.709 for high definition,
/// BT.601 below.
pub fn coefficients(bt709: bool) -> (f64, f64) {
    if bt709 { (0.2126, 0.0722) } else { (0.299, 0.114) }
}

#[cfg(test)]
mod tests;
