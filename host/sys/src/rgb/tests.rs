//! Vectors beside plain code, and both beside exact arithmetic.

use super::*;

const ORDERS: [Order; 2] = [Order::Rgb, Order::Bgr];

struct Picture {
    y: [Vec<u8>; 2],
    u: Vec<u8>,
    v: Vec<u8>,
}

fn converted(rows: &Rows, source: &[u8]) -> Picture {
    let half = rows.width / 2;
    let blank = |n| vec![0u8; n];
    let mut out =
        Picture { y: [blank(rows.width), blank(rows.width)], u: blank(half), v: blank(half) };
    let [y0, y1] = &mut out.y;
    rows.convert(source, &mut Target { y: [y0, y1], u: &mut out.u, v: &mut out.v });
    out
}

/// Samples that look like noise, with the corners of the cube among them.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..bytes)
        .map(|_| match next() % 5 {
            0 => 0,
            1 => 255,
            _ => next(),
        })
        .collect()
}

#[test]
fn vectors_and_plain_code_give_the_same_bits() {
    for (bytes, width) in [(3, 2), (3, 30), (3, 64), (3, 130), (4, 66), (4, 320), (3, 1280)] {
        for (order, full) in ORDERS.into_iter().zip([false, true]) {
            let source = noise(2 * width * bytes);
            let mut rows = Rows::new(Packed { order, bytes }, coefficients(true), full, width);
            let fast = converted(&rows, &source);
            rows.vectors = false;
            let plain = converted(&rows, &source);
            assert!(fast.y == plain.y && fast.u == plain.u && fast.v == plain.v, "{width} {bytes}");
        }
    }
}

#[test]
fn samples_are_the_exact_values_rounded() {
    const WIDTH: usize = 4096;
    let source = noise(2 * WIDTH * 3);
    for (bt709, full) in [(false, false), (true, false), (true, true)] {
        let (kr, kb) = coefficients(bt709);
        let (luma, chroma, black) =
            if full { (1.0, 1.0, 0.0) } else { (219.0 / 255.0, 224.0 / 255.0, 16.0) };
        let rows = Rows::new(Packed { order: Order::Bgr, bytes: 3 }, (kr, kb), full, WIDTH);
        let out = converted(&rows, &source);
        let at = |x: usize, y: usize| {
            let i = (y * WIDTH + x) * 3;
            [source[i + 2], source[i + 1], source[i]].map(f64::from)
        };
        let light = |[r, g, b]: [f64; 3]| kr * r + (1.0 - kr - kb) * g + kb * b;
        for x in 0..WIDTH {
            for y in 0..2 {
                let exact = black + light(at(x, y)) * luma;
                assert!((f64::from(out.y[y][x]) - exact).abs() < 0.51, "luma {x} {y}");
            }
        }
        for x in 0..WIDTH / 2 {
            let mut mean = [0.0; 3];
            for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                mean.iter_mut().zip(at(2 * x + dx, dy)).for_each(|(m, p)| *m += p / 4.0);
            }
            let l = light(mean);
            let u = 128.0 + (mean[2] - l) / (2.0 * (1.0 - kb)) * chroma;
            let v = 128.0 + (mean[0] - l) / (2.0 * (1.0 - kr)) * chroma;
            for (sample, exact) in [(out.u[x], u), (out.v[x], v)] {
                assert!((f64::from(sample) - exact.min(255.0)).abs() < 0.51, "chroma {x}");
            }
        }
    }
}

#[test]
fn gray_has_no_colour() {
    for value in 0..=255u8 {
        let rows = Rows::new(Packed { order: Order::Bgr, bytes: 3 }, coefficients(true), false, 64);
        let out = converted(&rows, &vec![value; 2 * 64 * 3]);
        assert!(out.u.iter().chain(&out.v).all(|s| *s == 128), "{value}");
    }
}
