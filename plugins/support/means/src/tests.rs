use super::*;

/// The definition, sample by sample, of one window both ways.
fn defined(samples: &[u32], plane: &PlaneLayout, times: usize, windows: [Window; 2]) -> Vec<u32> {
    let channels = plane.channels;
    let at = |v: &[u32], x: isize, y: isize, c: usize| {
        let x = x.clamp(0, plane.columns as isize - 1) as usize;
        let y = y.clamp(0, plane.rows as isize - 1) as usize;
        v[(y * plane.columns + x) * channels + c]
    };
    let mut samples = samples.to_vec();
    for (window, (dx, dy)) in [(windows[0], (1, 0)), (windows[1], (0, 1))] {
        for _ in 0..times {
            let before = samples.clone();
            for (i, out) in samples.iter_mut().enumerate() {
                let (c, pixel) = (i % channels, i / channels);
                let x = (pixel % plane.columns) as isize;
                let y = (pixel / plane.columns) as isize;
                let v = |k: isize| at(&before, x + k * dx, y + k * dy, c);
                let r = window.radius as isize;
                let acc: u32 = (-r..=r).map(v).sum();
                let far = v(-r - 1) + v(r + 1);
                *out = if plane.sample_bytes == 1 {
                    let sum = u64::from(acc) * u64::from(window.ww)
                        + u64::from(far) * u64::from(window.fw);
                    ((sum + (1 << 23)) >> 24) as u32
                } else {
                    let sum = acc as f32 + far as f32 * window.share;
                    (sum / window.length).round_ties_even() as u32
                };
            }
        }
    }
    samples
}

fn noise(count: usize, most: u32) -> Vec<u32> {
    let mut state = 7_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        match state >> 29 {
            0 => 0,
            1 => most,
            _ => (state >> 8) % (most + 1),
        }
    };
    (0..count).map(|_| next()).collect()
}

fn check(plane: PlaneLayout, most: u32, kind: Kind, radius: (f32, f32)) {
    let samples = noise(plane.columns * plane.rows * plane.channels, most);
    let pack = |samples: &[u32]| -> Vec<u8> {
        samples.iter().flat_map(|s| s.to_le_bytes()[..plane.sample_bytes].to_vec()).collect()
    };
    let (times, windows) = match kind {
        Kind::Box => (1, [Window::of(radius.0), Window::of(radius.1)]),
        Kind::Gaussian => (3, [Window::gaussian(radius.0), Window::gaussian(radius.1)]),
    };
    let expected = pack(&defined(&samples, &plane, times, windows));
    let mut softener = Softener::new(plane, kind, radius.0, radius.1);
    // Twice, because buffers are kept.
    for _ in 0..2 {
        let mut bytes = pack(&samples);
        softener.soften(&mut bytes);
        assert!(bytes == expected, "{plane:?} {kind:?} {radius:?}");
    }
}

#[test]
fn it_is_what_the_definition_says() {
    for (sample_bytes, most) in [(1, 255), (2, 1023), (2, 65535)] {
        for (columns, rows, channels) in [(1, 1, 1), (7, 3, 3), (33, 9, 4), (130, 5, 1)] {
            let plane = PlaneLayout { columns, rows, channels, sample_bytes };
            for radius in [(0.25, 0.5), (1.0, 1.0), (2.5, 1.3), (64.0, 64.0)] {
                check(plane, most, Kind::Box, radius);
                check(plane, most, Kind::Gaussian, radius);
            }
        }
    }
}

#[test]
fn a_whole_radius_is_the_mean_to_the_nearest() {
    for radius in 1..=64_u32 {
        let (window, count) = (Window::of(radius as f32), 2 * radius + 1);
        for acc in 0..=count * 255 {
            // The samples outside of the window are anything from 0 to 255.
            for far in [0, 510] {
                let out =
                    (u64::from(acc * window.ww) + u64::from(far * window.fw) + (1 << 23)) >> 24;
                assert_eq!(out as u32, (acc + radius) / count, "radius {radius}, sum {acc}");
            }
        }
    }
}

#[test]
fn a_flat_plane_stays() {
    let plane = PlaneLayout { columns: 9, rows: 9, channels: 1, sample_bytes: 1 };
    for radius in [0.3, 1.0, 7.7, 64.0] {
        for kind in [Kind::Box, Kind::Gaussian] {
            let mut samples = vec![255; 81];
            Softener::new(plane, kind, radius, radius).soften(&mut samples);
            assert_eq!(samples, vec![255; 81]);
        }
    }
}
